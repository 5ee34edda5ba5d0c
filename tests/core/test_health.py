"""What lists of nodes and heartbeats prove, and what they do not (design 7)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest

from failoverip.core.cluster import Heartbeat, Node, Ready
from failoverip.core.health import (
    POSITIVE,
    UNCLEAR,
    ClusterTrace,
    Health,
    Verdict,
    assess,
    interrupt,
    observe_lists,
)
from failoverip.core.reasons import Reason
from failoverip.core.timings import Timings

T = Timings()
NOT_READY = Health(Verdict.FAILED, Reason.NODE_NOT_READY)
UNREACHABLE = Health(Verdict.FAILED, Reason.NODE_UNREACHABLE)


class Watcher:
    """One process that lists the cluster; each list takes no time unless said."""

    def __init__(self, *names: str) -> None:
        self.nodes = dict.fromkeys(names or ("a",), Ready.TRUE)
        self.beats: dict[str, str] = {}
        self.trace = ClusterTrace()
        self.now = 0.0

    def list_at(self, now: float, *, takes_seconds: float = 0.0, **beats: str) -> None:
        self.beats.update(beats)
        self.trace = observe_lists(
            self.trace,
            [Node(name, f"uid-{name}", ready=ready) for name, ready in self.nodes.items()],
            [Heartbeat(name, renewed) for name, renewed in self.beats.items()],
            sent_at=now,
            answered_at=now + takes_seconds,
            gap_seconds=T.observation_gap_seconds,
        )
        self.now = now + takes_seconds

    def fail_to_list(self) -> None:
        self.trace = interrupt(self.trace)

    def health(self, name: str = "a", *, now: float | None = None) -> Health:
        node = next(node for node in self.trace.nodes if node.name == name)
        return assess(node, self.trace, self.now if now is None else now, T)


class TestPositive:
    def test_one_list_proves_nothing(self) -> None:
        w = Watcher()
        w.list_at(0, a="1")
        assert w.health() == UNCLEAR

    def test_ready_and_a_beat_seen_to_change_is_life(self) -> None:
        w = Watcher()
        w.list_at(0, a="1")
        w.list_at(10, a="2")
        assert w.health() == POSITIVE

    def test_ready_without_a_change_of_the_beat_is_not(self) -> None:
        w = Watcher()
        w.list_at(0, a="1")
        w.list_at(10, a="1")
        assert w.health() == UNCLEAR

    def test_a_change_counts_for_20_seconds_from_when_the_list_was_sent(self) -> None:
        w = Watcher()
        w.list_at(0, a="1")
        w.list_at(10, takes_seconds=3, a="2")
        assert w.health(now=30) == POSITIVE
        assert w.health(now=30.1) == UNCLEAR

    def test_a_lost_heartbeat_lease_is_no_beat(self) -> None:
        w = Watcher()
        w.list_at(0, a="1")
        w.beats.clear()
        w.list_at(10)
        assert w.health() == UNCLEAR

    def test_a_beat_that_changed_in_a_long_gap_is_as_old_as_the_gap(self) -> None:
        """Regression: it counted as a beat of now, a minute after the node may have died."""
        w = Watcher()
        w.list_at(0, a="1")
        w.list_at(60, a="2")
        assert w.health() == UNCLEAR
        w.list_at(65, a="3")
        assert w.health() == POSITIVE

    def test_a_beat_after_one_failed_list_counts(self) -> None:
        w = Watcher()
        w.list_at(0, a="1")
        w.fail_to_list()
        w.list_at(12, a="2")
        assert w.health() == POSITIVE


class TestSilence:
    def watch_silent(self, *moments: float) -> Watcher:
        w = Watcher()
        w.nodes["a"] = Ready.UNKNOWN
        for moment in moments:
            w.list_at(moment, a="1")
        return w

    def test_20_seconds_of_silence_and_unknown_is_failure(self) -> None:
        assert self.watch_silent(0, 10, 20).health() == UNREACHABLE

    def test_less_is_not(self) -> None:
        assert self.watch_silent(0, 10, 19.9).health() == UNCLEAR

    def test_time_after_the_last_list_is_no_silence(self) -> None:
        assert self.watch_silent(0, 10).health(now=1000) == UNCLEAR

    def test_silence_begins_when_the_list_was_answered(self) -> None:
        w = Watcher()
        w.nodes["a"] = Ready.UNKNOWN
        w.list_at(0, takes_seconds=3, a="1")
        w.list_at(10, a="1")
        w.list_at(22.9, a="1")
        assert w.health() == UNCLEAR
        w.list_at(23, a="1")
        assert w.health() == UNREACHABLE

    def test_a_gap_in_observation_begins_silence_anew(self) -> None:
        assert self.watch_silent(0, 10, 26.1).health() == UNCLEAR
        assert self.watch_silent(0, 10, 26.1, 40, 46.1).health() == UNREACHABLE

    def test_the_longest_regular_pause_is_no_gap(self) -> None:
        assert self.watch_silent(0, 16, 32).health() == UNREACHABLE

    def test_a_failed_list_begins_silence_anew(self) -> None:
        w = self.watch_silent(0, 10)
        w.fail_to_list()
        w.list_at(20, a="1")
        assert w.health() == UNCLEAR
        w.list_at(30, a="1")
        w.list_at(40, a="1")
        assert w.health() == UNREACHABLE

    def test_a_beating_node_is_not_failed_by_unknown(self) -> None:
        w = Watcher()
        w.nodes["a"] = Ready.UNKNOWN
        for moment in range(0, 60, 10):
            w.list_at(moment, a=str(moment))
        assert w.health() == UNCLEAR

    def test_a_silent_node_is_not_failed_while_ready(self) -> None:
        w = Watcher()
        for moment in range(0, 60, 10):
            w.list_at(moment, a="1")
        assert w.health() == UNCLEAR

    def test_a_node_that_never_had_a_heartbeat_lease_is_silent(self) -> None:
        w = Watcher()
        w.nodes["a"] = Ready.UNKNOWN
        for moment in (0, 10, 20):
            w.list_at(moment)
        assert w.health() == UNREACHABLE


class TestNotReady:
    def test_a_kubelet_that_says_so_for_10_seconds_failed(self) -> None:
        w = Watcher()
        w.list_at(0, a="1")
        w.nodes["a"] = Ready.FALSE
        w.list_at(5, a="2")
        assert w.health() == UNCLEAR
        w.list_at(14.9, a="3")
        assert w.health() == UNCLEAR
        w.list_at(15, a="3")
        assert w.health() == NOT_READY

    def test_a_restarting_kubelet_did_not(self) -> None:
        w = Watcher()
        for moment, ready in enumerate((Ready.FALSE, Ready.TRUE, Ready.FALSE, Ready.FALSE)):
            w.nodes["a"] = ready
            w.list_at(moment * 5.0, a=str(moment))
        assert w.health() == UNCLEAR

    def test_a_failed_list_begins_the_10_seconds_anew(self) -> None:
        w = Watcher()
        w.nodes["a"] = Ready.FALSE
        w.list_at(0, a="1")
        w.fail_to_list()
        w.list_at(10, a="2")
        assert w.health() == UNCLEAR

    def test_it_says_so_from_the_first_list_on(self) -> None:
        w = Watcher()
        w.nodes["a"] = Ready.FALSE
        w.list_at(0, a="1")
        w.list_at(10, a="2")
        assert w.health() == NOT_READY


class TestUncertain:
    @pytest.mark.parametrize("ready", [Ready.ABSENT, Ready.UNKNOWN, Ready.FALSE, Ready.TRUE])
    def test_a_first_sight_is_neither_life_nor_failure(self, ready: Ready) -> None:
        w = Watcher()
        w.nodes["a"] = ready
        w.list_at(0, a="1")
        assert w.health() == UNCLEAR

    def test_a_node_without_a_ready_condition_stays_unclear(self) -> None:
        w = Watcher()
        w.nodes["a"] = Ready.ABSENT
        for moment in range(0, 60, 10):
            w.list_at(moment, a="1")
        assert w.health() == UNCLEAR

    def test_a_node_that_was_never_traced_is_unclear(self) -> None:
        node = Node("a", "uid-a", ready=Ready.UNKNOWN)
        assert assess(node, ClusterTrace((node,), {}, 0.0), 100.0, T) == UNCLEAR

    def test_a_node_of_another_uid_starts_from_nothing(self) -> None:
        w = Watcher()
        w.list_at(0, a="1")
        w.list_at(10, a="2")
        again = observe_lists(
            w.trace,
            [Node("a", "uid-new", ready=Ready.TRUE)],
            [Heartbeat("a", "3")],
            sent_at=15,
            answered_at=15,
            gap_seconds=T.observation_gap_seconds,
        )
        assert set(again.traces) == {"uid-new"}
        assert assess(again.nodes[0], again, 15, T) == UNCLEAR


class TestFrozenApiServer:
    """kube-controller-manager marks every node Unknown 0.2 s after the thaw; kubelets come back
    over 0 to 10 s."""

    BACK_AT: Mapping[str, float] = {"a": 69.0, "b": 62.0, "c": 65.0}

    def thaw(self, moments: list[float]) -> tuple[Watcher, list[set[Verdict]]]:
        w = Watcher("a", "b", "c")
        for moment in (0.0, 10.0):
            w.beats = dict.fromkeys("abc", f"before {moment}")
            w.list_at(moment)
        w.fail_to_list()
        seen = []
        for moment in moments:
            for name, back_at in self.BACK_AT.items():
                back = moment >= back_at
                w.nodes[name] = Ready.TRUE if back else Ready.UNKNOWN
                w.beats[name] = f"back at {back_at}" if back else "before 10.0"
            w.list_at(moment)
            seen.append({w.health(name).verdict for name in "abc"})
        return w, seen

    def test_nobody_fails_while_the_kubelets_come_back(self) -> None:
        _, seen = self.thaw([60.2, 62.2, 64.2, 66.2, 68.2, 70.2])
        assert all(Verdict.FAILED not in verdicts for verdicts in seen)
        assert seen[-1] == {Verdict.POSITIVE}

    def test_ready_alone_would_have_failed_all_at_once(self) -> None:
        """What the heartbeats guard against: by Ready, a healthy cluster is dead after a thaw."""
        w, _ = self.thaw([60.2])
        by_ready_alone = replace(T, heartbeat_silence_seconds=0.0)
        judged = {assess(node, w.trace, 60.2, by_ready_alone) for node in w.trace.nodes}
        assert judged == {UNREACHABLE}

    def test_silence_that_spans_the_freeze_would_have_failed_all(self) -> None:
        """What the interruption guards against: without it 50 s of frozen beats are silence."""
        w, _ = self.thaw([60.2])
        unguarded = observe_lists(
            before_the_freeze(),
            w.trace.nodes,
            [Heartbeat(name, "before 10.0") for name in "abc"],
            sent_at=60.2,
            answered_at=60.2,
            gap_seconds=float("inf"),
        )
        verdicts = {assess(node, unguarded, 60.2, T).verdict for node in unguarded.nodes}
        assert verdicts == {Verdict.FAILED}
        assert {w.health(name).verdict for name in "abc"} == {Verdict.UNCLEAR}


def before_the_freeze() -> ClusterTrace:
    w = Watcher("a", "b", "c")
    for moment in (0.0, 10.0):
        w.beats = dict.fromkeys("abc", f"before {moment}")
        w.list_at(moment)
    return w.trace
