"""The judge sees each broken promise, and none where it was kept: facts written by hand."""

from __future__ import annotations

from typing import Any

import pytest

from failoverip.simulator.robot import Entry
from failoverip.simulator.world.judge import Judge

ADDRESS, SOURCE, TARGET = "203.0.113.10", "192.0.2.11", "192.0.2.12"
NOW = 1000.0


def node(name: str, ready: str = "True", uid: str = "", **spec: Any) -> dict[str, Any]:
    return {
        "metadata": {"name": name, "uid": uid or f"uid-{name}", "labels": {"world": "yes"}},
        "spec": spec,
        "status": {"conditions": [{"type": "Ready", "status": ready}]},
    }


def intent(reason: str = "NodeUnreachable", **changes: Any) -> dict[str, Any]:
    return {
        "id": "3-1",
        "epoch": 3,
        "node": "node-b",
        "routes": [{"address": ADDRESS, "to": TARGET}],
        "cause": {"reason": reason, "node": "node-a", "nodeUID": "uid-node-a"},
        "attempts": 1,
    } | changes


def resource(mode: str = "Active", epoch: int = 3, **status: Any) -> dict[str, Any]:
    return {
        "metadata": {"name": "web"},
        "spec": {"addresses": [ADDRESS], "mode": mode},
        "status": {"fence": {"epoch": epoch, "holder": "alpha_1"}, **status},
    }


def court(*, source_beats_until: float, target_beats_until: float = NOW) -> Judge:
    """Two nodes that beat every 10 s until then, Ready all the time."""
    judge = Judge()
    for name, server, until in (
        ("node-a", SOURCE, source_beats_until),
        ("node-b", TARGET, target_beats_until),
    ):
        judge.node(0.0, node(name), [server], deleted=False)
        for step in range(int(until // 10) + 1):
            judge.beat(step * 10.0, name)
    return judge


def invariants(judge: Judge) -> list[str]:
    return [breach.invariant for breach in judge.breaches]


def test_a_move_off_a_node_that_fell_silent_breaks_nothing() -> None:
    judge = court(source_beats_until=NOW - 60)
    judge.resource(NOW - 1, resource(intent=intent()), deleted=False)
    judge.first_byte(NOW, "alpha", ADDRESS, TARGET)
    assert invariants(judge) == []


def test_a_move_off_a_node_that_beat_all_the_time_is_a_move_on_blindness() -> None:
    judge = court(source_beats_until=NOW)
    judge.resource(NOW - 1, resource(intent=intent()), deleted=False)
    judge.first_byte(NOW, "alpha", ADDRESS, TARGET)
    assert invariants(judge) == ["I5", "I4"]


def test_silence_while_no_beat_could_arrive_is_no_cause_to_move() -> None:
    judge = court(source_beats_until=NOW - 60)
    judge.api_is_down(NOW - 55, down=True)
    judge.api_is_down(NOW - 5, down=False)
    judge.beat(NOW - 1, "node-b")
    judge.node(NOW - 4, node("node-a", ready="Unknown"), [SOURCE], deleted=False)
    judge.resource(NOW - 1, resource(intent=intent()), deleted=False)
    judge.first_byte(NOW, "alpha", ADDRESS, TARGET)
    assert invariants(judge) == ["I5"]


def test_a_move_that_somebody_asked_for_may_leave_a_node_that_is_well() -> None:
    judge = court(source_beats_until=NOW)
    judge.resource(NOW - 1, resource(intent=intent("SwitchRequested")), deleted=False)
    judge.first_byte(NOW, "alpha", ADDRESS, TARGET)
    assert invariants(judge) == []


@pytest.mark.parametrize(
    ("status", "invariant"),
    [
        ({}, "I2"),
        ({"intent": intent(routes=[{"address": ADDRESS, "to": SOURCE}])}, "I2"),
        ({"intent": intent(attempts=0)}, "I2"),
        ({"intent": intent(epoch=2)}, "I2"),
    ],
    ids=["no intent", "another target", "no attempt", "another epoch"],
)
def test_a_request_without_its_record_breaks_the_second(
    status: dict[str, Any], invariant: str
) -> None:
    judge = court(source_beats_until=NOW - 60)
    judge.resource(NOW - 1, resource(**status), deleted=False)
    judge.first_byte(NOW, "alpha", ADDRESS, TARGET)
    assert invariants(judge) == [invariant]


def test_a_request_to_a_node_that_is_long_silent_breaks_the_third() -> None:
    judge = court(source_beats_until=NOW - 60, target_beats_until=NOW - 60)
    judge.resource(NOW - 1, resource(intent=intent()), deleted=False)
    judge.first_byte(NOW, "alpha", ADDRESS, TARGET)
    assert invariants(judge) == ["I3"]


@pytest.mark.parametrize(("ago", "expected"), [(1.0, []), (60.0, ["I3"])])
def test_a_target_that_was_mapped_elsewhere_a_moment_ago_need_not_have_been_seen(
    ago: float, expected: list[str]
) -> None:
    """Seeds 738 and 2299: the node was mapped wrongly while the intent was recorded."""
    judge = court(source_beats_until=NOW - 100)
    judge.node(NOW - ago, node("node-b"), ["192.0.2.99"], deleted=False)
    judge.resource(NOW - 1, resource(intent=intent()), deleted=False)
    judge.first_byte(NOW, "alpha", ADDRESS, TARGET)
    assert invariants(judge) == expected


@pytest.mark.parametrize(("ago", "expected"), [(5.0, []), (60.0, ["I7"])])
def test_a_request_long_after_the_mode_was_changed_breaks_the_seventh(
    ago: float, expected: list[str]
) -> None:
    judge = court(source_beats_until=NOW - 60)
    judge.resource(0.0, resource(intent=intent()), deleted=False)
    judge.resource(NOW - ago, resource("Paused", intent=intent()), deleted=False)
    judge.first_byte(NOW, "alpha", ADDRESS, TARGET)
    assert invariants(judge) == expected


def test_an_epoch_that_falls_and_an_intent_that_replaces_another_break_the_first() -> None:
    judge = Judge()
    judge.resource(1.0, resource(epoch=4, intent=intent()), deleted=False)
    judge.resource(2.0, resource(epoch=3, intent=intent(id="3-2")), deleted=False)
    assert invariants(judge) == ["I1", "I1"]


def entry(number: int, method: str, began: float, **facts: Any) -> Entry:
    path = "/failover" if method == "GET" else f"/failover/{ADDRESS}"
    return Entry(number, method, path, "user", "alpha", began, **facts)


@pytest.mark.parametrize(
    ("method", "count", "facts", "expected"),
    [
        ("GET", 100, {}, []),
        ("GET", 101, {}, ["I6"]),
        ("POST", 50, {}, []),
        ("POST", 51, {}, ["I6"]),
        ("POST", 51, {"fault": "down"}, []),
    ],
)
def test_more_requests_in_an_hour_than_robot_allows_break_the_sixth(
    method: str, count: int, facts: dict[str, Any], expected: list[str]
) -> None:
    judge = Judge()
    entries = [entry(n, method, n * 3599.0 / count, **facts) for n in range(count)]
    judge.requests(entries, frozenset({"alpha"}))
    assert invariants(judge) == expected


def test_requests_spread_over_more_than_an_hour_and_those_of_others_are_allowed() -> None:
    judge = Judge()
    spread = [entry(n, "POST", n * 73.0) for n in range(100)]
    judge.requests(spread, frozenset({"alpha"}))
    crowd = [entry(n, "POST", float(n)) for n in range(100)]
    judge.requests(crowd, frozenset({"bravo"}))
    assert invariants(judge) == []


def test_a_third_failed_login_of_one_process_breaks_the_sixth() -> None:
    judge = Judge()
    entries = [entry(n, "GET", n * 400.0, status=401) for n in range(3)]
    judge.requests(entries, frozenset({"alpha"}))
    assert invariants(judge) == ["I6"]


@pytest.mark.parametrize(
    ("ago", "more", "expected"), [(1.0, 0, []), (1.0, 1, ["I6"]), (700.0, 0, ["I6"])]
)
def test_who_lost_the_ledger_may_fail_to_log_in_once_more(
    ago: float, more: int, expected: list[str]
) -> None:
    """Seed 8092: the first of the new leader failed, and two had before."""
    judge = Judge()
    began = [NOW - 600, NOW - 300, *(NOW + n for n in range(1 + more))]
    entries = [entry(n, "GET", at, status=401) for n, at in enumerate(began)]
    judge.requests(entries, frozenset({"alpha"}), [NOW - ago])
    assert invariants(judge) == expected


def test_that_excuses_no_failed_logins_of_another_time() -> None:
    judge = Judge()
    early, late = [0.0, 2000.0], [4000.0, 4300.0, 4600.0]
    entries = [entry(n, "GET", at, status=401) for n, at in enumerate((*early, *late))]
    judge.requests(entries, frozenset({"alpha"}), [1000.0])
    assert invariants(judge) == ["I6"]
