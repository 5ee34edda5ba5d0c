"""What holds for every decision, from whatever is observed (design 4, invariants)."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import event, given, settings
from tests.properties.judge import (
    is_alive,
    is_unwanted,
    may_carry,
    nodes_at,
    shut_gates,
    the_node,
)
from tests.properties.observations import SHUT, Shut, keys, observations, repeatable
from tests.support.observations import an_observation, healthy, silent, with_resource

from failoverip.core.addresses import AddressKey
from failoverip.core.decide import decide
from failoverip.core.decision import (
    AdoptIntent,
    Attempt,
    CloseIntent,
    Hold,
    OpenIntent,
    Refresh,
)
from failoverip.core.events import notes_of
from failoverip.core.follow import is_confirmed
from failoverip.core.memory import remember_intent
from failoverip.core.observation import Observation
from failoverip.core.reasons import Reason
from failoverip.core.resource import Drift, FailbackPolicy, Intent, Policy
from failoverip.core.status import render_status


def acting(o: Observation) -> tuple[Intent, tuple[AddressKey, ...]] | None:
    """The intent that this decision opens or sends for, and the addresses; None if neither."""
    action = decide(o).action
    if isinstance(action, OpenIntent):
        return action.intent, tuple(route.address.key for route in action.intent.routes)
    if isinstance(action, Attempt):
        return action.intent, action.addresses
    return None


@repeatable
@given(observations())
def test_something_is_decided_and_can_be_told(o: Observation) -> None:
    decision = decide(o)
    event(type(decision.action).__name__)
    status = render_status(o, decision)
    assert status.fence == o.resource.status.fence
    assert [c.type for c in status.conditions][:1] == ["Ready"]
    assert len(notes_of(o.resource.status, status, decision)) <= 1
    if isinstance(decision.action, Hold):
        assert 0 < decision.recheck_after_seconds <= o.timings.resync_seconds


@settings(repeatable, max_examples=400)
@given(observations())
def test_robot_is_asked_only_where_it_is_safe(o: Observation) -> None:
    found = acting(o)
    event("acts" if found else "does not act")
    if found is None:
        return
    intent, addresses = found
    requested = intent.cause.reason is Reason.SWITCH_REQUESTED
    repair = intent.cause.reason is Reason.GROUP_SPLIT
    shut = shut_gates(o, len(addresses), requested=requested)
    assert [name for name in shut if not (repair and name == "moves")] == []
    the_target_is_eligible_and_alive(o, intent)
    nothing_leaves_a_living_node_unless_asked(o, intent, addresses)
    nothing_moves_that_shows_the_target(o, intent, addresses)


def the_target_is_eligible_and_alive(o: Observation, intent: Intent) -> None:
    """I3: by positive evidence."""
    assert isinstance(o.resource.policy, Policy)
    target = the_node(o.cluster.nodes, intent.node, intent.node_uid)
    assert target is not None
    assert is_alive(o, target)
    assert may_carry(o.resource.policy, o, target)


def nothing_leaves_a_living_node_unless_asked(
    o: Observation, intent: Intent, addresses: tuple[AddressKey, ...]
) -> None:
    """I4. Asked: a request, cordon, deletion, selector, Enforce, the rest of a moved group."""
    policy = o.resource.policy
    assert isinstance(policy, Policy)
    enforced = policy.drift is Drift.ENFORCE and intent.cause.reason in (
        Reason.FOREIGN_SERVER,
        Reason.GROUP_SPLIT,
    )
    memory = o.memory or remember_intent(intent, o.now)
    begun = any(is_confirmed(o, memory, route) for route in intent.routes)
    repair = intent.cause.reason is Reason.GROUP_SPLIT and intent.attempts > 1
    failback = (
        intent.cause.reason is Reason.FAILBACK
        and policy.failback.policy is FailbackPolicy.WHEN_PREFERRED_HEALTHY
    )
    if intent.cause.reason is Reason.SWITCH_REQUESTED or enforced or begun or repair or failback:
        return
    for key in addresses:
        there = nodes_at(o, key)
        alive = any(is_alive(o, node) for node in there)
        assert not alive or all(is_unwanted(policy, node) for node in there)


def nothing_moves_that_shows_the_target(
    o: Observation, intent: Intent, addresses: tuple[AddressKey, ...]
) -> None:
    """Only a read that is older than the last request may show it."""
    memory = o.memory or remember_intent(intent, o.now)
    for route in intent.routes:
        key, track = route.address.key, o.account.routes[route.address.key]
        ended = memory.route(key).last_ended_at
        if key in addresses and track.target == route.to and track.ready is not False:
            assert ended is not None
            assert track.seen_at < ended


@repeatable
@given(observations())
def test_what_robot_did_not_tell_is_never_moved(o: Observation) -> None:
    action = decide(o).action
    if isinstance(action, OpenIntent):
        assert isinstance(o.resource.policy, Policy)
        assert o.account.listed is not None
        assert keys(o.resource.policy) <= o.account.listed & set(o.account.routes)


@pytest.mark.parametrize("shut", SHUT, ids=range(len(SHUT)))
def test_each_of_the_random_troubles_stops_a_move(shut: Shut) -> None:
    """What the properties rest on: the troubles that are mixed in do shut a gate."""
    o = an_observation([silent("a"), healthy("b")])
    assert acting(o) is not None
    assert acting(shut(o)) is None


def frozen(intent: Intent) -> Intent:
    """All of an intent but what may change."""
    return replace(intent, epoch=0, attempts=0, posted_at=None)


@repeatable
@given(observations())
def test_an_intent_keeps_its_identity_and_its_epoch(o: Observation) -> None:
    """I1 and I2: one at a time, of the present epoch, frozen but for its attempts."""
    action, recorded = decide(o).action, o.resource.status.intent
    fence = o.resource.status.fence
    assert fence is not None
    if isinstance(action, Hold | Refresh):
        return
    if isinstance(action, OpenIntent):
        assert recorded is None
        assert action.intent.routes
        assert (action.intent.attempts, action.intent.epoch) == (0, fence.epoch)
    if isinstance(action, AdoptIntent | Attempt | CloseIntent):
        assert recorded is not None
        assert action.intent.epoch == fence.epoch
        assert frozen(action.intent) == frozen(recorded)
    if isinstance(action, Attempt):
        assert recorded is not None
        assert recorded.epoch == fence.epoch
        assert action.intent.attempts == recorded.attempts + 1
        assert set(action.addresses) <= {route.address.key for route in recorded.routes}
        assert action.addresses


@repeatable
@given(observations())
def test_what_is_recorded_stays_while_the_decision_does(o: Observation) -> None:
    decision = decide(o)
    if not isinstance(decision.action, Hold):
        return
    status = render_status(o, decision)
    again = replace(
        with_resource(o, status=status), now=o.now + 0.05, wall_seconds=o.wall_seconds + 0.5
    )
    if decide(again) == decision:
        assert render_status(again, decision) == status
