"""A storm: so many candidates turn bad at once that the observer is at fault, not they (design 7).

Nothing moves while a storm holds, but for a requested switch; that is at most `stormHoldSeconds`,
and there is no new hold before most candidates were good again. Until then a target's heartbeat
must have changed since the storm began.

Good means positive evidence of life, judged at each list. A node turns bad when it was good at the
list before, or when it is gone from the list that showed it good.

What a new leader does not know, it does not assume:

* It never saw a node good, so it cannot tell which turned bad at once. A node that shows no life
  at its first list counts as turned bad then, unless the status says that it was bad before. A
  Ready node is not judged before it had the time to be seen beating.
* Where the status says that a storm holds, the leader goes on with it from its own first list:
  how much of it passed cannot be told from another machine's clock. Who is replaced more often
  than every `stormHoldSeconds` holds on; so does who needs 20 s of silence and is replaced within.
* That a node turned bad before its first list is no storm: a node that the process never saw good
  and that appears later (a new one) was never good, and does not turn bad.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace

from failoverip.core.cluster import Node, Ready
from failoverip.core.health import ClusterTrace, NodeTrace, Verdict, assess
from failoverip.core.reasons import Reason
from failoverip.core.resource import Policy, Safety, Status
from failoverip.core.timings import Timings

# Fewer are a failure of nodes, whatever their share.
LEAST_STRUCK = 2
KNOWN_BAD = frozenset({Reason.NODE_UNREACHABLE, Reason.NODE_NOT_READY, Reason.NODE_UNHEALTHY})


@dataclass(frozen=True, slots=True)
class Sighting:
    """One node, by UID, as the last list showed it. Times are local.

    `good_since`: of an unbroken series of lists that show it good, None while it is not.
    `turned_bad_at`: None if it never was seen to. `judged`: whether it had the time to show life.
    """

    node: Node
    good_since: float | None = None
    turned_bad_at: float | None = None
    judged: bool = True


@dataclass(frozen=True, slots=True)
class Storm:
    """`struck`: the UIDs of those that turned bad together, of so many candidates."""

    began_at: float
    struck: frozenset[str]
    candidates: int
    inherited: bool = False

    def tell(self) -> str:
        """For people; the same words for the whole of its time."""
        if self.inherited:
            return "nodes turned bad together before this leader; the observer may be at fault"
        return (
            f"{len(self.struck)} of {self.candidates} nodes turned bad together:"
            " the observer may be at fault"
        )


@dataclass(frozen=True, slots=True)
class StormWatch:
    """What one process saw of the candidates of one resource, list after list."""

    listed_at: float | None = None
    sightings: Mapping[str, Sighting] = field(default_factory=dict)
    storm: Storm | None = None

    def holds(self, now: float, safety: Safety, timings: Timings) -> bool:
        """Whether a storm keeps every move back that nobody asked for."""
        return self.storm is not None and now < self.storm.began_at + _hold(safety, timings)

    def is_proven(self, uid: str, trace: ClusterTrace) -> bool:
        """Whether the node's heartbeat changed since the storm began; True without one."""
        if self.storm is None:
            return True
        seen = trace.traces.get(uid)
        changed_at = None if seen is None else seen.changed_at
        return changed_at is not None and changed_at >= self.storm.began_at


def watch_storm(
    before: StormWatch, cluster: ClusterTrace, policy: Policy, recorded: Status, timings: Timings
) -> StormWatch:
    """After one more good pair of lists; the same again when there was none.

    `recorded` is the status as it was read: what a predecessor knew.
    """
    listed_at = cluster.listed_at
    if listed_at is None or listed_at == before.listed_at:
        return before
    first = before.listed_at is None
    known_bad = _known_bad(recorded) if first else frozenset()
    sightings = {
        node.uid: _sight(before.sightings.get(node.uid), node, cluster, timings)
        if not first
        else _first_sight(node, cluster, known_bad, timings)
        for node in cluster.nodes
    }
    sightings |= _gone(before.sightings, sightings, listed_at, timings)
    after = StormWatch(listed_at, sightings, before.storm)
    candidates = _candidates(after, policy)
    if first and _was_holding(recorded):
        struck = frozenset(uid for uid in candidates if sightings[uid].good_since is None)
        return replace(after, storm=Storm(listed_at, struck, len(candidates), inherited=True))
    if before.storm is not None:
        if not _is_over(after, before.storm, candidates, policy.safety, timings):
            return after
        after = _without(after, before.storm)
    return replace(after, storm=_new_storm(after, candidates, policy.safety, timings))


def _hold(safety: Safety, timings: Timings) -> float:
    return safety.storm_hold_seconds * timings.spec_second_seconds


def _sight(
    before: Sighting | None, node: Node, cluster: ClusterTrace, timings: Timings
) -> Sighting:
    listed_at = cluster.listed_at or 0.0
    if _is_good(node, cluster, timings):
        since = before.good_since if before is not None else None
        return Sighting(node, good_since=since if since is not None else listed_at)
    if before is None:
        return Sighting(node)
    if before.good_since is not None or not (before.judged or _is_settling(node, cluster, timings)):
        return Sighting(node, turned_bad_at=listed_at)
    return replace(before, node=node)


def _first_sight(
    node: Node, cluster: ClusterTrace, known_bad: frozenset[str], timings: Timings
) -> Sighting:
    if _is_good(node, cluster, timings):
        return Sighting(node, good_since=cluster.listed_at)
    if node.name in known_bad or _watched_bad(node, cluster, timings):
        return Sighting(node)
    if _is_settling(node, cluster, timings):
        return Sighting(node, judged=False)
    return Sighting(node, turned_bad_at=cluster.listed_at)


def _is_good(node: Node, cluster: ClusterTrace, timings: Timings) -> bool:
    now = cluster.listed_at or 0.0
    return assess(node, cluster, now, timings).verdict is Verdict.POSITIVE


def _is_settling(node: Node, cluster: ClusterTrace, timings: Timings) -> bool:
    """Ready, and not watched for long enough to have seen its heartbeat change."""
    seen = cluster.traces.get(node.uid)
    if node.ready is not Ready.TRUE or seen is None or seen.changed_at is not None:
        return False
    return (cluster.listed_at or 0.0) - seen.same_since < timings.heartbeat_silence_seconds


def _watched_bad(node: Node, cluster: ClusterTrace, timings: Timings) -> bool:
    """Of a resource that is new to this process, in a cluster that it has watched for longer."""
    seen: NodeTrace | None = cluster.traces.get(node.uid)
    if seen is None:
        return False
    since = seen.same_since if seen.not_ready_since is None else seen.not_ready_since
    return (cluster.listed_at or 0.0) - since >= timings.storm_span_seconds


def _gone(
    before: Mapping[str, Sighting],
    listed: Mapping[str, Sighting],
    listed_at: float,
    timings: Timings,
) -> Mapping[str, Sighting]:
    """Nodes that vanished while they were good, for as long as that tells something."""
    kept = {}
    for uid, seen in before.items():
        if uid in listed:
            continue
        gone = seen
        if seen.good_since is not None:
            gone = Sighting(seen.node, turned_bad_at=listed_at)
        if _turned_bad_now(gone, listed_at, timings):
            kept[uid] = gone
    return kept


def _turned_bad_now(seen: Sighting, now: float, timings: Timings) -> bool:
    turned_at = seen.turned_bad_at
    return turned_at is not None and now - turned_at < timings.storm_span_seconds


def _candidates(watch: StormWatch, policy: Policy) -> tuple[str, ...]:
    selector = set(policy.node_selector)
    return tuple(uid for uid, seen in watch.sightings.items() if selector <= set(seen.node.labels))


def _is_over(
    watch: StormWatch,
    storm: Storm,
    candidates: Collection[str],
    safety: Safety,
    timings: Timings,
) -> bool:
    """All that it struck are good again, or its hold is over and most candidates are good."""
    good = {uid for uid, seen in watch.sightings.items() if seen.good_since is not None}
    if storm.struck <= good:
        return True
    if watch.holds(watch.listed_at or 0.0, safety, timings):
        return False
    return 2 * len(good.intersection(candidates)) > len(candidates)


def _without(watch: StormWatch, over: Storm) -> StormWatch:
    """What turned bad in one storm is not counted for the next."""
    sightings = {
        uid: replace(seen, turned_bad_at=None) if uid in over.struck else seen
        for uid, seen in watch.sightings.items()
    }
    return StormWatch(watch.listed_at, sightings)


def _new_storm(
    watch: StormWatch, candidates: Collection[str], safety: Safety, timings: Timings
) -> Storm | None:
    now = watch.listed_at or 0.0
    struck = frozenset(
        uid for uid in candidates if _turned_bad_now(watch.sightings[uid], now, timings)
    )
    if len(struck) < LEAST_STRUCK or 100 * len(struck) <= safety.storm_percent * len(candidates):
        return None
    return Storm(now, struck, len(candidates))


def _known_bad(recorded: Status) -> frozenset[str]:
    return frozenset(entry.node for entry in recorded.candidates if entry.reason in KNOWN_BAD)


def _was_holding(recorded: Status) -> bool:
    return any(
        condition.type == "Degraded"
        and condition.status == "True"
        and condition.reason is Reason.STORM_HOLD
        for condition in recorded.conditions
    )
