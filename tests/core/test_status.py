"""What is recorded: written only when something changed, and never worse than what is known."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.support.observations import (
    FENCE,
    IP,
    IP2,
    NOW,
    PLENTY,
    WALL,
    Seen,
    a_move,
    an_intent,
    an_observation,
    at,
    foreign,
    healthy,
    nowhere,
    policy,
    settling,
    silent,
    unclear,
    with_account,
    with_resource,
    with_status,
)

from failoverip.core.decide import decide
from failoverip.core.health import ClusterTrace
from failoverip.core.observation import AccountView, Observation, Trouble
from failoverip.core.reasons import Reason
from failoverip.core.resource import (
    AddressStatus,
    Drift,
    InvalidSpec,
    LastMove,
    MoveResult,
    RouteState,
    Status,
)
from failoverip.core.status import MAX_CANDIDATES, MAX_MOVES, render_status

GROUP = policy(IP, IP2)
TROUBLE = Trouble(Reason.PROVIDER_UNREACHABLE, "Robot gave no usable answer (Timeout)")


def rendered(o: Observation) -> Status:
    return render_status(o, decide(o))


def recorded(o: Observation) -> Observation:
    """The same after its status was written."""
    return with_resource(o, status=rendered(o), resource_version="4712")


def later(o: Observation, seconds: float) -> Observation:
    """The same world some time later, read and listed again; every heartbeat went on."""
    traces = {
        uid: replace(
            trace,
            changed_at=None if trace.changed_at is None else trace.changed_at + seconds,
        )
        for uid, trace in o.cluster.traces.items()
    }
    routes = {key: replace(t, seen_at=t.seen_at + seconds) for key, t in o.account.routes.items()}
    o = with_account(o, routes=routes, routes_read_at=NOW - 1 + seconds)
    cluster = replace(o.cluster, traces=traces, listed_at=NOW - 1 + seconds)
    return replace(o, now=NOW + seconds, wall_seconds=WALL + seconds, cluster=cluster)


QUIET = {
    "steady": an_observation(),
    "nobody lives": an_observation([silent("a"), silent("b")]),
    "foreign": an_observation(routes={IP: foreign()}),
    "split": an_observation(routes={IP: at("a"), IP2: at("b")}, spec=GROUP),
    "unlisted": an_observation(spec=policy(IP2)),
    "invalid": with_resource(an_observation(), policy=InvalidSpec("spec.addresses: none")),
    "conflict": replace(an_observation(), conflict="older"),
    "credentials": replace(an_observation(), credentials=TROUBLE, account=AccountView()),
    "trouble": with_account(an_observation(), trouble=TROUBLE),
    "contested": an_observation(
        routes={IP: foreign()},
        spec=policy(drift=Drift.ENFORCE),
        status=Status(fence=FENCE, moves=(a_move("a", cause=Reason.FOREIGN_SERVER),) * 2),
    ),
}


@pytest.mark.parametrize("name", QUIET)
def test_nothing_changes_while_nothing_changes(name: str) -> None:
    first = recorded(QUIET[name])
    assert rendered(first) == first.resource.status
    assert rendered(later(first, 7.0)) == first.resource.status
    assert rendered(later(first, 900.0)) == first.resource.status


def test_the_fence_is_left_as_it_is() -> None:
    assert all(rendered(o).fence == FENCE for o in QUIET.values())


class TestPlaces:
    def test_of_an_address_on_its_node(self) -> None:
        status = rendered(an_observation())
        assert (status.active_node, status.active_node_uid, status.active_server) == (
            "a",
            "uid-a",
            1,
        )
        address = policy().addresses[0]
        assert status.addresses == (
            AddressStatus(address, RouteState.CONFIRMED, at("a").target, "a", "uid-a"),
        )

    def test_of_addresses_that_are_not(self) -> None:
        o = an_observation(routes={IP: nowhere(NOW - 5), IP2: foreign()}, spec=GROUP)
        status = rendered(o)
        assert [entry.state for entry in status.addresses] == [
            RouteState.UNROUTED,
            RouteState.FOREIGN,
        ]
        assert (status.active_node, status.active_server) == ("", None)

    def test_of_an_address_under_way(self) -> None:
        o = an_observation([silent("a"), healthy("b")])
        status = rendered(with_status(o, intent=an_intent()))
        assert status.addresses[0].state is RouteState.SWITCHING

    def test_what_cannot_be_told_keeps_what_was_known(self) -> None:
        o = recorded(an_observation())
        unknown = with_account(o, routes_read_at=NOW - 400, trouble=TROUBLE)
        status = rendered(unknown)
        address = policy().addresses[0]
        assert status.addresses == (
            AddressStatus(address, RouteState.UNKNOWN, at("a").target, "a", "uid-a"),
        )
        assert (status.active_node, status.active_server) == ("a", 1)

    def test_what_was_never_known_is_unknown(self) -> None:
        status = rendered(with_account(an_observation(), routes_read_at=None, listed=None))
        assert status.addresses[0] == AddressStatus(
            policy().addresses[0], RouteState.UNKNOWN, None, ""
        )

    def test_a_deleted_node_stays_recorded_for_the_next_leader(self) -> None:
        gone = replace(recorded(an_observation()), cluster=ClusterTrace(listed_at=NOW - 1))
        status = rendered(gone)
        assert (status.active_node, status.active_node_uid) == ("a", "uid-a")


class TestCandidates:
    def told(self, *nodes: Seen, status: Status | None = None) -> list[tuple[str, bool, Reason]]:
        o = an_observation(nodes, status=status)
        return [(c.node, c.verdict, c.reason) for c in rendered(o).candidates]

    def test_each_has_a_verdict_and_a_reason(self) -> None:
        nodes = [healthy("a"), silent("b"), unclear("c"), healthy("d").but(provider_id="")]
        assert self.told(*nodes) == [
            ("a", True, Reason.ELIGIBLE),
            ("b", False, Reason.NODE_UNREACHABLE),
            ("c", False, Reason.NODE_UNHEALTHY),
            ("d", False, Reason.UNMAPPED),
        ]

    def test_they_are_counted_and_bounded(self) -> None:
        names = [f"n{index:03}" for index in range(40)]
        nodes = [healthy("b").but(name=name, uid=name) for name in names]
        status = rendered(an_observation(nodes))
        assert len(status.candidates) == MAX_CANDIDATES
        assert (status.candidate_count, status.eligible_count) == (40, 0)

    def test_a_node_that_is_not_selected_is_none(self) -> None:
        spec = policy(node_selector=(("pool", "edge"),))
        assert rendered(an_observation(spec=spec)).candidate_count == 0

    def test_a_new_leader_keeps_the_verdict_it_cannot_judge_yet(self) -> None:
        before = rendered(an_observation([healthy("a"), healthy("b")]))
        nodes = (settling("a"), settling("b"))
        assert [verdict for _, verdict, _ in self.told(*nodes, status=before)] == [True, True]
        assert [verdict for _, verdict, _ in self.told(*nodes)] == [False, False]

    def test_they_stay_until_nodes_were_listed(self) -> None:
        o = recorded(an_observation())
        assert rendered(replace(o, cluster=ClusterTrace())).candidates == (
            o.resource.status.candidates
        )


class TestNewLeader:
    """It begins without evidence, and rewrites nothing for that."""

    def test_before_robots_first_answer_everything_stays_as_it_was(self) -> None:
        """Regression: each change of leaders made Ready Unknown for a moment."""
        o = recorded(an_observation())
        fresh = replace(o, account=AccountView(budget=PLENTY))
        assert rendered(fresh) == o.resource.status

    def test_with_settling_nodes_everything_stays_as_it_was(self) -> None:
        o = recorded(an_observation())
        nodes = an_observation([settling(name) for name in "abc"]).cluster
        assert rendered(replace(o, cluster=nodes)) == o.resource.status

    def test_a_first_status_is_written_without_waiting_for_robot(self) -> None:
        fresh = replace(an_observation(), account=AccountView(budget=PLENTY))
        ready = next(c for c in rendered(fresh).conditions if c.type == "Ready")
        assert ready.status == "Unknown"

    @pytest.mark.parametrize(
        "changed",
        [
            AccountView(budget=PLENTY, trouble=TROUBLE),
            AccountView(budget=replace(PLENTY, read_at=NOW + 900)),
        ],
    )
    def test_when_robot_cannot_be_asked_it_says_so(self, changed: AccountView) -> None:
        status = rendered(replace(recorded(an_observation()), account=changed))
        assert status.addresses[0].state is RouteState.UNKNOWN

    def test_what_a_person_must_change_is_told_at_once(self) -> None:
        o = replace(recorded(an_observation()), account=AccountView(budget=PLENTY))
        stalled = {c.type: c for c in rendered(replace(o, conflict="older")).conditions}
        assert stalled["Stalled"].status == "True"

    def test_it_adopts_before_robots_first_answer(self) -> None:
        o = with_status(
            recorded(an_observation()), intent=an_intent(), fence=replace(FENCE, epoch=8)
        )
        status = rendered(replace(o, account=AccountView(budget=PLENTY)))
        assert status == replace(o.resource.status, intent=an_intent(epoch=8))


class TestMoves:
    def test_an_opened_intent_is_recorded(self) -> None:
        status = rendered(an_observation([silent("a"), healthy("b")]))
        assert status.intent is not None
        assert status.intent.node == "b"

    def test_an_attempt_is_recorded_before_it_is_made(self) -> None:
        o = with_status(an_observation([silent("a"), healthy("b")]), intent=an_intent())
        intent = rendered(o).intent
        assert intent is not None
        assert (intent.attempts, intent.posted_at) == (1, WALL)

    def test_a_close_moves_the_intent_into_the_record(self) -> None:
        o = an_observation([silent("a"), healthy("b")], {IP: at("b")})
        status = rendered(with_status(o, intent=an_intent(attempts=1)))
        assert status.intent is None
        assert status.last_move == LastMove("7-4700", FENCE.epoch, MoveResult.CONFIRMED)
        move = status.moves[0]
        assert (move.cause, move.source, move.node) == (Reason.NODE_UNREACHABLE, "a", "b")
        assert (move.detected_at, move.posted_at, move.confirmed_at) == (
            WALL - 60,
            WALL - 59,
            WALL,
        )

    def test_what_was_not_confirmed_has_no_time_of_confirmation(self) -> None:
        o = with_status(an_observation([healthy("a"), healthy("b")]), intent=an_intent())
        move = rendered(o).moves[0]
        assert (move.result, move.reason) == (MoveResult.ABANDONED, Reason.CAUSE_GONE)
        assert move.confirmed_at is None
        assert move.ended_at == WALL

    def test_the_last_ten_are_kept_newest_first(self) -> None:
        old = tuple(a_move("c", ended_seconds_ago=100 * index) for index in range(1, 11))
        o = an_observation([silent("a"), healthy("b")], {IP: at("b")})
        status = rendered(with_status(o, intent=an_intent(attempts=1), moves=old))
        assert len(status.moves) == MAX_MOVES
        assert status.moves[1:] == old[:9]


def test_the_observed_generation_follows_the_spec() -> None:
    o = with_resource(an_observation(), generation=3)
    assert rendered(o).observed_generation == 3
    assert {c.observed_generation for c in rendered(o).conditions} == {3}
