"""The CRD's rules F1 to F8, attacked on the real API server in each way a status can be written."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from tests.controlplane.cluster import FAILOVER_IPS, Cluster
from tests.controlplane.rest import JSON_PATCH, Api, ApiError
from tests.e2e.installed_crd import install_crd
from tests.kube_contract.fence_attacks import (
    ADDRESSES,
    ALLOWED,
    ATTACKS,
    HONEST,
    STATES,
    Json,
    Write,
    json_patch,
    merge_patch,
    resource,
)

pytestmark = pytest.mark.e2e

RULES = {"F1", "F2", "F3", "F4", "F4b", "F5", "F6", "F7", "F8"}
UNPROCESSABLE = 422
PATH = f"{FAILOVER_IPS}/web"

Method = Callable[[Api, str, Json, Json], Any]


def put(api: Api, path: str, before: Json, after: Json) -> Json:
    version = before["metadata"]["resourceVersion"]
    return api.replace(path, after | {"metadata": {"name": "web", "resourceVersion": version}})


def put_as_dry_run(api: Api, path: str, before: Json, after: Json) -> Json:
    version = before["metadata"]["resourceVersion"]
    body = after | {"metadata": {"name": "web", "resourceVersion": version}}
    return api.replace(path, body, dryRun="All")


def patch_by_merge(api: Api, path: str, before: Json, after: Json) -> Json:
    return api.patch(path, merge_patch(_written(before), _written(after)))


def patch_by_operations(api: Api, path: str, before: Json, after: Json) -> Json:
    if path == PATH:
        new = after["spec"]["addresses"]
        change: list[Json] = [{"op": "replace", "path": "/spec/addresses", "value": new}]
    else:
        change = json_patch(_written(before), _written(after))
    return api.patch(path, change, JSON_PATCH)


def _written(document: Json) -> Json:
    """What the table is about, without what the server adds."""
    kept: Json = {"spec": {"addresses": document["spec"]["addresses"]}}
    return kept | {"status": document["status"]} if document.get("status") else kept


METHODS: list[Method] = [put, put_as_dry_run, patch_by_merge, patch_by_operations]


@pytest.fixture(scope="module", autouse=True)
def crd(shared_cluster: Cluster) -> None:
    install_crd(shared_cluster)


@pytest.fixture
def api(cluster: Cluster) -> Api:
    return cluster.admin


def brought_into(api: Api, state: str) -> Json:
    """A fresh resource after the writes of the state, as the server shows it."""
    api.create(FAILOVER_IPS, resource(None))
    for status in STATES[state]:
        put(api, f"{PATH}/status", api.get(PATH), resource(status))
    return api.get(PATH)


def try_write(api: Api, method: Method, before: Json, write: Write) -> Json:
    path = PATH if write.addresses else f"{PATH}/status"
    return method(api, path, before, resource(write.status, addresses=write.addresses))  # type: ignore[no-any-return]  # JSON


def test_the_attacks_cover_every_rule() -> None:
    assert {attack.rule for attack in ATTACKS} == RULES


@pytest.mark.parametrize("method", METHODS, ids=lambda method: method.__name__)
@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: f"{attack.rule} {attack.name}")
def test_the_api_server_refuses(api: Api, attack: Write, method: Method) -> None:
    before = brought_into(api, attack.state)
    with pytest.raises(ApiError) as refusal:
        try_write(api, method, before, attack)
    assert refusal.value.status == UNPROCESSABLE
    assert f": {attack.rule} " in refusal.value.message
    assert api.get(PATH) == before


@pytest.mark.parametrize("method", METHODS, ids=lambda method: method.__name__)
@pytest.mark.parametrize("write", ALLOWED, ids=lambda write: write.name)
def test_the_api_server_accepts(api: Api, write: Write, method: Method) -> None:
    before = brought_into(api, write.state)
    after = try_write(api, method, before, write)
    assert after["spec"]["addresses"] == (write.addresses or ADDRESSES)
    assert after.get("status") == write.status


@pytest.mark.parametrize("method", METHODS, ids=lambda method: method.__name__)
def test_an_honest_sequence_of_leaders_is_accepted(api: Api, method: Method) -> None:
    api.create(FAILOVER_IPS, resource(None))
    for step, status in HONEST:
        before = api.get(PATH)
        after = method(api, f"{PATH}/status", before, resource(status))
        assert after["status"] == status, step
        if method is put_as_dry_run:
            assert api.get(PATH) == before, step
            put(api, f"{PATH}/status", before, resource(status))


def test_the_first_attack_on_the_fence_is_what_the_operator_proves_it_with(api: Api) -> None:
    """A dry run of the same epoch under another holder is refused by F2 and changes nothing."""
    before = brought_into(api, "claimed")
    forged = {"fence": before["status"]["fence"] | {"holder": "failoverip-fence-proof"}}
    with pytest.raises(ApiError) as refusal:
        put_as_dry_run(api, f"{PATH}/status", before, resource(forged))
    assert "status.fence: Invalid value: F2 another leader has claimed" in refusal.value.message
    assert api.get(PATH) == before


def test_a_write_with_an_old_resource_version_is_a_conflict(api: Api) -> None:
    before = brought_into(api, "claimed")
    put(api, f"{PATH}/status", before, resource(STATES["open"][-1]))
    with pytest.raises(ApiError) as refusal:
        put(api, f"{PATH}/status", before, resource(STATES["claimed by a second leader"][-1]))
    assert (refusal.value.status, refusal.value.reason) == (409, "Conflict")


def test_a_write_of_the_resource_itself_leaves_its_status_alone(api: Api) -> None:
    before = brought_into(api, "attempted")
    forged = resource({"fence": {"epoch": 9, "holder": "nobody"}})
    after = put(api, PATH, before, forged)
    assert after["status"] == before["status"]


def test_a_status_write_leaves_the_spec_alone(api: Api) -> None:
    before = brought_into(api, "claimed")
    forged = resource(before["status"] | {"activeNode": "node-c"}, addresses=["203.0.113.99"])
    after = put(api, f"{PATH}/status", before, forged)
    assert after["spec"] == before["spec"]
    assert after["status"]["activeNode"] == "node-c"


def test_a_resource_is_created_without_the_status_that_came_with_it(api: Api) -> None:
    created = api.create(FAILOVER_IPS, resource(STATES["closed"][-1]))
    assert "status" not in created


def test_an_open_switch_does_not_keep_the_mode_from_being_changed(api: Api) -> None:
    brought_into(api, "attempted")
    after = api.patch(PATH, {"spec": {"mode": "Paused"}})
    assert after["spec"]["mode"] == "Paused"


def test_an_open_switch_does_not_hold_up_deletion(api: Api) -> None:
    brought_into(api, "attempted")
    api.delete(PATH)
    assert api.find(PATH) is None
