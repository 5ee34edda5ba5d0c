"""Random observations: mostly with open gates, so that decisions to act are common."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import replace

from hypothesis import settings
from hypothesis import strategies as st
from tests.support.observations import (
    FENCE,
    IP,
    IP2,
    NET6,
    NOW,
    PLENTY,
    Seen,
    a_move,
    an_intent,
    an_observation,
    healthy,
    key_of,
    policy,
    server,
    silent,
    with_account,
    with_resource,
)

from failoverip.core.addresses import TargetAddress, parse_failover_address
from failoverip.core.cluster import Ready
from failoverip.core.health import ClusterTrace, NodeTrace
from failoverip.core.memory import IntentMemory, RouteMemory
from failoverip.core.observation import Budget, Claim, Observation, Trouble
from failoverip.core.provider import Refused
from failoverip.core.reasons import Reason
from failoverip.core.resource import (
    Cause,
    Drift,
    Failback,
    FailbackPolicy,
    Intent,
    InvalidSpec,
    Mode,
    MoveResult,
    OnCordon,
    Policy,
    RequestAnswer,
    Status,
)
from failoverip.core.routes import RouteTrack
from failoverip.core.storm import Sighting, Storm, StormWatch

# One set of examples for everybody: CI must not find what nobody can repeat.
repeatable = settings(deadline=None, derandomize=True, max_examples=200, database=None)

NAMES = "abcd"
ADDRESSES = (IP, IP2, NET6)
CAUSES = (
    Reason.NODE_DELETED,
    Reason.NODE_NOT_READY,
    Reason.NODE_UNREACHABLE,
    Reason.NODE_CORDONED,
    Reason.NODE_DELETING,
    Reason.NODE_NOT_SELECTED,
    Reason.FAILBACK,
    Reason.SWITCH_REQUESTED,
    Reason.GROUP_SPLIT,
    Reason.ROUTED_NOWHERE,
    Reason.FOREIGN_SERVER,
)
# Nothing of ours is left for these.
SOURCELESS = (Reason.ROUTED_NOWHERE, Reason.FOREIGN_SERVER)
TROUBLE = Trouble(Reason.PROVIDER_UNREACHABLE, "Robot gave no usable answer (Timeout)")
# Ages around every bound there is.
ages = st.sampled_from([0.0, 1.0, 5.0, 9.9, 10.1, 19.9, 20.1, 29.9, 31.0, 60.0, 299.0, 400.0])
moments = ages.map(lambda age: NOW - age)
rarely = st.sampled_from([False] * 5 + [True])

Shut = Callable[[Observation], Observation]
SHUT: tuple[Shut, ...] = (
    lambda o: replace(o, conflict="older"),
    lambda o: replace(o, claim=Claim.NOT_CLAIMED),
    lambda o: replace(o, claim=Claim.FENCE_MISSING),
    lambda o: replace(o, claim=Claim.SECOND_INSTALLATION),
    lambda o: replace(o, window_left_seconds=4.9),
    lambda o: with_resource(o, deleting=True),
    lambda o: replace(o, credentials=TROUBLE),
    lambda o: with_resource(o, policy=InvalidSpec("spec.addresses: none")),
    lambda o: with_account(o, budget=Budget(0, 0, NOW, NOW)),
    lambda o: with_account(o, budget=replace(PLENTY, write_at=NOW + 1), trouble=TROUBLE),
    lambda o: with_account(o, listed=None),
    lambda o: with_account(o, routes={}),
    lambda o: with_account(o, routes_read_at=None),
    lambda o: with_account(o, routes_read_at=NOW - 10.1),
    lambda o: with_account(o, routes_read_at=NOW - 400, trouble=TROUBLE),
    lambda o: with_account(o, servers=None),
    lambda o: replace(o, cluster=ClusterTrace()),
    lambda o: replace(o, cluster=replace(o.cluster, listed_at=NOW - 5.1)),
)


@st.composite
def seen_nodes(draw: st.DrawFn, name: str) -> Seen:
    """A node in any state, mostly Ready, beating and on its own server."""
    likely = draw(st.sampled_from(["failed" if name == "a" else "healthy", "healthy", "any"]))
    if likely == "failed":
        return silent(name)
    if likely == "healthy":
        return healthy(name).but(unschedulable=draw(rarely))
    own = healthy(name).node.provider_id
    node = replace(
        healthy(name).node,
        uid=draw(st.sampled_from([f"uid-{name}"] * 5 + ["uid-other"])),
        labels=(("pool", "edge"),) if draw(st.booleans()) else (),
        ready=draw(st.sampled_from(Ready)),
        unschedulable=draw(rarely),
        deleting=draw(rarely),
        provider_id=draw(st.sampled_from([own] * 4 + ["", "hrobot://1", "hrobot://77"])),
        server_annotation=draw(st.sampled_from([""] * 6 + ["2", "x", "9" * 5000])),
    )
    changed_at, not_ready_since = draw(st.none() | moments), draw(st.none() | moments)
    return Seen(node, NodeTrace("beat", changed_at, draw(moments), not_ready_since))


@st.composite
def tracks(draw: st.DrawFn, text: str) -> RouteTrack:
    """A route to one of our servers, a server without a node, a stranger's, or nowhere."""
    version = parse_failover_address(text).version
    ours = [server(number).target(version) for number in (1, 1, 1, 1, 2, 3, 4, 8)]
    target = draw(st.sampled_from([*ours, None, TargetAddress("192.0.2.99")]))
    ready = draw(st.sampled_from([True, True, True, None, None, False]))
    return RouteTrack(target, ready, NOW - 400 + draw(ages), NOW - draw(st.sampled_from([0, 1, 9])))


@st.composite
def policies(draw: st.DrawFn) -> Policy:
    """Any spec that can be read."""
    addresses = draw(st.lists(st.sampled_from(ADDRESSES), min_size=1, max_size=3, unique=True))
    return policy(
        *addresses,
        node_selector=(("pool", "edge"),) if draw(rarely) else (),
        drift=draw(st.sampled_from(Drift)),
        on_cordon=draw(st.sampled_from(OnCordon)),
        mode=draw(st.sampled_from([Mode.ACTIVE] * 8 + [Mode.PAUSED, Mode.DRY_RUN])),
        preferred_nodes=draw(st.sampled_from([(), ("b",), ("c", "a")])),
        failback=Failback(draw(st.sampled_from(FailbackPolicy)), 30),
    )


@st.composite
def intents(draw: st.DrawFn, spec: Policy) -> Intent:
    """An intent that some leader may have left behind."""
    node = draw(st.sampled_from(NAMES))
    reason = draw(st.sampled_from(CAUSES))
    cause = Cause(reason) if reason in SOURCELESS else Cause(reason, node, f"uid-{node}")
    count = draw(st.integers(1, len(spec.addresses)))
    texts = [address.text for address in spec.addresses[:count]]
    return an_intent(
        draw(st.sampled_from(NAMES)),
        *texts,
        cause=cause,
        attempts=draw(st.integers(0, 7)),
        epoch=draw(st.sampled_from([FENCE.epoch] * 5 + [FENCE.epoch - 1])),
    )


@st.composite
def memories(draw: st.DrawFn, intent: Intent) -> IntentMemory | None:
    """What a process may know of its requests."""
    if draw(st.booleans()):
        return None
    routes = {
        route.address.key: RouteMemory(
            in_flight=draw(rarely),
            unsettled_since=draw(st.none() | moments),
            refused=Refused("NOT_FOUND", "no such server") if draw(rarely) else None,
            last_ended_at=draw(st.none() | moments),
        )
        for route in intent.routes
    }
    return IntentMemory(intent.id, draw(moments), draw(st.none() | moments), routes)


@st.composite
def statuses(draw: st.DrawFn, spec: Policy) -> Status:
    """A record, with or without an open intent."""
    name = draw(st.sampled_from(NAMES))
    move = st.builds(
        a_move,
        st.sampled_from(NAMES),
        st.sampled_from(MoveResult),
        cause=st.sampled_from(CAUSES),
        ended_seconds_ago=st.sampled_from([10.0, 599.0, 601.0, 3500.0]),
    )
    answer = RequestAnswer("b", False, Reason.NODE_UNHEALTHY, "no sign of life", 0.0)
    return Status(
        fence=FENCE,
        active_node=name,
        active_node_uid=f"uid-{name}",
        active_server=NAMES.index(name) + 1,
        intent=draw(intents(spec)) if draw(st.booleans()) else None,
        moves=tuple(draw(st.lists(move, max_size=3))),
        switch_request=draw(st.none() | st.just(answer)),
    )


@st.composite
def storms(draw: st.DrawFn, nodes: Collection[Seen]) -> StormWatch:
    """What was seen of the nodes list after list; now and then a storm, over or not."""
    sightings = {
        seen.node.uid: Sighting(seen.node, good_since=draw(st.none() | moments)) for seen in nodes
    }
    storm = Storm(draw(st.sampled_from([NOW - 4, NOW - 119, NOW - 121])), frozenset(sightings), 4)
    return StormWatch(NOW - 1, sightings, storm if draw(rarely) else None)


@st.composite
def observations(draw: st.DrawFn) -> Observation:
    """Anything that a leader may see."""
    spec = draw(policies())
    nodes = [draw(seen_nodes(name)) for name in NAMES if draw(st.integers(0, 4))]
    unique = {seen.node.uid: seen for seen in nodes}
    routes = {address.text: draw(tracks(address.text)) for address in spec.addresses}
    status = draw(statuses(spec))
    asked = draw(st.sampled_from([""] * 4 + ["b", "c@2", "nobody"]))
    o = an_observation(unique.values(), routes, spec, status, asked)
    o = replace(
        o,
        memory=draw(memories(status.intent)) if status.intent else None,
        carried={2: draw(st.integers(0, 2))},
        unmapped_recently=("d",) if draw(rarely) else (),
        storm=draw(storms(unique.values())),
    )
    if draw(rarely):
        o = draw(st.sampled_from(SHUT))(o)
    return o


def keys(spec: Policy) -> set[str]:
    """The addresses of a spec as Robot names them."""
    return {key_of(address.text) for address in spec.addresses}
