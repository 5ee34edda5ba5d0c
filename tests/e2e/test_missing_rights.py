"""A right that the ServiceAccount lacks is named, waited for, and used once it is given."""

from __future__ import annotations

import pytest
from tests.controlplane.cluster import Cluster
from tests.controlplane.kubelet import Kubelet
from tests.controlplane.waiting import eventually, holds_throughout
from tests.e2e.installation import (
    ADDRESS,
    NAMESPACE,
    SERVICE_ACCOUNT,
    Installation,
    Replica,
    server_ip,
)
from tests.e2e.installed_crd import MANIFESTS

pytestmark = pytest.mark.e2e

RBAC = MANIFESTS / "rbac"
CLUSTER_ROLE = "/apis/rbac.authorization.k8s.io/v1/clusterroles/failoverip-operator"
NAMED = "RBAC does not let this ServiceAccount list nodes: grant it"


def test_without_the_right_to_list_nodes_the_log_names_it_and_nothing_moves_until_it_is_back(
    installation: Installation, nodes: dict[str, Kubelet]
) -> None:
    replica = installation.start_replica("one")
    installation.apply()
    installation.until_ready("node-a")

    take_away(installation.cluster, "nodes", "list")
    nodes["node-a"].power_off()
    eventually(lambda: replica.said("list failed", error=NAMED), "the log names the right")
    eventually(lambda: nodes["node-a"].reported_ready() == "Unknown", "node-a is Unknown")
    holds_throughout(lambda: installation.simulator.posts() == [], "nothing moves", 10)
    assert len(replica.said("list failed", error=NAMED)) == 1

    installation.cluster.kubectl("apply", "-k", str(RBAC))
    status = installation.until_ready("node-b")
    assert status["moves"][0]["cause"] == "NodeUnreachable"
    assert installation.simulator.routes()[ADDRESS] == server_ip(322)
    assert len(installation.simulator.posts()) == 1


# File of the manifests that is applied next, and the right whose lack is named before.
GRANTS = (
    ("cluster.yaml", "get customresourcedefinitions.apiextensions.k8s.io"),
    ("own-namespace.yaml", f"create leases.coordination.k8s.io in namespace {NAMESPACE}"),
    ("node-heartbeats.yaml", "list leases.coordination.k8s.io in namespace kube-node-lease"),
)


def test_an_operator_without_any_right_names_one_after_another_and_works_once_they_are_given(
    installation: Installation, nodes: dict[str, Kubelet]
) -> None:
    cluster = installation.cluster
    for file, _ in GRANTS:
        cluster.kubectl("delete", "-f", str(RBAC / file))
    eventually(lambda: not may_list_nodes(cluster), "the rights are gone")
    replica = installation.start_replica("one")
    installation.apply()
    for file, right in GRANTS:
        named = f"RBAC does not let this ServiceAccount {right}: grant it"
        until_said(replica, named)
        cluster.kubectl("apply", "-f", str(RBAC / file))

    installation.until_ready("node-a")
    assert route_reads(installation) <= 2
    assert replica.starts == 1


def until_said(replica: Replica, text: str) -> None:
    """Wait until a line of the log holds this text."""

    def said() -> bool:
        return any(text in str(value) for line in replica.log() for value in line.values())

    eventually(said, f"the log says: {text}")


def may_list_nodes(cluster: Cluster) -> bool:
    """Whether the ServiceAccount has this right now."""
    account = f"--as=system:serviceaccount:{NAMESPACE}:{SERVICE_ACCOUNT}"
    return cluster.kubectl("auth", "can-i", "list", "nodes", account, check=False).returncode == 0


def route_reads(installation: Installation) -> int:
    """How often Robot was asked for the routes."""
    return sum(entry["path"] == "/failover" for entry in installation.simulator.journal())


def take_away(cluster: Cluster, resource: str, verb: str) -> None:
    """One verb on one resource, out of the operator's ClusterRole."""
    role = cluster.admin.get(CLUSTER_ROLE)
    for rule in role["rules"]:
        if resource in rule["resources"]:
            rule["verbs"].remove(verb)
    cluster.admin.replace(CLUSTER_ROLE, role)
