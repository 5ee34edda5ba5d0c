"""What the lists of nodes and heartbeats are evidence of (design 7).

Evidence is judged by this process's own clock and by what this process saw: a heartbeat's own
time is never read, and time in which nothing could be observed proves nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum

from failoverip.core.cluster import Heartbeat, Node, Ready
from failoverip.core.reasons import Reason
from failoverip.core.timings import Timings


class Verdict(StrEnum):
    """Three-valued: neither evidence of life nor of failure is UNCLEAR."""

    POSITIVE = "Positive"
    FAILED = "Failed"
    UNCLEAR = "Unclear"


@dataclass(frozen=True, slots=True)
class Health:
    """A verdict with the reason that goes with it."""

    verdict: Verdict
    reason: Reason


POSITIVE = Health(Verdict.POSITIVE, Reason.ON_HEALTHY_NODE)
UNCLEAR = Health(Verdict.UNCLEAR, Reason.ACTIVE_NODE_UNCLEAR)


@dataclass(frozen=True, slots=True)
class NodeTrace:
    """What was seen of one node (by UID), in local time.

    `changed_at`: when its heartbeat was last seen to differ from the list before, None if never.
    `same_since`: since when it was seen unchanged without a gap in observation.
    `not_ready_since`: since when Ready was seen False without a gap, None if it is not.
    """

    renewed: str | None
    changed_at: float | None
    same_since: float
    not_ready_since: float | None


@dataclass(frozen=True, slots=True)
class ClusterTrace:
    """The last good lists and what the lists before them add. `listed_at` None: no list yet.

    `interrupted`: a list failed since, so that the next one begins a new observation.
    """

    nodes: tuple[Node, ...] = ()
    traces: Mapping[str, NodeTrace] = field(default_factory=dict)
    listed_at: float | None = None
    interrupted: bool = False


def interrupt(before: ClusterTrace) -> ClusterTrace:
    """The trace after a list that failed: what was seen stays, what lasts begins anew."""
    return replace(before, interrupted=True)


def observe_lists(
    before: ClusterTrace,
    nodes: Iterable[Node],
    heartbeats: Iterable[Heartbeat],
    *,
    sent_at: float,
    answered_at: float,
    gap_seconds: float,
) -> ClusterTrace:
    """The trace after one more pair of good lists.

    They show the world between `sent_at` and `answered_at`: a change is dated by the earlier, the
    begin of silence by the later of the two. More than `gap_seconds` after the lists before them
    the observation was interrupted, and silence begins anew; a change is then as old as the gap.
    """
    renewed = {beat.node: beat.renewed for beat in heartbeats}
    listed = tuple(sorted(nodes, key=lambda node: node.name))
    last_at = before.listed_at if before.listed_at is not None else float("-inf")
    gap = sent_at - last_at > gap_seconds
    traces = {
        node.uid: _trace(
            before.traces.get(node.uid),
            node,
            renewed.get(node.name),
            changed_at=last_at if gap else sent_at,
            answered_at=answered_at,
            unbroken=not gap and not before.interrupted,
        )
        for node in listed
    }
    return ClusterTrace(listed, traces, sent_at)


def _trace(
    before: NodeTrace | None,
    node: Node,
    renewed: str | None,
    *,
    changed_at: float,
    answered_at: float,
    unbroken: bool,
) -> NodeTrace:
    not_ready = node.ready is Ready.FALSE
    if before is None:
        return NodeTrace(renewed, None, answered_at, answered_at if not_ready else None)
    changed = renewed is not None and renewed != before.renewed
    kept = unbroken and renewed == before.renewed
    since = before.not_ready_since if unbroken else None
    return NodeTrace(
        renewed,
        changed_at if changed else before.changed_at,
        before.same_since if kept else answered_at,
        (since if since is not None else answered_at) if not_ready else None,
    )


def assess(node: Node, trace: ClusterTrace, now: float, timings: Timings) -> Health:
    """The health of a listed node.

    Failed: Ready False for 10 s, or Ready Unknown and the heartbeat silent for 20 s, both of
    uninterrupted observation. Positive: Ready True and a heartbeat that changed at most 20 s ago.
    """
    seen = trace.traces.get(node.uid)
    if seen is None or trace.listed_at is None:
        return UNCLEAR
    if node.ready is Ready.TRUE:
        beating = (
            seen.changed_at is not None
            and now - seen.changed_at <= timings.heartbeat_silence_seconds
        )
        return POSITIVE if beating else UNCLEAR
    if node.ready is Ready.FALSE and seen.not_ready_since is not None:
        if trace.listed_at - seen.not_ready_since >= timings.not_ready_seconds:
            return Health(Verdict.FAILED, Reason.NODE_NOT_READY)
        return UNCLEAR
    silent_for = trace.listed_at - seen.same_since
    if node.ready is Ready.UNKNOWN and silent_for >= timings.heartbeat_silence_seconds:
        return Health(Verdict.FAILED, Reason.NODE_UNREACHABLE)
    return UNCLEAR
