"""What may happen next: what a replica does, and what happens around it."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

from tests.model import election
from tests.model.ground import ADDRESS, STATUSES, TARGETS
from tests.model.looks import ALL, MEMORIES, NONE, Known, Rules, look, refused_before_post, seen
from tests.model.world import (
    NOTHING,
    Asked,
    Next,
    Packet,
    Replica,
    State,
    asked_of,
    first_byte,
    identity,
    may_send,
    outside,
    remembers,
    restarted,
    shown,
    write,
)
from tests.support.observations import NOW

from failoverip.core.ledger import Ledger
from failoverip.core.memory import answered, remember_intent, sent
from failoverip.core.provider import (
    AlreadyRouted,
    CannotTell,
    Fault,
    Locked,
    NotExecuted,
    OutcomeUnknown,
    Route,
    SwitchAnswer,
    Switched,
)

WINDOW_SHUT = NotExecuted(CannotTell(Fault.WINDOW_SHUT, "not sent"))
NAMES = ("one", "two")


def everything(state: State, rules: Rules = ALL) -> Iterator[Next]:
    """All that may happen next."""
    for index in (0, 1):
        yield from _steps(state, index, rules)
    yield from outside(state, rules)


def _steps(state: State, index: int, rules: Rules) -> Iterator[Next]:
    replica = state.replicas[index]
    yield from _elects(state, index)
    match replica.step:
        case "rest" if election.acquired(replica.election):
            yield from _looks(state, index, rules)
        case "asks":
            yield from _is_served(state, index, rules)
        case "told":
            yield _takes(state, index)
        case "spends":
            yield _spends(state, index, rules)
        case _:
            pass
    yield from _robot(state, index, rules)
    if state.kills and replica.known != Known():
        killed = restarted(state._replace(kills=state.kills - 1), index)
        yield Next(f"{NAMES[index]} is killed", killed)


# -- the election


def _elects(state: State, index: int) -> Iterator[Next]:
    answers = (True, False) if state.losses else (True,)
    for is_answered in answers:
        after = _elected(state, index, at_once=False, answered=is_answered)
        if after is None or (after.lease == state.lease and not is_answered):
            continue
        if after.replicas == state.replicas and after.lease == state.lease:
            continue
        words = "" if is_answered else ", and the answer gets lost"
        after = after if is_answered else after._replace(losses=state.losses - 1)
        yield Next(f"{NAMES[index]}: attempts its election{words}", after)


def _elected(state: State, index: int, *, at_once: bool, answered: bool) -> State | None:
    replica = state.replicas[index]
    made = election.attempt(
        replica.election, state.lease, replica.known.writes, at_once=at_once, answered=answered
    )
    if made.lost:
        return restarted(state, index)
    known = replica.known
    if election.acquired(made.election) and not election.acquired(replica.election):
        # The predecessor's ledger.
        known = known._replace(writes=state.lease[1])
    after = state.with_replica(index, replica._replace(election=made.election, known=known))
    if made.lease is None:
        return after
    other = after.replicas[1 - index]
    other = other._replace(election=election.overtaken(other.election))
    return after.with_replica(1 - index, other)._replace(lease=made.lease)


# -- the loop


def _looks(state: State, index: int, rules: Rules) -> Iterator[Next]:
    """With the lists at hand, with fresh ones, and with stale ones."""
    replica = state.replicas[index]
    fresh = replica.known._replace(held=state.status, listed=0, saw_b_failed=state.b_failed)
    views = {replica.known: "again", fresh: "at fresh lists"}
    views.setdefault(fresh._replace(held=state.before), "at a stale list")
    for known, what in views.items():
        if known.held == NONE:
            continue
        story = f"{NAMES[index]}: looks {what}"
        if rules.holder and _is_replaced(identity(index, replica), replica.known.held, known.held):
            yield Next(f"{story}, finds another leader and leaves", restarted(state, index))
            continue
        left = election.seconds_left(replica.election)
        found = look(identity(index, replica), left, known, shown(state), rules)
        if found is None:
            continue
        after = replica._replace(known=found.known)
        if found.deed:
            after = after._replace(step="asks", deed=found.deed, base=known.held, new=found.status)
        if after != replica:
            wants = f", wants to {_words(found.deed, found.status)}" if found.deed else ""
            yield Next(f"{story}{wants}", state.with_replica(index, after), found.refused)


@cache
def _is_replaced(me: str, held: int, read: int) -> bool:
    """A leader that reads another holder where it stood before."""
    if held == NONE:
        return False
    before, now = STATUSES[held].fence, STATUSES[read].fence
    return before is not None and before.holder == me and (now is None or now.holder != me)


def _words(deed: str, status: int) -> str:
    fence, intent = STATUSES[status].fence, STATUSES[status].intent
    epoch = 0 if fence is None else fence.epoch
    if deed == "claim":
        return f"claim it under epoch {epoch}"
    if deed == "attempt" and intent is not None:
        return f"record attempt {intent.attempts} at {intent.node}"
    if deed in ("open", "adopt") and intent is not None:
        return f"{deed} the intent {intent.id} to {intent.node} under epoch {epoch}"
    return "close the intent" if deed == "close" else "tell the status"


def _is_served(state: State, index: int, rules: Rules) -> Iterator[Next]:
    replica = state.replicas[index]
    result, after = write(state, replica.base, replica.new, rules)
    story = f"API server: {NAMES[index]}'s write to {replica.deed} is {result}"
    told = replica._replace(step="told", base=NONE, result=result)
    yield Next(story, after.with_replica(index, told))
    if state.losses and result == "stored":
        lost = told._replace(result="lost", new=NONE)
        after = after._replace(losses=state.losses - 1)
        yield Next(f"{story}, and the answer gets lost", after.with_replica(index, lost))


def _takes(state: State, index: int) -> Next:
    replica = state.replicas[index]
    name, deed, result = NAMES[index], replica.deed, replica.result
    if result == "refused":
        return Next(f"{name}: was refused by the fence and leaves", restarted(state, index))
    at_rest = replica._replace(step="rest", deed="", base=NONE, new=NONE, result="")
    story = f"{name}: takes the answer to {deed}: {result}"
    if result != "stored":
        return Next(story, state.with_replica(index, at_rest))
    known = replica.known._replace(held=replica.new)
    if deed != "attempt":
        return Next(story, state.with_replica(index, at_rest._replace(known=known)))
    known = known._replace(memory=_after_sending(known))
    return Next(story, state.with_replica(index, at_rest._replace(known=known, step="spends")))


@cache
def _after_sending(known: Known) -> int:
    intent = STATUSES[known.held].intent
    if intent is None:
        return known.memory
    memory = remember_intent(intent, NOW) if known.memory == NONE else MEMORIES[known.memory]
    return MEMORIES.number(sent(memory, [route.address.key for route in intent.routes]))


def _spends(state: State, index: int, rules: Rules) -> Next:
    """Count the request on the Lease with a renewal; then the last look."""
    replica = state.replicas[index]
    asked = asked_of(replica.known.held)
    writes = len(Ledger(writes=(NOW,) * replica.known.writes).record_write(NOW).writes)
    counted = replica._replace(
        known=replica.known._replace(writes=writes), step="rest", asked=asked
    )
    after = _elected(state.with_replica(index, counted), index, at_once=True, answered=True)
    name = NAMES[index]
    if after is None or after.replicas[index].life != replica.life:
        return Next(f"{name}: finds its lease lost and leaves", restarted(state, index))
    now = after.replicas[index]
    renewed = election.renewed_now(now.election)
    if rules.window and not renewed:
        unsent = _settled(now, WINDOW_SHUT)
        return Next(f"{name}: cannot renew, sends nothing", after.with_replica(index, unsent))
    refused = refused_before_post(identity(index, replica), now.known, rules)
    if refused:
        return Next(f"{name}: its last look refuses", after, refused)
    connects = now._replace(post="connects")
    story = f"{name}: renews the Lease and connects to Robot for {asked.node}"
    return Next(story, after.with_replica(index, connects))


# -- the request to Robot


def _robot(state: State, index: int, rules: Rules) -> Iterator[Next]:
    replica, name = state.replicas[index], NAMES[index]
    if replica.post == "none":
        return
    if replica.post == "connects":
        yield _sends(state, index, rules)
        return
    if replica.post == "waits":
        if state.losses:
            yield Next(f"{name}: the answer of Robot gets lost", _loses(state, index))
        return
    story = f"{name}: takes Robot's answer ({replica.post})"
    settled = _settled(replica, _answer_of(replica.post, replica.asked))
    yield Next(story, state.with_replica(index, settled))


def _sends(state: State, index: int, rules: Rules) -> Next:
    replica, name = state.replicas[index], NAMES[index]
    if not may_send(replica, rules):
        unsent = _settled(replica, WINDOW_SHUT)
        return Next(f"{name}: too late to send", state.with_replica(index, unsent))
    packets = tuple(sorted((*state.packets, Packet(index, 0, replica.asked))))
    after = state.with_replica(index, replica._replace(post="waits"))
    after = after._replace(packets=packets, sent=state.sent + 1)
    story = f"{name}: first byte of the request for {replica.asked.node}"
    return Next(story, after, first_byte(state, index, replica.asked))


def _loses(state: State, index: int) -> State:
    packets = tuple(
        sorted(p._replace(sender=NONE) if p.sender == index else p for p in state.packets)
    )
    waiting = NONE if state.waiting == index else state.waiting
    after = state._replace(packets=packets, waiting=waiting, losses=state.losses - 1)
    return after.with_replica(index, state.replicas[index]._replace(post="unknown"))


def _answer_of(answer: str, asked: Asked) -> SwitchAnswer:
    match answer:
        case "switched":
            return Switched(Route(ADDRESS, TARGETS[asked.node], True))
        case "already":
            return AlreadyRouted()
        case "locked":
            return Locked()
        case _:
            return OutcomeUnknown(CannotTell(Fault.CONNECTION_LOST, "reset"))


def _settled(replica: Replica, answer: SwitchAnswer) -> Replica:
    known = replica.known
    if isinstance(answer, Switched):
        known = seen(known, (replica.asked.node, True))
    if remembers(replica):
        known = known._replace(memory=_after_answer(known.memory, answer))
    return replica._replace(known=known, post="none", asked=NOTHING)


@cache
def _after_answer(memory: int, answer: SwitchAnswer) -> int:
    return MEMORIES.number(answered(MEMORIES[memory], ADDRESS, answer, NOW))
