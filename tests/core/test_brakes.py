"""The moves of the hour and the hold-down: what they keep back, what they never do, how long."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.support.observations import (
    FENCE,
    IP,
    IP2,
    NOW,
    WALL,
    a_move,
    an_intent,
    an_observation,
    at,
    foreign,
    healthy,
    nowhere,
    policy,
    silent,
    with_resource,
    with_status,
)

from failoverip.core.brakes import keep_moves
from failoverip.core.decide import decide
from failoverip.core.decision import Attempt, Hold, OpenIntent
from failoverip.core.observation import Observation
from failoverip.core.reasons import Reason
from failoverip.core.resource import Cause, Drift, Move, MoveResult, Safety, Status
from failoverip.core.situation import barred_servers
from failoverip.core.status import MAX_MOVES

ENFORCE = policy(drift=Drift.ENFORCE)
FAILED = an_observation([silent("a"), healthy("b")])
CORDONED = an_observation([healthy("a").but(unschedulable=True), healthy("b")])
EDGE = (("pool", "edge"),)
WANTED = {
    "a failed node": FAILED,
    "a cordon": CORDONED,
    "a deletion under way": an_observation([healthy("a").but(deleting=True), healthy("b")]),
    "the selector": an_observation(
        [healthy("a"), healthy("b").but(labels=EDGE)], spec=policy(node_selector=EDGE)
    ),
    "drift": an_observation(routes={IP: foreign()}, spec=ENFORCE),
    "no route": an_observation(routes={IP: nowhere()}),
    "a request": an_observation(switch_to="b"),
    "a repair": an_observation(
        [healthy("a"), silent("b")], {IP: at("a"), IP2: at("b")}, policy(IP, IP2)
    ),
    "a part taken from a healthy node": an_observation(
        [healthy("a"), healthy("b")],
        {IP: at("a"), IP2: at("b")},
        policy(IP, IP2, drift=Drift.ENFORCE),
    ),
}


def moved(o: Observation, *moves: Move) -> Observation:
    return with_status(o, moves=moves)


def moves(count: int, **fields: object) -> tuple[Move, ...]:
    return tuple(
        replace(a_move("c", ended_seconds_ago=1000 + number), id=f"6-{number}", **fields)  # type: ignore[arg-type]  # fields of Move
        for number in range(count)
    )


def kept_back_by(o: Observation) -> Reason | None:
    decision = decide(o)
    if isinstance(decision.action, OpenIntent):
        return None
    assert decision.action == Hold()
    return decision.reason


class TestHoldDown:
    RECENT = a_move("c", ended_seconds_ago=299)

    @pytest.mark.parametrize(
        ("wanted", "waits"),
        [
            ("a failed node", False),
            ("a cordon", True),
            ("a deletion under way", True),
            ("the selector", True),
            ("drift", True),
            ("no route", False),
            ("a request", False),
            ("a repair", False),
            ("a part taken from a healthy node", True),
        ],
    )
    def test_it_keeps_back_what_can_wait(self, wanted: str, waits: bool) -> None:
        o = WANTED[wanted]
        assert kept_back_by(o) is None
        assert kept_back_by(moved(o, self.RECENT)) is (Reason.HOLD_DOWN if waits else None)

    def test_it_ends_after_its_time(self) -> None:
        assert kept_back_by(moved(CORDONED, a_move("c", ended_seconds_ago=300))) is None

    def test_a_shortened_demo_shortens_it(self) -> None:
        demo = replace(CORDONED, timings=replace(CORDONED.timings, spec_second_seconds=0.1))
        assert kept_back_by(moved(demo, a_move("c", ended_seconds_ago=29))) is Reason.HOLD_DOWN
        assert kept_back_by(moved(demo, a_move("c", ended_seconds_ago=30))) is None

    def test_the_time_is_the_users(self) -> None:
        o = moved(CORDONED, a_move("c", ended_seconds_ago=60))
        for seconds, kept_back in ((60, None), (61, Reason.HOLD_DOWN)):
            spec = policy(safety=Safety(hold_down_seconds=seconds))
            assert kept_back_by(with_resource(o, policy=spec)) is kept_back

    @pytest.mark.parametrize(
        ("result", "attempts", "waits"),
        [
            (MoveResult.CONFIRMED, 1, True),
            (MoveResult.PARTIAL, 3, True),
            (MoveResult.FAILED, 6, True),
            (MoveResult.ABANDONED, 1, True),
            (MoveResult.ABANDONED, 0, False),
            (MoveResult.REFUSED, 1, False),
        ],
    )
    def test_only_a_move_that_may_have_happened_counts(
        self, result: MoveResult, attempts: int, waits: bool
    ) -> None:
        recent = a_move("c", result, attempts=attempts, ended_seconds_ago=60)
        kept_back = kept_back_by(moved(CORDONED, recent))
        assert kept_back is (Reason.HOLD_DOWN if waits else None)

    def test_a_requested_move_counts_too(self) -> None:
        """Else failback or drift would undo at once what a person asked for."""
        asked = a_move("c", cause=Reason.SWITCH_REQUESTED, ended_seconds_ago=60)
        assert kept_back_by(moved(CORDONED, asked)) is Reason.HOLD_DOWN

    def test_no_request_is_sent_for_an_open_switch_either(self) -> None:
        intent = an_intent(cause=Cause(Reason.NODE_CORDONED, "a", "uid-a"))
        o = with_status(CORDONED, intent=intent)
        assert isinstance(decide(o).action, Attempt)
        assert decide(moved(o, self.RECENT)).reason is Reason.HOLD_DOWN

    def test_harm_without_it_two_cordons_chase_the_address(self) -> None:
        off = policy(safety=Safety(hold_down_seconds=0))
        assert kept_back_by(with_resource(moved(CORDONED, self.RECENT), policy=off)) is None


class TestMovesOfTheHour:
    @pytest.mark.parametrize(
        ("wanted", "waits"),
        [
            ("a failed node", True),
            ("a cordon", True),
            ("drift", True),
            ("no route", True),
            ("a request", False),
            ("a repair", False),
        ],
    )
    def test_they_limit_moves_off_failed_nodes_too(self, wanted: str, waits: bool) -> None:
        o = WANTED[wanted]
        assert kept_back_by(moved(o, *moves(5))) is None
        kept_back = kept_back_by(moved(o, *moves(6)))
        assert kept_back is (Reason.MOVES_EXHAUSTED if waits else None)

    def test_the_limit_is_the_users(self) -> None:
        o = with_resource(FAILED, policy=policy(safety=Safety(max_moves_per_hour=2)))
        assert kept_back_by(moved(o, *moves(1))) is None
        assert kept_back_by(moved(o, *moves(2))) is Reason.MOVES_EXHAUSTED

    def test_what_is_older_than_an_hour_does_not_count(self) -> None:
        first, *others = moves(6)
        older = replace(first, ended_at=WALL - 3600)
        assert kept_back_by(moved(FAILED, *others, older)) is None

    @pytest.mark.parametrize(
        "fields",
        [
            {"cause": Reason.SWITCH_REQUESTED},
            {"cause": Reason.GROUP_SPLIT},
            {"attempts": 0},
            {"result": MoveResult.REFUSED},
        ],
        ids=["requested", "a repair", "never sent", "refused"],
    )
    def test_what_does_not_count(self, fields: dict[str, object]) -> None:
        assert kept_back_by(moved(FAILED, *moves(6, **fields))) is None

    def test_no_request_is_sent_for_an_open_switch_either(self) -> None:
        o = with_status(FAILED, intent=an_intent())
        assert isinstance(decide(o).action, Attempt)
        assert decide(moved(o, *moves(6))).reason is Reason.MOVES_EXHAUSTED


class TestClocks:
    """The record may be another machine's, whose clock ran ahead."""

    def test_a_move_of_tomorrow_counts_as_one_of_now(self) -> None:
        tomorrow = moves(6, ended_at=WALL + 86_400)
        assert kept_back_by(moved(FAILED, *tomorrow)) is Reason.MOVES_EXHAUSTED

    def test_but_for_an_hour_at_most(self) -> None:
        """Regression: the addresses stayed on a failed node until tomorrow was over."""
        tomorrow = moves(6, ended_at=WALL + 86_400)
        known = {move.id: NOW - 3600 for move in tomorrow}
        o = replace(moved(FAILED, *tomorrow), moves_known_since=known)
        assert kept_back_by(o) is None

    def test_a_target_is_barred_for_ten_minutes_at_most(self) -> None:
        refused = a_move("b", MoveResult.REFUSED, ended_seconds_ago=-86_400)
        o = moved(FAILED, refused)
        assert barred_servers(o) == {2}
        assert barred_servers(replace(o, moves_known_since={refused.id: NOW - 600})) == frozenset()


class TestRecord:
    def test_ten_are_kept_the_newest_first(self) -> None:
        recorded = moves(11)
        assert keep_moves(recorded, MAX_MOVES) == recorded[:10]
        assert keep_moves(recorded[:3], MAX_MOVES) == recorded[:3]

    def test_what_was_never_sent_makes_room_then_what_does_not_count(self) -> None:
        counted = moves(9)
        never = replace(a_move("b", MoveResult.ABANDONED, attempts=0), id="never")
        asked = replace(a_move("b", cause=Reason.SWITCH_REQUESTED), id="asked")
        kept = keep_moves((counted[0], never, asked, *counted[1:]), MAX_MOVES)
        assert kept == (counted[0], asked, *counted[1:])
        newest = replace(a_move("b"), id="newest")
        kept = keep_moves((newest, counted[0], asked, *counted[1:]), MAX_MOVES)
        assert kept == (newest, *counted)

    def test_the_newest_stays_even_if_it_does_not_count(self) -> None:
        never = replace(a_move("b", MoveResult.ABANDONED, attempts=0), id="never")
        assert keep_moves((never, *moves(10)), MAX_MOVES) == (never, *moves(9))

    def test_harm_without_that_requests_would_hide_the_moves_of_the_hour(self) -> None:
        asked = tuple(
            replace(a_move("b", cause=Reason.SWITCH_REQUESTED), id=f"asked-{number}")
            for number in range(9)
        )
        record: tuple[Move, ...] = moves(6)
        for request in asked:
            record = keep_moves((request, *record), MAX_MOVES)
        assert kept_back_by(moved(FAILED, *record)) is Reason.MOVES_EXHAUSTED
        assert kept_back_by(moved(FAILED, *(*asked, *moves(6))[:MAX_MOVES])) is None


def test_a_status_without_moves_brakes_nothing() -> None:
    for o in WANTED.values():
        assert kept_back_by(with_status(o, moves=Status(fence=FENCE).moves)) is None
