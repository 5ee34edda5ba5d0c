"""What both servers promise about Leases, Nodes, Secrets and Events."""

from __future__ import annotations

import base64

from tests.controlplane.cluster import FAILOVER_IPS
from tests.controlplane.rest import STRATEGIC_PATCH, Api, Json
from tests.kube_contract.documents import (
    LEASES,
    NODES,
    SECRETS,
    config_map,
    failover_ip,
    lease,
    node,
    refused,
    version,
)

ONE = f"{LEASES}/one"
EVENTS = "/apis/events.k8s.io/v1/namespaces/default/events"
CORE_EVENTS = "/api/v1/namespaces/default/events"

# Leases: the election.


def test_a_lease_is_renewed_under_its_version(api: Api) -> None:
    made = api.create(LEASES, lease("one", "a"))
    renewed = api.replace(ONE, lease("one", "a", resourceVersion=version(made)))
    taken = api.replace(ONE, lease("one", "b", resourceVersion=version(renewed)))
    assert taken["spec"]["holderIdentity"] == "b"
    assert taken["metadata"]["uid"] == made["metadata"]["uid"]


def test_of_two_candidates_that_read_the_same_lease_one_wins(api: Api) -> None:
    made = api.create(LEASES, lease("one", "a"))
    api.replace(ONE, lease("one", "b", resourceVersion=version(made)))
    late = lease("one", "c", resourceVersion=version(made))
    assert refused(api, "replace", ONE, late).code == (409, "Conflict")
    assert api.get(ONE)["spec"]["holderIdentity"] == "b"


def test_of_two_candidates_that_create_the_lease_one_wins(api: Api) -> None:
    api.create(LEASES, lease("one", "a"))
    assert refused(api, "create", LEASES, lease("one", "b")).code == (409, "AlreadyExists")


def test_a_lease_is_not_overwritten_without_a_version(api: Api) -> None:
    api.create(LEASES, lease("one", "a"))
    assert refused(api, "replace", ONE, lease("one", "b")).code == (422, "Invalid")


def test_a_put_creates_a_lease_that_was_deleted_whatever_version_it_names(api: Api) -> None:
    """A leader whose Lease was deleted gets a new one, without a conflict."""
    made = api.create(LEASES, lease("one", "a"))
    api.delete(ONE)
    again = api.replace(ONE, lease("one", "a", resourceVersion=version(made)))
    assert again["metadata"]["uid"] != made["metadata"]["uid"]


def test_a_lease_keeps_its_annotations_and_times_as_written(api: Api) -> None:
    times = {
        "acquireTime": "2026-01-02T03:04:05.000001Z",
        "renewTime": "2026-01-02T03:04:06.120000Z",
    }
    document = lease("one", "a", annotations={"failoverip.io/ledger": "{}"})
    document["spec"] |= times | {"leaseDurationSeconds": 15, "leaseTransitions": 3}
    made = api.create(LEASES, document)
    assert made["spec"] == document["spec"]
    assert made["metadata"]["annotations"] == {"failoverip.io/ledger": "{}"}


# Nodes: what kubelets, kubectl and the node lifecycle write.


def condition(document: Json, kind: str) -> Json | None:
    conditions = document["status"].get("conditions") or []
    return next((each for each in conditions if each["type"] == kind), None)


def test_a_node_registers_with_its_status(api: Api) -> None:
    made = api.create(NODES, node("one"))
    ready = condition(made, "Ready")
    assert ready is not None
    assert (ready["status"], ready["reason"]) == ("True", "KubeletReady")


def test_a_strategic_patch_merges_conditions_by_their_type(api: Api) -> None:
    api.create(NODES, node("one"))
    patch = {
        "status": {
            "conditions": [
                {"type": "Ready", "status": "Unknown"},
                {"type": "DiskPressure", "status": "False"},
            ]
        }
    }
    after = api.patch(f"{NODES}/one/status", patch, STRATEGIC_PATCH)
    ready = condition(after, "Ready")
    assert ready is not None
    assert (ready["status"], ready["reason"]) == ("Unknown", "KubeletReady")
    assert condition(after, "DiskPressure") is not None


def test_a_strategic_patch_deletes_one_condition(api: Api) -> None:
    api.create(NODES, node("one"))
    api.patch(
        f"{NODES}/one/status",
        {"status": {"conditions": [{"type": "DiskPressure", "status": "False"}]}},
        STRATEGIC_PATCH,
    )
    after = api.patch(
        f"{NODES}/one/status",
        {"status": {"conditions": [{"$patch": "delete", "type": "DiskPressure"}]}},
        STRATEGIC_PATCH,
    )
    assert condition(after, "DiskPressure") is None
    assert condition(after, "Ready") is not None


def test_a_node_is_cordoned_through_its_spec_only(api: Api) -> None:
    api.create(NODES, node("one"))
    patch = {"spec": {"unschedulable": True}}
    assert "unschedulable" not in api.patch(f"{NODES}/one/status", patch)["spec"]
    assert api.patch(f"{NODES}/one", patch)["spec"]["unschedulable"] is True
    cordoned = api.list(NODES, fieldSelector="spec.unschedulable=true")
    assert [each["metadata"]["name"] for each in cordoned] == ["one"]


def test_a_write_of_a_node_leaves_its_status_alone(api: Api) -> None:
    api.create(NODES, node("one"))
    patch = {"status": {"conditions": [{"type": "Ready", "status": "False"}]}}
    ready = condition(api.patch(f"{NODES}/one", patch), "Ready")
    assert ready is not None
    assert ready["status"] == "True"


def test_a_node_status_write_may_set_labels_and_annotations(api: Api) -> None:
    """Unlike a custom resource's: kubelets do."""
    api.create(NODES, node("one"))
    patch = {"metadata": {"labels": {"a": "b"}, "annotations": {"c": "d"}}}
    metadata = api.patch(f"{NODES}/one/status", patch, STRATEGIC_PATCH)["metadata"]
    assert metadata["labels"]["a"] == "b"
    assert metadata["annotations"]["c"] == "d"


# Secrets: the credentials.


def test_texts_of_a_secret_are_kept_as_data(api: Api) -> None:
    document = {"metadata": {"name": "robot"}, "stringData": {"username": "u", "password": "p"}}
    made = api.create(SECRETS, document)
    decoded = {name: base64.b64decode(value).decode() for name, value in made["data"].items()}
    assert decoded == {"username": "u", "password": "p"}
    assert "stringData" not in made
    assert made["type"] == "Opaque"


def test_a_text_replaces_one_key_of_a_secret(api: Api) -> None:
    document = {"metadata": {"name": "robot"}, "stringData": {"username": "u", "password": "p"}}
    before = api.create(SECRETS, document)
    after = api.patch(f"{SECRETS}/robot", {"stringData": {"password": "q"}})
    assert base64.b64decode(after["data"]["password"]) == b"q"
    assert after["data"]["username"] == before["data"]["username"]
    assert version(after) != version(before)


# Events: the story that `kubectl describe` tells.


def event(name: str) -> Json:
    return {
        "metadata": {"name": name},
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
            "uid": "u1",
        },
        "related": {"apiVersion": "v1", "kind": "Node", "name": "node-b"},
    }


def test_an_event_is_kept_as_written(api: Api) -> None:
    made = api.create(EVENTS, event("one"))
    for name, value in event("one").items():
        if name != "metadata":
            assert made[name] == value, name


def test_an_event_shows_in_the_core_group_too(api: Api) -> None:
    api.create(EVENTS, event("one"))
    shown = api.get(f"{CORE_EVENTS}/one")
    assert shown["apiVersion"] == "v1"
    assert shown["message"] == "203.0.113.10 is on node-b"
    assert shown["involvedObject"]["name"] == "web"
    assert shown["reportingComponent"] == "failoverip.io/operator"


def test_a_core_event_shows_in_the_newer_group_too(api: Api) -> None:
    document = {
        "metadata": {"name": "two"},
        "involvedObject": {"kind": "Node", "name": "node-b"},
        "reason": "NodeNotReady",
        "message": "Node node-b status is now: NodeNotReady",
        "type": "Normal",
        "count": 2,
        "source": {"component": "node-controller"},
    }
    api.create(CORE_EVENTS, document)
    shown = api.get(f"{EVENTS}/two")
    assert shown["note"] == document["message"]
    assert shown["deprecatedCount"] == 2
    assert shown["regarding"]["name"] == "node-b"


def test_events_are_found_by_the_object_they_are_about(api: Api) -> None:
    api.create(EVENTS, event("one"))
    api.create(EVENTS, event("two") | {"regarding": {"kind": "Node", "name": "n", "uid": "u2"}})
    found = api.list(
        CORE_EVENTS, fieldSelector="involvedObject.uid=u1,involvedObject.kind=FailoverIP"
    )
    assert [each["metadata"]["name"] for each in found] == ["one"]


# Bodies that do not belong where they are sent.


def test_a_body_of_another_kind_is_refused(api: Api) -> None:
    document = config_map("one") | {"apiVersion": "v1", "kind": "ConfigMap"}
    assert refused(api, "create", SECRETS, document).code == (400, "BadRequest")
    other = failover_ip() | {"kind": "Other"}
    assert refused(api, "create", FAILOVER_IPS, other).code == (422, "Invalid")


def test_a_custom_resource_without_kind_is_refused(api: Api) -> None:
    nameless = {name: value for name, value in failover_ip().items() if name != "kind"}
    assert refused(api, "create", FAILOVER_IPS, nameless).code == (400, "BadRequest")
