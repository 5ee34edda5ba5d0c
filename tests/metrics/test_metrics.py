"""The questions that the metrics answer, asked as Prometheus would."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterable
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families
from tests.support.machine import need_programs

from failoverip.core.addresses import parse_failover_address
from failoverip.core.reasons import Reason
from failoverip.core.resource import AddressStatus, Condition, MoveResult, RouteState
from failoverip.metrics import Metrics, account_label

V4, V6 = "203.0.113.10", "2001:db8:1:2::/64"


class Stopwatch:
    """A clock that stands until it is told otherwise."""

    def __init__(self) -> None:
        self.seconds = 1000.0

    def __call__(self) -> float:
        return self.seconds


def status(address: str, node: str, state: RouteState = RouteState.CONFIRMED) -> AddressStatus:
    return AddressStatus(parse_failover_address(address), state, None, node)


def condition(kind: str, state: str, reason: Reason = Reason.ON_HEALTHY_NODE) -> Condition:
    return Condition(kind, state, reason, "a message", 0.0)


def samples(metrics: Metrics, name: str) -> dict[tuple[str, ...], float]:
    """Label values, in the order of the labels' names, to the sample's value."""
    found: dict[tuple[str, ...], float] = {}
    for family in text_string_to_metric_families(metrics.page().decode()):
        for sample in family.samples:
            if sample.name == name:
                found[tuple(sample.labels[key] for key in sorted(sample.labels))] = sample.value
    return found


def filled(clock: Stopwatch) -> Metrics:
    """Every fact said once."""
    metrics = Metrics(clock, "0.1.0")
    metrics.addresses_routed("web", [status(V4, "a"), status(V6, "b", RouteState.SWITCHING)])
    metrics.address_confirmed("web", V4, 990.0)
    metrics.address_healthy("web", V4, healthy=False)
    metrics.conditions_told("web", [condition("Stalled", "False"), condition("Ready", "Unknown")])
    metrics.candidates_counted("web", candidates=3, eligible=2)
    metrics.resource_decided("web", Reason.NODE_UNREACHABLE, ready=False)
    metrics.intent_open("web", attempts=2)
    metrics.fence_tried("web", refused=True)
    metrics.second_installation("web", seen=False)
    metrics.storm_hold("web", holds=True)
    metrics.move_detected(46.0)
    metrics.move_posted(0.2)
    metrics.move_confirmed(40.0)
    metrics.move_ended(Reason.NODE_UNREACHABLE, MoveResult.CONFIRMED)
    metrics.request_answered("read", "ok")
    metrics.budget_left(account_label("#ws+name"), "read", 70, reserved=20)
    metrics.leading(leads=True)
    metrics.leader_seen("pod-1_0badcafe")
    metrics.lease_renewed(998.0)
    metrics.listed("nodes", 995.0)
    metrics.watch_heard("nodes", 999.0)
    metrics.invariant_broken("I3")
    metrics.reconcile_failed("ApiError")
    return metrics


def test_where_each_address_is() -> None:
    metrics = filled(Stopwatch())
    assert samples(metrics, "failoverip_address_info") == {
        (V4, "web", "a", "Confirmed"): 1,
        (V6, "web", "b", "Switching"): 1,
    }
    metrics.addresses_routed("web", [status(V4, "b")])
    assert samples(metrics, "failoverip_address_info") == {(V4, "web", "b", "Confirmed"): 1}


def test_how_old_the_last_confirmation_is() -> None:
    clock = Stopwatch()
    metrics = filled(clock)
    clock.seconds = 1050.0
    assert samples(metrics, "failoverip_address_confirmation_age_seconds") == {(V4, "web"): 60.0}
    metrics.address_confirmed("web", V4, 1049.0)
    assert samples(metrics, "failoverip_address_confirmation_age_seconds") == {(V4, "web"): 1.0}


def test_an_address_that_left_the_resource_leaves_no_age_behind() -> None:
    metrics = filled(Stopwatch())
    metrics.addresses_routed("web", [status(V6, "b")])
    metrics.addresses_routed("web", [status(V4, "b")])
    assert samples(metrics, "failoverip_address_confirmation_age_seconds") == {}


def test_whether_the_node_of_each_address_is_alive() -> None:
    metrics = filled(Stopwatch())
    assert samples(metrics, "failoverip_address_node_healthy") == {(V4, "web"): 0}
    metrics.address_healthy("web", V4, healthy=True)
    assert samples(metrics, "failoverip_address_node_healthy") == {(V4, "web"): 1}
    metrics.address_healthy("web", V4, healthy=None)
    assert samples(metrics, "failoverip_address_node_healthy") == {}


def test_an_address_that_left_the_resource_leaves_no_health_behind() -> None:
    metrics = filled(Stopwatch())
    metrics.addresses_routed("web", [status(V6, "b")])
    metrics.addresses_routed("web", [status(V4, "b")])
    assert samples(metrics, "failoverip_address_node_healthy") == {}


def test_each_condition_with_its_reason_and_a_changed_one_leaves_nothing_behind() -> None:
    metrics = filled(Stopwatch())
    assert samples(metrics, "failoverip_condition") == {
        ("Stalled", "web", "OnHealthyNode"): 0,
        ("Ready", "web", "OnHealthyNode"): -1,
    }
    metrics.conditions_told("web", [condition("Stalled", "True", Reason.OVERLAP)])
    assert samples(metrics, "failoverip_condition") == {("Stalled", "web", "Overlap"): 1}


def test_how_many_nodes_could_take_the_addresses() -> None:
    metrics = filled(Stopwatch())
    assert samples(metrics, "failoverip_candidates") == {("web",): 3}
    assert samples(metrics, "failoverip_candidates_eligible") == {("web",): 2}


def test_a_proof_of_the_fence_ends_the_doubt_about_every_resource() -> None:
    """A leader proves it once: a resource tried before the CRD was mended said 0 for ever."""
    metrics = filled(Stopwatch())
    metrics.fence_tried("web", refused=False)
    metrics.fence_tried("mail", refused=True)
    assert samples(metrics, "failoverip_fence_proven") == {("web",): 1, ("mail",): 1}


def test_whether_each_resource_is_ready_and_why_not() -> None:
    metrics = filled(Stopwatch())
    assert samples(metrics, "failoverip_resource_ready") == {("web",): 0}
    assert samples(metrics, "failoverip_decision_info") == {("web", "NodeUnreachable"): 1}
    metrics.resource_decided("web", Reason.ON_HEALTHY_NODE, ready=True)
    assert samples(metrics, "failoverip_resource_ready") == {("web",): 1}
    assert samples(metrics, "failoverip_decision_info") == {("web", "OnHealthyNode"): 1}


def test_whether_a_switch_is_open_and_how_many_attempts_it_had() -> None:
    metrics = filled(Stopwatch())
    assert samples(metrics, "failoverip_intent_open") == {("web",): 1}
    assert samples(metrics, "failoverip_intent_attempts") == {("web",): 2}
    metrics.intent_closed("web")
    assert samples(metrics, "failoverip_intent_open") == {("web",): 0}
    assert samples(metrics, "failoverip_intent_attempts") == {}


def test_moves_by_cause_and_result() -> None:
    metrics = filled(Stopwatch())
    metrics.move_ended(Reason.NODE_UNREACHABLE, MoveResult.CONFIRMED)
    metrics.move_ended(Reason.NODE_CORDONED, MoveResult.REFUSED)
    assert samples(metrics, "failoverip_moves_total") == {
        ("NodeUnreachable", "Confirmed"): 2,
        ("NodeCordoned", "Refused"): 1,
    }


@pytest.mark.parametrize(
    ("step", "seconds", "bucket"),
    [("detect", 46, "60.0"), ("post", 0.2, "0.3"), ("confirm", 40, "45.0")],
)
def test_seconds_of_each_step_of_a_move(step: str, seconds: float, bucket: str) -> None:
    metrics = filled(Stopwatch())
    name = f"failoverip_move_{step}_seconds"
    assert samples(metrics, f"{name}_sum") == {(): seconds}
    buckets = {key[0]: value for key, value in samples(metrics, f"{name}_bucket").items()}
    assert next(bound for bound, count in buckets.items() if count) == bucket
    assert float(list(buckets)[-2]) == 600.0


def test_requests_and_what_is_left_of_the_budget() -> None:
    metrics = filled(Stopwatch())
    account = account_label("#ws+name")
    assert samples(metrics, "failoverip_robot_requests_total") == {("read", "ok"): 1}
    assert samples(metrics, "failoverip_robot_requests_left") == {(account, "read"): 70}
    assert samples(metrics, "failoverip_robot_requests_reserved") == {(account, "read"): 20}
    metrics.account_gone(account)
    assert samples(metrics, "failoverip_robot_requests_left") == {}
    assert samples(metrics, "failoverip_robot_requests_reserved") == {}


def test_who_leads_and_how_old_the_lease_is() -> None:
    metrics = filled(Stopwatch())
    assert samples(metrics, "failoverip_leading") == {(): 1}
    assert samples(metrics, "failoverip_leader_info") == {("pod-1_0badcafe",): 1}
    assert samples(metrics, "failoverip_lease_age_seconds") == {(): 2.0}
    metrics.leader_seen("")
    assert samples(metrics, "failoverip_leader_info") == {}


def test_a_process_that_stops_leading_says_nothing_more_about_resources() -> None:
    metrics = filled(Stopwatch())
    metrics.leading(leads=False)
    assert samples(metrics, "failoverip_leading") == {(): 0}
    page = metrics.page().decode()
    assert 'failoverip="web"' not in page
    assert account_label("#ws+name") not in page
    assert 'kind="nodes"' not in page


def test_how_old_lists_and_watches_are() -> None:
    metrics = filled(Stopwatch())
    assert samples(metrics, "failoverip_api_list_age_seconds") == {("nodes",): 5.0}
    assert samples(metrics, "failoverip_api_watch_age_seconds") == {("nodes",): 1.0}


def test_a_resource_that_is_gone_leaves_no_series() -> None:
    metrics = filled(Stopwatch())
    assert 'failoverip="web"' in metrics.page().decode()
    metrics.resource_gone("web")
    assert 'failoverip="web"' not in metrics.page().decode()


def test_fence_and_second_installation() -> None:
    metrics = filled(Stopwatch())
    assert samples(metrics, "failoverip_fence_proven") == {("web",): 1}
    assert samples(metrics, "failoverip_second_installation") == {("web",): 0}
    metrics.second_installation("web", seen=True)
    metrics.fence_tried("web", refused=False)
    assert samples(metrics, "failoverip_fence_proven") == {("web",): 0}
    assert samples(metrics, "failoverip_second_installation") == {("web",): 1}


def test_whether_a_storm_keeps_the_moves_back() -> None:
    metrics = filled(Stopwatch())
    assert samples(metrics, "failoverip_storm_hold") == {("web",): 1}
    metrics.storm_hold("web", holds=False)
    assert samples(metrics, "failoverip_storm_hold") == {("web",): 0}


def test_which_invariant_refused_requests() -> None:
    metrics = filled(Stopwatch())
    assert samples(metrics, "failoverip_invariant_refusals_total") == {("I3",): 1}


def test_an_account_is_told_apart_but_not_named() -> None:
    assert account_label("#ws+name") == account_label("#ws+name") != account_label("#ws+other")
    assert "name" not in account_label("#ws+name")


def test_errors_memory_and_interpreter() -> None:
    metrics = filled(Stopwatch())
    assert samples(metrics, "failoverip_reconcile_errors_total") == {("ApiError",): 1}
    assert samples(metrics, "failoverip_build_info") == {("0.1.0",): 1}
    assert samples(metrics, "process_resident_memory_bytes")[()] > 1e6
    assert len(samples(metrics, "python_info")) == 1


def test_two_metrics_of_one_process_share_nothing() -> None:
    other = Metrics(Stopwatch(), "0.1.0")
    filled(Stopwatch())
    assert 'failoverip="web"' not in other.page().decode()


def public_facts() -> Iterable[str]:
    return (
        name
        for name in vars(Metrics)
        if not name.startswith("_")
        and name not in {"page", "intent_closed", "resource_gone", "account_gone"}
    )


def test_the_filled_page_says_every_fact_there_is() -> None:
    said = set(
        re.findall(r"metrics\.([a-z_]+)\(", Path(__file__).read_text().partition("def test_")[0])
    )
    assert set(public_facts()) <= said


def test_promtool_accepts_the_page(pytestconfig: pytest.Config) -> None:
    need_programs(pytestconfig, ["promtool"], "prometheus")
    page = filled(Stopwatch()).page()
    check = subprocess.run(
        ["promtool", "check", "metrics"], input=page, capture_output=True, timeout=60, check=False
    )
    assert (check.returncode, check.stdout, check.stderr) == (0, b"", b"")
