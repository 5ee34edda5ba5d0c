"""Every reason that a decision can have occurs; there is none that nothing gives."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest
from tests.support.following import following, memory
from tests.support.observations import (
    FENCE,
    IP,
    IP2,
    NOW,
    PLENTY,
    a_move,
    an_intent,
    an_observation,
    at,
    foreign,
    healthy,
    not_ready,
    nowhere,
    policy,
    silent,
    unclear,
    with_account,
    with_resource,
    with_status,
)

from failoverip.core.decide import decide
from failoverip.core.memory import RouteMemory
from failoverip.core.observation import Claim, Observation, Trouble
from failoverip.core.provider import Refused
from failoverip.core.reasons import Reason
from failoverip.core.resource import Drift, Failback, FailbackPolicy, InvalidSpec, Mode, Status
from failoverip.core.storm import Sighting, Storm, StormWatch

GROUP = policy(IP, IP2)
ENFORCE = policy(drift=Drift.ENFORCE)
FAILING = (silent("a"), healthy("b"))
BACK = Failback(FailbackPolicy.WHEN_PREFERRED_HEALTHY)
A_ACTIVE = Status(fence=FENCE, active_node="a", active_node_uid="uid-a", active_server=1)
NO = memory(ip=RouteMemory(refused=Refused("FAILOVER_NEW_SERVER_NOT_FOUND", "none")))
FOREIGN = an_observation(routes={IP: foreign()}, spec=ENFORCE)
TAKEN = (a_move("a", cause=Reason.FOREIGN_SERVER),) * 2


def without_credentials(reason: Reason) -> Observation:
    return replace(an_observation(), credentials=Trouble(reason, "see the Secret"))


def in_trouble(reason: Reason) -> Observation:
    trouble = Trouble(reason, "Robot gave no usable answer")
    return with_account(an_observation(), routes_read_at=NOW - 400, trouble=trouble)


def cordoned(name: str) -> Observation:
    return an_observation([healthy(name).but(unschedulable=True), healthy("b")])


DECIDED: Mapping[Reason, Observation] = {
    Reason.ON_HEALTHY_NODE: an_observation(),
    Reason.ACTIVE_NODE_UNCLEAR: an_observation([unclear("a")]),
    Reason.INVALID_SPEC: with_resource(an_observation(), policy=InvalidSpec("none")),
    Reason.OVERLAP: replace(an_observation(), conflict="older"),
    Reason.FENCE_MISSING: replace(an_observation(), claim=Claim.FENCE_MISSING),
    Reason.SECOND_INSTALLATION: replace(an_observation(), claim=Claim.SECOND_INSTALLATION),
    Reason.NOT_CLAIMED: replace(an_observation(), claim=Claim.NOT_CLAIMED),
    Reason.WINDOW_TOO_SHORT: replace(an_observation(), window_left_seconds=4.0),
    Reason.DELETING: with_resource(an_observation(), deleting=True),
    Reason.PAUSED: an_observation(spec=policy(mode=Mode.PAUSED)),
    Reason.DRY_RUN: an_observation(FAILING, spec=policy(mode=Mode.DRY_RUN)),
    Reason.CREDENTIALS_MISSING: without_credentials(Reason.CREDENTIALS_MISSING),
    Reason.CREDENTIALS_INCOMPLETE: without_credentials(Reason.CREDENTIALS_INCOMPLETE),
    Reason.CREDENTIALS_REFUSED: in_trouble(Reason.CREDENTIALS_REFUSED),
    Reason.RATE_LIMITED: in_trouble(Reason.RATE_LIMITED),
    Reason.PROVIDER_UNREACHABLE: in_trouble(Reason.PROVIDER_UNREACHABLE),
    Reason.BUDGET_EXHAUSTED: with_account(
        an_observation(FAILING), budget=replace(PLENTY, writes_left=0)
    ),
    Reason.ROUTE_UNKNOWN: with_account(an_observation(), listed=None),
    Reason.UNKNOWN_ADDRESS: an_observation(spec=policy(IP2)),
    Reason.NODE_DELETED: an_observation([healthy("b")], status=A_ACTIVE),
    Reason.NODE_NOT_READY: an_observation([not_ready("a"), healthy("b")]),
    Reason.NODE_UNREACHABLE: an_observation(FAILING),
    Reason.NODE_CORDONED: cordoned("a"),
    Reason.NODE_DELETING: an_observation([healthy("a").but(deleting=True), healthy("b")]),
    Reason.NODE_NOT_SELECTED: an_observation(
        [healthy("a"), healthy("b").but(labels=(("pool", "edge"),))],
        spec=policy(node_selector=(("pool", "edge"),)),
    ),
    Reason.FAILBACK: replace(
        an_observation(spec=policy(preferred_nodes=("b",), failback=BACK)),
        storm=StormWatch(NOW - 1, {"uid-b": Sighting(healthy("b").node, good_since=NOW - 300)}),
    ),
    Reason.SWITCH_REQUESTED: an_observation(switch_to="b"),
    Reason.GROUP_SPLIT: an_observation(routes={IP: at("a"), IP2: at("b")}, spec=GROUP),
    Reason.ROUTED_NOWHERE: an_observation(routes={IP: nowhere()}),
    Reason.FOREIGN_SERVER: an_observation(routes={IP: foreign()}),
    Reason.STORM_HOLD: replace(
        an_observation(FAILING),
        storm=StormWatch(NOW - 1, {}, Storm(NOW - 60, frozenset({"uid-a", "uid-b"}), 3)),
    ),
    Reason.INVARIANT_BROKEN: following(
        an_intent(),
        None,
        replace(memory(), broken="I3: target b shows no life", broken_since=NOW - 300),
    ),
    Reason.MOVES_EXHAUSTED: with_status(an_observation(FAILING), moves=(a_move("c"),) * 6),
    Reason.HOLD_DOWN: with_status(cordoned("a"), moves=(a_move("c"),)),
    Reason.EVIDENCE_STALE: with_account(an_observation(FAILING), routes_read_at=NOW - 60),
    Reason.ROUTE_READ_ONCE: an_observation(routes={IP: nowhere(NOW - 5)}),
    Reason.NO_TARGET: an_observation([silent("a")]),
    Reason.MAPPING_LOST: replace(FOREIGN, unmapped_recently=("b",)),
    Reason.CONTESTED: with_status(FOREIGN, moves=TAKEN),
    Reason.SWITCH_UNDER_WAY: an_observation(routes={IP: replace(nowhere(), ready=False)}),
    Reason.SWITCHING: following(
        an_intent(attempts=1), None, memory(ip=RouteMemory(in_flight=True))
    ),
    Reason.CONFIRMING: following(an_intent(attempts=1), None, memory(round_ended_at=NOW - 5)),
    Reason.CAUSE_UNCLEAR: following(an_intent(), nodes=(unclear("a"), healthy("b"))),
    Reason.TARGET_UNCLEAR: following(an_intent(), nodes=(silent("a"), unclear("b"))),
    Reason.ADOPTED: following(an_intent(epoch=6)),
    Reason.ATTEMPT: following(an_intent()),
    Reason.CONFIRMED: following(an_intent(attempts=1), {IP: at("b")}),
    Reason.PARTIAL: following(
        an_intent("b", IP, IP2, attempts=3),
        {IP: at("b"), IP2: at("a")},
        memory(round_ended_at=NOW - 120),
    ),
    Reason.REFUSED: following(an_intent(attempts=1), None, NO),
    Reason.FAILED: following(an_intent(attempts=6), None, memory(round_ended_at=NOW - 300)),
    Reason.TARGET_FAILED: following(an_intent(), nodes=(silent("a"), silent("b"))),
    Reason.NOT_ACTIVE: with_resource(following(an_intent()), policy=policy(mode=Mode.PAUSED)),
    Reason.CAUSE_GONE: following(an_intent(), nodes=(healthy("a"), healthy("b"))),
    Reason.UNKNOWN_NODE: an_observation(switch_to="nobody"),
    Reason.NODE_INELIGIBLE: an_observation(
        [healthy("a"), healthy("b").but(deleting=True)], switch_to="b"
    ),
    Reason.NODE_UNHEALTHY: an_observation([healthy("a"), silent("b")], switch_to="b"),
    Reason.ALREADY_THERE: an_observation(switch_to="a"),
}
# Verdicts on candidates and conditions, never a decision's.
TOLD_ELSEWHERE = {
    Reason.API_SERVER_BEHIND_FAILOVER_IP,
    Reason.ELIGIBLE,
    Reason.UNMAPPED,
    Reason.SERVER_UNKNOWN,
    Reason.SERVERS_UNREAD,
    Reason.FAMILY_MISSING,
    Reason.SERVER_SHARED,
    Reason.TARGET_BARRED,
}


@pytest.mark.parametrize("reason", DECIDED)
def test_a_decision_can_have_the_reason(reason: Reason) -> None:
    assert decide(DECIDED[reason]).reason is reason


def test_no_reason_is_left_over() -> None:
    assert set(Reason) == set(DECIDED) | TOLD_ELSEWHERE
    assert not set(DECIDED) & TOLD_ELSEWHERE
