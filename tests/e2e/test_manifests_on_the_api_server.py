"""`kubectl apply -k manifests/` on the real API server, and the rights that it gives."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from tests.controlplane.cluster import Cluster
from tests.controlplane.rest import Json
from tests.e2e.installed_crd import MANIFESTS, install_crd

pytestmark = pytest.mark.e2e

NAMESPACE = "failoverip-system"
OPERATOR = f"system:serviceaccount:{NAMESPACE}:failoverip-operator"
REVIEWS = "/apis/authorization.k8s.io/v1/subjectaccessreviews"


@dataclass(frozen=True)
class Right:
    """One verb on a resource or subresource; without a name, on any of them."""

    verb: str
    group: str
    resource: str
    namespace: str = ""
    name: str = ""

    def __str__(self) -> str:
        where = f" in {self.namespace}" if self.namespace else ""
        return f"{self.verb} {self.resource} {self.name or 'any'}{where}"


CORE, LEASES, EVENTS = "", "coordination.k8s.io", "events.k8s.io"
CRDS = "apiextensions.k8s.io"
LEASE = "failoverip-operator"

GIVEN = (
    Right("list", CORE, "nodes"),
    Right("watch", CORE, "nodes"),
    Right("list", "failoverip.io", "failoverips"),
    Right("watch", "failoverip.io", "failoverips"),
    Right("update", "failoverip.io", "failoverips/status", name="web"),
    Right("get", CRDS, "customresourcedefinitions", name="failoverips.failoverip.io"),
    Right("get", LEASES, "leases", "another-namespace", LEASE),
    Right("create", LEASES, "leases", NAMESPACE),
    Right("get", LEASES, "leases", NAMESPACE, LEASE),
    Right("update", LEASES, "leases", NAMESPACE, LEASE),
    Right("list", LEASES, "leases", "kube-node-lease"),
    Right("create", EVENTS, "events", "default"),
    Right("get", CORE, "secrets", NAMESPACE, "robot-credentials"),
    Right("get", CORE, "configmaps", "kube-public", "cluster-info"),
)

WITHHELD = (
    Right("get", CORE, "nodes", name="node-a"),
    Right("get", "failoverip.io", "failoverips", name="web"),
    Right("get", LEASES, "leases", "kube-node-lease", "node-a"),
    Right("get", LEASES, "leases", "another-namespace", "another-lease"),
    Right("patch", CORE, "nodes", name="node-a"),
    Right("update", CORE, "nodes/status", name="node-a"),
    Right("update", "failoverip.io", "failoverips", name="web"),
    Right("patch", "failoverip.io", "failoverips", name="web"),
    Right("delete", "failoverip.io", "failoverips", name="web"),
    Right("list", CRDS, "customresourcedefinitions"),
    Right("update", LEASES, "leases", "another-namespace", LEASE),
    Right("update", LEASES, "leases", NAMESPACE, "another-lease"),
    Right("update", LEASES, "leases", "kube-node-lease", "node-a"),
    Right("delete", LEASES, "leases", NAMESPACE, LEASE),
    Right("list", EVENTS, "events", "default"),
    Right("get", CORE, "secrets", NAMESPACE, "another-secret"),
    Right("list", CORE, "secrets", NAMESPACE),
    Right("watch", CORE, "secrets", NAMESPACE),
    Right("get", CORE, "secrets", "kube-system", "robot-credentials"),
    Right("list", CORE, "pods", NAMESPACE),
    Right("list", CORE, "namespaces"),
)


@pytest.fixture(scope="module")
def installed(shared_cluster: Cluster) -> Iterator[Cluster]:
    """The cluster after `kubectl apply -k manifests/`."""
    shared_cluster.kubectl("apply", "-k", str(MANIFESTS))
    install_crd(shared_cluster)
    yield shared_cluster
    # On a cluster with kubelets its pods would start.
    shared_cluster.kubectl("delete", "-f", str(MANIFESTS / "operator" / "deployment.yaml"))


def test_the_deployment_draws_no_warning(installed: Cluster) -> None:
    """Of pod security `restricted`, or of a field that is no more."""
    deployment = str(MANIFESTS / "operator" / "deployment.yaml")
    assert installed.kubectl("replace", "--dry-run=server", "-f", deployment).stderr == ""


@pytest.mark.parametrize("right", GIVEN, ids=str)
def test_the_operator_may(installed: Cluster, right: Right) -> None:
    assert _allowed(installed, right)


@pytest.mark.parametrize("right", WITHHELD, ids=str)
def test_the_operator_may_not(installed: Cluster, right: Right) -> None:
    assert not _allowed(installed, right)


def _allowed(cluster: Cluster, right: Right) -> bool:
    resource, _, subresource = right.resource.partition("/")
    review: Json = {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SubjectAccessReview",
        "spec": {
            "user": OPERATOR,
            "groups": ["system:serviceaccounts", "system:authenticated"],
            "resourceAttributes": {
                "verb": right.verb,
                "group": right.group,
                "resource": resource,
                "subresource": subresource,
                "namespace": right.namespace,
                "name": right.name,
            },
        },
    }
    return bool(cluster.admin.create(REVIEWS, review)["status"]["allowed"])
