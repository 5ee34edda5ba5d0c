"""A control plane of our own: started in seconds, frozen, restarted and doubled at will."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from pathlib import Path

from tests.controlplane.build import Assets, RigError
from tests.controlplane.certificates import KeyFiles, write_key_files
from tests.controlplane.cluster import Access, Cluster
from tests.controlplane.kubeconfig import kubeconfig_document, write_kubeconfig
from tests.controlplane.servers import (
    FAST_TIMINGS,
    ApiServer,
    ControllerManager,
    Etcd,
    NodeTimings,
    write_token_file,
)
from tests.controlplane.waiting import eventually

SYSTEM_NAMESPACES = ("default", "kube-system", "kube-public", "kube-node-lease")


@dataclass(frozen=True)
class ControlPlaneOptions:
    """`timings` None leaves kube-controller-manager's defaults: Unknown about 45 s after a beat."""

    timings: NodeTimings | None = FAST_TIMINGS
    leader_elect: bool = True


class ControlPlane(Cluster):
    """etcd, one kube-apiserver or more, and kube-controller-manager, on loopback.

    `start_control_plane` makes one; `stop` kills all of it. Logs are in `directory`.
    """

    def __init__(
        self,
        assets: Assets,
        directory: Path,
        options: ControlPlaneOptions,
    ) -> None:
        self._assets = assets
        self.keys: KeyFiles = write_key_files(directory)
        token = secrets.token_urlsafe(24)
        users = [(token, "test-admin", "system:masters")]
        self._tokens = write_token_file(directory / "tokens.csv", users)
        self.etcd = Etcd(assets.etcd, directory)
        first = self._new_api_server("kube-apiserver", directory)
        self.api_servers = [first]
        kubeconfig = write_kubeconfig(
            directory / "admin.kubeconfig",
            kubeconfig_document(first.url, token, self.keys.ca, "default"),
        )
        super().__init__(
            Access(first.url, token, self.keys.ca), assets.kubectl, kubeconfig, directory
        )
        self._controller_manager = (
            ControllerManager(
                assets.kube_controller_manager,
                directory,
                kubeconfig,
                options.timings,
                options.leader_elect,
            )
            if assets.kube_controller_manager
            else None
        )

    @property
    def api_server(self) -> ApiServer:
        """The first one: kube-controller-manager and `admin` use it."""
        return self.api_servers[0]

    @property
    def controller_manager(self) -> ControllerManager:
        """RigError when KUBEBUILDER_ASSETS has none, as envtest's do not."""
        if self._controller_manager is None:
            raise RigError("KUBEBUILDER_ASSETS has no kube-controller-manager: nodes stay Ready")
        return self._controller_manager

    @property
    def has_controller_manager(self) -> bool:
        """Whether nodes ever turn NotReady here."""
        return self._controller_manager is not None

    def start(self) -> None:
        """Start everything; return once the API serves its system namespaces. RigError."""
        self.etcd.start()
        self.api_server.start()
        self.api_server.wait_ready(self.admin)
        eventually(self._has_system_namespaces, "the system's namespaces exist")
        if self._controller_manager:
            self._controller_manager.start()

    def stop(self) -> None:
        """Kill everything, also what is frozen."""
        if self._controller_manager:
            self._controller_manager.stop()
        for server in self.api_servers:
            server.stop()
        self.etcd.stop()
        self.close()

    def add_api_server(self) -> ApiServer:
        """Start one more kube-apiserver on the same etcd, ready when this returns."""
        server = self._new_api_server(f"kube-apiserver-{len(self.api_servers) + 1}", self.directory)
        self.api_servers.append(server)
        server.start()
        server.wait_ready(self.api(server.url))
        return server

    def restart_api_server(self) -> None:
        """Kill the first API server and start it again on its port, ready when this returns."""
        self.api_server.kill()
        self.api_server.start()
        self.api_server.wait_ready(self.admin)

    def restore(self) -> None:
        """Undo what a test did to the processes: thaw, start again, drop added API servers."""
        if self.etcd.process.running:
            self.etcd.process.thaw()
        else:
            self.etcd.process.start()
        if self._controller_manager:
            self._controller_manager.process.thaw()
        for server in self.api_servers[1:]:
            server.stop()
        del self.api_servers[1:]
        if self.api_server.process.running:
            self.api_server.thaw()
        else:
            self.api_server.start()
        self.api_server.wait_ready(self.admin)

    def _new_api_server(self, name: str, directory: Path) -> ApiServer:
        program = self._assets.kube_apiserver
        return ApiServer(program, name, directory, self.etcd.url, self.keys, self._tokens)

    def _has_system_namespaces(self) -> bool:
        names = {item["metadata"]["name"] for item in self.admin.list("/api/v1/namespaces")}
        return names.issuperset(SYSTEM_NAMESPACES)


def start_control_plane(
    assets: Assets, directory: Path, options: ControlPlaneOptions | None = None
) -> ControlPlane:
    """A running control plane in `directory`, which must be empty. RigError with the log's end."""
    plane = ControlPlane(assets, directory, options or ControlPlaneOptions())
    try:
        plane.start()
    except BaseException:
        plane.stop()
        raise
    return plane
