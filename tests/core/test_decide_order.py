"""The order of the checks: of two that hit, the earlier one decides (design 4)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise

import pytest
from tests.support.observations import (
    FENCE,
    IP,
    IP2,
    NOW,
    an_intent,
    an_observation,
    at,
    foreign,
    healthy,
    nowhere,
    policy,
    silent,
    with_resource,
    with_status,
)

from failoverip.core.decide import CHECKS, Check, decide
from failoverip.core.observation import Claim, Observation, Trouble
from failoverip.core.reasons import Reason
from failoverip.core.resource import (
    AddressStatus,
    Drift,
    Failback,
    FailbackPolicy,
    InvalidSpec,
    Mode,
    Policy,
    RouteState,
    Status,
)
from failoverip.core.situation import understand
from failoverip.core.storm import Sighting, Storm, StormWatch

GROUP = policy(IP, IP2)
MISSING = Trouble(Reason.CREDENTIALS_MISSING, "the Secret robot-credentials does not exist")
CORDONED = healthy("a").but(unschedulable=True)
UNMAPPED = healthy("c").but(provider_id="")
# Says that IP2 was on node c, which is no longer mapped to the server of its route.
LOST = Status(
    fence=FENCE,
    addresses=(AddressStatus(GROUP.addresses[1], RouteState.CONFIRMED, at("c").target, "c"),),
)


def stormy(o: Observation) -> Observation:
    storm = Storm(NOW - 60, frozenset({"uid-a", "uid-b"}), 3)
    return replace(o, storm=StormWatch(NOW - 1, {}, storm))


BACK = Failback(FailbackPolicy.WHEN_PREFERRED_HEALTHY)


def healthy_for_long(o: Observation) -> Observation:
    seen = {node.uid: Sighting(node, good_since=NOW - 9000) for node in o.cluster.nodes}
    return replace(o, storm=StormWatch(NOW - 1, seen))


@dataclass(frozen=True)
class Both:
    """An observation in which two neighbouring checks hit."""

    earlier: str
    later: str
    o: Observation


PAIRS = (
    Both(
        "conflicting",
        "not_claimed",
        replace(an_observation(), conflict="older", claim=Claim.NOT_CLAIMED),
    ),
    Both(
        "not_claimed",
        "window_too_short",
        replace(an_observation(), claim=Claim.FENCE_MISSING, window_left_seconds=1.0),
    ),
    Both(
        "window_too_short",
        "open_intent",
        replace(with_status(an_observation(), intent=an_intent()), window_left_seconds=1.0),
    ),
    Both(
        "open_intent",
        "deleting",
        with_resource(
            an_observation(status=Status(fence=FENCE, intent=an_intent())), deleting=True
        ),
    ),
    Both(
        "deleting",
        "paused",
        with_resource(an_observation(spec=policy(mode=Mode.PAUSED)), deleting=True),
    ),
    Both(
        "paused",
        "route_unknown",
        replace(an_observation(spec=policy(mode=Mode.PAUSED)), credentials=MISSING),
    ),
    Both(
        "route_unknown",
        "answer_request",
        replace(an_observation(switch_to="nobody"), credentials=MISSING),
    ),
    Both(
        "answer_request",
        "storm",
        stormy(an_observation([silent("a"), healthy("b")], switch_to="b")),
    ),
    Both("storm", "active_node_failed", stormy(an_observation([silent("a")]))),
    Both(
        "active_node_failed",
        "mapping_lost",
        an_observation(
            [silent("a"), healthy("b"), UNMAPPED], {IP: at("a"), IP2: at("c")}, GROUP, LOST
        ),
    ),
    Both(
        "mapping_lost",
        "active_node_leaving",
        an_observation(
            [CORDONED, healthy("b"), UNMAPPED], {IP: at("a"), IP2: at("c")}, GROUP, LOST
        ),
    ),
    Both(
        "active_node_leaving",
        "group_split",
        an_observation([CORDONED, healthy("b")], {IP: at("a"), IP2: at("b")}, GROUP),
    ),
    Both(
        "group_split",
        "routed_nowhere",
        an_observation(routes={IP: at("a"), IP2: nowhere()}, spec=GROUP),
    ),
    Both(
        "routed_nowhere",
        "foreign_server",
        an_observation(routes={IP: nowhere(), IP2: foreign()}, spec=GROUP),
    ),
    Both(
        "foreign_server",
        "fail_back",
        healthy_for_long(
            an_observation(
                routes={IP: at("a"), IP2: foreign()},
                spec=policy(IP, IP2, drift=Drift.ENFORCE, preferred_nodes=("b",), failback=BACK),
            )
        ),
    ),
)


def check(name: str) -> Check:
    return next(check for check in CHECKS if check.__name__ == name)


@pytest.mark.parametrize("pair", PAIRS, ids=lambda pair: f"{pair.earlier} before {pair.later}")
def test_of_two_checks_that_hit_the_earlier_decides(pair: Both) -> None:
    assert isinstance(pair.o.resource.policy, Policy)
    s = understand(pair.o, pair.o.resource.policy)
    first, second = check(pair.earlier)(pair.o, s), check(pair.later)(pair.o, s)
    assert first is not None
    assert second is not None
    assert first != second
    assert decide(pair.o) == first


def test_the_pairs_above_are_all_there_are() -> None:
    names = [check.__name__ for check in CHECKS]
    assert [(pair.earlier, pair.later) for pair in PAIRS] == list(pairwise(names))


def test_a_spec_that_cannot_be_read_is_told_before_all_else() -> None:
    o = replace(an_observation(), claim=Claim.NOT_CLAIMED, conflict="older")
    o = with_resource(o, policy=InvalidSpec("spec.addresses: not an address"))
    assert decide(o).reason is Reason.INVALID_SPEC
    assert decide(o).message == "spec.addresses: not an address"


def test_where_no_check_hits_the_address_is_where_it_should_be() -> None:
    assert decide(an_observation()).reason is Reason.ON_HEALTHY_NODE
