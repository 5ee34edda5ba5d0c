"""The promises that hold before every write to Robot, judged on recorded facts (design 4).

They share no code with the checks and gates that decide: a fault there must show here. A broken one
refuses the write that would break it. What "cannot tell" means differs from a gate: what is not
recorded as true counts as broken.

I8 is about time, not about one write: a late move is still wanted. It is judged, and only told.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from failoverip.core.addresses import AddressKey, TargetAddress, canonical
from failoverip.core.cluster import Node, Ready
from failoverip.core.observation import Observation
from failoverip.core.provider import Server
from failoverip.core.reasons import Reason
from failoverip.core.resource import (
    Drift,
    FailbackPolicy,
    Intent,
    Mode,
    MoveResult,
    OnCordon,
    Policy,
)

# Robot's limits, and what is kept for failed nodes (hetzner-api 4).
READS, WRITES, LOGINS, RESERVE = 100, 50, 2, 10
# A list that a decision may act on, and a route, in seconds.
LISTS_SECONDS, ROUTES_SECONDS = 5.0, 10.0
# I8: thirty minutes, and up to an hour when a budget holds a move.
OVERDUE_SECONDS = 90 * 60.0
FAILURES = frozenset({Reason.NODE_DELETED, Reason.NODE_NOT_READY, Reason.NODE_UNREACHABLE})


@dataclass(frozen=True, slots=True)
class Spent:
    """The ledger's entries, as local times; `addresses` are those of the account."""

    reads: tuple[float, ...]
    writes: tuple[float, ...]
    failed_logins: tuple[float, ...]
    addresses: int


@dataclass(frozen=True, slots=True)
class Facts:
    """What is recorded when a request to Robot is about to leave.

    `o.resource` is the resource as the API server stores it, `intent` what the request follows,
    `asked` where each address shall go, `unspent` how many of the requests the ledger does not
    count yet, `identity` this process.
    """

    o: Observation
    intent: Intent
    asked: Mapping[AddressKey, TargetAddress]
    spent: Spent
    unspent: int
    identity: str


@dataclass(frozen=True, slots=True)
class Broken:
    """An invariant that a write would break: its name, and what is wrong in one line."""

    invariant: str
    message: str


def i1_one_open_intent(f: Facts) -> str | None:
    """At most one intent is open for a resource, and its epoch never falls."""
    status = f.o.resource.status
    recorded = status.intent
    if recorded is None or recorded.id != f.intent.id:
        return f"intent {f.intent.id} is not the open one"
    if status.last_move is not None and status.last_move.id == f.intent.id:
        return f"the outcome of intent {f.intent.id} is recorded already"
    if f.intent.epoch < recorded.epoch:
        return f"epoch {f.intent.epoch} is older than the recorded {recorded.epoch}"
    return None


def i2_goes_on(f: Facts) -> str | None:
    """An attempt goes on with the recorded intent: the next round, to the same target."""
    recorded = f.o.resource.status.intent
    if recorded is None or recorded.attempts + 1 != f.intent.attempts:
        return f"attempt {f.intent.attempts} does not follow the recorded one"
    frozen = (recorded.node, recorded.node_uid, recorded.server_number, recorded.routes)
    if frozen != (f.intent.node, f.intent.node_uid, f.intent.server_number, f.intent.routes):
        return f"intent {f.intent.id} has another target than the recorded one"
    return None


def i2_acknowledged(f: Facts) -> str | None:
    """No POST without an acknowledged intent and attempt of this epoch, nor to another target."""
    fence, recorded = f.o.resource.status.fence, f.o.resource.status.intent
    if fence is None or fence.holder != f.identity or fence.epoch != f.intent.epoch:
        return "the resource is not claimed by this process under the epoch of the intent"
    if recorded is None or recorded.attempts < 1 or recorded.attempts != f.intent.attempts:
        return f"attempt {f.intent.attempts} is not recorded"
    if (recorded.id, recorded.epoch) != (f.intent.id, f.intent.epoch):
        return f"intent {f.intent.id} is not recorded under epoch {f.intent.epoch}"
    routes = {route.address.key: route.to for route in recorded.routes}
    other = [address for address, to in f.asked.items() if routes.get(address) != to]
    return f"{other[0]} is asked to go where the intent does not say" if other else None


def i3_target_alive(f: Facts) -> str | None:
    """The target is eligible, known to Robot, and healthy by positive evidence."""
    policy, name = f.o.resource.policy, f.intent.node
    node = _listed(f.o.cluster.nodes, name, f.intent.node_uid)
    if not isinstance(policy, Policy) or node is None:
        return f"target {name} is not listed"
    if not _shows_life(f.o, node):
        return f"target {name} shows no life"
    if node.unschedulable or node.deleting or not _selected(policy, node):
        return f"target {name} is cordoned, deleted or not selected"
    server = _server(f.o, f.intent.server_number)
    if server is None or [n for n in f.o.cluster.nodes if _is_on(n, server)] != [node]:
        return f"target {name} is not alone on server {f.intent.server_number}"
    if not {route.to for route in f.intent.routes} <= {server.ipv4, server.ipv6_net}:
        return f"server {server.number} has not the addresses that the intent names"
    return f"target {name} is barred" if _barred(f) else None


def i4_asked_for(f: Facts) -> str | None:
    """No move off a node with positive evidence of health unless it was asked for."""
    policy, cause = f.o.resource.policy, f.intent.cause.reason
    if not isinstance(policy, Policy):
        return "the spec cannot be read"
    enforced = policy.drift is Drift.ENFORCE and cause in (
        Reason.FOREIGN_SERVER,
        Reason.GROUP_SPLIT,
    )
    # After its first request a repair may show any route until it is confirmed.
    repair = cause is Reason.GROUP_SPLIT and f.intent.attempts > 1
    failback = (
        cause is Reason.FAILBACK
        and policy.failback.policy is FailbackPolicy.WHEN_PREFERRED_HEALTHY
        and f.intent.node in policy.preferred_nodes
    )
    if cause is Reason.SWITCH_REQUESTED or failback or enforced or repair or _begun(f):
        return None
    for address, to in f.asked.items():
        if _target_of(f.o, address) == to:
            # Robot shows the target before the switch is done: this is off no node.
            continue
        there = _nodes_at(f.o, address)
        alive = [node for node in there if _shows_life(f.o, node)]
        # A dead node keeps nothing beside one that should be left.
        if alive and any(_keeps(f.o, policy, node) for node in there):
            return f"{address} is on {alive[0].name}, which lives"
    return None


def i5_not_blind(f: Facts) -> str | None:
    """Loss of sight, or its return, moves nothing: a failure was watched on fresh lists."""
    o, cause = f.o, f.intent.cause
    if o.cluster.listed_at is None or o.now - o.cluster.listed_at > LISTS_SECONDS:
        return "the lists of nodes are too old"
    if o.account.routes_read_at is None or o.now - o.account.routes_read_at > ROUTES_SECONDS:
        return "the route was not read just now"
    if cause.reason not in FAILURES or _begun(f):
        return None
    source = _listed(o.cluster.nodes, cause.node, cause.node_uid)
    if source is None or _watched_failing(o, source, o.cluster.listed_at):
        return None
    return f"{cause.node} was not watched failing"


def i6_within_budget(f: Facts) -> str | None:
    """In any hour at most 100 reads and 50 writes, a reserve for failed nodes; 2 failed logins."""
    hour = f.o.timings.hour_seconds
    writes = sum(f.o.now - at < hour for at in f.spent.writes) + f.unspent
    kept = 0 if f.intent.cause.reason in FAILURES else min(f.spent.addresses, RESERVE)
    if writes > WRITES - kept:
        return f"{writes} writes in an hour, {kept} of {WRITES} are kept for failed nodes"
    if sum(f.o.now - at < hour for at in f.spent.reads) > READS:
        return f"more than {READS} reads in an hour"
    if sum(f.o.now - at < hour / 4 for at in f.spent.failed_logins) > LOGINS:
        return f"more than {LOGINS} failed logins in a quarter of an hour"
    return None


def i7_allowed(f: Facts) -> str | None:
    """When the attempt is recorded: mode Active, and no storm holds an unrequested move."""
    policy, storm = f.o.resource.policy, f.o.storm.storm
    if not isinstance(policy, Policy) or policy.mode is not Mode.ACTIVE or f.o.resource.deleting:
        return "the resource is not Active"
    hold = policy.safety.storm_hold_seconds * f.o.timings.spec_second_seconds
    if storm is None or f.intent.cause.reason is Reason.SWITCH_REQUESTED:
        return None
    return "a storm holds" if f.o.now - storm.began_at < hold else None


def i8_in_time(f: Facts) -> str | None:
    """Once faults stop and a healthy candidate exists, the route converges in bounded time."""
    late = f.o.wall_seconds - f.intent.started_at > OVERDUE_SECONDS
    return f"intent {f.intent.id} is open for more than 90 minutes" if late else None


Invariant = Callable[[Facts], str | None]
# Before the attempt is recorded: a refusal then uses none up.
BEFORE_RECORD: Mapping[str, Invariant] = {
    "I1": i1_one_open_intent,
    "I2": i2_goes_on,
    "I3": i3_target_alive,
    "I4": i4_asked_for,
    "I5": i5_not_blind,
    "I6": i6_within_budget,
    "I7": i7_allowed,
}
# And once more before the POST, on what was acknowledged.
BEFORE_POST: Mapping[str, Invariant] = {**BEFORE_RECORD, "I2": i2_acknowledged}
ONLY_TOLD: Mapping[str, Invariant] = {"I8": i8_in_time}


def find_broken(facts: Facts, judged: Mapping[str, Invariant]) -> Broken | None:
    """The first of these invariants that the write would break, or that cannot be judged."""
    for name, invariant in judged.items():
        try:
            message = invariant(facts)
        except Exception as error:
            message = f"could not be judged: {type(error).__name__}"
        if message is not None:
            return Broken(name, f"{name}: {message}")
    return None


def _listed(nodes: Iterable[Node], name: str, uid: str) -> Node | None:
    return next((n for n in nodes if n.uid == uid or (not uid and n.name == name)), None)


def _shows_life(o: Observation, node: Node) -> bool:
    trace = o.cluster.traces.get(node.uid)
    beat_at = None if trace is None else trace.changed_at
    silence = o.timings.heartbeat_silence_seconds
    return node.ready is Ready.TRUE and beat_at is not None and o.now - beat_at <= silence


def _watched_failing(o: Observation, node: Node, listed_at: float) -> bool:
    trace = o.cluster.traces.get(node.uid)
    if trace is None or node.ready is Ready.TRUE:
        return False
    if node.ready is Ready.FALSE:
        since, needed = trace.not_ready_since, o.timings.not_ready_seconds
    else:
        since, needed = trace.same_since, o.timings.heartbeat_silence_seconds
    return since is not None and listed_at - since >= needed


def _keeps(o: Observation, policy: Policy, node: Node) -> bool:
    listed_at = o.cluster.listed_at
    failed = listed_at is not None and _watched_failing(o, node, listed_at)
    return not failed and not _unwanted(policy, node)


def _selected(policy: Policy, node: Node) -> bool:
    return all(pair in node.labels for pair in policy.node_selector)


def _unwanted(policy: Policy, node: Node) -> bool:
    cordoned = node.unschedulable and policy.on_cordon is OnCordon.MOVE
    return cordoned or node.deleting or not _selected(policy, node)


def _server(o: Observation, number: int) -> Server | None:
    return next((server for server in o.account.servers or () if server.number == number), None)


def _target_of(o: Observation, address: AddressKey) -> TargetAddress | None:
    track = o.account.routes.get(address)
    return None if track is None else track.target


def _nodes_at(o: Observation, address: AddressKey) -> list[Node]:
    """The nodes on the server that Robot shows for the address."""
    target = _target_of(o, address)
    servers = [s for s in o.account.servers or () if target in (s.ipv4, s.ipv6_net)]
    if target is None or not servers:
        return []
    return [node for node in o.cluster.nodes if _is_on(node, servers[0])]


def _is_on(node: Node, server: Server) -> bool:
    """By annotation, else by providerID, else by the main IPv4 address."""
    text = node.server_annotation.strip()
    if text:
        return _same_number(text, server) or _spelled(text) in (server.ipv4, server.ipv6_net)
    for prefix in ("hrobot://", "hcloud://bm-"):
        number = node.provider_id.removeprefix(prefix)
        if number != node.provider_id and number.isascii() and number.isdigit():
            return _same_number(number, server)
    return server.ipv4 is not None and server.ipv4 in {_spelled(a) for a in node.addresses}


def _same_number(text: str, server: Server) -> bool:
    return text.lstrip("0") == str(server.number)


def _spelled(text: str) -> str:
    try:
        return canonical(text)
    except ValueError:
        return text


def _begun(f: Facts) -> bool:
    """Whether a route of the intent is at the target already: the others follow it."""
    for route in f.intent.routes:
        track = f.o.account.routes.get(route.address.key)
        if track is not None and track.target == route.to and track.ready is not False:
            return True
    return False


def _barred(f: Facts) -> bool:
    """Whether Robot refused this server, or never confirmed it, a moment ago."""
    o, most = f.o, f.o.timings.barred_seconds
    return any(
        move.server_number == f.intent.server_number
        and move.result in (MoveResult.REFUSED, MoveResult.FAILED)
        and o.wall_seconds - move.ended_at < most
        and o.now - o.moves_known_since.get(move.id, o.now) < most
        for move in o.resource.status.moves
    )
