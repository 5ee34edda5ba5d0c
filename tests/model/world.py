"""All that two replicas, the API server, Robot and time can do next, as plain values.

A replica is anywhere between two boundaries for as long as you like: that it is frozen is that it
takes no step while time passes. Requests to the API server are split into leaving, being served and
being answered; a request to Robot into connecting, its first byte, its arrival, and its answer.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from tests.model import election, looks
from tests.model.ground import STATUSES, fence_allows, first_status, first_track
from tests.model.looks import MEMORIES, NONE, Known, Rules

# At once three times as long, too: a lease.
TICKS = (5, 15)
# TCP_USER_TIMEOUT: what was not acknowledged by then is given up.
ARRIVES_WITHIN_SECONDS = 5
ROUTE_SENT_SECONDS = 20
WINDOW_SECONDS = 5.0
# Of the 50 writes of an hour so many are left.
WRITES_LEFT = 3


class Asked(NamedTuple):
    """One request to switch: to which node, for which intent, because of what."""

    node: str
    intent: str
    cause: str


NOTHING = Asked("", "", "")


class Replica(NamedTuple):
    """One process. `step` is where its loop is, `post` where its request to Robot is.

    step: rest; asks (a write left: `deed`, from status `base`, to `new`); told (its `result`);
    spends (the attempt is recorded, the Lease not yet renewed).
    post: none; connects; waits; or the answer that was not taken yet.
    """

    life: int
    election: int
    known: Known = Known()
    step: str = "rest"
    deed: str = ""
    base: int = NONE
    new: int = NONE
    result: str = ""
    post: str = "none"
    asked: Asked = NOTHING


class Packet(NamedTuple):
    """A request to switch under way to Robot; `sender` NONE when nobody waits any more."""

    sender: int
    age: int
    asked: Asked


class Stray(NamedTuple):
    """A write that left before its sender died."""

    base: int
    new: int


class State(NamedTuple):
    """Everything. `before` is the status before the last write: what a stale list shows."""

    replicas: tuple[Replica, Replica]
    status: int
    before: int
    lease: election.Lease
    route: str
    running: Asked
    waiting: int
    packets: tuple[Packet, ...]
    strays: tuple[Stray, ...]
    executed: tuple[str, ...]
    sent: int
    b_failed: bool
    kills: int
    losses: int

    def with_replica(self, index: int, replica: Replica) -> State:
        """The same with this replica as it is now."""
        one, two = self.replicas
        return self._replace(replicas=(replica, two) if index == 0 else (one, replica))


class Next(NamedTuple):
    """One thing that may happen: in words, what it leads to, and the harm it does, if any."""

    story: str
    state: State
    harm: str = ""


def identity(index: int, replica: Replica) -> str:
    """Of one life of a process."""
    return f"{('one', 'two')[index]}-{replica.life}"


def first(kills: int = 1, losses: int = 1) -> State:
    """Replica one leads and has claimed; two knows the Lease; node a was just deleted."""
    writes = 50 - WRITES_LEFT
    led = election.attempt(election.begin("one-1"), None, writes, at_once=False, answered=True)
    lease = led.lease or ("", 0)
    seen = election.attempt(election.begin("two-1"), lease, writes, at_once=False, answered=True)
    status = first_status("one-1")
    known = Known(status, 0, False, first_track(), 0, NONE, writes)
    replicas = (Replica(1, led.election, known), Replica(1, seen.election))
    return State(
        replicas=replicas,
        status=status,
        before=status,
        lease=lease,
        route="a",
        running=NOTHING,
        waiting=NONE,
        packets=(),
        strays=(),
        executed=(),
        sent=0,
        b_failed=False,
        kills=kills,
        losses=losses,
    )


def shown(state: State) -> tuple[str, bool]:
    """What Robot shows of the route: the old one, not ready, while it switches."""
    return state.route, state.running == NOTHING


def asked_of(status: int) -> Asked:
    """What the open intent asks for."""
    intent = STATUSES[status].intent
    if intent is None:
        return NOTHING
    return Asked(intent.node, intent.id, f"{intent.cause.reason.value} of {intent.cause.node}")


def write(state: State, base: int, new: int, rules: Rules) -> tuple[str, State]:
    """The API server's answer to a status write, and the state after it."""
    if rules.versions and base != state.status:
        return "conflict", state
    if rules.fence and not fence_allows(state.status, new):
        return "refused", state
    if new == state.status:
        return "stored", state
    return "stored", state._replace(status=new, before=state.status)


def time_passes(state: State, seconds: int) -> State:
    """So long. What did not arrive within its time is lost."""
    replicas = [
        replica._replace(
            election=election.aged(replica.election, seconds),
            known=looks.aged(replica.known, seconds),
        )
        for replica in state.replicas
    ]
    packets = []
    for packet in state.packets:
        if packet.age + seconds <= ARRIVES_WITHIN_SECONDS:
            packets.append(packet._replace(age=packet.age + seconds))
        elif packet.sender != NONE:
            replicas[packet.sender] = replicas[packet.sender]._replace(post="unknown")
    return state._replace(replicas=(replicas[0], replicas[1]), packets=tuple(packets))


def restarted(state: State, index: int) -> State:
    """The process ends and starts anew; what it sent is on its way."""
    replica = state.replicas[index]
    fresh = Replica(replica.life + 1, NONE)
    fresh = fresh._replace(election=election.begin(identity(index, fresh)))
    packets = tuple(
        sorted(p._replace(sender=NONE) if p.sender == index else p for p in state.packets)
    )
    waiting = NONE if state.waiting == index else state.waiting
    strays = state.strays
    if replica.step == "asks":
        strays = tuple(sorted({*strays, Stray(replica.base, replica.new)}))
    after = state._replace(packets=packets, waiting=waiting, strays=strays)
    return after.with_replica(index, fresh)


def outside(state: State, rules: Rules) -> Iterator[Next]:
    """What may happen next outside of the replicas."""
    yield from _at_robot(state)
    for stray in state.strays:
        rest = tuple(s for s in state.strays if s != stray)
        result, after = write(state._replace(strays=rest), stray.base, stray.new, rules)
        yield Next(f"API server: a dead process's write arrives ({result})", after)
    if not state.b_failed:
        yield Next("node b fails", state._replace(b_failed=True))
    for seconds in TICKS:
        yield Next(f"{seconds} s pass", time_passes(state, seconds))


def _at_robot(state: State) -> Iterator[Next]:
    for packet in dict.fromkeys(state.packets):
        yield _arrival(state, packet)
    if state.running != NOTHING:
        done = state._replace(route=state.running.node, running=NOTHING, waiting=NONE)
        if state.waiting != NONE:
            done = _answer(done, state.waiting, "switched")
        yield Next(f"Robot: the switch to {state.running.node} is done", done)


def _arrival(state: State, packet: Packet) -> Next:
    packets = list(state.packets)
    packets.remove(packet)
    after, asked = state._replace(packets=tuple(packets)), packet.asked
    story = f"Robot: the request for {asked.node} arrives"
    if state.running != NOTHING:
        return Next(f"{story}: LOCKED", _answer(after, packet.sender, "locked"))
    if state.route == asked.node:
        return Next(f"{story}: ALREADY_ROUTED", _answer(after, packet.sender, "already"))
    harm = ""
    if asked.cause in state.executed:
        harm = f"two executed switches for one cause: {asked.cause}"
    after = after._replace(
        running=asked,
        waiting=packet.sender,
        executed=tuple(sorted({*state.executed, asked.cause})),
    )
    return Next(f"{story}: it switches", after, harm or _other_target(state, asked, "arrives"))


def _other_target(state: State, asked: Asked, what: str) -> str:
    """Harm: a request that the open intent does not ask for."""
    wanted = asked_of(state.status)
    if wanted == asked:
        return ""
    named = wanted.node or "none"
    return f"a request for {asked.node} {what} while the open intent says {named}"


def first_byte(state: State, index: int, asked: Asked) -> str:
    """The harm that the first byte of a request does."""
    replica = state.replicas[index]
    if state.lease[0] != identity(index, replica):
        return f"a request leaves although {state.lease[0]} holds the Lease"
    if state.sent >= WRITES_LEFT:
        return f"request {state.sent + 1} where Robot allows {WRITES_LEFT} more"
    return _other_target(state, asked, "leaves")


def _answer(state: State, index: int, answer: str) -> State:
    if index == NONE:
        return state
    return state.with_replica(index, state.replicas[index]._replace(post=answer))


def remembers(replica: Replica) -> bool:
    """Whether what it remembers is of the intent that it asked for."""
    memory = replica.known.memory
    return memory != NONE and MEMORIES[memory].intent_id == replica.asked.intent


def may_send(replica: Replica, rules: Rules) -> bool:
    """The last look at the lease and the route, on an open connection."""
    if not rules.window:
        return True
    left = election.seconds_left(replica.election)
    fresh = replica.known.read != NONE and replica.known.read <= ROUTE_SENT_SECONDS
    return left >= WINDOW_SECONDS and fresh
