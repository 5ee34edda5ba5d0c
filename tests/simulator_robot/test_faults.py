"""Faults on demand: each kind, and what limits it."""

from __future__ import annotations

from typing import Any

import pytest
from tests.simulator_robot.worlds import (
    ADDRESS,
    FIRST,
    PASSWORD,
    SECOND,
    SUBNET,
    Story,
    answer,
    body,
    outcome,
    world,
)

from failoverip.simulator.robot import Answer, ConnectionLost, WorldError

ANSWERS = [
    ("unavailable", 503, None),
    ("forbidden", 403, None),
    ("rate_limited", 403, "RATE_LIMIT_EXCEEDED"),
    ("html", 200, None),
    ("gateway_timeout", 504, None),
    ("empty", 200, None),
    ("unauthorized", 401, "UNAUTHORIZED"),
]


def spoilt(kind: str, **limits: Any) -> Story:
    story = Story(world())
    story.machine.add_fault({"kind": kind, **limits}, story.now)
    return story


@pytest.mark.parametrize(("kind", "status", "code"), ANSWERS)
def test_a_fault_answers_reads_and_keeps_writes_from_being_executed(
    kind: str, status: int, code: str | None
) -> None:
    story = spoilt(kind)
    read = story.get()
    assert (read.status, read.code) == (status, code)
    write = story.post()
    assert outcome(write) == (status, code)
    assert (write.entry.executed, write.entry.fault) == (False, kind)
    assert story.later(60).machine.route(ADDRESS) == FIRST


def test_a_reset_gives_no_answer() -> None:
    story = spoilt("reset")
    exchange = story.post()
    assert exchange.reply == ConnectionLost()
    assert (exchange.entry.ended, exchange.entry.status) == (story.now, None)
    assert story.later(60).machine.route(ADDRESS) == FIRST


def test_a_hang_never_answers() -> None:
    story = spoilt("hang")
    exchange = story.post()
    assert story.later(1e6).machine.route(ADDRESS) == FIRST
    assert (exchange.reply, exchange.due, exchange.entry.ended) == (None, None, None)
    assert story.machine.next_due(story.now) is None


@pytest.mark.parametrize(
    "kind", ["reset", "hang", "unavailable", "html", "gateway_timeout", "empty"]
)
def test_a_write_can_take_effect_although_its_answer_is_lost(kind: str) -> None:
    story = spoilt(kind, executed=True, methods=["POST"])
    exchange = story.post()
    story.later(29.9)
    assert exchange.entry.ended is None, "the answer is lost at the end of the switch"
    story.later(0.1)
    assert story.shown()["active_server_ip"] == SECOND
    assert exchange.entry.executed
    assert not (isinstance(exchange.reply, Answer) and exchange.reply.body.startswith(b'{"fail'))


def test_a_slow_answer_is_late_but_its_switch_is_not() -> None:
    story = spoilt("slow", seconds=7)
    switch = story.post()
    assert story.later(30).machine.route(ADDRESS) == SECOND
    assert switch.reply is None
    story.later(7)
    assert outcome(switch) == (200, None)


def test_a_truncated_answer_is_cut_inside_its_body() -> None:
    cut = answer(spoilt("truncated").send("GET", "/failover"))
    assert cut.cut_at is not None
    assert 0 < cut.cut_at < len(cut.body)


def test_down_refuses_connections_for_its_time() -> None:
    story = spoilt("down", for_seconds=60)
    assert story.machine.down(story.now)
    assert story.post().reply == ConnectionLost(opened=False)
    assert story.machine.next_due(story.now) == story.now + 60
    assert story.later(60).get().status == 200


def test_going_down_does_not_stop_a_switch() -> None:
    story = Story(world())
    story.post()
    story.machine.add_fault({"kind": "down"}, story.now)
    assert story.later(30).machine.route(ADDRESS) == SECOND


def test_a_strangers_lock_ends_after_its_time() -> None:
    story = spoilt("locked", address=ADDRESS, for_seconds=20)
    assert outcome(story.post()) == (409, "FAILOVER_LOCKED")
    assert story.post(address=SUBNET).entry.executed
    assert story.get().status == 200
    assert story.later(20).post().entry.executed


def test_an_address_can_be_refused_for_ever() -> None:
    story = spoilt("refused", address=ADDRESS)
    for _ in range(3):
        assert outcome(story.post()) == (404, "FAILOVER_NEW_SERVER_NOT_FOUND")
    assert story.post(address=SUBNET).entry.executed
    assert story.delete().entry.executed


def test_faulty_logins_count_as_failed_ones() -> None:
    story = spoilt("unauthorized", count=3)
    assert [story.get().status for _ in range(4)] == [401, 401, 401, 403]


@pytest.mark.parametrize(
    ("body_kind", "content"), [("html", b"<!DOCTYPE"), ("json", b'{"error"'), ("empty", b"")]
)
def test_maintenance_comes_in_the_body_chosen(body_kind: str, content: bytes) -> None:
    story = Story(world(maintenance_body=body_kind))
    story.machine.add_fault({"kind": "unavailable"}, story.now)
    assert story.get().body[: len(content) or None] == content


@pytest.mark.parametrize(
    ("limits", "statuses"),
    [
        ({"count": 2}, [503, 503, 200]),
        ({"for_seconds": 15}, [503, 503, 200]),
        ({"methods": ["POST"]}, [200, 200, 200]),
        ({"address": SUBNET}, [200, 200, 200]),
        ({"address": ADDRESS, "methods": ["GET"]}, [503, 503, 503]),
    ],
)
def test_a_fault_hits_only_what_its_limits_name(
    limits: dict[str, Any], statuses: list[int]
) -> None:
    story = spoilt("unavailable", **limits)
    seen = []
    for _ in statuses:
        seen.append(story.get().status)
        story.later(10)
    assert seen == statuses


def test_a_fault_of_a_target_hits_only_switches_to_it() -> None:
    story = spoilt("refused", target=FIRST)
    assert story.post(SECOND).entry.executed
    story.later(60)
    assert outcome(story.post(FIRST)) == (404, "FAILOVER_NEW_SERVER_NOT_FOUND")


def test_the_oldest_fault_is_applied_first() -> None:
    story = spoilt("unavailable", count=1)
    story.machine.add_fault({"kind": "forbidden"}, story.now)
    assert [story.get().status for _ in range(2)] == [503, 403]
    story.machine.clear_faults()
    assert story.get().status == 200


def test_spoilt_requests_cost_no_budget_when_robot_never_saw_them() -> None:
    story = spoilt("unavailable")
    story.get()
    assert story.machine.state(story.now)["requests_used"] == {}


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ({"kind": "hung"}, "fault.kind: 'hung' is not one of"),
        ({}, "fault.kind: is missing"),
        ({"kind": "hang", "cout": 1}, "fault.cout: unknown key; did you mean 'count'?"),
        ({"kind": "hang", "count": 0}, "fault.count: must be a whole number, 1 or more"),
        ({"kind": "hang", "methods": ["PUT"]}, "fault.methods[0]: 'PUT' is not one of"),
        ({"kind": "hang", "address": "x"}, "fault.address: 'x' is not an IP address"),
        ({"kind": "hang", "address": "203.0.113.99"}, "fault.address: '203.0.113.99' is no"),
        ({"kind": "hang", "target": "x"}, "fault.target: 'x' is not an IP address"),
        ({"kind": "slow"}, "fault.seconds: is missing"),
        ({"kind": "forbidden", "executed": True}, "fault.executed: unknown key"),
        ({"kind": "hang", "executed": 1}, "fault.executed: must be true or false"),
        ({"kind": "down", "count": 3}, "fault.kind: 'down' closes the port for all"),
        ([], "fault: must be a table"),
    ],
)
def test_a_fault_that_cannot_be_used_is_refused_in_one_line(table: object, message: str) -> None:
    story = Story(world())
    with pytest.raises(WorldError) as refused:
        story.machine.add_fault(table, story.now)
    assert str(refused.value).startswith(message)
    assert "\n" not in str(refused.value)


def test_neither_journal_nor_values_hold_a_password() -> None:
    story = Story(world())
    exchange = story.post()
    story.get(password="wrong-canary")
    shown = (
        repr((story.machine.journal.entries, exchange, world().users))
        + str([entry.as_dict() for entry in story.machine.journal.entries])
        + str(story.machine.state(story.now))
    )
    assert PASSWORD not in shown
    assert "wrong-canary" not in shown


def test_the_same_requests_at_the_same_times_give_the_same_journal() -> None:
    def journal() -> list[dict[str, Any]]:
        story = spoilt("slow", seconds=3, count=1)
        for seconds in (0, 5, 40, 3600):
            story.later(seconds)
            story.post()
            story.get(password="wrong")
            story.delete(SUBNET)
        return [entry.as_dict() for entry in story.machine.journal.entries]

    assert journal() == journal()
    assert len(body(Story(world()).get("/failover"))) == 3
