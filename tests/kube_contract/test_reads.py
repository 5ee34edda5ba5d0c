"""What both servers promise about lists, selectors and discovery."""

from __future__ import annotations

import pytest
from tests.controlplane.cluster import FAILOVER_IPS
from tests.controlplane.rest import Api, Json
from tests.kube_contract.documents import (
    CONFIG_MAPS,
    WEB,
    config_map,
    failover_ip,
    refused,
    version,
)


def names(documents: list[Json]) -> list[str]:
    return [document["metadata"]["name"] for document in documents]


@pytest.fixture
def three(api: Api) -> Api:
    """The server with three objects: an edge, another edge of tier 2, and one without labels."""
    for name, labels in {
        "first": {"role": "edge"},
        "second": {"role": "edge", "tier": "2"},
        "third": {},
    }.items():
        api.create(FAILOVER_IPS, failover_ip(name, labels=labels))
    return api


def test_a_list_carries_kind_version_and_every_object(three: Api) -> None:
    answer = three.get(FAILOVER_IPS)
    assert answer["kind"] == "FailoverIPList"
    assert answer["apiVersion"] == "failoverip.io/v1alpha1"
    assert names(answer["items"]) == ["first", "second", "third"]
    assert int(version(answer)) >= max(int(version(item)) for item in answer["items"])
    assert {item["kind"] for item in answer["items"]} == {"FailoverIP"}


@pytest.mark.parametrize(
    ("selector", "selected"),
    [
        ("role=edge", ["first", "second"]),
        ("role==edge,tier!=2", ["first"]),
        ("role!=edge", ["third"]),
        ("role in (edge, core)", ["first", "second"]),
        ("tier notin (1,2)", ["first", "third"]),
        ("tier", ["second"]),
        ("!role", ["third"]),
        ("role=edge,tier in (2)", ["second"]),
        ("role=", []),
        ("", ["first", "second", "third"]),
    ],
)
def test_a_label_selector_selects(three: Api, selector: str, selected: list[str]) -> None:
    assert names(three.list(FAILOVER_IPS, labelSelector=selector)) == selected


def test_a_label_selector_that_cannot_be_read_is_refused(api: Api) -> None:
    refusal = refused(api, "list", FAILOVER_IPS, labelSelector=" in (")
    assert refusal.code == (400, "BadRequest")


def test_a_field_selector_selects_by_name(three: Api) -> None:
    assert names(three.list(FAILOVER_IPS, fieldSelector="metadata.name=second")) == ["second"]
    assert names(three.list(FAILOVER_IPS, fieldSelector="metadata.name!=second")) == [
        "first",
        "third",
    ]


def test_a_field_selector_selects_by_namespace(api: Api) -> None:
    api.create(CONFIG_MAPS, config_map("one"))
    everywhere = "/api/v1/configmaps"
    found = api.list(everywhere, fieldSelector="metadata.namespace=default,metadata.name=one")
    assert names(found) == ["one"]
    assert (
        api.list(everywhere, fieldSelector="metadata.namespace=kube-public,metadata.name=one") == []
    )


def test_a_field_that_nothing_indexes_is_refused(api: Api) -> None:
    refusal = refused(api, "list", FAILOVER_IPS, fieldSelector="spec.mode=Active")
    assert refusal.code == (400, "BadRequest")


def test_a_namespace_lists_only_its_own(api: Api) -> None:
    api.create(CONFIG_MAPS, config_map("one"))
    assert "one" in names(api.list(CONFIG_MAPS))
    assert "one" not in names(api.list("/api/v1/namespaces/kube-public/configmaps"))


def test_a_list_at_a_version_that_was_reached_is_at_least_that_new(three: Api) -> None:
    now = version(three.get(FAILOVER_IPS))
    answer = three.get(FAILOVER_IPS, resourceVersion=now)
    assert int(version(answer)) >= int(now)
    assert names(answer["items"]) == ["first", "second", "third"]


def test_a_list_at_any_version_is_answered(three: Api) -> None:
    assert three.get(FAILOVER_IPS, resourceVersion="0")["kind"] == "FailoverIPList"


def test_a_list_at_a_version_of_the_future_times_out(api: Api) -> None:
    future = str(int(version(api.get(FAILOVER_IPS))) + 1_000_000)
    refusal = refused(api, "list", FAILOVER_IPS, resourceVersion=future)
    assert refusal.code == (504, "Timeout")


def test_the_first_namespaces_exist(api: Api) -> None:
    found = set(names(api.list("/api/v1/namespaces")))
    assert found >= {"default", "kube-system", "kube-public", "kube-node-lease"}
    assert api.get("/api/v1/namespaces/default")["status"]["phase"] == "Active"


def test_discovery_names_the_resource_as_kubectl_and_kopf_need_it(api: Api) -> None:
    groups = {group["name"]: group for group in api.get("/apis")["groups"]}
    assert groups["failoverip.io"]["preferredVersion"]["version"] == "v1alpha1"
    served = api.get("/apis/failoverip.io/v1alpha1")
    assert served["groupVersion"] == "failoverip.io/v1alpha1"
    resources = {resource["name"]: resource for resource in served["resources"]}
    main = resources["failoverips"]
    assert (main["kind"], main["singularName"], main["namespaced"]) == (
        "FailoverIP",
        "failoverip",
        False,
    )
    assert (main["shortNames"], main["categories"]) == (["fip"], ["failoverip"])
    assert set(main["verbs"]) >= {"get", "list", "watch", "create", "update", "patch", "delete"}
    assert set(resources["failoverips/status"]["verbs"]) == {"get", "patch", "update"}


@pytest.mark.parametrize(
    ("path", "plural", "namespaced"),
    [
        ("/api/v1", "nodes", False),
        ("/api/v1", "secrets", True),
        ("/apis/coordination.k8s.io/v1", "leases", True),
        ("/apis/events.k8s.io/v1", "events", True),
    ],
)
def test_discovery_names_the_built_in_resources(
    api: Api, path: str, plural: str, namespaced: bool
) -> None:
    resources = {resource["name"]: resource for resource in api.get(path)["resources"]}
    assert resources[plural]["namespaced"] is namespaced


def test_the_version_says_which_kubernetes_it_is_like(api: Api) -> None:
    answer = api.get("/version")
    assert answer["major"] == "1"
    assert answer["gitVersion"].startswith(f"v1.{answer['minor']}")


@pytest.mark.parametrize("page", ["/healthz", "/livez", "/readyz"])
def test_the_health_pages_say_ok(api: Api, page: str) -> None:
    assert api.text(page) == "ok"


def test_what_nothing_serves_is_not_found(api: Api) -> None:
    assert refused(api, "get", "/apis/example.com/v1/things").status == 404
    assert refused(api, "get", f"{WEB}/nothing").status == 404


def test_a_method_that_a_path_lacks_is_refused(api: Api) -> None:
    api.create(CONFIG_MAPS, config_map("one"))
    assert refused(api, "replace", CONFIG_MAPS, config_map("one")).status == 405
    assert refused(api, "create", f"{CONFIG_MAPS}/one", config_map("one")).status == 405
