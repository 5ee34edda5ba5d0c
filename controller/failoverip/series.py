"""What is true of a resource and of this process now, turned into series when a page is read.

So a resource that is gone leaves none behind, and a page is never half of an update.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from prometheus_client import Metric
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from failoverip.core.reasons import Reason
from failoverip.core.resource import AddressStatus, Condition


@dataclass(slots=True)
class ResourceState:
    """What is known of one FailoverIP. A None has not been said yet."""

    addresses: tuple[AddressStatus, ...] = ()
    confirmed_at: dict[str, float] = field(default_factory=dict)
    healthy: dict[str, bool] = field(default_factory=dict)
    conditions: tuple[Condition, ...] = ()
    candidates: int | None = None
    eligible: int | None = None
    ready: bool | None = None
    reason: Reason | None = None
    attempts: int | None = None
    fence_proven: bool | None = None
    second_installation: bool = False
    storm_hold: bool = False


@dataclass(slots=True)
class State:
    """What is known of the resources, and of this process. Times are local."""

    resources: dict[str, ResourceState] = field(default_factory=dict)
    leader: str = ""
    lease_renewed_at: float | None = None
    listed_at: dict[str, float] = field(default_factory=dict)
    watch_heard_at: dict[str, float] = field(default_factory=dict)


class StateCollector(Collector):
    """Turns the state into series at the moment the page is read."""

    def __init__(self, state: State, lock: threading.Lock, now: Callable[[], float]) -> None:
        self._state = state
        self._lock = lock
        self._now = now

    def collect(self) -> Iterator[Metric]:
        """All families, from one state under one lock."""
        with self._lock:
            now = self._now()
            families = [*_resource_families(self._state, now), *_process_families(self._state, now)]
        return iter(families)


def _resource_families(state: State, now: float) -> list[Metric]:
    address = _family("address_info", "Where Robot routes an address.", *_ADDRESS, "node", "state")
    confirmed = _family(
        "address_confirmation_age_seconds",
        "Since Robot last said where the address is.",
        *_ADDRESS,
    )
    healthy = _family(
        "address_node_healthy",
        "1 if the node that the address is on shows a recent sign of life, else 0.",
        *_ADDRESS,
    )
    condition = _family(
        "condition",
        "A condition of the resource: 1 is True, 0 is False, -1 is Unknown.",
        *("failoverip", "condition", "reason"),
    )
    candidates = _family("candidates", "Nodes that nodeSelector selects.", "failoverip")
    eligible = _family(
        "candidates_eligible", "Of these, nodes that could take the addresses now.", "failoverip"
    )
    ready = _family("resource_ready", "1 if the resource is Ready, else 0.", "failoverip")
    decision = _family("decision_info", "The reason of the last decision.", "failoverip", "reason")
    is_open = _family("intent_open", "1 while a switch is open, else 0.", "failoverip")
    attempts = _family("intent_attempts", "Attempts of the open switch.", "failoverip")
    fence = _family(
        "fence_proven", "1 if the API server refuses a stale leader's writes.", "failoverip"
    )
    second = _family(
        "second_installation", "1 while another installation holds the resource.", "failoverip"
    )
    storm = _family(
        "storm_hold", "1 while too many nodes turned bad at once for a move, else 0.", "failoverip"
    )
    for name, resource in sorted(state.resources.items()):
        for item in resource.addresses:
            labels = [name, item.address.text]
            address.add_metric([*labels, item.node, item.state.value], 1)
            if item.address.text in resource.confirmed_at:
                confirmed.add_metric(labels, now - resource.confirmed_at[item.address.text])
            if item.address.text in resource.healthy:
                healthy.add_metric(labels, float(resource.healthy[item.address.text]))
        for told in resource.conditions:
            condition.add_metric([name, told.type, told.reason.value], _TRUTH[told.status])
        _add(candidates, name, resource.candidates)
        _add(eligible, name, resource.eligible)
        _add(ready, name, resource.ready)
        if resource.reason is not None:
            decision.add_metric([name, resource.reason.value], 1)
        _add(is_open, name, resource.attempts is not None)
        _add(attempts, name, resource.attempts)
        _add(fence, name, resource.fence_proven)
        _add(second, name, resource.second_installation)
        _add(storm, name, resource.storm_hold)
    of_addresses = [address, confirmed, healthy]
    of_status = [condition, candidates, eligible, ready, decision, is_open, attempts]
    return [*of_addresses, *of_status, fence, second, storm]


def _process_families(state: State, now: float) -> list[Metric]:
    leader = _family("leader_info", "Who holds the Lease.", "identity")
    if state.leader:
        leader.add_metric([state.leader], 1)
    lease = _family("lease_age_seconds", "Since the Lease was last seen renewed.")
    if state.lease_renewed_at is not None:
        lease.add_metric([], now - state.lease_renewed_at)
    listed = _family("api_list_age_seconds", "Since the last complete list.", "kind")
    heard = _family("api_watch_age_seconds", "Since the watch last delivered anything.", "kind")
    for family, ages in ((listed, state.listed_at), (heard, state.watch_heard_at)):
        for kind, at in sorted(ages.items()):
            family.add_metric([kind], now - at)
    return [leader, lease, listed, heard]


_ADDRESS = ("failoverip", "address")
_TRUTH = {"True": 1.0, "False": 0.0, "Unknown": -1.0}


def _family(name: str, text: str, *labels: str) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"failoverip_{name}", text, labels=labels)


def _add(family: GaugeMetricFamily, failoverip: str, value: float | bool | None) -> None:
    if value is not None:
        family.add_metric([failoverip], float(value))
