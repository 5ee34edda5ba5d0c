"""What `decide` is shown when a guard is off: facts under which its gate is open."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from failoverip.core.cluster import Ready
from failoverip.core.decide import ENFORCED
from failoverip.core.health import NodeTrace, Verdict, assess
from failoverip.core.mapping import Unmapped, map_node
from failoverip.core.observation import Budget, Observation
from failoverip.core.reasons import Reason
from failoverip.core.resource import Drift, Mode, Policy, Safety, Status
from failoverip.core.timings import Timings

Blindfold = Callable[[Observation], Observation]

FOR_EVER = float("inf")
PLENTY = Budget(50, 50, -FOR_EVER, -FOR_EVER)
FAILURES = frozenset({Reason.NODE_UNREACHABLE, Reason.NODE_NOT_READY})


def mode(o: Observation) -> Observation:
    """What is paused counts as active."""
    return _with_policy(o, lambda policy: replace(policy, mode=Mode.ACTIVE))


def drift(o: Observation) -> Observation:
    """Report counts as Enforce."""
    return _with_policy(o, lambda policy: replace(policy, drift=Drift.ENFORCE))


def hold_down(o: Observation) -> Observation:
    """No move is too recent."""
    return _with_safety(o, lambda safety: replace(safety, hold_down_seconds=0))


def moves_per_hour(o: Observation) -> Observation:
    """There is no most."""
    return _with_safety(o, lambda safety: replace(safety, max_moves_per_hour=10**6))


def storm(o: Observation) -> Observation:
    """No storm was seen."""
    return replace(o, storm=replace(o.storm, storm=None))


def silence(o: Observation) -> Observation:
    """Unknown is enough: no silence needs to be watched."""
    traces = {
        node.uid: replace(o.cluster.traces[node.uid], same_since=-FOR_EVER)
        for node in o.cluster.nodes
        if node.ready is Ready.UNKNOWN and node.uid in o.cluster.traces
    }
    cluster = replace(o.cluster, traces={**o.cluster.traces, **traces})
    return replace(o, cluster=cluster)


def fresh_lists(o: Observation) -> Observation:
    """Lists of any age will do."""
    return _with_timings(o, lambda timings: replace(timings, fresh_list_seconds=FOR_EVER))


def fresh_route(o: Observation) -> Observation:
    """So will a route."""
    return _with_timings(o, lambda timings: replace(timings, fresh_route_seconds=FOR_EVER))


def barred_target(o: Observation) -> Observation:
    """What Robot refused may be tried again at once."""
    return _with_timings(o, lambda timings: replace(timings, barred_seconds=0.0))


def attempt_waits(o: Observation) -> Observation:
    """Robot is asked again at once."""
    return _with_timings(o, lambda timings: replace(timings, attempt_waits_seconds=(0.0,)))


def read_twice(o: Observation) -> Observation:
    """One read is as good as two."""
    return _with_timings(o, lambda timings: replace(timings, two_reads_apart_seconds=0.0))


def living_target(o: Observation) -> Observation:
    """Every node but the active one lives."""
    active = o.resource.status.active_node
    traces = {
        node.uid: replace(o.cluster.traces[node.uid], changed_at=o.now)
        for node in o.cluster.nodes
        if node.name != active and node.uid in o.cluster.traces
    }
    nodes = tuple(
        replace(node, ready=Ready.TRUE) if node.uid in traces else node for node in o.cluster.nodes
    )
    cluster = replace(o.cluster, nodes=nodes, traces={**o.cluster.traces, **traces})
    return replace(o, cluster=cluster)


def shared_server(o: Observation) -> Observation:
    """Of several nodes on a server only those that live are there."""
    servers = o.account.servers or ()
    numbers = {}
    for node in o.cluster.nodes:
        server = map_node(node, servers)
        if not isinstance(server, Unmapped):
            numbers[node.uid] = server.number
    alive = {
        numbers.get(node.uid)
        for node in o.cluster.nodes
        if assess(node, o.cluster, o.now, o.timings).verdict is Verdict.POSITIVE
    }
    nodes = tuple(
        node
        for node in o.cluster.nodes
        if numbers.get(node.uid) not in alive
        or assess(node, o.cluster, o.now, o.timings).verdict is Verdict.POSITIVE
    )
    return replace(o, cluster=replace(o.cluster, nodes=nodes))


def budget(o: Observation) -> Observation:
    """The ledger is not asked."""
    return replace(o, account=replace(o.account, budget=PLENTY))


def reserve(o: Observation) -> Observation:
    """All may use the reserve."""
    left = replace(o.account.budget, free_writes_left=o.account.budget.writes_left)
    return replace(o, account=replace(o.account, budget=left))


def contested(o: Observation) -> Observation:
    """None of the moves was against a stranger."""
    moves = tuple(
        replace(move, cause=Reason.ROUTED_NOWHERE) if move.cause in ENFORCED else move
        for move in o.resource.status.moves
    )
    return _with_status(o, replace(o.resource.status, moves=moves))


def overlap(o: Observation) -> Observation:
    """Nobody else has an address of it."""
    return replace(o, conflict=None)


def answered_once(o: Observation) -> Observation:
    """A request that is not fulfilled, or no longer, was not answered yet."""
    status = o.resource.status
    if (o.resource.switch_to or "").partition("@")[0] == status.active_node:
        return o
    return _with_status(o, replace(status, switch_request=None))


def open_intent(o: Observation) -> Observation:
    """What was asked of Robot is not followed."""
    intent = o.resource.status.intent
    if intent is None or intent.attempts == 0:
        return o
    return _with_status(o, replace(o.resource.status, intent=None))


def cause(o: Observation) -> Observation:
    """The source of an open intent failed, and stays so."""
    intent = o.resource.status.intent
    if intent is None or intent.cause.reason not in FAILURES:
        return o
    uid = intent.cause.node_uid
    nodes = tuple(
        replace(node, ready=Ready.UNKNOWN) if node.uid == uid else node for node in o.cluster.nodes
    )
    trace = o.cluster.traces.get(uid, NodeTrace(None, None, 0.0, None))
    traces = {**o.cluster.traces, uid: replace(trace, same_since=-FOR_EVER)}
    return replace(o, cluster=replace(o.cluster, nodes=nodes, traces=traces))


def _with_policy(o: Observation, change: Callable[[Policy], Policy]) -> Observation:
    policy = o.resource.policy
    if not isinstance(policy, Policy):
        return o
    return replace(o, resource=replace(o.resource, policy=change(policy)))


def _with_safety(o: Observation, change: Callable[[Safety], Safety]) -> Observation:
    return _with_policy(o, lambda policy: replace(policy, safety=change(policy.safety)))


def _with_timings(o: Observation, change: Callable[[Timings], Timings]) -> Observation:
    return replace(o, timings=change(o.timings))


def _with_status(o: Observation, status: Status) -> Observation:
    return replace(o, resource=replace(o.resource, status=status))
