"""What both servers promise about deletion, finalizers and preconditions."""

from __future__ import annotations

import pytest
from tests.controlplane.cluster import FAILOVER_IPS
from tests.controlplane.rest import Api, ApiError, Json
from tests.controlplane.waiting import eventually
from tests.kube_contract.documents import (
    CONFIG_MAPS,
    WEB,
    config_map,
    delete_with,
    failover_ip,
    refused,
    version,
)

HOLD = "example.com/hold"


def test_an_object_without_finalizers_is_gone_at_once(api: Api) -> None:
    made = api.create(FAILOVER_IPS, failover_ip())
    answer = api.delete(WEB)
    assert (answer["kind"], answer["status"]) == ("Status", "Success")
    assert answer["details"]["uid"] == made["metadata"]["uid"]
    assert api.find(WEB) is None


def test_a_finalizer_keeps_the_object_until_it_is_removed(api: Api) -> None:
    api.create(FAILOVER_IPS, failover_ip(finalizers=[HOLD]))
    answer = api.delete(WEB)
    assert answer["metadata"]["deletionTimestamp"]
    assert answer["metadata"]["generation"] == 2
    assert api.delete(WEB) == answer
    api.patch(WEB, {"metadata": {"finalizers": None}})
    assert api.find(WEB) is None


def test_a_deletion_cannot_be_taken_back_nor_delayed_further(api: Api) -> None:
    api.create(FAILOVER_IPS, failover_ip(finalizers=[HOLD]))
    api.delete(WEB)
    api.patch(WEB, {"metadata": {"deletionTimestamp": None}})
    assert "deletionTimestamp" in api.get(WEB)["metadata"]
    patch = {"metadata": {"finalizers": [HOLD, "example.com/more"]}}
    assert refused(api, "patch", WEB, patch).code == (422, "Invalid")
    api.patch(WEB, {"metadata": {"finalizers": None}})


def test_an_object_made_anew_has_another_uid(api: Api) -> None:
    first = api.create(FAILOVER_IPS, failover_ip())
    api.delete(WEB)
    second = api.create(FAILOVER_IPS, failover_ip())
    assert first["metadata"]["uid"] != second["metadata"]["uid"]
    assert int(version(second)) > int(version(first))


@pytest.mark.parametrize("field", ["uid", "resourceVersion"])
def test_a_deletion_whose_precondition_fails_is_a_conflict(api: Api, field: str) -> None:
    made = api.create(FAILOVER_IPS, failover_ip())
    with pytest.raises(ApiError) as refusal:
        delete_with(api, WEB, {field: "1"})
    assert (refusal.value.status, refusal.value.reason) == (409, "Conflict")
    assert api.get(WEB) == made


def test_a_deletion_whose_preconditions_hold_is_done(api: Api) -> None:
    metadata = api.create(FAILOVER_IPS, failover_ip())["metadata"]
    delete_with(api, WEB, {name: metadata[name] for name in ("uid", "resourceVersion")})
    assert api.find(WEB) is None


def test_a_collection_is_deleted_by_its_selector(api: Api) -> None:
    for name in ("one", "two", "three"):
        labels = {"contract": "yes" if name == "two" else "no"}
        api.create(FAILOVER_IPS, failover_ip(name, labels=labels))
    api.delete(FAILOVER_IPS, labelSelector="contract=no")
    assert [item["metadata"]["name"] for item in api.list(FAILOVER_IPS)] == ["two"]


def test_a_namespace_takes_what_is_in_it_along(api: Api) -> None:
    namespaces = "/api/v1/namespaces"
    api.create(namespaces, {"metadata": {"name": "contract"}})
    inside = f"{namespaces}/contract/configmaps"
    api.create(inside, config_map("one"))
    api.delete(f"{namespaces}/contract")
    gone = api.find
    eventually(lambda: gone(f"{namespaces}/contract") is None, "the namespace is gone")
    assert gone(f"{inside}/one") is None


def test_a_crd_takes_its_objects_and_its_paths_along(api: Api) -> None:
    _define_widgets(api)
    api.create(WIDGETS, _widget("one"))
    api.delete(WIDGET_CRD)
    eventually(lambda: api.find(WIDGET_CRD) is None, "the CRD is gone")
    eventually(lambda: api.find(WIDGETS) is None, "its path is gone")
    assert refused(api, "create", WIDGETS, _widget("two")).status == 404


def test_a_crd_waits_for_the_finalizers_of_its_objects(api: Api) -> None:
    _define_widgets(api)
    api.create(WIDGETS, _widget("one", finalizers=[HOLD]))
    api.delete(WIDGET_CRD)
    held = eventually(lambda: _deleting(api, f"{WIDGETS}/one"), "the object is being deleted")
    assert held["metadata"]["finalizers"] == [HOLD]
    assert "deletionTimestamp" in api.get(WIDGET_CRD)["metadata"]
    api.patch(f"{WIDGETS}/one", {"metadata": {"finalizers": None}})
    eventually(lambda: api.find(WIDGET_CRD) is None, "the CRD is gone")


WIDGET_CRD = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/widgets.contract.example.com"
WIDGETS = "/apis/contract.example.com/v1/namespaces/default/widgets"


def _define_widgets(api: Api) -> None:
    schema = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    api.create(
        WIDGET_CRD.rpartition("/")[0],
        {
            "apiVersion": "apiextensions.k8s.io/v1",
            "kind": "CustomResourceDefinition",
            "metadata": {"name": "widgets.contract.example.com"},
            "spec": {
                "group": "contract.example.com",
                "scope": "Namespaced",
                "names": {"plural": "widgets", "kind": "Widget", "shortNames": ["wd"]},
                "versions": [
                    {
                        "name": "v1",
                        "served": True,
                        "storage": True,
                        "schema": {"openAPIV3Schema": schema},
                    }
                ],
            },
        },
    )
    eventually(lambda: _answers(api, WIDGETS), "the new kind is served")


def _widget(name: str, **metadata: object) -> Json:
    return {
        "apiVersion": "contract.example.com/v1",
        "kind": "Widget",
        "metadata": {"name": name, **metadata},
    }


def _answers(api: Api, path: str) -> bool:
    try:
        api.get(path)
    except ApiError:
        # 404, then 429 while a server makes room for the new kind.
        return False
    return True


def _deleting(api: Api, path: str) -> Json | None:
    document = api.get(path)
    return document if "deletionTimestamp" in document["metadata"] else None


def test_a_config_map_is_deleted_like_any_object(api: Api) -> None:
    api.create(CONFIG_MAPS, config_map("one"))
    api.delete(f"{CONFIG_MAPS}/one")
    assert api.find(f"{CONFIG_MAPS}/one") is None
