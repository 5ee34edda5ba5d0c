"""A cluster as tests use it: REST, kubectl, kubeconfigs, and the cleaning between tests."""

from __future__ import annotations

import base64
import itertools
import json
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

from tests.controlplane.build import RigError
from tests.controlplane.kubeconfig import kubeconfig_document, write_kubeconfig
from tests.controlplane.processes import Process
from tests.controlplane.rest import Api, ApiError, Json
from tests.controlplane.waiting import eventually

KUBECTL_TIMEOUT_SECONDS = 120.0
TOKEN_LIFETIME_SECONDS = 24 * 3600

CRD = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/failoverips.failoverip.io"
FAILOVER_IPS = "/apis/failoverip.io/v1alpha1/failoverips"
NODES = "/api/v1/nodes"
LEASES = "/apis/coordination.k8s.io/v1/leases"
HEARTBEAT_NAMESPACE = "kube-node-lease"
# On each node and heartbeat Lease that the rig makes.
PRETEND_LABEL = "failoverip.io/pretend"
# kube-controller-manager and the API servers keep their own Leases there.
SYSTEM_NAMESPACE = "kube-system"


def namespaced_leases(namespace: str) -> str:
    """The path of a namespace's Leases."""
    return f"/apis/coordination.k8s.io/v1/namespaces/{namespace}/leases"


@dataclass(frozen=True)
class Access:
    """How clients reach a cluster. `token` is None where `server` is already authenticated."""

    server: str
    token: str | None
    ca: Path | None


class Cluster:
    """A Kubernetes API and its kubectl. Files that it writes go to `directory`."""

    def __init__(self, access: Access, kubectl: Path, kubeconfig: Path, directory: Path) -> None:
        self.directory = directory
        self.admin_kubeconfig = kubeconfig
        self._access = access
        self.program = kubectl
        self._clients: list[Api] = []
        self._numbers = itertools.count(1)
        self.admin = self.api()

    @property
    def ca(self) -> Path | None:
        """The certificate that a proxy trusts upstream."""
        return self._access.ca

    def api(self, server: str | None = None, timeout_seconds: float = 30.0) -> Api:
        """A client with every right, of the first API server or of `server`."""
        access = self._access
        client = Api(server or access.server, access.token, access.ca, timeout_seconds)
        self._clients.append(client)
        return client

    def kubectl(
        self, *args: str, stdin: str | None = None, check: bool = True
    ) -> subprocess.CompletedProcess[str]:
        """Run kubectl as admin. `check` raises AssertionError with its message when it fails."""
        done = subprocess.run(
            [
                self.program,
                f"--kubeconfig={self.admin_kubeconfig}",
                f"--cache-dir={self.directory / 'kubectl-cache'}",
                *args,
            ],
            input=stdin,
            env={"HOME": str(self.directory), "PATH": os.defpath},
            capture_output=True,
            text=True,
            timeout=KUBECTL_TIMEOUT_SECONDS,
            check=False,
        )
        if check and done.returncode != 0:
            raise AssertionError(f"kubectl {' '.join(args)}: {done.stderr.strip()}")
        return done

    def service_account_kubeconfig(
        self, namespace: str, name: str, server: str | None = None
    ) -> Path:
        """A kubeconfig with a fresh token of a ServiceAccount, and no other right.

        `server` replaces the API server's URL: a proxy that stands between one replica and the API.
        """
        path = f"/api/v1/namespaces/{namespace}/serviceaccounts/{name}/token"
        request: Json = {
            "apiVersion": "authentication.k8s.io/v1",
            "kind": "TokenRequest",
            "spec": {"expirationSeconds": TOKEN_LIFETIME_SECONDS},
        }
        token = self.admin.create(path, request)["status"]["token"]
        reached, ca = self._reached_by_others()
        document = kubeconfig_document(server or reached, token, ca, namespace)
        number = next(self._numbers)
        return write_kubeconfig(self.directory / f"{name}-{number}.kubeconfig", document)

    def clean(self) -> None:
        """Delete FailoverIPs, nodes, Leases (but the system's) and the Events of namespace default.

        What a test applied besides (namespaces, RBAC, CRD, Secrets) stays.
        """
        if self.admin.find(CRD) is not None:
            self._delete_all(FAILOVER_IPS)
        self._delete_all(NODES)
        namespaces = {lease["metadata"]["namespace"] for lease in self.admin.list(LEASES)}
        for namespace in sorted(namespaces - {SYSTEM_NAMESPACE}):
            self._delete_all(namespaced_leases(namespace))
        self._delete_all("/apis/events.k8s.io/v1/namespaces/default/events")

    def close(self) -> None:
        """Close every client that `api` handed out."""
        for client in self._clients:
            client.close()

    def _delete_all(self, path: str, **query: str) -> None:
        try:
            self.admin.delete(path, **query)
        except ApiError as error:
            # 404: a CRD that goes away while its objects are deleted.
            if error.status != 404:
                raise

    def _reached_by_others(self) -> tuple[str, Path | None]:
        return self._access.server, self._access.ca


class ExistingCluster(Cluster):
    """The cluster of the user's KUBECONFIG, through `kubectl proxy`, whatever its way to log in.

    Nothing of its control plane can be frozen or restarted. RigError when FailoverIPs are in it,
    which the tests would delete.
    """

    def __init__(self, kubectl: Path, kubeconfig: Path, directory: Path) -> None:
        self._log = directory / "kubectl-proxy.log"
        self._proxy = Process(
            [kubectl, f"--kubeconfig={kubeconfig}", "proxy", "--port=0"], self._log, os.environ
        )
        self._proxy.start()
        server = eventually(self._proxy_url, "kubectl proxy listens")
        super().__init__(Access(server, None, None), kubectl, kubeconfig, directory)
        if self.admin.find(CRD) is not None and self.admin.list(FAILOVER_IPS):
            self.close()
            raise RigError("USE_EXISTING_CLUSTER: it has FailoverIPs, which tests would delete")

    def clean(self) -> None:
        """Delete FailoverIPs and what pretend kubelets made; the cluster's own nodes stay."""
        if self.admin.find(CRD) is not None:
            self._delete_all(FAILOVER_IPS)
        ours = f"{PRETEND_LABEL}=true"
        self._delete_all(NODES, labelSelector=ours)
        self._delete_all(namespaced_leases(HEARTBEAT_NAMESPACE), labelSelector=ours)

    def close(self) -> None:
        """Close the clients and the proxy."""
        super().close()
        self._proxy.kill()

    def _proxy_url(self) -> str | None:
        if not self._proxy.running:
            raise RigError(f"kubectl proxy ended: {self._proxy.log_tail()}")
        _, found, address = self._proxy.log_tail().partition("Starting to serve on ")
        return f"http://{address.strip()}" if found else None

    def _reached_by_others(self) -> tuple[str, Path | None]:
        view = self.kubectl("config", "view", "--raw", "--minify", "--flatten", "-o", "json")
        cluster = json.loads(view.stdout)["clusters"][0]["cluster"]
        data = cluster.get("certificate-authority-data")
        if data is None:
            return cluster["server"], None
        ca = self.directory / "existing-ca.crt"
        ca.write_bytes(base64.b64decode(data))
        return cluster["server"], ca
