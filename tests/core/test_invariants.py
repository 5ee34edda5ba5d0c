"""Each invariant against facts that keep it and facts that break it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest
from hypothesis import event, given, settings
from tests.properties.observations import observations, repeatable
from tests.support.observations import (
    FENCE,
    IP,
    IP2,
    NOW,
    WALL,
    Seen,
    a_move,
    an_intent,
    an_observation,
    at,
    foreign,
    healthy,
    key_of,
    not_ready,
    policy,
    server,
    settling,
    silent,
    unclear,
    with_account,
    with_resource,
    with_status,
    with_track,
)

from failoverip.core.addresses import TargetAddress
from failoverip.core.cluster import Ready
from failoverip.core.decide import decide
from failoverip.core.decision import Attempt
from failoverip.core.health import ClusterTrace
from failoverip.core.invariants import (
    BEFORE_POST,
    BEFORE_RECORD,
    ONLY_TOLD,
    Facts,
    Invariant,
    Spent,
    find_broken,
)
from failoverip.core.observation import Observation
from failoverip.core.reasons import Reason
from failoverip.core.resource import (
    Cause,
    Drift,
    Intent,
    InvalidSpec,
    LastMove,
    Mode,
    MoveResult,
    OnCordon,
    Policy,
)
from failoverip.core.storm import Storm, StormWatch

ALL = {**BEFORE_POST, **ONLY_TOLD}
A_TO_B = (silent("a"), healthy("b"))
ATTEMPTED = an_intent(attempts=1)
ONE_WRITE = Spent((), (NOW,), (), 1)


def facts(
    o: Observation | None = None,
    intent: Intent = ATTEMPTED,
    *,
    recorded: Intent | None = None,
    unspent: int = 0,
    spent: Spent = ONE_WRITE,
    identity: str = FENCE.holder,
) -> Facts:
    """The recorded first attempt to move IP from silent a to healthy b, unless said otherwise."""
    seen = o if o is not None else an_observation(A_TO_B)
    stored = with_status(seen, intent=recorded or intent)
    asked = {route.address.key: route.to for route in intent.routes}
    return Facts(stored, intent, asked, spent, unspent, identity)


def only(name: str) -> Mapping[str, Invariant]:
    return {name: ALL[name]}


def broken(f: Facts, judged: Mapping[str, Invariant] = ALL) -> str | None:
    found = find_broken(f, judged)
    return None if found is None else found.invariant


def test_a_move_off_a_dead_node_breaks_none() -> None:
    assert find_broken(facts(), ALL) is None


class TestI1:
    def test_the_intent_is_the_open_one(self) -> None:
        assert broken(facts(recorded=replace(ATTEMPTED, id="7-1")), BEFORE_RECORD) == "I1"

    def test_without_an_open_intent_nothing_is_sent(self) -> None:
        f = facts()
        assert broken(replace(f, o=with_status(f.o, intent=None)), BEFORE_RECORD) == "I1"

    def test_it_has_no_outcome_yet(self) -> None:
        f = facts()
        over = LastMove(ATTEMPTED.id, 7, MoveResult.CONFIRMED)
        assert broken(replace(f, o=with_status(f.o, last_move=over))) == "I1"
        other = LastMove("6-1", 6, MoveResult.CONFIRMED)
        assert broken(replace(f, o=with_status(f.o, last_move=other))) is None

    def test_its_epoch_does_not_fall(self) -> None:
        f = facts(intent=replace(ATTEMPTED, epoch=6), recorded=an_intent())
        assert broken(f, BEFORE_RECORD) == "I1"


class TestI2:
    @pytest.mark.parametrize(
        "fence", [None, replace(FENCE, holder="replica-2"), replace(FENCE, epoch=8)]
    )
    def test_the_resource_is_claimed_by_us_in_this_epoch(self, fence: object) -> None:
        f = facts()
        assert broken(replace(f, o=with_status(f.o, fence=fence))) == "I2"

    @pytest.mark.parametrize("attempts", [0, 2])
    def test_this_attempt_is_recorded(self, attempts: int) -> None:
        assert broken(facts(recorded=replace(ATTEMPTED, attempts=attempts))) == "I2"

    def test_an_attempt_of_none_is_none(self) -> None:
        assert broken(facts(intent=an_intent())) == "I2"

    def test_the_intent_is_recorded_under_this_epoch(self) -> None:
        assert broken(facts(recorded=replace(ATTEMPTED, epoch=6))) == "I2"

    def test_no_address_goes_where_the_intent_does_not_say(self) -> None:
        elsewhere = TargetAddress("198.51.100.3")
        assert broken(replace(facts(), asked={key_of(IP): elsewhere})) == "I2"
        assert broken(replace(facts(), asked={key_of(IP2): elsewhere})) == "I2"

    def test_the_attempt_is_the_next_one_to_the_same_target(self) -> None:
        recorded = an_intent()
        assert broken(facts(recorded=recorded), BEFORE_RECORD) is None
        assert broken(facts(recorded=an_intent("c")), BEFORE_RECORD) == "I2"
        assert broken(facts(recorded=ATTEMPTED), BEFORE_RECORD) == "I2"
        f = facts()
        assert (
            broken(replace(f, o=with_status(f.o, intent=None)), {"I2": BEFORE_RECORD["I2"]}) == "I2"
        )


class TestI3:
    @pytest.mark.parametrize(
        "target",
        [
            silent("b"),
            unclear("b"),
            settling("b"),
            not_ready("b"),
            healthy("b").but(uid="uid-other"),
            healthy("b").but(unschedulable=True),
            healthy("b").but(deleting=True),
            healthy("b").but(provider_id="hrobot://5"),
            healthy("b").but(server_annotation="5"),
        ],
        ids=range(9),
    )
    def test_the_target_is_alive_and_may_carry_it(self, target: Seen) -> None:
        assert broken(facts(an_observation([silent("a"), target]))) == "I3"

    def test_it_is_selected(self) -> None:
        o = an_observation(A_TO_B, spec=policy(node_selector=(("pool", "edge"),)))
        assert broken(facts(o)) == "I3"

    def test_it_is_alone_on_its_server(self) -> None:
        guest = healthy("c").but(provider_id="hrobot://2")
        assert broken(facts(an_observation([*A_TO_B, guest]))) == "I3"

    def test_robot_knows_its_server_and_its_addresses(self) -> None:
        o = an_observation(A_TO_B)
        assert broken(facts(with_account(o, servers=None))) == "I3"
        other = replace(server(2), ipv4=TargetAddress("198.51.100.77"))
        assert broken(facts(with_account(o, servers=(server(1), other)))) == "I3"

    def test_it_is_not_barred(self) -> None:
        o = with_status(an_observation(A_TO_B), moves=(a_move("b", MoveResult.REFUSED),))
        assert broken(facts(o)) == "I3"
        assert broken(facts(replace(o, moves_known_since={"6-4000": NOW - 600}))) is None

    @pytest.mark.parametrize(
        "target",
        [
            healthy("b").but(server_annotation="0002"),
            healthy("b").but(server_annotation=" 198.51.100.2 "),
            healthy("b").but(server_annotation="2001:DB8:2::"),
            healthy("b").but(provider_id="hcloud://bm-2"),
            healthy("b").but(provider_id="other://b", addresses=("b.example", "198.51.100.2")),
        ],
        ids=["number", "IPv4", "IPv6", "old providerID", "address"],
    )
    def test_however_a_node_is_mapped(self, target: Seen) -> None:
        assert broken(facts(an_observation([silent("a"), target]))) is None


class TestI4:
    LIVES = an_observation([healthy("a"), healthy("b")])

    def cause(self, reason: Reason) -> Intent:
        return an_intent(attempts=1, cause=Cause(reason, "a", "uid-a"))

    def test_nothing_leaves_a_living_node_by_itself(self) -> None:
        for reason in (Reason.NODE_CORDONED, Reason.NODE_UNREACHABLE, Reason.ROUTED_NOWHERE):
            assert broken(facts(self.LIVES, self.cause(reason))) == "I4"

    def test_unless_it_was_asked_for(self) -> None:
        assert broken(facts(self.LIVES, self.cause(Reason.SWITCH_REQUESTED))) is None
        cordoned = an_observation([healthy("a").but(unschedulable=True), healthy("b")])
        assert broken(facts(cordoned, self.cause(Reason.NODE_CORDONED))) is None
        stay = with_resource(cordoned, policy=policy(on_cordon=OnCordon.STAY))
        assert broken(facts(stay, self.cause(Reason.NODE_CORDONED))) == "I4"
        deleting = an_observation([healthy("a").but(deleting=True), healthy("b")])
        assert broken(facts(deleting, self.cause(Reason.NODE_DELETING))) is None

    def test_all_nodes_of_a_server_must_be_unwanted(self) -> None:
        guest = healthy("c").but(provider_id="hrobot://1")
        cordoned = [healthy("a").but(unschedulable=True), healthy("b"), guest]
        assert broken(facts(an_observation(cordoned), self.cause(Reason.NODE_CORDONED))) == "I4"

    def test_a_dead_node_keeps_nothing_beside_one_that_should_be_left(self) -> None:
        """Seeds 6642 and 7361: the addresses stayed, the last look refused each request."""
        cordoned = healthy("a").but(unschedulable=True)
        for guest, found in ((silent("c"), None), (unclear("c"), "I4"), (healthy("c"), "I4")):
            nodes = [cordoned, healthy("b"), guest.but(server_annotation="1")]
            cause = self.cause(Reason.NODE_CORDONED)
            assert broken(facts(an_observation(nodes), cause)) == found

    def test_enforced_drift_is_asked_for(self) -> None:
        for drift, found in ((Drift.ENFORCE, None), (Drift.REPORT, "I4")):
            o = with_resource(self.LIVES, policy=policy(drift=drift))
            assert broken(facts(o, self.cause(Reason.GROUP_SPLIT))) == found

    def test_the_rest_of_a_group_follows(self) -> None:
        routes = {IP: at("a"), IP2: at("b")}
        o = an_observation([healthy("a"), healthy("b")], routes, policy(IP, IP2))
        assert broken(facts(o, an_intent("b", IP, IP2, attempts=2))) is None
        o = with_track(o, IP2, ready=False)
        assert broken(facts(o, an_intent("b", IP, IP2, attempts=2))) == "I4"

    def test_an_address_that_is_shown_at_its_target_leaves_nothing(self) -> None:
        # Robot may show the new route, not ready, for as long as its switch takes.
        shown = an_observation([silent("a"), healthy("b")], {IP: at("b", ready=False)})
        assert broken(facts(shown, an_intent(attempts=2))) is None

    def test_a_repair_goes_on_once_it_was_sent(self) -> None:
        intent = an_intent(attempts=2, cause=Cause(Reason.GROUP_SPLIT, "a", "uid-a"))
        assert broken(facts(self.LIVES, intent)) is None

    def test_a_server_without_a_node_keeps_nothing(self) -> None:
        for track in (foreign(), at("h")):
            o = an_observation([healthy("b")], {IP: track})
            assert broken(facts(o, self.cause(Reason.FOREIGN_SERVER))) is None

    def test_without_a_spec_nothing_was_asked_for(self) -> None:
        o = with_resource(self.LIVES, policy=InvalidSpec("none"))
        assert broken(facts(o), only("I4")) == "I4"


class TestI5:
    @pytest.mark.parametrize(
        "source", [unclear("a"), settling("a"), silent("a").but(ready=Ready.FALSE)], ids=range(3)
    )
    def test_a_failure_was_watched(self, source: Seen) -> None:
        assert broken(facts(an_observation([source, healthy("b")]))) == "I5"

    def test_a_node_that_says_not_ready_for_long_failed(self) -> None:
        assert broken(facts(an_observation([not_ready("a"), healthy("b")]))) is None

    def test_a_node_that_is_gone_failed(self) -> None:
        assert broken(facts(an_observation([healthy("b")]))) is None

    def test_a_node_that_was_never_traced_was_not_watched(self) -> None:
        o = an_observation(A_TO_B)
        traces = {uid: trace for uid, trace in o.cluster.traces.items() if uid != "uid-a"}
        assert broken(facts(replace(o, cluster=replace(o.cluster, traces=traces)))) == "I5"

    def test_lists_and_route_are_fresh(self) -> None:
        o = an_observation(A_TO_B)
        old = replace(o, cluster=replace(o.cluster, listed_at=NOW - 5.1))
        assert broken(facts(old)) == "I5"
        assert broken(facts(with_account(o, routes_read_at=NOW - 10.1))) == "I5"
        none = replace(o, cluster=ClusterTrace())
        assert broken(facts(none), only("I5")) == "I5"


class TestI6:
    def spent(self, writes: int, *, reads: int = 0, logins: int = 0, addresses: int = 4) -> Spent:
        return Spent((NOW,) * reads, (NOW - 3599,) * writes, (NOW - 899,) * logins, addresses)

    def test_fifty_writes_in_an_hour_for_a_failed_node(self) -> None:
        assert broken(facts(spent=self.spent(50))) is None
        assert broken(facts(spent=self.spent(51))) == "I6"
        assert broken(facts(spent=self.spent(50), unspent=1)) == "I6"

    def test_a_reserve_is_kept_of_any_other_move(self) -> None:
        o, intent = an_observation(), an_intent(attempts=1, cause=Cause(Reason.SWITCH_REQUESTED))
        assert broken(facts(o, intent, spent=self.spent(46))) is None
        assert broken(facts(o, intent, spent=self.spent(47))) == "I6"
        assert broken(facts(o, intent, spent=self.spent(41, addresses=40))) == "I6"

    def test_reads_and_failed_logins_are_counted_too(self) -> None:
        assert broken(facts(spent=self.spent(1, reads=100, logins=2))) is None
        assert broken(facts(spent=self.spent(1, reads=101))) == "I6"
        assert broken(facts(spent=self.spent(1, logins=3))) == "I6"

    def test_what_is_older_counts_no_more(self) -> None:
        old = Spent((NOW - 3600,) * 101, (NOW - 3600,) * 51, (NOW - 900,) * 3, 1)
        assert broken(facts(spent=old)) is None


class TestI7:
    @pytest.mark.parametrize("mode", [Mode.PAUSED, Mode.DRY_RUN])
    def test_the_mode_is_active(self, mode: Mode) -> None:
        assert broken(facts(an_observation(A_TO_B, spec=policy(mode=mode)))) == "I7"

    def test_the_resource_stays(self) -> None:
        assert broken(facts(with_resource(an_observation(A_TO_B), deleting=True))) == "I7"

    def test_no_storm_holds_what_nobody_requested(self) -> None:
        storm = StormWatch(NOW, {}, Storm(NOW - 119, frozenset({"uid-a"}), 3))
        o = replace(an_observation(A_TO_B), storm=storm)
        assert broken(facts(o)) == "I7"
        requested = an_intent(attempts=1, cause=Cause(Reason.SWITCH_REQUESTED))
        assert broken(facts(o, requested)) is None
        over = StormWatch(NOW, {}, Storm(NOW - 120, frozenset({"uid-a"}), 3))
        assert broken(facts(replace(o, storm=over))) is None


def test_i8_a_switch_does_not_stay_open_for_more_than_90_minutes() -> None:
    late = replace(ATTEMPTED, started_at=WALL - 5401)
    assert broken(facts(intent=late)) == "I8"
    assert find_broken(facts(intent=late), BEFORE_POST) is None


def test_an_invariant_that_fails_itself_refuses_and_says_so() -> None:
    def defect(_: Facts) -> str | None:
        raise KeyError

    found = find_broken(facts(), {"I9": defect})
    assert found is not None
    assert found.message == "I9: could not be judged: KeyError"


@settings(repeatable, max_examples=600)
@given(observations())
def test_no_invariant_refuses_what_the_gates_let_through(o: Observation) -> None:
    """A check that is too strict would end failover: the gates and the invariants agree."""
    action = decide(o).action
    event(type(action).__name__)
    if not isinstance(action, Attempt):
        return
    targets = {route.address.key: route.to for route in action.intent.routes}
    asked = {address: targets[address] for address in action.addresses}
    spent = Spent((), (), (), 1)
    before = Facts(o, action.intent, asked, spent, len(asked), FENCE.holder)
    assert find_broken(before, BEFORE_RECORD) is None
    stored = with_status(o, intent=action.intent)
    assert find_broken(replace(before, o=stored), BEFORE_POST) is None


def test_each_invariant_says_itself_in_one_sentence() -> None:
    named = [*BEFORE_RECORD.items(), *ALL.items()]
    for name, invariant in named:
        assert invariant.__name__.startswith(name.lower())
        text = (invariant.__doc__ or "").strip()
        assert text.endswith(".")
        assert "\n" not in text


def test_the_policy_of_these_facts_is_a_policy() -> None:
    assert isinstance(facts().o.resource.policy, Policy)
