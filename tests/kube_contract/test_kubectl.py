"""What a user's own kubectl does on both servers."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.controlplane.cluster import FAILOVER_IPS, Cluster
from tests.controlplane.waiting import eventually
from tests.e2e.installed_crd import MANIFESTS
from tests.kube_contract.documents import NODES, WEB, failover_ip, node

pytestmark = pytest.mark.e2e

EXAMPLE = str(MANIFESTS / "examples" / "failoverip.yaml")


@pytest.fixture
def cluster_with_web(kubectl_cluster: Cluster) -> Cluster:
    kubectl_cluster.admin.create(FAILOVER_IPS, failover_ip(labels={"tier": "edge"}))
    return kubectl_cluster


@pytest.fixture
def cluster_with_node(kubectl_cluster: Cluster) -> Cluster:
    kubectl_cluster.admin.create(NODES, node("node-a", labels={"tier": "edge"}))
    return kubectl_cluster


def test_apply_creates_then_leaves_alone_then_changes(
    kubectl_cluster: Cluster, tmp_path: Path
) -> None:
    assert "created" in kubectl_cluster.kubectl("apply", "-f", EXAMPLE).stdout
    assert "unchanged" in kubectl_cluster.kubectl("apply", "-f", EXAMPLE).stdout
    changed = tmp_path / "changed.yaml"
    changed.write_text(Path(EXAMPLE).read_text().replace("mode: DryRun", "mode: Paused"))
    assert "configured" in kubectl_cluster.kubectl("apply", "-f", str(changed)).stdout
    (found,) = kubectl_cluster.admin.list(FAILOVER_IPS)
    assert found["spec"]["mode"] == "Paused"


def test_apply_removes_what_was_applied_before_and_no_longer_is(kubectl_cluster: Cluster) -> None:
    with_mode = failover_ip()
    with_mode["spec"]["nodeSelector"] = {"tier": "edge"}
    kubectl_cluster.kubectl("apply", "-f", "-", stdin=json.dumps(with_mode))
    kubectl_cluster.kubectl("apply", "-f", "-", stdin=json.dumps(failover_ip()))
    assert "nodeSelector" not in kubectl_cluster.admin.get(WEB)["spec"]


def test_server_side_apply_creates_changes_and_removes(kubectl_cluster: Cluster) -> None:
    labelled = failover_ip(labels={"a": "b", "c": "d"})
    for document in (labelled, failover_ip(labels={"a": "e"})):
        arguments = ("apply", "--server-side", "-f", "-")
        done = kubectl_cluster.kubectl(*arguments, stdin=json.dumps(document))
        assert "serverside-applied" in done.stdout
    assert kubectl_cluster.admin.get(WEB)["metadata"]["labels"] == {"a": "e"}


def test_apply_of_a_built_in_resource_merges_it(cluster_with_node: Cluster) -> None:
    document = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": "node-a"}}
    document["metadata"] |= {"annotations": {"failoverip.io/server": "1"}}  # type: ignore[operator]  # JSON
    cluster_with_node.kubectl("apply", "-f", "-", stdin=json.dumps(document))
    metadata = cluster_with_node.admin.get(f"{NODES}/node-a")["metadata"]
    assert metadata["annotations"]["failoverip.io/server"] == "1"
    assert metadata["labels"]["tier"] == "edge"


def test_get_prints_every_object(cluster_with_web: Cluster) -> None:
    header, line = cluster_with_web.kubectl("get", "failoverips").stdout.splitlines()
    assert header.startswith("NAME")
    assert line.startswith("web")


@pytest.mark.parametrize("resource", ["fip", "failoverip", "failoverips.failoverip.io"])
def test_get_knows_every_name_of_the_resource(cluster_with_web: Cluster, resource: str) -> None:
    done = cluster_with_web.kubectl("get", resource, "web", "-o", "name")
    assert done.stdout.strip() == "failoverip.failoverip.io/web"


def test_get_knows_the_category(cluster_with_web: Cluster) -> None:
    done = cluster_with_web.kubectl("get", "failoverip", "-o", "name")
    assert done.stdout.split() == ["failoverip.failoverip.io/web"]


def test_get_prints_the_whole_object_as_yaml(cluster_with_web: Cluster) -> None:
    printed = cluster_with_web.kubectl("get", "fip", "web", "-o", "yaml").stdout
    assert "kind: FailoverIP" in printed
    assert "- 203.0.113.10" in printed
    assert cluster_with_web.admin.get(WEB)["metadata"]["uid"] in printed


def test_describe_tells_the_spec_and_the_events(cluster_with_web: Cluster) -> None:
    uid = cluster_with_web.admin.get(WEB)["metadata"]["uid"]
    event = {
        "metadata": {"name": "web.1"},
        "eventTime": "2026-01-02T03:04:05.000001Z",
        "type": "Normal",
        "reason": "Confirmed",
        "action": "Move",
        "note": "203.0.113.10 is on node-b",
        "reportingController": "failoverip.io/operator",
        "reportingInstance": "operator-1",
        "regarding": {
            "apiVersion": "failoverip.io/v1alpha1",
            "kind": "FailoverIP",
            "name": "web",
            "uid": uid,
        },
    }
    events = "/apis/events.k8s.io/v1/namespaces/default/events"
    cluster_with_web.admin.create(events, event)
    told = cluster_with_web.kubectl("describe", "fip", "web").stdout
    assert "203.0.113.10\n" in told
    assert "203.0.113.10 is on node-b" in told


def test_describe_tells_a_nodes_conditions(cluster_with_node: Cluster) -> None:
    told = cluster_with_node.kubectl("describe", "node", "node-a").stdout
    assert "KubeletReady" in told


def test_wait_sees_a_condition_come_true(cluster_with_web: Cluster) -> None:
    ready = {
        "type": "Ready",
        "status": "True",
        "reason": "Steady",
        "message": "all is well",
        "lastTransitionTime": "2026-01-02T03:04:05Z",
    }
    patch = json.dumps({"status": {"conditions": [ready]}})
    arguments = ("patch", "fip", "web", "--subresource=status", "--type=merge", "-p", patch)
    cluster_with_web.kubectl(*arguments)
    done = cluster_with_web.kubectl("wait", "--for=condition=Ready", "fip/web", "--timeout=60s")
    assert "condition met" in done.stdout


def test_wait_gives_up_when_a_condition_stays_away(cluster_with_web: Cluster) -> None:
    arguments = ("wait", "--for=condition=Ready", "fip/web", "--timeout=1s")
    done = cluster_with_web.kubectl(*arguments, check=False)
    assert done.returncode != 0
    assert "timed out" in done.stderr


def test_patch_of_a_nodes_status_merges_its_conditions(cluster_with_node: Cluster) -> None:
    patch = json.dumps({"status": {"conditions": [{"type": "Ready", "status": "Unknown"}]}})
    cluster_with_node.kubectl("patch", "node", "node-a", "--subresource=status", "-p", patch)
    cluster_with_node.kubectl("wait", "--for=condition=Ready=Unknown", "node/node-a")
    conditions = cluster_with_node.admin.get(f"{NODES}/node-a")["status"]["conditions"]
    assert [each["type"] for each in conditions].count("Ready") == 1


def test_label_and_annotate_change_the_metadata(cluster_with_web: Cluster) -> None:
    cluster_with_web.kubectl("label", "fip", "-l", "tier=edge", "color=blue")
    cluster_with_web.kubectl("annotate", "fip", "web", "failoverip.io/switch-to=node-b")
    metadata = cluster_with_web.admin.get(WEB)["metadata"]
    assert metadata["labels"] == {"tier": "edge", "color": "blue"}
    assert metadata["annotations"]["failoverip.io/switch-to"] == "node-b"
    cluster_with_web.kubectl("label", "fip", "web", "color-")
    assert cluster_with_web.admin.get(WEB)["metadata"]["labels"] == {"tier": "edge"}


def test_get_selects_by_label(cluster_with_web: Cluster) -> None:
    found = cluster_with_web.kubectl("get", "fip", "-l", "tier=edge", "-o", "name").stdout
    none = cluster_with_web.kubectl("get", "fip", "-l", "tier=core", "-o", "name").stdout
    assert (found.strip(), none.strip()) == ("failoverip.failoverip.io/web", "")


def test_cordon_and_uncordon_change_the_spec(cluster_with_node: Cluster) -> None:
    path = f"{NODES}/node-a"
    cluster_with_node.kubectl("cordon", "node-a")
    assert cluster_with_node.admin.get(path)["spec"]["unschedulable"] is True
    cluster_with_node.kubectl("uncordon", "node-a")
    assert not cluster_with_node.admin.get(path)["spec"].get("unschedulable")


def test_delete_returns_when_the_object_is_gone(cluster_with_web: Cluster) -> None:
    assert "deleted" in cluster_with_web.kubectl("delete", "fip", "web").stdout
    assert cluster_with_web.admin.find(WEB) is None


def test_delete_without_waiting_leaves_the_finalizer_to_its_owner(
    kubectl_cluster: Cluster,
) -> None:
    kubectl_cluster.admin.create(FAILOVER_IPS, failover_ip(finalizers=["example.com/hold"]))
    kubectl_cluster.kubectl("delete", "fip", "web", "--wait=false")
    assert "deletionTimestamp" in kubectl_cluster.admin.get(WEB)["metadata"]
    kubectl_cluster.admin.patch(WEB, {"metadata": {"finalizers": None}})
    eventually(lambda: kubectl_cluster.admin.find(WEB) is None, "the resource is gone")


def test_a_second_apply_of_a_crd_changes_nothing(kubectl_cluster: Cluster) -> None:
    crd = str(MANIFESTS / "crd" / "failoverips.yaml")
    kubectl_cluster.kubectl("apply", "--server-side", "--force-conflicts", "-f", crd)
    assert kubectl_cluster.admin.list(FAILOVER_IPS) == []
