"""When so many nodes turn bad at once that the observer is at fault, and for how long."""

from __future__ import annotations

from dataclasses import replace

from tests.support.observations import (
    FENCE,
    IP,
    NOW,
    WALL,
    an_intent,
    an_observation,
    healthy,
    policy,
    silent,
    with_account,
    with_resource,
    with_status,
)

from failoverip.core.cluster import Heartbeat, Node, Ready
from failoverip.core.conditions import render_conditions
from failoverip.core.decide import decide
from failoverip.core.decision import Attempt, Hold, OpenIntent, RefuseRequest
from failoverip.core.health import ClusterTrace, interrupt, observe_lists
from failoverip.core.observation import Observation
from failoverip.core.reasons import Reason
from failoverip.core.resource import CandidateStatus, Condition, Policy, Safety, Status
from failoverip.core.situation import understand
from failoverip.core.storm import Storm, StormWatch, watch_storm
from failoverip.core.timings import Timings

T = Timings()
EDGE = (("pool", "edge"),)
HELD = Condition("Degraded", "True", Reason.STORM_HOLD, "storm", WALL)


class Watching:
    """One process that lists the cluster every 5 s, and what it makes of one resource."""

    def __init__(
        self, names: str = "abc", spec: Policy | None = None, recorded: Status | None = None
    ) -> None:
        self.policy = spec or policy()
        self.recorded = recorded or Status()
        self.trace = ClusterTrace()
        self.watch = StormWatch()
        self.now = 0.0
        self.labels: dict[str, tuple[tuple[str, str], ...]] = {}
        # Of each node, whether its kubelet beats; what is missing is not listed.
        self.beating = dict.fromkeys(names, True)
        self.ready: dict[str, Ready] = {}
        self.beats: dict[str, str] = {}

    def list_at(self, now: float) -> None:
        self.now = now
        nodes = [
            Node(name, f"uid-{name}", self.labels.get(name, ()), ready=self._ready(name))
            for name in self.beating
        ]
        self.beats |= {name: str(now) for name, beats in self.beating.items() if beats}
        beats = [Heartbeat(name, renewed) for name, renewed in self.beats.items()]
        self.trace = observe_lists(
            self.trace,
            nodes,
            beats,
            sent_at=now,
            answered_at=now,
            gap_seconds=T.observation_gap_seconds,
        )
        self.watch = watch_storm(self.watch, self.trace, self.policy, self.recorded, T)

    def _ready(self, name: str) -> Ready:
        return self.ready.get(name, Ready.TRUE)

    def until(self, now: float) -> Watching:
        while self.now < now:
            self.list_at(self.now + 5)
        return self

    def fall_silent(self, names: str, *, ready: Ready = Ready.UNKNOWN) -> None:
        """The kubelets stop, and the control plane has marked it."""
        for name in names:
            self.beating[name] = False
            self.ready[name] = ready

    def come_back(self, names: str) -> None:
        for name in names:
            self.beating[name], self.ready[name] = True, Ready.TRUE

    @property
    def holds(self) -> bool:
        return self.watch.holds(self.now, self.policy.safety, T)


class TestBegin:
    def test_two_of_three_that_turn_bad_at_once_are_a_storm(self) -> None:
        w = Watching().until(30)
        w.fall_silent("bc")
        w.until(35)
        assert w.holds
        assert w.watch.storm is not None
        assert w.watch.storm.tell().startswith("2 of 3 nodes turned bad together")

    def test_one_node_is_none_whatever_its_share(self) -> None:
        for names in ("a", "ab"):
            w = Watching(names, policy(safety=Safety(storm_percent=1))).until(30)
            w.fall_silent("a")
            assert not w.until(120).holds

    def test_exactly_the_share_is_none_more_is_one(self) -> None:
        for struck, storm in (("ab", False), ("abc", True)):
            w = Watching("abcd").until(30)
            w.fall_silent(struck)
            assert w.until(35).holds is storm

    def test_the_share_is_the_users(self) -> None:
        for percent, storm in ((49, True), (50, False), (100, False)):
            w = Watching("abcd", policy(safety=Safety(storm_percent=percent))).until(30)
            w.fall_silent("ab")
            assert w.until(35).holds is storm

    def test_nodes_that_turn_bad_a_minute_apart_are_none(self) -> None:
        for apart, storm in ((55, True), (60, False)):
            w = Watching().until(30)
            w.fall_silent("a")
            w.until(30 + apart)
            w.fall_silent("b")
            assert w.until(35 + apart).holds is storm

    def test_a_node_that_was_bad_for_long_counts_as_one_of_the_candidates_only(self) -> None:
        w = Watching("abcd").until(30)
        w.fall_silent("d")
        w.until(300)
        w.fall_silent("ab")
        assert not w.until(330).holds

    def test_silence_alone_is_bad_before_the_control_plane_says_so(self) -> None:
        w = Watching().until(30)
        w.fall_silent("abc", ready=Ready.TRUE)
        assert not w.until(50).holds
        assert w.until(55).holds

    def test_only_selected_nodes_count(self) -> None:
        w = Watching("abcd", policy(node_selector=EDGE))
        w.labels = dict.fromkeys("ab", EDGE)
        w.until(30)
        w.fall_silent("cd")
        assert not w.until(35).holds
        w.fall_silent("ab")
        assert w.until(40).holds

    def test_nodes_whose_objects_vanish_at_once_are_a_storm(self) -> None:
        w = Watching().until(30)
        del w.beating["a"], w.beating["b"]
        assert w.until(35).holds
        assert not w.until(155).holds

    def test_a_node_that_was_bad_when_its_object_vanished_tells_nothing_new(self) -> None:
        w = Watching().until(30)
        w.fall_silent("a")
        w.until(200)
        del w.beating["a"]
        w.until(205)
        w.fall_silent("b")
        assert not w.until(210).holds

    def test_nodes_that_join_are_none(self) -> None:
        w = Watching().until(30)
        for name in "defg":
            w.beating[name], w.ready[name] = False, Ready.ABSENT
        assert not w.until(120).holds

    def test_the_same_lists_again_change_nothing(self) -> None:
        w = Watching().until(30)
        assert watch_storm(w.watch, interrupt(w.trace), w.policy, w.recorded, T) is w.watch
        assert watch_storm(StormWatch(), ClusterTrace(), w.policy, w.recorded, T) == StormWatch()


class TestEnd:
    def storm(self, spec: Policy | None = None) -> Watching:
        w = Watching("abc", spec).until(30)
        w.fall_silent("abc")
        return w.until(35)

    def test_it_holds_for_so_long_at_most(self) -> None:
        w = self.storm()
        assert w.until(150).holds
        assert not w.until(155).holds

    def test_the_time_is_the_users(self) -> None:
        w = self.storm(policy(safety=Safety(storm_hold_seconds=30)))
        assert w.until(60).holds
        assert not w.until(65).holds

    def test_it_ends_when_all_that_it_struck_are_good_again(self) -> None:
        w = self.storm()
        w.come_back("ab")
        assert w.until(45).holds, "most are good, but c may be the one that carries the address"
        w.come_back("c")
        assert not w.until(50).holds
        assert w.watch.storm is None

    def test_none_follows_before_most_were_good_again(self) -> None:
        w = self.storm().until(300)
        w.come_back("a")
        w.until(310)
        w.fall_silent("a")
        assert not w.until(400).holds
        w.come_back("ab")
        w.until(410)
        assert w.watch.storm is None
        w.fall_silent("ab")
        assert w.until(415).holds

    def test_what_turned_bad_in_one_storm_does_not_count_for_the_next(self) -> None:
        w = Watching("abcde", policy(safety=Safety(storm_percent=20, storm_hold_seconds=10)))
        w.until(30)
        w.fall_silent("ab")
        assert w.until(35).holds
        assert not w.until(60).holds
        assert w.watch.storm is None

    def test_until_then_a_target_needs_a_beat_since_the_storm_began(self) -> None:
        w = self.storm()
        assert not w.watch.is_proven("uid-a", w.trace)
        assert not w.watch.is_proven("uid-nobody", w.trace)
        w.come_back("a")
        w.until(40)
        assert w.watch.is_proven("uid-a", w.trace)
        assert not w.watch.is_proven("uid-b", w.trace)


class TestNewLeader:
    def test_it_assumes_no_storm_while_ready_nodes_had_no_time_to_be_seen_beating(self) -> None:
        w = Watching()
        w.list_at(0)
        assert not w.holds

    def test_nodes_that_show_no_life_at_first_sight_turned_bad_then(self) -> None:
        w = Watching()
        w.fall_silent("ab")
        w.list_at(0)
        assert w.holds
        assert not w.until(120).holds

    def test_so_did_ready_nodes_that_are_not_seen_beating_in_time(self) -> None:
        w = Watching()
        w.fall_silent("ab", ready=Ready.TRUE)
        w.list_at(0)
        assert not w.until(15).holds
        assert w.until(20).holds

    def test_what_the_status_calls_bad_was_bad_before(self) -> None:
        """The leader dies with the active node, and another node has been dead for long."""
        dead = CandidateStatus("b", 2, False, Reason.NODE_UNREACHABLE)
        for ready in (Ready.UNKNOWN, Ready.TRUE):
            w = Watching(recorded=Status(candidates=(dead,)))
            w.fall_silent("b", ready=ready)
            w.fall_silent("a", ready=Ready.TRUE)
            w.list_at(0)
            assert not w.until(120).holds

    def test_a_candidate_that_is_cordoned_in_the_status_may_have_been_good(self) -> None:
        cordoned = CandidateStatus("b", 2, False, Reason.NODE_CORDONED)
        w = Watching(recorded=Status(candidates=(cordoned,)))
        w.fall_silent("ab")
        w.list_at(0)
        assert w.holds

    def test_it_goes_on_with_a_storm_that_the_status_tells(self) -> None:
        w = Watching(recorded=Status(conditions=(HELD,)))
        w.list_at(0)
        assert w.holds
        assert w.watch.storm is not None
        assert "before this leader" in w.watch.storm.tell()
        assert not w.until(5).holds, "all three were seen beating: it is over"

    def test_with_the_whole_of_its_time(self) -> None:
        """Its own clock is all it knows: that of the predecessor tells it nothing."""
        w = Watching(recorded=Status(conditions=(replace(HELD, since=WALL - 9000),)))
        w.fall_silent("a")
        w.list_at(0)
        assert w.until(115).holds
        assert not w.until(120).holds

    def test_a_new_resource_in_a_cluster_that_was_watched_for_long_begins_without(self) -> None:
        w = Watching("abcd")
        w.fall_silent("ab")
        w.ready["b"] = Ready.FALSE
        w.list_at(0)
        w.until(120)
        assert watch_storm(StormWatch(), w.trace, w.policy, Status(), T).storm is None

    def test_a_node_without_a_trace_is_judged_too(self) -> None:
        nodes = tuple(Node(name, f"uid-{name}", ready=Ready.TRUE) for name in "ab")
        watch = watch_storm(StormWatch(), ClusterTrace(nodes, {}, 0.0), policy(), Status(), T)
        assert watch.storm is not None


def stormy(o: Observation, *, seconds_ago: float = 60.0) -> Observation:
    storm = Storm(NOW - seconds_ago, frozenset({"uid-a", "uid-b"}), 3)
    return replace(o, storm=StormWatch(NOW - 1, {}, storm))


FAILING = an_observation([silent("a"), healthy("b")])


class TestDecision:
    def test_nothing_moves_off_a_failed_node_while_it_holds(self) -> None:
        decision = decide(stormy(FAILING))
        assert decision.action == Hold()
        assert decision.reason is Reason.STORM_HOLD
        assert isinstance(decide(FAILING).action, OpenIntent)

    def test_afterwards_it_does(self) -> None:
        assert isinstance(decide(stormy(FAILING, seconds_ago=120)).action, OpenIntent)

    def test_but_not_to_a_node_that_has_not_beaten_since(self) -> None:
        spec = policy(safety=Safety(storm_hold_seconds=0))
        o = an_observation([silent("a"), healthy("b")], spec=spec)
        assert decide(stormy(o, seconds_ago=4)).reason is Reason.NO_TARGET
        assert isinstance(decide(stormy(o, seconds_ago=6)).action, OpenIntent)

    def test_no_request_is_sent_for_an_open_switch(self) -> None:
        o = with_status(FAILING, intent=an_intent())
        assert isinstance(decide(o).action, Attempt)
        decision = decide(stormy(o))
        assert decision.action == Hold()
        assert decision.reason is Reason.STORM_HOLD

    def test_a_requested_switch_passes(self) -> None:
        o = with_resource(FAILING, switch_to="b")
        assert isinstance(decide(stormy(o)).action, OpenIntent)

    def test_but_not_to_a_node_whose_last_beat_is_older_than_the_storm(self) -> None:
        o = with_resource(an_observation(), switch_to="b")
        decision = decide(stormy(o, seconds_ago=4))
        assert decision.action == Hold()
        assert decision.reason is Reason.EVIDENCE_STALE
        assert not isinstance(decision.action, RefuseRequest)

    def test_it_is_told_as_degraded_whatever_else_keeps_a_move_back(self) -> None:
        o = stormy(with_account(FAILING, listed=None))
        decision = decide(o)
        assert decision.reason is Reason.ROUTE_UNKNOWN
        assert isinstance(o.resource.policy, Policy)
        s = understand(o, o.resource.policy)
        told = {c.type: c for c in render_conditions(o, s, decision, Status(fence=FENCE))}
        assert (told["Degraded"].status, told["Degraded"].reason) == ("True", Reason.STORM_HOLD)

    def test_a_healthy_active_node_stays_ready(self) -> None:
        o = stormy(an_observation([healthy("a"), silent("b"), silent("c")], spec=policy(IP)))
        decision = decide(o)
        assert isinstance(o.resource.policy, Policy)
        s = understand(o, o.resource.policy)
        told = {c.type: c for c in render_conditions(o, s, decision, Status(fence=FENCE))}
        assert (told["Ready"].status, told["Degraded"].status) == ("True", "True")


def test_harm_with_the_guard_off_the_address_moves_off_a_node_that_is_only_late() -> None:
    """All kubelets lost their way to the API server and come back one after another."""

    def moves(percent: int) -> bool:
        w = Watching("abc", policy(safety=Safety(storm_percent=percent))).until(30)
        w.fall_silent("abc")
        w.until(60)
        w.come_back("b")
        w.until(70)
        o = an_observation(spec=w.policy)
        nodes = tuple(
            replace(n, provider_id=f"hrobot://{i + 1}") for i, n in enumerate(w.trace.nodes)
        )
        o = replace(o, now=w.now, cluster=replace(w.trace, nodes=nodes), storm=w.watch)
        o = with_account(o, routes_read_at=w.now)
        return isinstance(decide(o).action, OpenIntent)

    assert moves(100)
    assert not moves(50)
