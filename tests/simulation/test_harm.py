"""The judge sees harm where an address suffers, and none where only a record is wrong."""

from __future__ import annotations

from typing import Any

import pytest

from failoverip.simulator.world.harm import (
    ANOTHER_TARGET,
    BLIND_MOVE,
    DEAD_NODE,
    HARM,
    TOO_MANY_MOVES,
    TWO_SWITCHES,
    UNASKED_MOVE,
    Harm,
)
from failoverip.simulator.world.judge import Judge

ADDRESS = "203.0.113.10"
A, B, C, STRANGER = "192.0.2.11", "192.0.2.12", "192.0.2.13", "192.0.2.90"
NOW = 1000.0
SERVERS = {"node-a": A, "node-b": B, "node-c": C}


def node(name: str, ready: str = "True") -> dict[str, Any]:
    return {
        "metadata": {"name": name, "uid": f"uid-{name}", "labels": {"world": "yes"}},
        "spec": {},
        "status": {"conditions": [{"type": "Ready", "status": ready}]},
    }


def intent(to: str = B, reason: str = "NodeUnreachable", **changes: Any) -> dict[str, Any]:
    return {
        "id": "3-1",
        "epoch": 3,
        "routes": [{"address": ADDRESS, "to": to}],
        "cause": {"reason": reason, "node": "node-a", "nodeUID": "uid-node-a"},
        "attempts": 1,
    } | changes


class Court:
    """Three nodes, of which some are silent since a time; the address is on the first."""

    def __init__(self, **silent_since: float) -> None:
        self.judge = Judge(only=HARM)
        # Where Robot shows an address.
        self.shown: dict[str, str] = {}
        self.harm = Harm(self.judge, self.shown.get)
        for name, server in SERVERS.items():
            self.judge.node(0.0, node(name), [server], deleted=False)
            until = silent_since.get(name.replace("-", "_"), NOW)
            for step in range(int(until // 10) + 1):
                self.judge.beat(step * 10.0, name)
        self.harm.routes(0.0, {ADDRESS: A})

    def say(self, at: float, name: str = "web", age: int = 1, **document: Any) -> None:
        """A resource, as it is now."""
        annotations = {"failoverip.io/switch-to": document.pop("wish", "")}
        moment = f"2027-01-01T00:00:0{age}Z"
        metadata = {"name": name, "uid": name, "creationTimestamp": moment}
        spec = {"addresses": [ADDRESS], **document.pop("spec", {})}
        status = {"fence": {"epoch": 3, "holder": "alpha_1"}, **document}
        self.judge.resource(
            at,
            {"metadata": metadata | {"annotations": annotations}, "spec": spec, "status": status},
            deleted=False,
        )

    def ask(self, at: float, to: str, *, ends: bool = True) -> None:
        """A request leaves and is carried out."""
        self.harm.first_byte(at, "alpha", ADDRESS, to)
        self.harm.executed(at, "alpha", ADDRESS, to)
        if ends:
            self.harm.routes(at, {ADDRESS: to})

    @property
    def found(self) -> list[str]:
        return [breach.invariant for breach in self.judge.breaches]


def test_a_move_off_a_dead_node_to_one_that_is_well_is_no_harm() -> None:
    court = Court(node_a=NOW - 100)
    court.say(NOW, intent=intent())
    court.ask(NOW, B)
    assert court.found == []


def test_a_switch_to_a_node_that_is_silent_for_long_is_harm_while_another_is_well() -> None:
    court = Court(node_a=NOW - 100, node_b=NOW - 300)
    court.say(NOW, intent=intent())
    court.ask(NOW, B)
    assert court.found == [DEAD_NODE]


@pytest.mark.parametrize(
    ("ago", "silent", "expected"),
    [(100.0, NOW - 300, [DEAD_NODE]), (700.0, NOW - 900, []), (100.0, NOW, [])],
    ids=["a moment ago", "long ago", "the address is on a node that lives"],
)
def test_asking_again_for_a_target_that_robot_refused_is_harm_while_the_address_is_on_a_dead_node(
    ago: float, silent: float, expected: list[str]
) -> None:
    court = Court(node_a=silent)
    refused = {"id": "3-1", "result": "Refused"}
    court.say(NOW - ago, intent=intent(B))
    court.harm.first_byte(NOW - ago, "alpha", ADDRESS, B)
    court.say(NOW, moves=[refused], intent=intent(B, id="3-2"))
    court.harm.first_byte(NOW, "alpha", ADDRESS, B)
    assert court.found == expected


def test_there_is_no_harm_in_a_dead_target_where_nobody_is_well() -> None:
    court = Court(node_a=NOW - 100, node_b=NOW - 300, node_c=NOW - 500)
    court.say(NOW, intent=intent(reason="SwitchRequested"))
    court.ask(NOW, B)
    assert court.found == []


def test_a_server_that_a_dead_node_shares_with_a_living_one_is_a_dead_node() -> None:
    court = Court(node_a=NOW - 100, node_b=NOW - 300)
    court.judge.node(NOW - 200, node("node-d"), [B], deleted=False)
    for step in range(21):
        court.judge.beat(NOW - 200 + 10 * step, "node-d")
    court.say(NOW, intent=intent())
    court.ask(NOW, B)
    assert court.found == [DEAD_NODE]


def test_a_dead_node_that_was_deleted_leaves_its_server_to_the_living_one() -> None:
    """Seed 5190: the one that is well was the target itself."""
    court = Court(node_a=NOW - 100, node_b=NOW - 300)
    court.judge.node(NOW - 1, node("node-b"), [B], deleted=True)
    court.judge.node(NOW - 200, node("node-d"), [B], deleted=False)
    for step in range(21):
        court.judge.beat(NOW - 200 + 10 * step, "node-d")
    court.say(NOW, intent=intent())
    court.ask(NOW, B)
    assert court.found == []


def test_a_second_switch_for_the_same_cause_is_harm_while_the_first_target_is_well() -> None:
    court = Court(node_a=NOW - 300)
    court.say(NOW - 100, intent=intent(B))
    court.ask(NOW - 100, B)
    court.say(NOW, intent=intent(C, id="3-2"))
    court.ask(NOW, C)
    assert court.found == [TWO_SWITCHES]


def test_a_second_switch_is_right_where_the_first_target_died() -> None:
    court = Court(node_a=NOW - 300, node_b=NOW - 60)
    court.say(NOW - 100, intent=intent(B))
    court.ask(NOW - 100, B)
    cause = {"reason": "NodeUnreachable", "node": "node-b", "nodeUID": "uid-node-b"}
    court.say(NOW, intent=intent(C, id="3-2", cause=cause))
    court.ask(NOW, C)
    assert court.found == []


@pytest.mark.parametrize(("wish", "expected"), [("node-c@1", [TWO_SWITCHES]), ("node-c@2", [])])
def test_a_request_that_is_fulfilled_twice_is_harm(wish: str, expected: list[str]) -> None:
    court = Court()
    court.say(NOW - 200, wish="node-c@1")
    court.say(NOW - 199, wish="node-c@1", intent=intent(C, "SwitchRequested"))
    court.ask(NOW - 199, C)
    court.harm.routes(NOW - 100, {ADDRESS: A})
    court.say(NOW - 2, wish=wish)
    court.say(NOW - 1, wish=wish, intent=intent(C, "SwitchRequested", id="3-2"))
    court.ask(NOW, C)
    assert court.found == expected


def test_a_request_to_another_target_than_the_open_intent_says_is_harm() -> None:
    court = Court(node_a=NOW - 100)
    court.say(NOW, intent=intent(B))
    court.harm.first_byte(NOW, "alpha", ADDRESS, C)
    assert court.found == [ANOTHER_TARGET]


def test_a_request_that_nothing_records_is_no_harm_where_it_helps() -> None:
    court = Court(node_a=NOW - 100)
    court.say(NOW)
    court.ask(NOW, B)
    assert court.found == []


@pytest.mark.parametrize(("ago", "expected"), [(100.0, [BLIND_MOVE]), (10.0, [])])
def test_a_switch_away_from_a_node_that_is_well_is_blind(ago: float, expected: list[str]) -> None:
    """Unless the address came there a moment ago."""
    court = Court(node_a=NOW - 300)
    court.harm.routes(NOW - ago, {ADDRESS: C})
    court.say(NOW, intent=intent(B))
    court.ask(NOW, B)
    assert court.found == expected


@pytest.mark.parametrize(("shown", "expected"), [(B, []), (A, [BLIND_MOVE])])
def test_the_rest_of_a_group_follows_the_part_that_robot_shows_at_the_target(
    shown: str, expected: list[str]
) -> None:
    """Seed 17452: Robot showed it before the switch had ended."""
    court = Court()
    other = {"address": "203.0.113.11/32", "to": B}
    court.shown["203.0.113.11"] = shown
    court.say(NOW, intent=intent(B, routes=[{"address": ADDRESS, "to": B}, other], attempts=2))
    court.ask(NOW, B)
    assert court.found == expected


@pytest.mark.parametrize(
    ("b_since", "reason", "expected"),
    [
        (NOW - 60, "NodeUnreachable", [BLIND_MOVE]),
        (NOW - 60, "SwitchRequested", []),
        (NOW - 200, "NodeUnreachable", []),
        (NOW, "NodeUnreachable", []),
    ],
    ids=["together", "asked for", "one long before", "one alone"],
)
def test_a_request_while_most_nodes_fell_silent_together_is_blind(
    b_since: float, reason: str, expected: list[str]
) -> None:
    court = Court(node_a=NOW - 70, node_b=b_since)
    court.say(1.0)
    court.say(NOW, intent=intent(C, reason))
    court.harm.first_byte(NOW, "alpha", ADDRESS, C)
    assert court.found == expected


@pytest.mark.parametrize(("ago", "expected"), [(35.0, []), (45.0, [BLIND_MOVE])])
def test_silence_that_no_list_shows_yet_is_no_storm(ago: float, expected: list[str]) -> None:
    """Seed 5770: they had not beaten for 27 s, of which the list of that moment showed 17."""
    court = Court(node_a=NOW - ago, node_b=NOW - ago)
    court.say(1.0)
    court.say(NOW, intent=intent(C, "NodeDeleting"))
    court.harm.first_byte(NOW - 5.0, "alpha", ADDRESS, C)
    assert court.found == expected


@pytest.mark.parametrize(
    ("drift", "ago", "expected"),
    [("Report", 900.0, [UNASKED_MOVE]), ("Enforce", 900.0, []), ("Report", 5.0, [])],
)
def test_taking_back_what_shall_only_be_told_is_harm(
    drift: str, ago: float, expected: list[str]
) -> None:
    """Unless somebody said so a moment ago."""
    court = Court()
    court.harm.routes(NOW - 300, {ADDRESS: STRANGER})
    court.say(0.0, spec={"drift": "Enforce"})
    court.say(NOW - ago, spec={"drift": drift})
    court.say(NOW, spec={"drift": drift}, intent=intent(B, "ForeignServer"))
    court.ask(NOW, B)
    assert court.found == expected


@pytest.mark.parametrize(("age", "expected"), [(2, [UNASKED_MOVE]), (0, [])])
def test_the_younger_of_two_owners_may_move_nothing(age: int, expected: list[str]) -> None:
    court = Court(node_a=NOW - 100)
    court.say(NOW - 100)
    court.say(NOW, name="twin", age=age, intent=intent(B))
    court.ask(NOW, B)
    assert court.found == expected


def moved_before(court: Court, ago: float, number: int, reason: str = "NodeUnreachable") -> None:
    court.harm.routes(NOW - ago, {ADDRESS: STRANGER})
    court.say(NOW - ago, intent=intent(B, reason, id=f"2-{number}"))
    court.ask(NOW - ago, B)
    court.harm.routes(NOW - ago + 1, {ADDRESS: STRANGER})


@pytest.mark.parametrize(("ago", "expected"), [(100.0, [TOO_MANY_MOVES]), (400.0, [])])
def test_a_cordon_that_does_not_wait_is_harm(ago: float, expected: list[str]) -> None:
    court = Court(node_a=NOW - 500)
    moved_before(court, ago, 1)
    court.say(NOW, intent=intent(C, "NodeCordoned"))
    court.ask(NOW, C)
    assert court.found == expected


@pytest.mark.parametrize(("most", "expected"), [(2, [TOO_MANY_MOVES]), (3, [])])
def test_more_moves_than_an_hour_allows_are_harm(most: int, expected: list[str]) -> None:
    court = Court(node_a=NOW - 900)
    for number in (1, 2):
        moved_before(court, 100.0 * number, number)
    court.say(NOW, spec={"safety": {"maxMovesPerHour": most}}, intent=intent(C))
    court.ask(NOW, C)
    assert court.found == expected


def test_taking_back_a_third_time_is_harm() -> None:
    court = Court(node_a=NOW - 950)
    enforced: dict[str, Any] = {"spec": {"drift": "Enforce", "safety": {"holdDownSeconds": 0}}}
    for number, ago in enumerate((900.0, 500.0, 0.0)):
        court.harm.routes(NOW - ago, {ADDRESS: STRANGER})
        court.say(NOW - ago, **enforced, intent=intent(B, "ForeignServer", id=f"3-{number}"))
        assert court.found == []
        court.ask(NOW - ago, B)
    assert court.found == [TOO_MANY_MOVES]


@pytest.mark.parametrize(("wishes", "expected"), [(50, [DEAD_NODE]), (49, [])])
def test_an_address_that_waits_for_what_wishes_have_spent_is_harm(
    wishes: int, expected: list[str]
) -> None:
    """One address: one write is kept."""
    court = Court(node_a=NOW - 700)
    for number in range(wishes):
        asked = intent(B, "SwitchRequested", id=f"1-{number}")
        court.say(1.0 + number, wish=f"node-b@{number}", intent=asked)
        court.ask(1.0 + number, B, ends=False)
    court.say(NOW, conditions=[{"type": "Ready", "reason": "BudgetExhausted"}])
    court.harm.stranded(NOW)
    assert court.found == expected


@pytest.mark.parametrize(("since", "expected"), [(NOW - 610, [DEAD_NODE]), (NOW - 590, [])])
def test_an_address_that_waits_on_a_dead_node_though_nothing_is_in_the_way_is_harm(
    since: float, expected: list[str]
) -> None:
    court = Court(node_a=since)
    court.say(NOW)
    court.harm.left_behind(NOW)
    assert court.found == expected


def test_where_a_guard_is_off_only_harm_counts() -> None:
    judge = Judge(only={DEAD_NODE})
    judge.broken(1.0, "I1", "an epoch fell")
    judge.broken(2.0, DEAD_NODE, "an address is on it")
    assert [str(breach) for breach in judge.breaches] == [
        "t=2.000 dead node done: an address is on it"
    ]
