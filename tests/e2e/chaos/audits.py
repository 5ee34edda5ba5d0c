"""What must hold after a round. Each audit tells in words what the facts show broken."""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from types import SimpleNamespace

from tests.controlplane.rest import Json
from tests.e2e.chaos.facts import LEASE_SECONDS, TIME_SCALE, UNDONE, Facts, LeaseWrite, Request

from failoverip.simulator.world.judge import FAILURES, Judge

# Two lists less than 16 s apart, of the operator's, make uninterrupted observation.
BREAK_SECONDS = 16.0 * TIME_SCALE


def audit(facts: Facts) -> list[str]:
    """All of them."""
    return [text for one in AUDITS for text in one(facts)]


def within_the_window(facts: Facts) -> Iterator[str]:
    """Each request came while its sender held the Lease, less than a lease after a renewal.

    A read that was under way when its process was stopped leaves when that goes on: it does no
    harm, and nobody promised otherwise. Such a request to switch is a breach.
    """
    writes = sorted(facts.leases, key=lambda write: write.answered)
    for entry in facts.requests:
        replica = facts.replica_of.get(entry["source"])
        if replica is None:
            continue
        request = Request(entry, replica)
        why = _outside(writes, request, facts)
        if why and not (entry["method"] == "GET" and _was_stopped(facts, request)):
            yield f"window: {request} came {why}"


def _outside(writes: Sequence[LeaseWrite], request: Request, facts: Facts) -> str:
    """Empty when the request is inside its sender's window."""
    until_then = [write for write in writes if write.answered <= request.at]
    if not until_then or not until_then[-1].holder:
        return "while nobody held the Lease"
    last = until_then[-1]
    if not last.holder.startswith(f"{request.replica}_"):
        return f"while {last.holder} held the Lease"
    if last.answered < facts.born(request.replica, request.at):
        return "from a process that did not hold the Lease: its predecessor did"
    late = request.at - last.arrived - LEASE_SECONDS
    return f"{late:.3f} s after its window" if late > 0 else ""


def _was_stopped(facts: Facts, request: Request) -> bool:
    since = request.at - LEASE_SECONDS
    return any(
        span.who == request.replica and span.began <= request.at and span.ended >= since
        for span in facts.frozen
    )


def one_switch_for_each_cause(facts: Facts) -> Iterator[str]:
    """No intent is executed twice, and none whose cause the address had left already."""
    routes = dict(facts.routes)
    targets = {node.name: node.targets for node in facts.nodes}
    done: Counter[tuple[str, str]] = Counter()
    for entry in facts.posts():
        if not entry["executed"] or entry["code"] in UNDONE:
            continue
        request = Request(entry, facts.replica_of[entry["source"]])
        address, target = entry["address"], entry["target"]
        intent = _intent_of(facts, request)
        if intent is None:
            yield f"cause: {request} was executed, and no stored intent of its sender asked for it"
            continue
        cause = intent["cause"]
        done[intent["id"], address] += 1
        if done[intent["id"], address] > 1:
            yield f"cause: {request} was executed a second time under intent {intent['id']}"
        elif cause["reason"] in FAILURES and routes[address] not in targets.get(cause["node"], ()):
            yield (
                f"cause: {request} was executed because of {cause['node']} ({cause['reason']}), "
                f"while {address} was at {routes[address]}"
            )
        routes[address] = target


def _intent_of(facts: Facts, request: Request) -> Json | None:
    """The intent in the last status that the sender knew to be stored before it asked."""
    known = facts.acknowledged(request.replica, request.at)
    return known[-1].status.get("intent") if known else None


def judged_as_in_the_simulated_world(facts: Facts) -> Iterator[str]:
    """The judge of `failoverip simulate`: no intent, another target, a dead node, no cause, budget.

    Its seconds are the operator's: ours, divided by the time scale.
    """
    judge = Judge()
    for at, _, show in heapq.merge(*_shows(facts, judge)):
        show(at / TIME_SCALE)
    own = frozenset(facts.replica_of)
    scaled = [
        SimpleNamespace(**{**entry, "began": entry["began"] / TIME_SCALE})
        for entry in sorted(facts.requests, key=lambda entry: float(entry["began"]))
    ]
    judge.requests(scaled, own)
    for breach in judge.breaches:
        yield f"judge: at {breach.at * TIME_SCALE:.3f}: {breach.invariant}: {breach.text}"


Show = tuple[float, int, Callable[[float], None]]


def _shows(facts: Facts, judge: Judge) -> Iterator[list[Show]]:
    """What the judge is shown, by source; of one moment, what was stored before what was sent."""

    def numbered(shows: list[tuple[float, Callable[[float], None]]]) -> list[Show]:
        ordered = sorted(shows, key=lambda show: show[0])
        return [(at, next(numbers), show) for at, show in ordered]

    numbers = iter(range(10**9))
    breaks = [span for span in facts.blind if span.ended - span.began > BREAK_SECONDS]
    yield numbered([(facts.began, _node(judge, facts, name)) for name in range(len(facts.nodes))])
    yield numbered([(at, _beat(judge, name)) for at, name in facts.beats])
    yield numbered(
        [(span.began, _blind(judge, down=True)) for span in breaks]
        + [(span.ended, _blind(judge, down=False)) for span in breaks]
    )
    yield numbered(
        [(w.answered, _status(judge, facts.spec, w.name, w.status)) for w in facts.statuses]
    )
    yield numbered([(Request(e, "").at, _first_byte(judge, facts, e)) for e in facts.posts()])


def _node(judge: Judge, facts: Facts, index: int) -> Callable[[float], None]:
    node = facts.nodes[index]
    document = {
        # The label by which that world's nodes are selected.
        "metadata": {"name": node.name, "uid": node.uid, "labels": {"world": "yes"}},
        "spec": {},
        # A kubelet here is silent or Ready: its beats alone tell which.
        "status": {"conditions": [{"type": "Ready", "status": "True"}]},
    }
    return lambda at: judge.node(at, document, node.targets, deleted=False)


def _beat(judge: Judge, name: str) -> Callable[[float], None]:
    return lambda at: judge.beat(at, name)


def _blind(judge: Judge, *, down: bool) -> Callable[[float], None]:
    return lambda at: judge.api_is_down(at, down=down)


def _status(judge: Judge, spec: Json, name: str, status: Json) -> Callable[[float], None]:
    document = {"metadata": {"name": name}, "spec": spec, "status": status}
    return lambda at: judge.resource(at, document, deleted=False)


def _first_byte(judge: Judge, facts: Facts, entry: Json) -> Callable[[float], None]:
    replica = facts.replica_of[entry["source"]]
    return lambda at: judge.first_byte(at, replica, entry["address"], entry["target"])


def no_check_refused(facts: Facts) -> Iterator[str]:
    """The last look refuses only what the decision should not have wanted."""
    for replica, text in facts.refusals:
        yield f"check: {replica} refused its own request: {text}"


def none_ended_by_itself(facts: Facts) -> Iterator[str]:
    """A process ends when it is told to, whatever happens to the API server and to Robot."""
    for replica, code in facts.ended:
        yield f"process: {replica} ended by itself, with {code}"


AUDITS: tuple[Callable[[Facts], Iterator[str]], ...] = (
    within_the_window,
    one_switch_for_each_cause,
    judged_as_in_the_simulated_world,
    no_check_refused,
    none_ended_by_itself,
)
