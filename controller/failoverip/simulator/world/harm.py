"""Harm: what becomes of the addresses, by Robot's own account, whatever any record says.

Belongs to the judge: imports nothing of the operator. A rule of bookkeeping may be broken without
harm; what stands here cannot. Bounds leave what nobody may have seen yet.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from failoverip.simulator.world.judge import (
    BEAT_SECONDS,
    FAILURES,
    HOUR_SECONDS,
    NEWS_SECONDS,
    WELL_SECONDS,
    WRITES_PER_HOUR,
    Judge,
    NodeFacts,
    ResourceFacts,
)

Json = Mapping[str, Any]

DEAD_NODE, TWO_SWITCHES, ANOTHER_TARGET = "dead node", "two switches", "another target"
BLIND_MOVE, UNASKED_MOVE, TOO_MANY_MOVES = "blind move", "unasked move", "too many moves"
# Of what the judge says, what is harm: the rest is bookkeeping.
HARM = frozenset(
    {
        DEAD_NODE, TWO_SWITCHES, ANOTHER_TARGET, BLIND_MOVE, UNASKED_MOVE, TOO_MANY_MOVES,
        "I4", "I5", "I6", "I7",
    }
)  # fmt: skip
# A request leaves at most 45 s after the last beat of its target, and arrives 5 s later.
DEAD_SECONDS = 60.0
# A route is read at most 10 s before it decides and 20 s before the request, which is 5 s late.
STALE_SECONDS = 30.0
# A move off a failed node takes a minute or two where nothing is in its way.
STRANDED_SECONDS = 600.0
# What Robot refused a moment ago is not asked for again before.
REFUSED_SECONDS = 590.0
SPENT = frozenset({"BudgetExhausted", "RateLimited"})
MOST_RESERVED = 10
# Beats that come for so long say that a node was well before it fell silent.
STEADY_SECONDS = 120.0
# Of nodes that fell silent together, by their last beats.
TOGETHER_SECONDS = 40.0
# A beat is seen at a list up to 10 s later, and missed 20 s after that, by a list that is up to 5 s
# old when it decides; a little is left.
SILENT_SECONDS = 36.0
# A stranger who comes a third time in an hour means it.
MOST_TAKEN_BACK = 2
# Causes that are no wish of anybody's: they end where the address is on a node that is well.
UNWISHED = FAILURES | {"RoutedNowhere", "ForeignServer"}
# Requested switches and repairs are not counted; these wait after a move.
FREE = frozenset({"SwitchRequested", "GroupSplit"})
HELD_DOWN = frozenset(
    {"Failback", "ForeignServer", "NodeCordoned", "NodeDeleting", "NodeNotSelected"}
)


@dataclass(frozen=True, slots=True)
class Asked:
    """A request when its first byte left. `name` is the resource whose open intent says so."""

    at: float
    replica: str
    address: str
    target: str
    name: str = ""
    uid: str = ""
    intent: str = ""
    cause: tuple[str, str] = ("", "")

    @property
    def reason(self) -> str:
        """Of the cause, empty where no open intent says so."""
        return self.cause[0]

    def __str__(self) -> str:
        why = f"for {self.reason} of {self.name}" if self.intent else "as no open intent says"
        return f"{self.replica} has {self.address} switched to {self.target} {why}"


class Harm:
    """Watches requests and switches. `clocks_are_true`: no wall clock was ever stepped.

    `shown_route`: where Robot shows an address, which is not where it goes while it switches.
    """

    def __init__(
        self,
        judge: Judge,
        shown_route: Callable[[str], str | None],
        *,
        clocks_are_true: bool = True,
    ) -> None:
        self._judge = judge
        self._shown_route = shown_route
        self._clocks_are_true = clocks_are_true
        self._asked: list[Asked] = []
        # By address: the last own switch. By resource: all of them.
        self._last: dict[str, Asked] = {}
        self._moves: dict[str, list[tuple[float, Asked]]] = {}
        # Where each address really goes, and since when.
        self._routed: dict[str, tuple[str | None, float]] = {}
        # Where it went before, since when and until when.
        self._left: dict[str, tuple[str | None, float, float]] = {}

    # -- what it is shown

    def routes(self, at: float, routes: Mapping[str, str | None]) -> None:
        """Where each address goes now; who is back within a moment was there all the time."""
        for address, target in routes.items():
            before, since = self._routed.get(address, (None, at))
            if address in self._routed and before == target:
                continue
            left, left_since, left_at = self._left.get(address, (None, at, at))
            is_back = left == target and at - left_at < STALE_SECONDS
            self._left[address] = (before, since, at)
            self._routed[address] = (target, left_since if is_back else at)

    def stranded(self, at: float) -> None:
        """What is kept for failed nodes was spent otherwise, and now an address waits for it."""
        asked = [
            a for moves in self._moves.values() for then, a in moves if at - then < HOUR_SECONDS
        ]
        resources = self._judge.facts.resources.values()
        there = [r for r in resources if r.gone_at is None]
        reserve = min(sum(len(r.spec["addresses"]) for r in there), MOST_RESERVED)
        if sum(a.reason not in FAILURES for a in asked) <= WRITES_PER_HOUR - reserve:
            return
        for facts in there:
            told = {c["reason"] for c in facts.status.get("conditions", [])}
            stays = None if told.isdisjoint(SPENT) else self._stays(at, facts)
            if stays is not None:
                text = f"{stays}: wishes have used up what was kept for it"
                self._judge.broken(at, DEAD_NODE, text)
                return

    def left_behind(self, at: float) -> None:
        """For where nothing is in the way for so long: an address waits all the same."""
        for facts in self._judge.facts.resources.values():
            stays = self._stays(at, facts)
            if stays is not None:
                self._judge.broken(at, DEAD_NODE, stays)
                return

    def _stays(self, at: float, facts: ResourceFacts) -> str | None:
        """An address that has been on a dead node for long, though another one is well."""
        healthy = self._healthy(at)
        for address in map(_bare, facts.spec["addresses"]):
            routed, since = self._routed.get(address, (None, at))
            dead = self._dead_on(routed, at, STRANDED_SECONDS)
            if dead and healthy and at - since >= STRANDED_SECONDS:
                return f"{address} stays on {dead[0]}, {healthy[0]} is well"
        return None

    def first_byte(self, at: float, replica: str, address: str, target: str) -> None:
        """The first byte of a request leaves."""
        found = self._judge.intending(at, address, target)
        if found is None:
            asked = Asked(at, replica, address, target)
            self._judge_other_target(asked)
        else:
            name, facts = found
            intent = facts.status["intent"]
            cause = (intent["cause"]["reason"], _source(intent, facts))
            asked = Asked(at, replica, address, target, name, facts.uid, intent["id"], cause)
            self._judge_wishes(asked, facts)
            self._judge_storm(asked, facts)
            self._judge_vain(asked, facts)
        self._asked.append(asked)

    def executed(self, at: float, replica: str, address: str, target: str) -> None:
        """Robot begins a switch that a replica asked for."""
        asked = next(
            a
            for a in reversed(self._asked)
            if (a.replica, a.address, a.target) == (replica, address, target)
        )
        self._judge_dead_node(at, asked)
        self._judge_source(at, asked)
        self._judge_pace(at, asked)
        self._last[address] = asked
        self._moves.setdefault(asked.uid, []).append((at, asked))

    # -- at the first byte

    def _judge_other_target(self, asked: Asked) -> None:
        for name, facts in self._judge.facts.resources.items():
            routes = (facts.status.get("intent") or {}).get("routes", [])
            to = next((r["to"] for r in routes if _bare(r["address"]) == asked.address), None)
            if to is not None and facts.gone_at is None:
                text = f"{asked}: the intent of {name} says {to}"
                self._judge.broken(asked.at, ANOTHER_TARGET, text)

    def _judge_wishes(self, asked: Asked, facts: ResourceFacts) -> None:
        """Nothing that `drift: Report` only tells, nothing for the younger of two owners."""
        at, enforced = asked.at, facts.spec.get("drift", "Report") == "Enforce"
        news = at - facts.enforced_until <= NEWS_SECONDS
        if asked.reason == "ForeignServer" and not enforced and not news:
            self._judge.broken(at, UNASKED_MOVE, f"{asked}: drift is Report")
        for name, other in self._judge.facts.resources.items():
            older = other.age < facts.age and other.gone_at is None
            if older and asked.address in map(_bare, other.spec["addresses"]):
                self._judge.broken(at, UNASKED_MOVE, f"{asked}: the address is of the older {name}")

    def _judge_storm(self, asked: Asked, facts: ResourceFacts) -> None:
        """Most nodes fell silent at once, a moment ago: then who watches them is at fault."""
        at = asked.at
        there = [node for node in self._judge.facts.nodes.values() if node.gone_at is None]
        if asked.reason == "SwitchRequested" or any(
            node.unwanted or _lately(at, node.unwanted_at, STEADY_SECONDS) for node in there
        ):
            return
        beats = sorted(
            (node.beat_at for node in there if node.beat_at is not None and self._silent(at, node)),
            reverse=True,
        )
        safety = facts.spec.get("safety", {})
        struck = len(beats) >= 2 and 100 * len(beats) > safety.get("stormPercent", 50) * len(there)
        if not struck or beats[0] - beats[-1] > TOGETHER_SECONDS or facts.epoch_at > beats[-1]:
            return
        if at - beats[0] < safety.get("stormHoldSeconds", 120) - 10:
            text = f"{asked}: {len(beats)} of {len(there)} nodes fell silent together"
            self._judge.broken(at, BLIND_MOVE, text)

    def _judge_vain(self, asked: Asked, facts: ResourceFacts) -> None:
        """Robot refused this target a moment ago, for an address that a dead node keeps."""
        if asked.reason not in FAILURES:
            return
        refused = {m["id"] for m in facts.status.get("moves", []) if m["result"] == "Refused"}
        vain = any(
            before.intent in refused - {asked.intent}
            and (before.address, before.target) == (asked.address, asked.target)
            and asked.at - before.at < REFUSED_SECONDS
            for before in self._asked
        )
        if not vain:
            return
        routed, _ = self._routed.get(asked.address, (None, asked.at))
        dead = self._dead_on(routed, asked.at, DEAD_SECONDS)
        target = {name for name, _ in self._judge.nodes_on(asked.target, asked.at)}
        others = [name for name in self._healthy(asked.at) if name not in target]
        if dead and others:
            text = f"{asked} once more, which refused that; {dead[0]} is dead, {others[0]} is well"
            self._judge.broken(asked.at, DEAD_NODE, text)

    def _silent(self, at: float, node: NodeFacts) -> bool:
        silence = self._judge.silence(at, node)
        beat_at = node.beat_at or 0.0
        return silence > SILENT_SECONDS and beat_at - node.steady_since >= STEADY_SECONDS

    # -- when Robot carries it out

    def _judge_dead_node(self, at: float, asked: Asked) -> None:
        """The target's server carries a node that is dead, and another one would do."""
        there = [node for _, node in self._judge.nodes_on(asked.target, at)]
        dead = [node for node in there if self._judge.silence(at, node) >= DEAD_SECONDS]
        # Who was mapped there a moment ago need not have been seen.
        news = any(_lately(at, node.servers_at, WELL_SECONDS) for node in there)
        shared = sum(node.gone_at is None for node in there) > 1 and not news
        healthy = self._healthy(at)
        if dead and (shared or len(dead) == len(there)) and healthy:
            text = f"{asked}: its node is silent for {DEAD_SECONDS:.0f} s, {healthy[0]} is well"
            self._judge.broken(at, DEAD_NODE, text)

    def _judge_source(self, at: float, asked: Asked) -> None:
        """The address is taken off a node that is well, and nobody wished that."""
        routed, since = self._routed.get(asked.address, (None, at))
        if routed is None or routed == asked.target:
            return
        self._judge_answered(at, asked)
        last = self._last.get(asked.address)
        well = [n for n, facts in self._judge.nodes_on(routed, at) if self._is_well(at, facts)]
        if not well or not (asked.reason in UNWISHED or not asked.intent):
            return
        text = f"{asked}, away from {well[0]}, which is well"
        if last is not None and last.target == routed and last.cause == asked.cause:
            self._judge.broken(at, TWO_SWITCHES, f"{text} and was given it for the same cause")
        elif last is not None and last.target == routed and not asked.intent:
            self._judge.broken(at, TWO_SWITCHES, text)
        elif at - since > STALE_SECONDS and not self._has_begun(asked):
            self._judge.broken(at, BLIND_MOVE, text)

    def _judge_answered(self, at: float, asked: Asked) -> None:
        """One request of a person's is one switch."""
        for _, before in self._moves.get(asked.uid, []):
            same = before.cause == asked.cause and before.intent != asked.intent
            if asked.reason == "SwitchRequested" and same:
                text = f"{asked}: the request was answered by {before.intent}"
                self._judge.broken(at, TWO_SWITCHES, text)
                return

    def _has_begun(self, asked: Asked) -> bool:
        """Whether Robot shows a part of the group at the target: the rest follows it."""
        facts = self._judge.facts.resources.get(asked.name)
        routes = [] if facts is None else (facts.status.get("intent") or {}).get("routes", [])
        return any(self._shown_route(_bare(r["address"])) == r["to"] for r in routes)

    def _judge_pace(self, at: float, asked: Asked) -> None:
        """maxMovesPerHour and holdDownSeconds, by the switches that happened."""
        facts = self._judge.facts.resources.get(asked.name)
        if facts is None or not self._clocks_are_true:
            return
        refused = {m["id"] for m in facts.status.get("moves", []) if m["result"] == "Refused"}
        others = [
            (then, before)
            for then, before in self._moves.get(asked.uid, [])
            if before.intent not in {asked.intent, *refused} and at - then < HOUR_SECONDS - 10
        ]
        taken = {before.intent for then, before in others if before.reason == "ForeignServer"}
        if asked.reason == "ForeignServer" and len(taken) >= MOST_TAKEN_BACK:
            text = f"{asked}: it was taken back {len(taken)} times in this hour"
            self._judge.broken(at, TOO_MANY_MOVES, text)
        safety = facts.spec.get("safety", {})
        hold_seconds = safety.get("holdDownSeconds", 300) - 10
        if asked.reason in HELD_DOWN and any(at - then < hold_seconds for then, _ in others):
            self._judge.broken(at, TOO_MANY_MOVES, f"{asked}: it was moved a moment ago")
        counted = {before.intent for _, before in others if before.reason not in FREE}
        most = safety.get("maxMovesPerHour", 6)
        if asked.reason not in FREE and len(counted) >= most:
            text = f"{asked}: it was moved {len(counted)} times in this hour"
            self._judge.broken(at, TOO_MANY_MOVES, text)

    # -- who is well

    def _healthy(self, at: float) -> list[str]:
        nodes = self._judge.facts.nodes
        return [
            name
            for name, facts in nodes.items()
            if self._is_well(at, facts)
            and sum(
                facts.servers == other.servers and other.gone_at is None for other in nodes.values()
            )
            == 1
        ]

    def _dead_on(self, routed: str | None, at: float, seconds: float) -> list[str]:
        """The nodes where an address is routed to that are silent for so long."""
        there = [] if routed is None else self._judge.nodes_on(routed, at)
        return [name for name, facts in there if self._judge.silence(at, facts) >= seconds]

    def _is_well(self, at: float, facts: NodeFacts) -> bool:
        news = (facts.unwell_by(at, BEAT_SECONDS), facts.servers_at, facts.unwanted_at)
        there = facts.gone_at is None and not facts.unwanted
        return there and not any(_lately(at, then, WELL_SECONDS) for then in news)


def _source(intent: Json, facts: ResourceFacts) -> str:
    """What tells a cause from another of its reason."""
    if intent["cause"]["reason"] == "SwitchRequested":
        return f"{facts.uid} {facts.intent_request}"
    uid: str = intent["cause"].get("nodeUID", "")
    return uid


def _lately(at: float, then: float | None, seconds: float) -> bool:
    return then is not None and at - then < seconds


def _bare(address: str) -> str:
    return address.split("/", maxsplit=1)[0]
