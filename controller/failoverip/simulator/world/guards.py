"""What `--disable` leaves out of the operator, each with its run-time check.

A guard of the decision is off when `decide` sees facts under which its gate would be open; another
one when a door of the operator lets through what it would stop. The rest of the operator, and the
world, stay as they are.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass

from failoverip.core.decide import decide
from failoverip.core.decision import Decision
from failoverip.core.invariants import Invariant
from failoverip.core.observation import Observation
from failoverip.simulator.world import blindfolds
from failoverip.simulator.world.blindfolds import Blindfold
from failoverip.simulator.world.harm import (
    BLIND_MOVE,
    DEAD_NODE,
    TOO_MANY_MOVES,
    TWO_SWITCHES,
    UNASKED_MOVE,
)

# Those that `without` leaves out at a door.
FENCE, LOCK, INTENT_FIRST = "fence", "resource-version", "intent-first"
LEASE_WINDOW, SENT_ROUTE, REQUEST_DEADLINE = "lease-window", "sent-route", "request-deadline"
LEDGER, LEDGER_LIMIT, FAILED_LOGINS = "ledger", "ledger-limit", "failed-logins"
RENEWAL, SECOND_INSTALLATION = "renewal", "second-installation"
NEWEST_LISTS = "newest-lists"


@dataclass(frozen=True, slots=True)
class Guard:
    """What is left out, in words, and what shows that it is missed.

    `harm` is what the judge finds within the first `seeds` worlds of `profile`, once `backups` are
    left out too: the other guards that would stop it there. `checks` are the invariants that are
    not judged at run time then.
    """

    text: str
    harm: str
    profile: str
    seeds: int = 1
    backups: tuple[str, ...] = ()
    checks: frozenset[str] = frozenset()
    blindfold: Blindfold | None = None


GUARDS: Mapping[str, Guard] = {
    FENCE: Guard(
        "The claim of a resource, and the rules of the CRD that refuse other writers",
        DEAD_NODE,
        "stale-writer",
        backups=(LOCK, RENEWAL, LEASE_WINDOW, SENT_ROUTE),
    ),
    LOCK: Guard(
        "The resourceVersion in each write of a status",
        DEAD_NODE,
        "stale-writer",
        backups=(FENCE, RENEWAL, LEASE_WINDOW, SENT_ROUTE),
    ),
    RENEWAL: Guard(
        "The renewal of the lease, with the ledger on it, before a request",
        DEAD_NODE,
        "stale-renewer",
        backups=(FENCE, LEASE_WINDOW, SENT_ROUTE),
    ),
    LEASE_WINDOW: Guard(
        "The look at the lease before anything is begun and before the first byte",
        DEAD_NODE,
        "stale-sender",
        backups=(SENT_ROUTE,),
    ),
    SENT_ROUTE: Guard(
        "The look at the age of the route before the first byte",
        DEAD_NODE,
        "stale-sender",
        backups=(LEASE_WINDOW,),
    ),
    REQUEST_DEADLINE: Guard(
        "TCP_USER_TIMEOUT on the connection of a request",
        DEAD_NODE,
        "late-request",
    ),
    SECOND_INSTALLATION: Guard(
        "The look, before a claim, whether another installation's leader lives",
        DEAD_NODE,
        "installed-twice",
    ),
    INTENT_FIRST: Guard(
        "The record of intent and attempt before the request",
        TWO_SWITCHES,
        "handover",
        seeds=10,
        backups=(FENCE,),
        checks=frozenset({"I1", "I2"}),
    ),
    "open-intent": Guard(
        "The check that follows a switch under way before anything else is decided",
        TWO_SWITCHES,
        "change-of-mind",
        backups=(FENCE,),
        blindfold=blindfolds.open_intent,
    ),
    "attempt-waits": Guard(
        "The waits between the attempts of a switch",
        DEAD_NODE,
        "locked",
        blindfold=blindfolds.attempt_waits,
    ),
    "cause": Guard(
        "The look, before each further request, whether the cause still holds",
        BLIND_MOVE,
        "flap",
        checks=frozenset({"I4", "I5"}),
        blindfold=blindfolds.cause,
    ),
    "living-target": Guard(
        "The positive evidence that a target lives",
        DEAD_NODE,
        "dead-target",
        checks=frozenset({"I3"}),
        blindfold=blindfolds.living_target,
    ),
    "barred-target": Guard(
        "The 10 minutes without a target that Robot refused",
        DEAD_NODE,
        "refused-target",
        checks=frozenset({"I3"}),
        blindfold=blindfolds.barred_target,
    ),
    "shared-server": Guard(
        "A server that carries several nodes is no target",
        DEAD_NODE,
        "shared-server",
        checks=frozenset({"I3"}),
        blindfold=blindfolds.shared_server,
    ),
    "silence": Guard(
        "The 20 s of silence that must be watched: Ready Unknown is enough",
        "I5",
        "api-freeze",
        seeds=10,
        backups=("storm",),
        checks=frozenset({"I4", "I5"}),
        blindfold=blindfolds.silence,
    ),
    "storm": Guard(
        "The storm guard",
        BLIND_MOVE,
        "many-cut",
        checks=frozenset({"I7"}),
        blindfold=blindfolds.storm,
    ),
    "fresh-lists": Guard(
        "The bound on the age of the lists that decide",
        "I4",
        "old-lists",
        backups=("living-target",),
        checks=frozenset({"I5"}),
        blindfold=blindfolds.fresh_lists,
    ),
    NEWEST_LISTS: Guard(
        "Lists that are older than one, or than a Lease, that was seen before count as no answer",
        DEAD_NODE,
        "lagging-store",
        seeds=10,
    ),
    "fresh-route": Guard(
        "The bound on the age of the route that decides",
        BLIND_MOVE,
        "moved-by-hand",
        backups=(SENT_ROUTE,),
        checks=frozenset({"I5"}),
        blindfold=blindfolds.fresh_route,
    ),
    "read-twice": Guard(
        "The second read of a route that contradicts what was confirmed",
        BLIND_MOVE,
        "blink",
        blindfold=blindfolds.read_twice,
    ),
    "hold-down": Guard(
        "`holdDownSeconds`",
        TOO_MANY_MOVES,
        "cordons",
        blindfold=blindfolds.hold_down,
    ),
    "moves-per-hour": Guard(
        "`maxMovesPerHour`",
        TOO_MANY_MOVES,
        "dying-nodes",
        blindfold=blindfolds.moves_per_hour,
    ),
    "contested": Guard(
        "Two take-backs an hour under `drift: Enforce`",
        TOO_MANY_MOVES,
        "duel",
        blindfold=blindfolds.contested,
    ),
    "budget": Guard(
        "The look at the budget before a request",
        "I6",
        "many-requests",
        backups=(LEDGER_LIMIT,),
        checks=frozenset({"I6"}),
        blindfold=blindfolds.budget,
    ),
    LEDGER_LIMIT: Guard(
        "The ledger's refusal to count more than 50 writes",
        "I6",
        "many-requests",
        backups=("budget",),
        checks=frozenset({"I6"}),
    ),
    LEDGER: Guard(
        "What the predecessor spent, as the Lease tells it",
        "I6",
        "many-requests-handover",
    ),
    "reserve": Guard(
        "The writes that are kept for failed nodes",
        DEAD_NODE,
        "spent-hour",
        checks=frozenset({"I6"}),
        blindfold=blindfolds.reserve,
    ),
    FAILED_LOGINS: Guard(
        "The wait after a failed login",
        "I6",
        "wrong-password",
    ),
    "mode": Guard(
        "The look at `spec.mode`",
        "I7",
        "paused",
        checks=frozenset({"I7"}),
        blindfold=blindfolds.mode,
    ),
    "drift": Guard(
        "`drift: Report`: what a stranger moved is only told",
        UNASKED_MOVE,
        "stranger",
        blindfold=blindfolds.drift,
    ),
    "overlap": Guard(
        "The younger of two resources with one address stands back",
        UNASKED_MOVE,
        "twin",
        blindfold=blindfolds.overlap,
    ),
    "answered-once": Guard(
        "A requested switch is answered once",
        TWO_SWITCHES,
        "answered",
        blindfold=blindfolds.answered_once,
    ),
}


def with_backups(disabled: Collection[str]) -> frozenset[str]:
    """These guards, and those that back them up."""
    return frozenset(disabled).union(*(GUARDS[name].backups for name in disabled))


def unguarded(disabled: Collection[str]) -> Callable[[Observation], Decision]:
    """`decide` without these guards."""
    blindfolded = [GUARDS[name].blindfold for name in sorted(disabled)]

    def blindly(o: Observation) -> Decision:
        for blindfold in blindfolded:
            if blindfold is not None:
                o = blindfold(o)
        return decide(o)

    return blindly


def judged(disabled: Collection[str], invariants: Mapping[str, Invariant]) -> dict[str, Invariant]:
    """Those of the invariants that are still judged at run time."""
    off = {name for guard in disabled for name in GUARDS[guard].checks}
    return {name: invariant for name, invariant in invariants.items() if name not in off}
