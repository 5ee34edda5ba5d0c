"""One look of a leader: observe, decide, and the last look before an attempt, by the core."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import cache
from typing import NamedTuple

from tests.model.ground import (
    ADDRESS,
    LEASE,
    NODE_AT,
    SERVERS,
    STATUSES,
    TARGETS,
    TRACKS,
    Pool,
    resource_of,
)
from tests.support.observations import NOW, WALL, Seen, cluster, healthy, not_ready

from failoverip.core.decide import decide
from failoverip.core.decision import (
    AdoptIntent,
    Attempt,
    CloseIntent,
    Decision,
    Hold,
    OpenIntent,
    Refresh,
)
from failoverip.core.invariants import BEFORE_POST, BEFORE_RECORD, Facts, Spent, find_broken
from failoverip.core.ledger import Ledger
from failoverip.core.memory import IntentMemory, remember_intent
from failoverip.core.observation import AccountView, Budget, Claim, Observation
from failoverip.core.provider import Route
from failoverip.core.resource import Fence, Intent, Status
from failoverip.core.routes import RouteTrack, track_route
from failoverip.core.status import render_status
from failoverip.core.timings import Timings

T = Timings()
NONE = -1
DEEDS = {OpenIntent: "open", AdoptIntent: "adopt", Attempt: "attempt", CloseIntent: "close"}
# What is older counts as this old: no decision of the few minutes of a story tells them apart.
_OLD_LISTS, _OLD_READ, _OLDEST = 10, 30, NOW - 120.0


def _memory_key(memory: IntentMemory) -> tuple[object, ...]:
    return (
        memory.intent_id,
        memory.followed_since,
        memory.round_ended_at,
        tuple(sorted(memory.routes.items())),
        memory.broken,
        memory.broken_since,
    )


MEMORIES: Pool[IntentMemory] = Pool(_memory_key)


class Known(NamedTuple):
    """What one replica knows. Ages in seconds; `NONE` where there is nothing yet."""

    held: int = NONE
    listed: int = NONE
    saw_b_failed: bool = False
    track: int = NONE
    read: int = NONE
    memory: int = NONE
    writes: int = 0


@dataclass(frozen=True, slots=True)
class Rules:
    """What keeps harm away, to be left out. All of it together is the fence and its backups.

    `fence`: the rules of the CRD. `versions`: the API server refuses a write that was made from
    another version. `window`: nothing without enough of the lease, down to the first byte.
    `last_look`: I1 and I2 right before a request. `holder`: a leader leaves when it reads another
    one in the fence.
    """

    fence: bool = True
    versions: bool = True
    window: bool = True
    last_look: bool = True
    holder: bool = True


ALL = Rules()
NO_FENCE_NOR_BACKUPS = Rules(False, False, False, False, False)


class Looked(NamedTuple):
    """What came of a look: what is known now, the deed to be written, and the status of it.

    `refused`: the last look refused what the decision let through.
    """

    known: Known
    deed: str
    status: int
    refused: str


@cache
def look(
    identity: str, left: float, known: Known, route: tuple[str, bool], rules: Rules
) -> Looked | None:
    """One pass; None where the lists are too old for it. `route`: where to, and whether settled."""
    status = STATUSES[known.held]
    left = left if rules.window else 15.0
    if status.fence is None or status.fence.holder != identity:
        if left < T.window_seconds:
            return Looked(known, "", NONE, "")
        epoch = 1 + (status.fence.epoch if status.fence else 0)
        claimed = replace(status, fence=Fence(epoch, identity, LEASE))
        return Looked(known, "claim", STATUSES.number(claimed), "")
    known = _remembering(known)
    o = observe(left, known)
    decision = decide(o)
    if isinstance(decision.action, Refresh) and decision.action.lists:
        return None
    if isinstance(decision.action, Refresh) or _wants_read(o, decision):
        known = _read(known, route)
        o = observe(left, known)
        decision = decide(o)
    refused = _refused(o, decision, identity, known.writes, rules)
    if refused or isinstance(decision.action, Refresh):
        return Looked(known, "", NONE, refused)
    after = _without_words(render_status(o, decision))
    if after == status:
        return Looked(known, "", NONE, "")
    return Looked(known, DEEDS.get(type(decision.action), "tell"), STATUSES.number(after), "")


def _remembering(known: Known) -> Known:
    intent = STATUSES[known.held].intent
    if intent is None:
        return known._replace(memory=NONE)
    if known.memory != NONE and MEMORIES[known.memory].intent_id == intent.id:
        return known
    return known._replace(memory=MEMORIES.number(remember_intent(intent, NOW)))


def observe(left: float, known: Known, now: float = NOW) -> Observation:
    """What the replica knows, as the core takes it."""
    track = None if known.track == NONE else TRACKS[known.track]
    ledger = Ledger(writes=(NOW,) * known.writes)
    budget = Budget(
        ledger.writes_left(NOW, for_failed_node=True, addresses=1),
        ledger.writes_left(NOW, for_failed_node=False, addresses=1),
        -math.inf,
        -math.inf,
    )
    listed_at = NOW - known.listed
    nodes = (not_ready("b") if known.saw_b_failed else healthy("b"), healthy("c"))
    trace = replace(cluster([_seen_at(node, listed_at) for node in nodes]), listed_at=listed_at)
    return Observation(
        now=now,
        wall_seconds=WALL,
        resource=resource_of(known.held),
        claim=Claim.HELD,
        window_left_seconds=left,
        conflict=None,
        credentials=None,
        cluster=trace,
        account=AccountView(
            routes={} if track is None else {ADDRESS: track},
            listed=None if known.read == NONE else frozenset({ADDRESS}),
            routes_read_at=None if known.read == NONE else NOW - known.read,
            servers=SERVERS,
            budget=budget,
        ),
        memory=None if known.memory == NONE else MEMORIES[known.memory],
        carried={},
        unmapped_recently=(),
        timings=T,
    )


def _seen_at(seen: Seen, listed_at: float) -> Seen:
    """As at this list: the helpers speak of `NOW`."""
    trace, back = seen.trace, NOW - listed_at
    return Seen(
        seen.node,
        replace(
            trace,
            changed_at=None if trace.changed_at is None else trace.changed_at - back,
            same_since=trace.same_since - back,
            not_ready_since=None if trace.not_ready_since is None else trace.not_ready_since - back,
        ),
    )


def _wants_read(o: Observation, decision: Decision) -> bool:
    if not isinstance(decision.action, Hold):
        return False
    read_at, wanted_at = o.account.routes_read_at, decision.read_routes_at
    if read_at is None or NOW - read_at >= T.route_read_seconds:
        return True
    return wanted_at is not None and read_at < wanted_at <= NOW


def _read(known: Known, route: tuple[str, bool]) -> Known:
    return seen(known, route)._replace(read=0)


def seen(known: Known, route: tuple[str, bool]) -> Known:
    """After Robot showed a route, and whether it is settled."""
    target, ready = route
    before = None if known.track == NONE else TRACKS[known.track]
    track = track_route(before, Route(ADDRESS, TARGETS[target], ready), NOW)
    return known._replace(track=TRACKS.number(track))


def _refused(o: Observation, decision: Decision, identity: str, writes: int, rules: Rules) -> str:
    if not isinstance(decision.action, Attempt):
        return ""
    return _broken(_facts(o, decision.action.intent, identity, writes, 1), rules, recorded=False)


def _facts(o: Observation, intent: Intent, identity: str, writes: int, unspent: int) -> Facts:
    asked = {route.address.key: route.to for route in intent.routes}
    return Facts(o, intent, asked, Spent((), (NOW,) * writes, (), 1), unspent, identity)


def _broken(facts: Facts, rules: Rules, *, recorded: bool) -> str:
    judged = dict(BEFORE_POST if recorded else BEFORE_RECORD)
    if not rules.last_look:
        del judged["I1"], judged["I2"]
    broken = find_broken(facts, judged)
    return "" if broken is None else broken.message


@cache
def refused_before_post(identity: str, known: Known, rules: Rules) -> str:
    """What the last look says to the recorded attempt; nothing when it may be sent.

    It judges the observation that was decided on, which may be older by now.
    """
    intent = STATUSES[known.held].intent
    if intent is None:
        return "no intent is recorded"
    late = max(0.0, known.listed - T.fresh_list_seconds, known.read - T.fresh_route_seconds)
    o = observe(15.0, known, NOW - late)
    return _broken(_facts(o, intent, identity, known.writes, 0), rules, recorded=True)


def _without_words(status: Status) -> Status:
    """What decisions depend on; the rest is for people, and has times in it."""
    return replace(status, conditions=(), candidates=(), candidate_count=0, eligible_count=0)


@cache
def aged(known: Known, seconds: int) -> Known:
    """After so many seconds."""
    return known._replace(
        listed=known.listed if known.listed == NONE else min(_OLD_LISTS, known.listed + seconds),
        read=known.read if known.read == NONE else min(_OLD_READ, known.read + seconds),
        track=known.track if known.track == NONE else _aged_track(known.track, seconds),
        memory=known.memory if known.memory == NONE else _aged_memory(known.memory, seconds),
    )


def _older(at: float, seconds: float) -> float:
    return max(_OLDEST, at - seconds)


def _aged_track(number: int, seconds: float) -> int:
    track: RouteTrack = TRACKS[number]
    since, seen_at = _older(track.since, seconds), _older(track.seen_at, seconds)
    return TRACKS.number(replace(track, since=since, seen_at=seen_at))


def _aged_memory(number: int, seconds: float) -> int:
    def older(at: float | None) -> float | None:
        return None if at is None else _older(at, seconds)

    memory = MEMORIES[number]
    routes = {
        key: replace(
            route,
            unsettled_since=older(route.unsettled_since),
            last_ended_at=older(route.last_ended_at),
        )
        for key, route in memory.routes.items()
    }
    return MEMORIES.number(
        replace(
            memory,
            followed_since=_older(memory.followed_since, seconds),
            round_ended_at=older(memory.round_ended_at),
            routes=routes,
            broken_since=older(memory.broken_since),
        )
    )


def node_of(status: int) -> str:
    """To which node the open intent leads, empty when none is open."""
    intent = STATUSES[status].intent
    return "" if intent is None else NODE_AT[intent.routes[0].to]
