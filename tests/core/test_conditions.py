"""The conditions, per kstatus: what each says in each situation (design 6)."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.support.observations import (
    FENCE,
    IP,
    IP2,
    NOW,
    PLENTY,
    WALL,
    Seen,
    an_intent,
    an_observation,
    at,
    foreign,
    healthy,
    nowhere,
    policy,
    settling,
    silent,
    unclear,
    with_account,
    with_resource,
    with_status,
)

from failoverip.core.decide import decide
from failoverip.core.memory import refused_by_invariant, remember_intent
from failoverip.core.observation import AccountView, Claim, Observation, Trouble
from failoverip.core.reasons import Reason
from failoverip.core.resource import Condition, Drift, InvalidSpec, Mode, Status
from failoverip.core.status import render_status

GROUP = policy(IP, IP2)
A_ACTIVE = Status(fence=FENCE, active_node="a", active_node_uid="uid-a", active_server=1)
MISSING = Trouble(Reason.CREDENTIALS_MISSING, "the Secret robot-credentials does not exist")
LIMITED = Trouble(Reason.RATE_LIMITED, "Robot's limit of requests is used up")
TYPES = ["Ready", "Reconciling", "Stalled", "Routed", "ProviderReachable", "Degraded"]


def conditions(o: Observation) -> dict[str, Condition]:
    return {condition.type: condition for condition in render_status(o, decide(o)).conditions}


def told(o: Observation, name: str) -> tuple[str, Reason]:
    condition = conditions(o)[name]
    return condition.status, condition.reason


def test_all_are_there_from_the_first_write_on() -> None:
    first = replace(an_observation(), account=AccountView(budget=PLENTY))
    assert list(conditions(first)) == TYPES
    invalid = with_resource(an_observation(), policy=InvalidSpec("spec.addresses: none"))
    assert list(conditions(invalid)) == TYPES


def test_on_a_healthy_node_all_is_well() -> None:
    assert {name: c.status for name, c in conditions(an_observation()).items()} == {
        "Ready": "True",
        "Reconciling": "False",
        "Stalled": "False",
        "Routed": "True",
        "ProviderReachable": "True",
        "Degraded": "False",
    }


class TestReady:
    @pytest.mark.parametrize(
        ("o", "expected"),
        [
            pytest.param(
                an_observation([silent("a"), silent("b")]),
                ("False", Reason.NODE_UNREACHABLE),
                id="failed node",
            ),
            pytest.param(
                an_observation([unclear("a")]),
                ("Unknown", Reason.ACTIVE_NODE_UNCLEAR),
                id="unclear node",
            ),
            pytest.param(
                an_observation([settling("a")]),
                ("Unknown", Reason.ACTIVE_NODE_UNCLEAR),
                id="never seen to beat",
            ),
            pytest.param(
                an_observation([], status=A_ACTIVE),
                ("False", Reason.NODE_DELETED),
                id="deleted node",
            ),
            pytest.param(
                an_observation([healthy("a").but(provider_id="")], status=A_ACTIVE),
                ("Unknown", Reason.MAPPING_LOST),
                id="mapping lost",
            ),
            pytest.param(
                an_observation(routes={IP: foreign()}),
                ("False", Reason.FOREIGN_SERVER),
                id="foreign",
            ),
            pytest.param(
                an_observation(routes={IP: nowhere(NOW - 5)}),
                ("False", Reason.ROUTE_READ_ONCE),
                id="nowhere",
            ),
            pytest.param(
                an_observation(routes={IP: at("a"), IP2: at("b")}, spec=GROUP),
                ("False", Reason.GROUP_SPLIT),
                id="split",
            ),
            pytest.param(
                with_status(an_observation([silent("a"), healthy("b")]), intent=an_intent()),
                ("False", Reason.SWITCHING),
                id="switching",
            ),
            pytest.param(
                with_account(an_observation(), listed=None, routes_read_at=None),
                ("Unknown", Reason.ROUTE_UNKNOWN),
                id="route unknown",
            ),
            pytest.param(
                replace(an_observation(), conflict="older"),
                ("False", Reason.OVERLAP),
                id="overlap",
            ),
            pytest.param(
                an_observation(spec=policy(mode=Mode.PAUSED)),
                ("True", Reason.ON_HEALTHY_NODE),
                id="paused on a healthy node",
            ),
        ],
    )
    def test_says(self, o: Observation, expected: tuple[str, Reason]) -> None:
        assert told(o, "Ready") == expected

    def test_stays_true_while_a_new_leader_waits_for_a_beat(self) -> None:
        o = an_observation()
        o = with_status(o, conditions=render_status(o, decide(o)).conditions)
        o = replace(o, cluster=an_observation([settling("a")]).cluster)
        assert told(o, "Ready") == ("True", Reason.ON_HEALTHY_NODE)
        assert told(replace(o, now=NOW + 16), "Ready")[0] == "Unknown"


class TestReconciling:
    def test_names_the_cause_while_a_switch_is_open(self) -> None:
        o = with_status(an_observation([silent("a"), healthy("b")]), intent=an_intent())
        assert told(o, "Reconciling") == ("True", Reason.NODE_UNREACHABLE)
        assert "switching to b" in conditions(o)["Reconciling"].message


class TestStalled:
    @pytest.mark.parametrize(
        ("o", "reason"),
        [
            (replace(an_observation(), conflict="older"), Reason.OVERLAP),
            (replace(an_observation(), claim=Claim.FENCE_MISSING), Reason.FENCE_MISSING),
            (replace(an_observation(), credentials=MISSING), Reason.CREDENTIALS_MISSING),
            (an_observation(spec=policy(IP2)), Reason.UNKNOWN_ADDRESS),
            (with_resource(an_observation(), policy=InvalidSpec("none")), Reason.INVALID_SPEC),
        ],
    )
    def test_when_a_person_must_change_something(self, o: Observation, reason: Reason) -> None:
        assert told(o, "Stalled") == ("True", reason)
        assert told(o, "Degraded") == ("True", reason)
        assert told(o, "Ready") == ("False", reason)

    def test_not_by_what_passes_by_itself(self) -> None:
        o = with_account(an_observation(), routes_read_at=NOW - 400, trouble=LIMITED)
        assert told(o, "Stalled")[0] == "False"
        assert told(o, "Degraded") == ("True", Reason.RATE_LIMITED)


class TestRouted:
    @pytest.mark.parametrize(
        ("o", "expected"),
        [
            (an_observation([silent("a")]), ("True", Reason.ON_HEALTHY_NODE)),
            (an_observation(routes={IP: nowhere()}), ("False", Reason.ROUTED_NOWHERE)),
            (an_observation(routes={IP: foreign()}), ("False", Reason.FOREIGN_SERVER)),
            (an_observation([], status=A_ACTIVE), ("False", Reason.NODE_DELETED)),
            (
                an_observation([healthy("a").but(provider_id="")], status=A_ACTIVE),
                ("False", Reason.MAPPING_LOST),
            ),
            (an_observation(spec=policy(IP2)), ("Unknown", Reason.ROUTE_UNKNOWN)),
        ],
    )
    def test_says(self, o: Observation, expected: tuple[str, Reason]) -> None:
        assert told(o, "Routed") == expected


class TestProviderReachable:
    def test_says_what_is_wrong(self) -> None:
        missing = replace(an_observation(), credentials=MISSING)
        assert told(missing, "ProviderReachable") == ("False", Reason.CREDENTIALS_MISSING)
        limited = with_account(an_observation(), trouble=LIMITED)
        assert told(limited, "ProviderReachable") == ("False", Reason.RATE_LIMITED)
        unasked = with_account(an_observation(), routes_read_at=None)
        assert told(unasked, "ProviderReachable") == ("Unknown", Reason.ROUTE_UNKNOWN)


class TestDegraded:
    @pytest.mark.parametrize(
        ("o", "reason"),
        [
            (an_observation([silent("a")]), Reason.NO_TARGET),
            (an_observation(routes={IP: foreign()}), Reason.FOREIGN_SERVER),
            (an_observation(routes={IP: at("a"), IP2: at("b")}, spec=GROUP), Reason.GROUP_SPLIT),
            (
                an_observation([silent("a"), healthy("b")], spec=policy(mode=Mode.DRY_RUN)),
                Reason.DRY_RUN,
            ),
            (
                replace(
                    an_observation(routes={IP: foreign()}, spec=policy(drift=Drift.ENFORCE)),
                    unmapped_recently=("b",),
                ),
                Reason.MAPPING_LOST,
            ),
        ],
    )
    def test_when_something_is_less_than_it_should_be(self, o: Observation, reason: Reason) -> None:
        assert told(o, "Degraded") == ("True", reason)

    def test_when_the_api_server_is_behind_the_address(self) -> None:
        o = replace(an_observation(), api_server_addresses=frozenset({IP, "192.0.2.1"}))
        assert told(o, "Degraded") == ("True", Reason.API_SERVER_BEHIND_FAILOVER_IP)
        assert IP in conditions(o)["Degraded"].message
        elsewhere = replace(o, api_server_addresses=frozenset({"192.0.2.1"}))
        assert told(elsewhere, "Degraded")[0] == "False"

    def test_while_the_last_look_keeps_a_request_back(self) -> None:
        o = an_observation(
            [silent("a"), healthy("b")], status=Status(fence=FENCE, intent=an_intent())
        )
        assert told(o, "Degraded")[0] == "False"
        memory = remember_intent(an_intent(), NOW - 10)
        o = replace(o, memory=refused_by_invariant(memory, "I3: b shows no life", NOW - 5))
        assert told(o, "Degraded") == ("True", Reason.INVARIANT_BROKEN)
        assert conditions(o)["Degraded"].message == "I3: b shows no life"


class TestTransitionTime:
    def later(self, o: Observation, nodes: list[Seen]) -> dict[str, Condition]:
        recorded = with_status(o, conditions=render_status(o, decide(o)).conditions)
        after = replace(recorded, cluster=an_observation(nodes).cluster, wall_seconds=WALL + 60)
        return conditions(after)

    def test_stays_while_the_status_stays(self) -> None:
        o = an_observation([silent("a")])
        after = self.later(o, [healthy("a"), healthy("b")])
        assert after["Routed"].since == WALL

    def test_moves_when_it_changes(self) -> None:
        after = self.later(an_observation(), [unclear("a")])
        assert after["Ready"].since == WALL + 60
        assert after["Stalled"].since == WALL

    def test_stays_when_only_the_reason_changes(self) -> None:
        o = an_observation(routes={IP: foreign()})
        recorded = with_status(o, conditions=render_status(o, decide(o)).conditions)
        split = replace(recorded, conflict="older", wall_seconds=WALL + 60)
        degraded = conditions(split)["Degraded"]
        assert (degraded.reason, degraded.since) == (Reason.OVERLAP, WALL)
