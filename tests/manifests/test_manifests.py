"""The manifests: whole, least rights, and right about what the operator needs."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest
from tests.manifests.documents import (
    MANIFESTS,
    Json,
    crd,
    documents,
    kustomizations,
    manifest_files,
    named_in,
    objects,
)

from failoverip.core.resource import Policy

NAMESPACE = "failoverip-system"
CLUSTER_SCOPED = {
    "ClusterRole",
    "ClusterRoleBinding",
    "CustomResourceDefinition",
    "FailoverIP",
    "Namespace",
}
ROLES = objects("Role", "ClusterRole")
RULES = [rule for role in ROLES for rule in role["rules"]]
# Not part of what `kubectl apply -k manifests/` installs: the user writes these.
EXAMPLES = MANIFESTS / "examples"


def named(path: Path) -> str:
    return str(path.relative_to(MANIFESTS))


def deployment() -> Json:
    (found,) = objects("Deployment")
    return found


def pod_spec() -> Json:
    found: Json = deployment()["spec"]["template"]["spec"]
    return found


def rules_for(resource: str) -> list[Json]:
    return [rule for rule in RULES if resource in rule["resources"]]


@pytest.mark.parametrize("path", [*manifest_files(), *EXAMPLES.glob("*.yaml")], ids=named)
def test_every_manifest_holds_whole_objects(path: Path) -> None:
    for document in documents(path):
        assert document["apiVersion"]
        assert document["kind"]
        assert document["metadata"]["name"]
        assert ("namespace" in document["metadata"]) == (document["kind"] not in CLUSTER_SCOPED)


@pytest.mark.parametrize("path", kustomizations(), ids=named)
def test_a_kustomization_lists_every_manifest_beside_it(path: Path) -> None:
    beside = set(path.parent.glob("*.yaml")) - {path}
    assert beside <= named_in(path)
    assert all(listed.exists() for listed in named_in(path))


def test_every_folder_of_manifests_but_the_examples_has_a_kustomization() -> None:
    folders = {path.parent for path in MANIFESTS.rglob("*.yaml")}
    assert folders - {path.parent for path in kustomizations()} == {EXAMPLES}


def test_no_right_is_a_wildcard() -> None:
    assert RULES
    for rule in RULES:
        words = [*rule["apiGroups"], *rule["resources"], *rule["verbs"]]
        assert not [word for word in words if "*" in word]
        assert "nonResourceURLs" not in rule


def test_every_role_is_bound_to_the_operator_and_nobody_else() -> None:
    bindings = objects("RoleBinding", "ClusterRoleBinding")
    operator = {"kind": "ServiceAccount", "name": "failoverip-operator", "namespace": NAMESPACE}
    assert all(binding["subjects"] == [operator] for binding in bindings)
    bound = {_place(binding, binding["roleRef"]) for binding in bindings}
    assert bound == {_place(role, {"kind": role["kind"], **role["metadata"]}) for role in ROLES}


def _place(document: Json, role: Json) -> tuple[Any, ...]:
    return role["kind"], document["metadata"].get("namespace"), role["name"]


def test_nodes_are_never_written() -> None:
    verbs = {verb for rule in rules_for("nodes") for verb in rule["verbs"]}
    assert verbs == {"list", "watch"}


def test_of_failoverips_only_the_status_is_written() -> None:
    assert [rule["verbs"] for rule in rules_for("failoverips")] == [["list", "watch"]]
    assert [rule["verbs"] for rule in rules_for("failoverips/status")] == [["update"]]


def test_secrets_are_read_by_name_in_the_operators_namespace_alone() -> None:
    places = [
        (role["metadata"].get("namespace"), rule["resourceNames"], rule["verbs"])
        for role in ROLES
        for rule in role["rules"]
        if "secrets" in rule["resources"]
    ]
    assert places == [(NAMESPACE, [Policy(addresses=()).secret_name], ["get"])]


def test_the_right_to_see_the_crd_names_the_crd() -> None:
    (rule,) = rules_for("customresourcedefinitions")
    assert rule["resourceNames"] == [crd()["metadata"]["name"]]
    assert rule["verbs"] == ["get"]


def test_two_replicas_never_share_a_node() -> None:
    assert deployment()["spec"]["replicas"] == 2
    (term,) = pod_spec()["affinity"]["podAntiAffinity"][
        "requiredDuringSchedulingIgnoredDuringExecution"
    ]
    assert term["topologyKey"] == "kubernetes.io/hostname"
    assert term["labelSelector"] == deployment()["spec"]["selector"]


def test_the_operator_needs_no_cluster_dns_and_no_host_network() -> None:
    assert pod_spec()["dnsPolicy"] == "Default"
    assert "hostNetwork" not in pod_spec()


def test_a_replica_bears_a_node_in_need_and_no_cordoned_one() -> None:
    borne = {t["key"].rpartition("/")[2] for t in pod_spec()["tolerations"]}
    assert {"memory-pressure", "disk-pressure", "pid-pressure", "control-plane"} <= borne
    assert "unschedulable" not in borne


def test_a_replica_leaves_a_dead_node_soon() -> None:
    evictions = {
        toleration["key"]: toleration["tolerationSeconds"]
        for toleration in pod_spec()["tolerations"]
        if toleration["effect"] == "NoExecute"
    }
    assert evictions.keys() == {"node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"}
    assert max(evictions.values()) <= 30


def test_all_selectors_match_the_pods() -> None:
    labels = deployment()["spec"]["template"]["metadata"]["labels"]
    (budget,) = objects("PodDisruptionBudget")
    (policy,) = objects("NetworkPolicy")
    (service,) = objects("Service")
    for selector in (
        deployment()["spec"]["selector"]["matchLabels"],
        budget["spec"]["selector"]["matchLabels"],
        policy["spec"]["podSelector"]["matchLabels"],
        service["spec"]["selector"],
    ):
        assert selector
        assert selector.items() <= labels.items()


def test_only_the_metrics_port_is_open_and_only_what_comes_in_is_limited() -> None:
    (policy,) = objects("NetworkPolicy")
    assert policy["spec"]["policyTypes"] == ["Ingress"]
    (rule,) = policy["spec"]["ingress"]
    (container,) = pod_spec()["containers"]
    assert [port["port"] for port in rule["ports"]] == [p["name"] for p in container["ports"]]
    assert rule["from"]


def test_the_annotations_for_prometheus_name_the_port_that_is_served() -> None:
    annotations = deployment()["spec"]["template"]["metadata"]["annotations"]
    (port,) = pod_spec()["containers"][0]["ports"]
    assert annotations["prometheus.io/port"] == str(port["containerPort"])
    (service,) = objects("Service")
    assert [p["port"] for p in service["spec"]["ports"]] == [port["containerPort"]]


def test_a_replica_that_is_not_ready_is_scraped_and_holds_up_no_drain() -> None:
    (service,) = objects("Service")
    assert service["spec"]["publishNotReadyAddresses"] is True
    (budget,) = objects("PodDisruptionBudget")
    assert budget["spec"]["unhealthyPodEvictionPolicy"] == "AlwaysAllow"


def test_the_image_has_the_version_of_this_checkout() -> None:
    (container,) = pod_spec()["containers"]
    project = tomllib.loads((MANIFESTS.parent / "pyproject.toml").read_text())["project"]
    assert container["image"] == f"failoverip:{project['version']}"


def test_the_example_begins_without_moving_anything() -> None:
    (example,) = documents(EXAMPLES / "failoverip.yaml")
    assert example["spec"]["mode"] == "DryRun"


def test_the_example_secret_is_the_one_that_the_example_names_and_holds_no_password() -> None:
    (secret,) = documents(EXAMPLES / "secret.yaml")
    (example,) = documents(EXAMPLES / "failoverip.yaml")
    assert secret["metadata"]["name"] == example["spec"]["credentialsSecretRef"]["name"]
    assert secret["metadata"]["namespace"] == NAMESPACE
    assert set(secret["stringData"]) == {"username", "password"}
    assert all(value.startswith("REPLACE-") for value in secret["stringData"].values())
