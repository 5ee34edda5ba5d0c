"""Each overlay on the real API server, with pod security and the controllers that make pods."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from tests.controlplane.cluster import Cluster
from tests.controlplane.controlplane import ControlPlane
from tests.controlplane.rest import ApiError, Json
from tests.controlplane.waiting import eventually
from tests.e2e.installed_crd import MANIFESTS
from tests.e2e.overlays import OVERLAYS, Overlay
from tests.e2e.prometheus_operator import install_kinds

pytestmark = pytest.mark.e2e

NAMESPACE = "failoverip-system"
PODS = f"/api/v1/namespaces/{NAMESPACE}/pods"
DEPLOYMENT = f"/apis/apps/v1/namespaces/{NAMESPACE}/deployments/failoverip-operator"
BUDGET = f"/apis/policy/v1/namespaces/{NAMESPACE}/poddisruptionbudgets/failoverip-operator"


@pytest.fixture(scope="module")
def cluster_of_our_own(shared_cluster: Cluster) -> Cluster:
    """One from which the namespace with all in it may be deleted."""
    if not isinstance(shared_cluster, ControlPlane):
        pytest.skip("deletes the operator's namespace, and USE_EXISTING_CLUSTER is set")
    install_kinds(shared_cluster)
    return shared_cluster


@pytest.fixture(scope="module", params=OVERLAYS, ids=lambda overlay: overlay.path)
def overlay(request: pytest.FixtureRequest, cluster_of_our_own: Cluster) -> Iterator[Overlay]:
    """Applied; deleted at the end, which must leave nothing."""
    overlay: Overlay = request.param
    cluster = cluster_of_our_own
    cluster.kubectl("apply", "-k", overlay.folder)
    documents = list(yaml.safe_load_all(cluster.kubectl("kustomize", overlay.folder).stdout))
    yield overlay
    cluster.kubectl("delete", "-k", overlay.folder, "--wait", "--timeout=110s")
    assert [named for document in documents if (named := still_there(cluster, document))] == []


def still_there(cluster: Cluster, document: Json) -> str:
    """What `kubectl get` finds of an object, empty when it is gone or its kind is."""
    metadata = document["metadata"]
    where = [f"--namespace={metadata['namespace']}"] if "namespace" in metadata else []
    what = f"{document['kind']}/{metadata['name']}"
    return cluster.kubectl("get", what, "-o", "name", *where, check=False).stdout


def test_every_overlay_is_tested() -> None:
    folders = {str(path.parent.relative_to(MANIFESTS)) for path in MANIFESTS.glob("overlays/*/*")}
    assert {overlay.path for overlay in OVERLAYS} == {".", *folders}


def test_the_runbooks_get_the_base_that_an_overlay_names(
    cluster_of_our_own: Cluster, tmp_path: Path
) -> None:
    """With the lines that the overlay shows in its comment."""
    shown = (MANIFESTS / "overlays/prometheus-operator/kustomization.yaml").read_text()
    lines = re.findall(r"^#   (.+)$", shown, re.MULTILINE)
    copy = tmp_path / "manifests"
    shutil.copytree(MANIFESTS, copy)
    (tmp_path / "kustomization.yaml").write_text(
        "resources: [manifests/overlays/prometheus-operator]\n" + "\n".join(lines)
    )
    made = yaml.safe_load_all(cluster_of_our_own.kubectl("kustomize", str(tmp_path)).stdout)
    documents = list(made)
    assert not [one for one in documents if one["metadata"]["name"] == "runbooks"]
    urls = [
        rule["annotations"]["runbook_url"]
        for document in documents
        if document["kind"] == "PrometheusRule"
        for group in document["spec"]["groups"]
        for rule in group["rules"]
        if "alert" in rule
    ]
    base = "https://git.example.com/you/failoverip/blob/main/docs"
    assert urls
    assert [url for url in urls if not url.startswith(f"{base}/runbooks/FailoverIP")] == []


def test_a_second_apply_changes_nothing(overlay: Overlay, cluster_of_our_own: Cluster) -> None:
    again = cluster_of_our_own.kubectl("apply", "-k", overlay.folder)
    lines = again.stdout.splitlines()
    assert len(lines) >= 10
    changed = {line for line in lines if not line.endswith(" unchanged")}
    # kubectl sends a budget's selector each time, which changes nothing.
    assert changed <= {"poddisruptionbudget.policy/failoverip-operator configured"}
    assert again.stderr == ""
    if overlay.replicas > 1:
        assert cluster_of_our_own.admin.get(BUDGET)["metadata"]["generation"] == 1
    assert cluster_of_our_own.kubectl("diff", "-k", overlay.folder).stdout == ""


def test_two_field_managers_may_apply_it(overlay: Overlay, cluster_of_our_own: Cluster) -> None:
    apply = ("apply", "--server-side", "-k", overlay.folder)
    for manager in ("a-pipeline", "a-person"):
        applied = cluster_of_our_own.kubectl(*apply, f"--field-manager={manager}")
        assert "conflict" not in applied.stderr
    assert cluster_of_our_own.kubectl("diff", "-k", overlay.folder).stdout == ""
    # And a third, who wants something else, does meet a conflict.
    third = cluster_of_our_own.kubectl(
        "apply", "--server-side", "--field-manager=another", "-f", "-",
        stdin=changed_deployment(overlay.replicas + 1), check=False,
    )  # fmt: skip
    assert "conflict" in third.stderr


def changed_deployment(replicas: int) -> str:
    return json.dumps(
        {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": {"name": "failoverip-operator", "namespace": NAMESPACE},
            "spec": {"replicas": replicas},
        }
    )


def test_the_deployment_gets_its_pods_under_pod_security_restricted(
    overlay: Overlay, cluster_of_our_own: Cluster
) -> None:
    pods = eventually(
        lambda: pods_of_the_operator(cluster_of_our_own, overlay.replicas),
        "kube-controller-manager has made the pods",
    )
    for pod in pods:
        assert pod["metadata"]["ownerReferences"][0]["kind"] == "ReplicaSet"
        assert pod["spec"]["serviceAccountName"] == "failoverip-operator"
        # Of the class system-cluster-critical, which a quota may forbid.
        assert pod["spec"]["priority"] == 2_000_000_000
    budget = cluster_of_our_own.admin.find(BUDGET)
    assert (budget is not None) == (overlay.replicas > 1)
    if budget is not None:
        eventually(
            lambda: cluster_of_our_own.admin.get(BUDGET)["status"]["expectedPods"] == 2,
            "the budget finds the pods",
        )


def pods_of_the_operator(cluster: Cluster, wanted: int) -> list[Json] | None:
    pods = cluster.admin.list(PODS, labelSelector="app.kubernetes.io/component=operator")
    alive = [pod for pod in pods if "deletionTimestamp" not in pod["metadata"]]
    return alive if len(alive) == wanted else None


def test_pod_security_refuses_a_privileged_pod_in_the_namespace_and_only_there(
    overlay: Overlay, cluster_of_our_own: Cluster
) -> None:
    api = cluster_of_our_own.admin
    with pytest.raises(ApiError, match='violates PodSecurity "restricted:latest"'):
        api.create(PODS, privileged_pod(), dryRun="All")
    assert api.create("/api/v1/namespaces/default/pods", privileged_pod(), dryRun="All")


def privileged_pod() -> Json:
    container: Json = {
        "name": "one",
        "image": "any",
        "securityContext": {"privileged": True},
    }
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "privileged"},
        "spec": {"containers": [container]},
    }


def test_a_deployment_that_asks_for_more_gets_no_pod(
    overlay: Overlay, cluster_of_our_own: Cluster
) -> None:
    """So that the pods of the other test prove something."""
    api = cluster_of_our_own.admin
    template = api.get(DEPLOYMENT)["spec"]["template"]
    template["metadata"]["labels"] = {"app": "greedy"}
    template["spec"]["containers"][0]["securityContext"]["capabilities"] = {"add": ["NET_ADMIN"]}
    greedy: Json = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "greedy"},
        "spec": {"selector": {"matchLabels": {"app": "greedy"}}, "template": template},
    }
    path = str(Path(DEPLOYMENT).parent)
    api.create(path, greedy)
    try:
        refusal = eventually(lambda: replica_failure(api.get(f"{path}/greedy")), "it is refused")
        assert 'violates PodSecurity "restricted:latest"' in refusal
        assert api.list(PODS, labelSelector="app=greedy") == []
    finally:
        api.delete(f"{path}/greedy")


def replica_failure(deployment: Json) -> str:
    conditions = deployment.get("status", {}).get("conditions", [])
    return next((c["message"] for c in conditions if c["type"] == "ReplicaFailure"), "")
