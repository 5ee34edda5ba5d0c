"""The decisions of the agents: facts in, exit code and reason out. No I/O, no clock.

"Cannot tell" is a value: it is never read as "not here" and is no failure. What Pacemaker does with
each code, by action, is why a probe knows only 0 and 7, and a recurring monitor only 0, 7 and 190.
"""

from __future__ import annotations

from failoverip_ocf.cache import NOWHERE, Cache, CachedRoute
from failoverip_ocf.codes import (
    DEGRADED,
    ERR_CONFIGURED,
    ERR_GENERIC,
    NOT_RUNNING,
    SUCCESS,
)

MINE = "mine"
OTHER = "other"
UNKNOWN = "unknown"

# A read that contradicts is confirmed by a second one, so far apart: one was seen that was wrong.
SECOND_READ_SECONDS = 2.0
# "Not here" by two reads that are not older is not read again for the next resource.
CONFIRMED_SECONDS = 10.0
# After a read that failed, or told nothing about this address; doubles up to the pace.
RETRY_SECONDS = 30.0
# Where Robot does not say `ready` and a switch's answer was lost: two equal reads, so far apart.
SETTLED_SECONDS = 10.0
# Between two looks of a start; the last one repeats.
START_WAITS = (2.0, 4.0, 8.0, 15.0, 20.0, 30.0)
# Nobody is there: looking costs no request.
UNREACHABLE_WAIT = 2.0
# A switch that failed or whose outcome is unknown is not asked for again before.
REPEAT_SWITCH_SECONDS = 30.0
# With less than this share of a start's time left no switch is begun: it would outlive the start.
LEAST_SWITCH_SHARE = 0.1
# A share of the operation's time limit: Pacemaker kills at the whole.
OWN_DEADLINE = 0.8
# The share after which nobody is told any more how the action ended.
TELL_DEADLINE = 0.9


class Outcome:
    """How an action ends: the exit code, and what crm_mon shows (empty: nothing)."""

    __slots__ = ("code", "reason")

    def __init__(self, code: int, reason: str = "") -> None:
        self.code = code
        self.reason = reason

    def __repr__(self) -> str:
        return f"Outcome({self.code}, {self.reason!r})"


class Verdict:
    """Who has the address, by the last answer. `age` is that answer's; None: there is none."""

    __slots__ = ("age", "confirmed", "kind", "reason", "target")

    def __init__(
        self,
        kind: str,
        reason: str,
        *,
        age: float | None = None,
        target: str = "",
        confirmed: bool = False,
    ) -> None:
        self.kind = kind
        self.reason = reason
        self.age = age
        self.target = target
        self.confirmed = confirmed


class Pacing:
    """How old an answer may be to be used again, and the least time between two tries to read.

    `until`: when the last read must have begun.
    """

    __slots__ = ("retry", "reuse", "until")

    def __init__(self, reuse_seconds: float, failures: int, until: float = float("inf")) -> None:
        self.reuse = reuse_seconds
        self.until = until
        self.retry = min(reuse_seconds, RETRY_SECONDS * 2 ** min(max(0, failures - 1), 10))


# -- local evidence


def probe(marker: bool, address: bool | None) -> Outcome:
    """By what is on this node alone: a probe that asks the network restarts healthy instances.

    `marker`: a start on this boot was not followed by a stop. `address`: whether the interface has
    the address, None when the agent does not manage it.
    """
    return Outcome(SUCCESS if marker and address is not False else NOT_RUNNING)


def not_running_here(ip: str, marker: bool, address: bool | None) -> Outcome | None:
    """A monitor's first look: what is missing on this node is certain."""
    if not marker:
        return Outcome(NOT_RUNNING)
    if address is False:
        return Outcome(NOT_RUNNING, f"{ip} is no longer on its interface")
    return None


# -- what Robot said


def verdict(cache: Cache, ip: str, own: tuple[str, str] | None, now: float) -> Verdict:
    """What the last answer says about an address; `own` are this machine's targets, IPv4, IPv6."""
    if cache.answered_at is None:
        return Verdict(UNKNOWN, "no answer yet")
    age = max(0.0, now - cache.answered_at)
    route = route_of(cache, ip)
    if route is None:
        return Verdict(UNKNOWN, f"Robot lists no failover address {ip} for this user", age=age)
    if own is None:
        return Verdict(UNKNOWN, "it is not known which server this is", age=age)
    mine = own[1] if ":" in ip else own[0]
    if not mine:
        family = "IPv6 net" if ":" in ip else "IPv4 address"
        return Verdict(UNKNOWN, f"this server has no main {family}", age=age)
    if route.ready is False:
        return Verdict(UNKNOWN, f"a switch to {_place(route.target)} is under way", age=age)
    if route.target == mine:
        return Verdict(MINE, "routed here", age=age, target=mine)
    return Verdict(
        OTHER,
        f"routed to {_place(route.target)}",
        age=age,
        target=route.target,
        confirmed=route.reads >= 2 and cache.answered_at - route.since >= SECOND_READ_SECONDS,
    )


def route_of(cache: Cache, ip: str) -> CachedRoute | None:
    """The route of the failover address, or of the failover subnet that an address is in."""
    if ip in cache.routes:
        return cache.routes[ip]
    # Only an address inside a subnet, and one that Robot does not list, pay for this import.
    from ipaddress import ip_address, ip_network

    address = ip_address(ip)
    for route in cache.routes.values():
        if route.prefix_length is not None:
            network = ip_network(f"{route.address}/{route.prefix_length}", strict=False)
            if address in network:
                return route
    return None


def _place(target: str) -> str:
    return "nowhere" if target == NOWHERE else target


# -- monitor

ASK = "ask"
PAUSE = "pause"
LATE = "late"
SETTLED = "settled"


def next_look(cache: Cache, said: Verdict, began: float, now: float, pacing: Pacing) -> str:
    """Whether a monitor that began at `began` may answer by `said`, must ask, or pause and ask.

    LATE: it must ask, and there is no time for that left.

    A positive answer may be used again for a while, a negative one only when it was just confirmed.
    A read that failed since the monitor began is not repeated by it.
    """
    if is_mine(said, oldest(cache, pacing.reuse, began)) or is_confirmed_other(said):
        return SETTLED
    failed_at = cache.failed_at if cache.failures else None
    if failed_at is not None and failed_at >= began:
        return SETTLED
    answered = cache.answered_at
    if answered is not None and answered >= began:
        if said.kind != OTHER:
            return SETTLED
        again_at = max(now, answered + SECOND_READ_SECONDS)
        if again_at > pacing.until:
            return LATE
        return PAUSE if now < again_at else ASK
    if failed_at is not None and now < failed_at + pacing.retry:
        return SETTLED
    told_nothing_at = answered if said.kind == UNKNOWN else None
    held = told_nothing_at is not None and now < told_nothing_at + pacing.retry
    if held:
        return SETTLED
    return ASK if now <= pacing.until else LATE


def oldest(cache: Cache, reuse_seconds: float, began: float) -> float:
    """How old a positive answer may be for a monitor that began at `began`: a newer one counts."""
    fresh = cache.answered_at is not None and cache.answered_at >= began
    return float("inf") if fresh else reuse_seconds


def is_mine(said: Verdict, reuse_seconds: float) -> bool:
    """A positive answer that is new enough."""
    return said.kind == MINE and said.age is not None and said.age <= reuse_seconds


def is_confirmed_other(said: Verdict) -> bool:
    """A negative answer that two reads gave, just now."""
    return (
        said.kind == OTHER
        and said.confirmed
        and said.age is not None
        and said.age <= CONFIRMED_SECONDS
    )


def monitor(
    ip: str, said: Verdict, oldest_seconds: float, why_not: str, knows_degraded: bool
) -> Outcome:
    """A recurring monitor's end.

    `oldest_seconds`: as `oldest` says. `why_not`: why there is no newer answer, empty if there is.
    """
    if is_mine(said, oldest_seconds):
        return Outcome(SUCCESS)
    if is_confirmed_other(said):
        return Outcome(NOT_RUNNING, f"{ip} is {said.reason}, not here (read twice)")
    return cannot_tell(ip, said, why_not, knows_degraded)


def cannot_tell(ip: str, said: Verdict, why_not: str, knows_degraded: bool) -> Outcome:
    """A monitor that does not know: nothing may be restarted for it."""
    reason = f"cannot tell whether {ip or 'the address'} is routed here: {why_not or said.reason}"
    if said.age is None:
        reason += "; no answer since the node booted"
    else:
        reason += f"; last answer {said.age:.0f} s ago: {said.reason}"
    return Outcome(DEGRADED if knows_degraded else SUCCESS, reason)


# -- start

CONFIRMED = "confirmed"
SWITCH = "switch"
WAIT = "wait"
GIVE_UP = "give up"


class StartView:
    """What a start knows after a look.

    `said`: by a read that began after this start and after the end of its last switch; UNKNOWN with
    the reason when there was none. `mine_since`: the end of the first of an unbroken series of such
    reads that show the address here. `ready`: whether Robot says so; None: it does not say.
    `switched`: how this start's last switch ended: None before the first, True for a clear yes.
    `switch_at`: when the next may be asked for; `least_switch`: the seconds that must be left then.
    """

    __slots__ = (
        "deadline", "least_switch", "looks", "mine_since", "now", "ready", "said", "switch_at",
        "switched", "unreachable",
    )  # fmt: skip

    def __init__(self, now: float, deadline: float, said: Verdict) -> None:
        self.now = now
        self.deadline = deadline
        self.said = said
        self.ready: bool | None = None
        self.mine_since: float | None = None
        self.switched: bool | None = None
        self.switch_at = now
        self.looks = 1
        self.least_switch = 0.0
        self.unreachable = False


class StartStep:
    """What a start does next; `seconds` belong to WAIT."""

    __slots__ = ("kind", "seconds")

    def __init__(self, kind: str, seconds: float = 0.0) -> None:
        self.kind = kind
        self.seconds = seconds


def start_step(view: StartView) -> StartStep:
    """Read, switch when it is not here, read until it is; success only by a read."""
    if view.said.kind == MINE and _settled(view):
        return StartStep(CONFIRMED)
    enough = view.deadline - view.now >= view.least_switch
    if view.said.kind == OTHER and view.now >= view.switch_at and enough:
        return StartStep(SWITCH)
    wait = START_WAITS[min(view.looks, len(START_WAITS)) - 1]
    if view.unreachable:
        wait = UNREACHABLE_WAIT
    if view.now + wait >= view.deadline:
        return StartStep(GIVE_UP)
    return StartStep(WAIT, wait)


def _settled(view: StartView) -> bool:
    """Whether "here" is the end of a switch and not the middle of one."""
    if view.ready or view.switched is not False:
        return True
    return view.mine_since is not None and view.now - view.mine_since >= SETTLED_SECONDS


def start_gave_up(ip: str, why: str, seconds: float) -> Outcome:
    """A start that ran out of its time."""
    return Outcome(ERR_GENERIC, f"{ip} could not be confirmed here within {seconds:.0f} s: {why}")


# -- the rest


def wrong_parameters(problems: list[str]) -> Outcome | None:
    """For start and validate-all: the same on every node, so no node can help."""
    return Outcome(ERR_CONFIGURED, "; ".join(problems)) if problems else None


def unexpected(action: str, where: str, up_here: bool, knows_degraded: bool) -> Outcome:
    """A bug of ours: as little harm as can be. `up_here`: local evidence, as for a probe."""
    reason = f"unexpected {where}; please report it"
    if action == "monitor":
        if not up_here:
            return Outcome(NOT_RUNNING, reason)
        return Outcome(DEGRADED if knows_degraded else SUCCESS, reason)
    if action == "probe":
        return Outcome(SUCCESS if up_here else NOT_RUNNING, reason)
    if action == "stop":
        return Outcome(ERR_GENERIC if up_here else SUCCESS, reason)
    return Outcome(ERR_GENERIC, reason)


# -- pace


def reads_share(nodes: int | None) -> int:
    """The reads an hour of one node: all nodes together stay below what Robot allows."""
    return 80 // max(1, nodes or 1)


def kept_reads(share: int) -> int:
    """What monitors leave to a start and to second reads."""
    return min(6, share // 3)


def pace_seconds(share: int) -> float:
    """The time between two reads of monitors that spreads their part over the hour."""
    return max(60.0, 3660.0 / max(1, share - kept_reads(share)))
