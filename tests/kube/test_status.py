"""`status` survives the wire, and what cannot be read of it never looks like "nothing there"."""

from __future__ import annotations

import copy
import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.kube.strategies import statuses

from failoverip.core.reasons import Reason
from failoverip.core.resource import Status
from failoverip.kube.codec import status_from, status_to

# Neither the verdict nor the examples may depend on how fast or lucky a machine is.
any_machine = settings(
    deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
TIME = "2026-01-02T03:04:05Z"

# Every field once, with the names of design 6.
WHOLE: dict[str, Any] = {
    "observedGeneration": 3,
    "fence": {"epoch": 4, "holder": "replica-1", "lease": "failoverip/failoverip"},
    "conditions": [
        {
            "type": "Ready",
            "status": "False",
            "observedGeneration": 3,
            "lastTransitionTime": TIME,
            "reason": "NodeUnreachable",
            "message": "node-1 is silent",
        }
    ],
    "activeNode": "node-1",
    "activeNodeUID": "u-1",
    "activeServer": 321,
    "addresses": [
        {
            "address": "203.0.113.16/29",
            "state": "Switching",
            "activeServerIP": "192.0.2.1",
            "node": "node-1",
        },
        {"address": "2001:db8:1:2::/64", "state": "Unrouted"},
    ],
    "candidates": [
        {"node": "node-1", "server": 321, "eligible": True, "reason": "Eligible"},
        {"node": "node-2", "eligible": False, "reason": "Unmapped"},
    ],
    "candidateCount": 2,
    "eligibleCount": 0,
    "intent": {
        "id": "i-1",
        "epoch": 4,
        "node": "node-3",
        "nodeUID": "u-3",
        "serverNumber": 323,
        "routes": [{"address": "203.0.113.16/29", "to": "192.0.2.3"}],
        "cause": {"reason": "NodeUnreachable", "node": "node-1", "nodeUID": "u-1"},
        "attempts": 0,
        "startedAt": TIME,
        "detectedAt": TIME,
        "postedAt": TIME,
    },
    "lastMove": {"id": "i-0", "epoch": 2, "result": "Confirmed"},
    "moves": [
        {
            "id": "i-0",
            "cause": "NodeDeleted",
            "from": "node-0",
            "node": "node-1",
            "serverNumber": 321,
            "result": "Confirmed",
            "reason": "Confirmed",
            "attempts": 1,
            "detectedAt": TIME,
            "postedAt": TIME,
            "confirmedAt": TIME,
            "endedAt": TIME,
        }
    ],
    "switchRequest": {
        "value": "node-9",
        "answer": "Refused",
        "reason": "UnknownNode",
        "message": "",
        "answeredAt": TIME,
    },
}


def test_the_names_on_the_wire() -> None:
    status, problem = status_from(WHOLE)
    assert problem is None
    assert status_to(status) == WHOLE


@any_machine
@given(statuses)
def test_a_status_comes_back_as_it_was_written(status: Status) -> None:
    assert status_from(json.loads(json.dumps(status_to(status)))) == (status, None)


@any_machine
@given(statuses)
def test_what_was_written_and_read_is_written_alike(status: Status) -> None:
    wire = status_to(status)
    assert status_to(status_from(wire)[0]) == wire


@any_machine
@given(statuses, st.floats(0, 0.999))
def test_a_fraction_of_a_second_changes_nothing_on_the_wire(
    status: Status, fraction: float
) -> None:
    if status.intent is None:
        return
    later = replace(status.intent, started_at=status.intent.started_at + fraction)
    assert status_to(replace(status, intent=later)) == status_to(status)


@pytest.mark.parametrize("item", [None, {}])
def test_an_empty_status_is_absent_on_the_wire(item: dict[str, Any] | None) -> None:
    assert status_from(item) == (Status(), None)
    assert status_to(Status()) == {}


def test_no_eligible_node_is_told_as_a_number() -> None:
    assert status_to(Status(candidate_count=3)) == {"candidateCount": 3, "eligibleCount": 0}


def test_unknown_fields_are_ignored() -> None:
    newer = copy.deepcopy(WHOLE)
    newer["novelty"] = {"a": 1}
    newer["intent"]["novelty"] = 1
    assert status_from(newer) == status_from(WHOLE)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("fence", []),
        ("fence.epoch", "4"),
        ("fence.holder", None),
        ("intent", "open"),
        ("intent.id", ""),
        ("intent.epoch", None),
        ("intent.epoch", True),
        ("intent.node", 1),
        ("intent.serverNumber", 1.5),
        ("intent.routes", []),
        ("intent.routes.0.address", "203.0.113.17/29"),
        ("intent.routes.0.to", "server"),
        ("intent.cause.reason", "ReasonOfTomorrow"),
        ("intent.attempts", None),
        ("intent.startedAt", "yesterday"),
        ("intent.detectedAt", None),
        ("lastMove.result", "ResultOfTomorrow"),
        ("switchRequest.value", None),
        ("switchRequest.answer", "Perhaps"),
    ],
)
def test_a_guarding_field_that_cannot_be_read_is_a_problem_that_names_it(
    path: str, value: object
) -> None:
    broken = _with(WHOLE, path, value)
    status, problem = status_from(broken)
    assert problem is not None
    named = "status." + path.replace(".0", "[0]")
    assert problem.startswith(f"{named}: ")
    assert "\n" not in problem
    # The rest is known all the same: who claimed it above all.
    assert (status.fence is None) == path.startswith("fence")
    assert status.active_node == "node-1"


@pytest.mark.parametrize(
    ("path", "value", "lost"),
    [
        ("conditions.0.reason", "ReasonOfTomorrow", "conditions"),
        ("conditions.0.lastTransitionTime", "", "conditions"),
        ("conditions", {}, "conditions"),
        ("moves.0.cause", "ReasonOfTomorrow", "moves"),
        ("moves.0.endedAt", None, "moves"),
        ("activeNode", 5, "activeNode"),
        ("activeServer", "321", "activeServer"),
        ("observedGeneration", "3", "observedGeneration"),
    ],
)
def test_what_the_next_pass_tells_again_is_left_out_when_it_cannot_be_read(
    path: str, value: object, lost: str
) -> None:
    status, problem = status_from(_with(WHOLE, path, value))
    assert problem is None
    assert status_to(status) == {key: value for key, value in WHOLE.items() if key != lost}


def test_only_the_entry_that_cannot_be_read_is_left_out() -> None:
    status, _ = status_from(_with(WHOLE, "addresses.0.state", "StateOfTomorrow"))
    assert [entry.address.text for entry in status.addresses] == ["2001:db8:1:2::/64"]


def test_an_answered_request_stays_answered_when_its_reason_is_unknown() -> None:
    status, problem = status_from(_with(WHOLE, "switchRequest.reason", "ReasonOfTomorrow"))
    assert problem is None
    assert status.switch_request is not None
    assert status.switch_request.value == "node-9"
    assert status.switch_request.reason is Reason.SWITCH_REQUESTED


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(list(WHOLE)), inner, max_size=4)
    ),
    max_leaves=8,
)


@any_machine
@given(json_values)
def test_no_status_is_too_odd_to_be_read(item: Any) -> None:
    status, problem = status_from(item)
    assert isinstance(status, Status)
    if isinstance(item, dict) and item.get("intent") is not None:
        assert status.intent is not None or problem


def _with(item: dict[str, Any], path: str, value: object) -> dict[str, Any]:
    """A copy with another value at `path`; None removes it."""
    changed: Any = copy.deepcopy(item)
    *parents, last = [int(part) if part.isdigit() else part for part in path.split(".")]
    inner = changed
    for part in parents:
        inner = inner[part]
    inner[last] = value
    result: dict[str, Any] = changed
    return result
