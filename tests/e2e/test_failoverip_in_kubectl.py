"""What a user sees of a FailoverIP: kubectl get, kubectl explain, and a status kept as written."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest
from tests.controlplane.cluster import FAILOVER_IPS, Cluster
from tests.controlplane.rest import ApiError, Json
from tests.e2e.installed_crd import install_crd
from tests.kube_contract.fence_attacks import STATES, resource
from tests.manifests.documents import schema_nodes

pytestmark = pytest.mark.e2e

PATH = f"{FAILOVER_IPS}/web"
STAMP = "%Y-%m-%dT%H:%M:%SZ"

OBJECTS = ["", *(node.path for node in schema_nodes() if "properties" in node.schema)]


def _ago(**parts: float) -> str:
    return (datetime.now(UTC) - timedelta(**parts)).strftime(STAMP)


def _move() -> Json:
    detected, ended = _ago(days=3, hours=5, minutes=2), _ago(days=3, hours=5, minutes=1)
    return {
        "id": "intent-0",
        "cause": "NodeUnreachable",
        "from": "node-c",
        "node": "node-a",
        "serverNumber": 1001,
        "result": "Confirmed",
        "reason": "Confirmed",
        "attempts": 1,
        "detectedAt": detected,
        "postedAt": detected,
        "confirmedAt": ended,
        "endedAt": ended,
    }


def _full_status() -> Json:
    """Every field there is."""
    (_claimed, _opened, attempted) = STATES["attempted"]
    return attempted | {
        "observedGeneration": 1,
        "activeNodeUID": "uid-a",
        "activeServer": 1001,
        "conditions": [
            {
                "type": "Ready",
                "status": "True",
                "observedGeneration": 1,
                "lastTransitionTime": _ago(days=3, hours=5, minutes=1),
                "reason": "OnHealthyNode",
                "message": "Robot routes every address to node-a.",
            }
        ],
        "addresses": [
            {
                "address": "203.0.113.10",
                "state": "Confirmed",
                "activeServerIP": "198.51.100.1",
                "node": "node-a",
                "nodeUID": "uid-a",
            }
        ],
        "candidates": [
            {"node": "node-a", "server": 1001, "eligible": True, "reason": "Eligible"},
            {"node": "node-d", "eligible": False, "reason": "Unmapped"},
        ],
        "candidateCount": 2,
        "eligibleCount": 1,
        "moves": [_move()],
        "switchRequest": {
            "value": "node-a",
            "answer": "Refused",
            "reason": "AlreadyThere",
            "message": "the addresses are on node-a already",
            "answeredAt": _ago(days=3),
        },
    }


@pytest.fixture(scope="module", autouse=True)
def crd(shared_cluster: Cluster) -> None:
    install_crd(shared_cluster)


@pytest.fixture
def status(cluster: Cluster) -> Json:
    """The status of a resource `web`, written whole."""
    cluster.admin.create(FAILOVER_IPS, resource(None))
    written = _full_status()
    cluster.admin.patch(f"{PATH}/status", {"status": written}, fieldValidation="Strict")
    return written


def test_a_status_with_every_field_is_kept_as_written(cluster: Cluster, status: Json) -> None:
    assert cluster.admin.get(PATH)["status"] == status


def test_the_full_status_of_these_tests_has_every_field_but_the_outcome(status: Json) -> None:
    below = {node.path for node in schema_nodes() if node.path.startswith("status.")}
    outcome = {path for path in below if path.startswith("status.lastMove")}
    assert below - outcome <= set(_places("status", status))


def _places(path: str, value: object) -> list[str]:
    if isinstance(value, list):
        return [path, *(place for item in value for place in _places(f"{path}[]", item))]
    if isinstance(value, dict):
        inner = [place for key in value for place in _places(f"{path}.{key}", value[key])]
        return [path, *inner]
    return [path]


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("activeNodde", "x", 'unknown field "status.activeNodde"'),
        ("activeNode", "n" * 254, "status.activeNode: Too long: may not be more than 253 bytes"),
        ("activeServer", 0, "activeServer in body should be greater than or equal to 1"),
        ("eligibleCount", -1, "eligibleCount in body should be greater than or equal to 0"),
        ("moves", [_move() for _ in range(11)], "status.moves: Too many: 11: must have at most 10"),
        ("moves", [_move() | {"endedAt": "today"}], "status.moves[0].endedAt: Invalid value"),
        ("moves", [_move() | {"reason": "a sentence"}], "status.moves[0].reason: Invalid value"),
        ("moves", [{"id": "intent-0"}], "status.moves[0].result: Required value"),
    ],
)
def test_the_status_is_bounded(
    cluster: Cluster, status: Json, field: str, value: object, message: str
) -> None:
    change = {"status": {field: value}}
    with pytest.raises(ApiError) as refusal:
        cluster.admin.patch(f"{PATH}/status", change, fieldValidation="Strict")
    assert message in refusal.value.message
    assert cluster.admin.get(PATH)["status"] == status


def test_kubectl_get_answers_where_since_when_and_is_it_fine(
    cluster: Cluster, status: Json
) -> None:
    header, row = cluster.kubectl("get", "fip").stdout.splitlines()
    assert " ".join(header.split()) == "NAME ADDRESSES NODE READY SINCE REASON MODE AGE"
    name, addresses, node, ready, since, reason, mode, age = row.split()
    assert (name, addresses) == ("web", '["203.0.113.10","203.0.113.16/29"]')
    assert (node, ready, since) == ("node-a", "True", "3d5h")
    assert (reason, mode) == ("OnHealthyNode", "Active")
    assert re.fullmatch(r"\d+s|\d+m\d*s?", age)


def test_kubectl_get_wide_tells_the_last_move_and_the_sentence(
    cluster: Cluster, status: Json
) -> None:
    header, row = cluster.kubectl("get", "failoverips", "-o", "wide").stdout.splitlines()
    assert header.split()[8:] == ["MOVED", "RESULT", "MESSAGE"]
    assert row.split()[8] == "3d5h"
    assert row.endswith("Robot routes every address to node-a.")


def test_a_resource_without_a_status_prints_too(cluster: Cluster) -> None:
    cluster.admin.create(FAILOVER_IPS, resource(None))
    _header, row = cluster.kubectl("get", "fip").stdout.splitlines()
    assert row.split()[:3] == ["web", '["203.0.113.10","203.0.113.16/29"]', "Active"]


def test_the_category_lists_the_resource(cluster: Cluster) -> None:
    resources = cluster.kubectl("api-resources", "--categories=failoverip", "-o", "name").stdout
    assert resources.split() == ["failoverips.failoverip.io"]


@pytest.mark.parametrize("path", OBJECTS, ids=lambda path: path or "(root)")
def test_kubectl_explain_prints_every_field_and_its_text(cluster: Cluster, path: str) -> None:
    asked = ".".join(["fip", path.replace("[]", "")] if path else ["fip"])
    text = " ".join(cluster.kubectl("explain", asked).stdout.split())
    children = [node for node in schema_nodes() if node.path.rpartition(".")[0] == path]
    assert children
    for child in children:
        name = child.path.rpartition(".")[2].removesuffix("[]").removesuffix("{}")
        assert f" {name} <" in text
        if not child.path.endswith(("[]", "{}")):
            assert child.schema["description"] in text
