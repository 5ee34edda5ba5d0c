"""What both servers promise about creating, replacing and patching objects."""

from __future__ import annotations

import pytest
from tests.controlplane.cluster import FAILOVER_IPS
from tests.controlplane.rest import JSON_PATCH, STRATEGIC_PATCH, Api, Json
from tests.kube_contract.documents import (
    CONFIG_MAPS,
    WEB,
    changed,
    config_map,
    failover_ip,
    refused,
    version,
)

APPLY_PATCH = "application/apply-patch+yaml"
FENCE = {"epoch": 1, "holder": "leader-a"}


def test_a_new_object_gets_uid_time_version_and_generation(api: Api) -> None:
    made = api.create(
        FAILOVER_IPS, failover_ip(uid="mine", creationTimestamp="2001-01-01T00:00:00Z")
    )
    metadata = made["metadata"]
    assert metadata["uid"] not in ("", "mine")
    assert metadata["creationTimestamp"] > "2001-01-01T00:00:00Z"
    assert metadata["generation"] == 1
    assert int(metadata["resourceVersion"]) > 0
    assert api.get(WEB) == made


def test_defaults_of_the_crd_are_filled_in(api: Api) -> None:
    spec = api.create(FAILOVER_IPS, failover_ip())["spec"]
    assert (spec["mode"], spec["drift"], spec["onCordon"]) == ("Active", "Report", "Move")
    assert spec["credentialsSecretRef"] == {"name": "robot-credentials"}


def test_a_name_can_be_taken_only_once(api: Api) -> None:
    api.create(FAILOVER_IPS, failover_ip())
    refusal = refused(api, "create", FAILOVER_IPS, failover_ip())
    assert refusal.code == (409, "AlreadyExists")
    assert refusal.message == 'failoverips.failoverip.io "web" already exists'


def test_a_generated_name_begins_with_its_prefix(api: Api) -> None:
    document = config_map("unused")
    document["metadata"] = {"generateName": "made-"}
    first, second = (api.create(CONFIG_MAPS, document)["metadata"]["name"] for _ in range(2))
    assert first.startswith("made-")
    assert first != second


def test_an_object_without_any_name_is_refused(api: Api) -> None:
    document = failover_ip()
    document["metadata"] = {}
    assert refused(api, "create", FAILOVER_IPS, document).code == (422, "Invalid")


def test_a_namespaced_object_needs_its_namespace(api: Api) -> None:
    path = "/api/v1/namespaces/nowhere/configmaps"
    refusal = refused(api, "create", path, config_map("one"))
    assert refusal.code == (404, "NotFound")
    assert refusal.message == 'namespaces "nowhere" not found'


def test_a_body_of_another_namespace_is_refused(api: Api) -> None:
    refusal = refused(api, "create", CONFIG_MAPS, config_map("one", namespace="kube-system"))
    assert refusal.code == (400, "BadRequest")


def test_a_body_of_another_name_is_refused(api: Api) -> None:
    made = api.create(FAILOVER_IPS, failover_ip())
    other = made | {"metadata": made["metadata"] | {"name": "other"}}
    assert refused(api, "replace", WEB, other).code == (400, "BadRequest")


@pytest.mark.parametrize("method", ["get", "delete"])
def test_what_does_not_exist_is_not_found(api: Api, method: str) -> None:
    refusal = refused(api, method, WEB)
    assert refusal.code == (404, "NotFound")
    assert refusal.message == 'failoverips.failoverip.io "web" not found'


def test_what_does_not_exist_can_be_neither_replaced_nor_patched(api: Api) -> None:
    ghost = failover_ip(resourceVersion="1")
    assert refused(api, "replace", WEB, ghost).code == (404, "NotFound")
    assert refused(api, "patch", WEB, {"spec": {}}).code == (404, "NotFound")


def test_every_change_moves_the_version_forward(api: Api) -> None:
    made = api.create(FAILOVER_IPS, failover_ip())
    after = api.replace(WEB, changed(made))
    assert int(version(after)) > int(version(made))
    assert int(version(api.get(FAILOVER_IPS))) >= int(version(after))


def test_a_write_that_changes_nothing_keeps_the_version(api: Api) -> None:
    made = api.create(FAILOVER_IPS, failover_ip())
    assert version(api.patch(WEB, {"spec": made["spec"]})) == version(made)
    assert version(api.replace(WEB, made)) == version(made)


def test_a_put_with_an_old_version_is_a_conflict(api: Api) -> None:
    made = api.create(FAILOVER_IPS, failover_ip())
    api.replace(WEB, changed(made))
    refusal = refused(api, "replace", WEB, made)
    assert refusal.code == (409, "Conflict")
    assert "the object has been modified" in refusal.message


def test_a_status_put_with_an_old_version_is_a_conflict(api: Api) -> None:
    made = api.create(FAILOVER_IPS, failover_ip())
    api.replace(WEB, changed(made))
    stale = made | {"status": {"fence": FENCE}}
    assert refused(api, "replace", f"{WEB}/status", stale).code == (409, "Conflict")
    assert "status" not in api.get(WEB)


def test_a_patch_with_an_old_version_is_a_conflict(api: Api) -> None:
    made = api.create(FAILOVER_IPS, failover_ip())
    api.replace(WEB, changed(made))
    stale = {"metadata": {"resourceVersion": version(made)}, "spec": {"mode": "Paused"}}
    assert refused(api, "patch", WEB, stale).code == (409, "Conflict")


def test_a_patch_without_a_version_is_unconditional(api: Api) -> None:
    made = api.create(FAILOVER_IPS, failover_ip())
    api.replace(WEB, changed(made))
    assert api.patch(WEB, {"spec": {"mode": "Paused"}})["spec"]["mode"] == "Paused"


def test_a_put_of_a_custom_resource_needs_a_version(api: Api) -> None:
    api.create(FAILOVER_IPS, failover_ip())
    refusal = refused(api, "replace", WEB, failover_ip())
    assert refusal.code == (422, "Invalid")
    assert "must be specified for an update" in refusal.message


def test_a_put_of_a_config_map_without_a_version_overwrites(api: Api) -> None:
    api.create(CONFIG_MAPS, config_map("one"))
    after = api.replace(f"{CONFIG_MAPS}/one", {"metadata": {"name": "one"}, "data": {"a": "b"}})
    assert after["data"] == {"a": "b"}


def test_a_put_under_another_uid_is_a_conflict(api: Api) -> None:
    api.create(CONFIG_MAPS, config_map("one"))
    other = config_map("one", uid="00000000-0000-4000-8000-00000000ffff")
    assert refused(api, "replace", f"{CONFIG_MAPS}/one", other).code == (409, "Conflict")


def test_the_generation_counts_changes_of_the_spec_only(api: Api) -> None:
    made = api.create(FAILOVER_IPS, failover_ip())
    assert api.replace(WEB, changed(made))["metadata"]["generation"] == 2
    api.patch(WEB, {"metadata": {"labels": {"a": "b"}}})
    api.patch(f"{WEB}/status", {"status": {"fence": FENCE}})
    assert api.get(WEB)["metadata"]["generation"] == 2


def test_a_put_drops_what_it_does_not_contain(api: Api) -> None:
    made = api.create(FAILOVER_IPS, failover_ip(labels={"a": "b"}))
    del made["metadata"]["labels"]
    made["spec"] = {"addresses": made["spec"]["addresses"], "mode": "Paused"}
    after = api.replace(WEB, made)
    assert "labels" not in after["metadata"]
    assert after["spec"]["mode"] == "Paused"


# Status and spec are written apart.


def test_a_new_custom_resource_has_no_status(api: Api) -> None:
    made = api.create(FAILOVER_IPS, failover_ip() | {"status": {"fence": FENCE}})
    assert "status" not in made


def test_a_write_of_the_main_resource_ignores_status(api: Api) -> None:
    made = api.create(FAILOVER_IPS, failover_ip())
    assert "status" not in api.replace(WEB, made | {"status": {"fence": FENCE}})
    assert "status" not in api.patch(WEB, {"status": {"fence": FENCE}})


@pytest.mark.parametrize("method", ["replace", "patch"])
def test_a_write_of_status_ignores_spec_and_metadata(api: Api, method: str) -> None:
    made = api.create(FAILOVER_IPS, failover_ip())
    metadata = made["metadata"] | {
        "labels": {"a": "b"},
        "annotations": {"c": "d"},
        "finalizers": ["example.com/hold"],
    }
    body = changed(made) | {"metadata": metadata, "status": {"fence": FENCE}}
    after = getattr(api, method)(f"{WEB}/status", body)
    assert after["status"] == {"fence": FENCE}
    assert after["spec"] == made["spec"]
    assert not {"labels", "annotations", "finalizers"} & set(after["metadata"])


def test_the_status_can_be_read_on_its_own_path(api: Api) -> None:
    api.create(FAILOVER_IPS, failover_ip())
    after = api.patch(f"{WEB}/status", {"status": {"fence": FENCE}})
    assert api.get(f"{WEB}/status") == after


def test_a_resource_without_status_has_no_status_path(api: Api) -> None:
    api.create(CONFIG_MAPS, config_map("one"))
    assert refused(api, "patch", f"{CONFIG_MAPS}/one/status", {}).status == 404


# The patch formats.


def test_a_merge_patch_removes_what_it_sets_to_null(api: Api) -> None:
    api.create(CONFIG_MAPS, config_map("one", labels={"a": "1", "b": "2"}))
    patch = {"metadata": {"labels": {"a": None, "c": "3"}}}
    assert api.patch(f"{CONFIG_MAPS}/one", patch)["metadata"]["labels"] == {"b": "2", "c": "3"}


def test_a_json_patch_is_applied_in_order(api: Api) -> None:
    api.create(CONFIG_MAPS, config_map("one"))
    operations = [
        {"op": "test", "path": "/data/key", "value": "value"},
        {"op": "add", "path": "/data/more", "value": "x"},
        {"op": "remove", "path": "/data/key"},
    ]
    assert api.patch(f"{CONFIG_MAPS}/one", operations, JSON_PATCH)["data"] == {"more": "x"}


@pytest.mark.parametrize(
    "operation",
    [
        {"op": "test", "path": "/data/key", "value": "another"},
        {"op": "test", "path": "/metadata/resourceVersion", "value": "1"},
        {"op": "replace", "path": "/data/nothing/here", "value": "x"},
        {"op": "remove", "path": "/data/nothing"},
    ],
    ids=["failing test", "test of an old version", "no such path", "nothing to remove"],
)
def test_a_json_patch_that_does_not_fit_changes_nothing(
    api: Api, operation: dict[str, str]
) -> None:
    made = api.create(CONFIG_MAPS, config_map("one"))
    operations = [{"op": "add", "path": "/data/more", "value": "x"}, operation]
    refusal = refused(api, "patch", f"{CONFIG_MAPS}/one", operations, JSON_PATCH)
    assert refusal.code == (422, "Invalid")
    assert api.get(f"{CONFIG_MAPS}/one") == made


def test_a_custom_resource_takes_no_strategic_patch(api: Api) -> None:
    api.create(FAILOVER_IPS, failover_ip())
    assert refused(api, "patch", WEB, {"spec": {}}, STRATEGIC_PATCH).status == 415


def test_an_unknown_patch_format_is_refused(api: Api) -> None:
    api.create(FAILOVER_IPS, failover_ip())
    assert refused(api, "patch", WEB, {"spec": {}}, "text/plain").status == 415


# Server-side apply.


def applied(api: Api, document: Json, path: str = WEB, **query: str) -> Json:
    query = {"fieldManager": "contract", **query}
    return api.patch(path, document, APPLY_PATCH, **query)


def test_apply_creates_then_changes_then_removes_what_it_no_longer_names(api: Api) -> None:
    made = applied(api, failover_ip(labels={"a": "b", "c": "d"}))
    assert made["metadata"]["labels"] == {"a": "b", "c": "d"}
    after = applied(api, failover_ip(labels={"a": "e"}))
    assert after["metadata"]["labels"] == {"a": "e"}
    assert after["metadata"]["uid"] == made["metadata"]["uid"]


def test_apply_keeps_what_others_wrote(api: Api) -> None:
    applied(api, failover_ip(labels={"a": "b"}))
    api.patch(WEB, {"metadata": {"labels": {"other": "x"}}})
    assert applied(api, failover_ip())["metadata"]["labels"] == {"other": "x"}


def test_apply_to_an_object_made_anew_removes_nothing(api: Api) -> None:
    applied(api, failover_ip(labels={"a": "b"}))
    api.delete(WEB)
    api.create(FAILOVER_IPS, failover_ip(labels={"a": "b"}))
    assert applied(api, failover_ip(), force="true")["metadata"]["labels"] == {"a": "b"}


def test_apply_needs_a_field_manager(api: Api) -> None:
    refusal = refused(api, "patch", WEB, failover_ip(), APPLY_PATCH)
    assert refusal.code == (422, "Invalid")


# Dry run.


def test_a_dry_run_answers_as_the_write_would_and_keeps_nothing(api: Api) -> None:
    answer = api.create(FAILOVER_IPS, failover_ip(), dryRun="All")
    assert answer["spec"]["addresses"] == ["203.0.113.10"]
    assert api.find(WEB) is None

    made = api.create(FAILOVER_IPS, failover_ip())
    assert api.replace(WEB, changed(made), dryRun="All")["spec"] != made["spec"]
    assert api.patch(WEB, {"spec": {"mode": "Paused"}}, dryRun="All")["spec"]["mode"] == "Paused"
    api.delete(WEB, dryRun="All")
    assert api.get(WEB) == made


def test_a_dry_run_is_refused_as_the_write_would_be(api: Api) -> None:
    made = api.create(FAILOVER_IPS, failover_ip())
    api.replace(WEB, changed(made))
    query = {"dryRun": "All"}
    assert refused(api, "replace", WEB, made, **query).code == (409, "Conflict")
    assert refused(api, "create", FAILOVER_IPS, failover_ip(), **query).status == 409


def test_only_all_is_a_dry_run(api: Api) -> None:
    refusal = refused(api, "create", FAILOVER_IPS, failover_ip(), dryRun="Some")
    assert refusal.code == (422, "Invalid")
