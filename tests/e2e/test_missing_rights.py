"""A right that the ServiceAccount lacks is named, waited for, and used once it is given."""

from __future__ import annotations

import pytest
from tests.controlplane.cluster import Cluster
from tests.controlplane.kubelet import Kubelet
from tests.controlplane.waiting import eventually, holds_throughout
from tests.e2e.installation import ADDRESS, Installation, server_ip
from tests.e2e.installed_crd import MANIFESTS

pytestmark = pytest.mark.e2e

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

    installation.cluster.kubectl("apply", "-k", str(MANIFESTS / "rbac"))
    status = installation.until_ready("node-b")
    assert status["moves"][0]["cause"] == "NodeUnreachable"
    assert installation.simulator.routes()[ADDRESS] == server_ip(322)
    assert len(installation.simulator.posts()) == 1


def test_an_operator_that_starts_without_the_right_to_list_nodes_works_once_it_is_given(
    installation: Installation, nodes: dict[str, Kubelet]
) -> None:
    take_away(installation.cluster, "nodes", "list")
    replica = installation.start_replica("one")
    installation.apply()
    eventually(lambda: replica.said("list failed", error=NAMED), "the log names the right")
    holds_throughout(lambda: route_reads(installation) <= 1, "Robot is read as usual", 5)

    installation.cluster.kubectl("apply", "-k", str(MANIFESTS / "rbac"))
    installation.until_ready("node-a")
    assert replica.starts == 1


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
