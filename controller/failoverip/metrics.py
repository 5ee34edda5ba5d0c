"""Metrics, in a registry of our own. Callers say facts; they never see prometheus_client's types.

What is true of a resource now (gauges) is kept as plain values and turned into series when the
page is read, so that a resource that is gone leaves none behind and a page is never half of an
update. `at` is seconds of the clock given to `Metrics`, which never jumps: ages need no wall clock.
Safe to use from several threads.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    Metric,
    PlatformCollector,
    ProcessCollector,
    generate_latest,
)
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from failoverip.core.reasons import Reason
from failoverip.core.resource import AddressStatus, MoveResult

PAGE_CONTENT_TYPE = CONTENT_TYPE_LATEST
# A decision takes tenths of a second, the control plane most of a minute, Robot up to two.
_BUCKETS_SECONDS = (0.1, 0.3, 1, 2, 5, 10, 20, 30, 45, 60, 90, 120, 180, 300, 600)


@dataclass(slots=True)
class _Resource:
    """What is known of one FailoverIP. A None has not been said yet."""

    addresses: tuple[AddressStatus, ...] = ()
    confirmed_at: dict[str, float] = field(default_factory=dict)
    ready: bool | None = None
    reason: Reason | None = None
    attempts: int | None = None
    fence_proven: bool | None = None
    second_installation: bool = False
    storm_hold: bool = False


@dataclass(slots=True)
class _State:
    resources: dict[str, _Resource] = field(default_factory=dict)
    leader: str = ""
    lease_renewed_at: float | None = None
    listed_at: dict[str, float] = field(default_factory=dict)
    watch_heard_at: dict[str, float] = field(default_factory=dict)


def account_label(username: str) -> str:
    """How an account is called in metrics: the same for the same user name, and not the name."""
    return hashlib.sha256(username.encode("utf-8", "surrogatepass")).hexdigest()[:8]


class Metrics:
    """`now` is the clock of every `at`; `version` is the program's."""

    def __init__(self, now: Callable[[], float], version: str) -> None:
        self._registry = CollectorRegistry()
        self._lock = threading.Lock()
        self._state = _State()
        self._events = _Events(self._registry)
        self._events.build.labels(version).set(1)
        self._registry.register(_StateCollector(self._state, self._lock, now))
        ProcessCollector(registry=self._registry)
        PlatformCollector(registry=self._registry)

    def page(self) -> bytes:
        """All metrics in Prometheus' text format; its type is `PAGE_CONTENT_TYPE`."""
        return generate_latest(self._registry)

    # -- one resource

    def addresses_routed(self, failoverip: str, addresses: Iterable[AddressStatus]) -> None:
        """Where each address of the resource is; what was said before is replaced."""
        told = tuple(addresses)
        texts = {item.address.text for item in told}
        with self._lock:
            resource = self._resource(failoverip)
            resource.addresses = told
            resource.confirmed_at = {
                text: at for text, at in resource.confirmed_at.items() if text in texts
            }

    def address_confirmed(self, failoverip: str, address: str, at: float) -> None:
        """Robot said where the address is, at this time."""
        with self._lock:
            self._resource(failoverip).confirmed_at[address] = at

    def resource_decided(self, failoverip: str, reason: Reason, *, ready: bool) -> None:
        """The last decision's reason, and whether the resource is Ready."""
        with self._lock:
            resource = self._resource(failoverip)
            resource.reason, resource.ready = reason, ready

    def intent_open(self, failoverip: str, attempts: int) -> None:
        """A switch is open and has had this many attempts."""
        with self._lock:
            self._resource(failoverip).attempts = attempts

    def intent_closed(self, failoverip: str) -> None:
        """No switch is open."""
        with self._lock:
            self._resource(failoverip).attempts = None

    def fence_tried(self, failoverip: str, *, refused: bool) -> None:
        """Whether the API server refused what a stale leader would write."""
        with self._lock:
            self._resource(failoverip).fence_proven = refused

    def second_installation(self, failoverip: str, *, seen: bool) -> None:
        """Whether another installation's leader holds the resource."""
        with self._lock:
            self._resource(failoverip).second_installation = seen

    def storm_hold(self, failoverip: str, *, holds: bool) -> None:
        """Whether a storm keeps the moves of the resource back."""
        with self._lock:
            self._resource(failoverip).storm_hold = holds

    def resource_gone(self, failoverip: str) -> None:
        """The resource was deleted: its series end."""
        with self._lock:
            self._state.resources.pop(failoverip, None)

    # -- moves

    def move_detected(self, seconds: float) -> None:
        """A cause was found this long after its first sign."""
        self._events.detect.observe(seconds)

    def move_posted(self, seconds: float) -> None:
        """The first byte of a move's first POST left this long after the cause was found."""
        self._events.post.observe(seconds)

    def move_confirmed(self, seconds: float) -> None:
        """Robot confirmed the route this long after the first POST."""
        self._events.confirm.observe(seconds)

    def move_ended(self, cause: Reason, result: MoveResult) -> None:
        """An intent was closed."""
        self._events.moves.labels(cause.value, result.value).inc()

    # -- Robot

    def request_answered(self, kind: str, outcome: str) -> None:
        """One request: `kind` read or write, `outcome` the name of an answer or a fault."""
        self._events.requests.labels(kind, outcome).inc()

    def budget_left(self, account: str, kind: str, requests: float) -> None:
        """How many requests of this kind may still be sent; `account` is an `account_label`."""
        self._events.budget.labels(account, kind).set(requests)

    def account_gone(self, account: str) -> None:
        """No resource uses the account any more: its series end."""
        self._events.budget.remove_by_labels({"account": account})

    # -- this process and its API server

    def leading(self, *, leads: bool) -> None:
        """Whether this process leads. One that does not knows nothing of the resources."""
        self._events.leading.set(1 if leads else 0)
        if not leads:
            with self._lock:
                self._state.resources.clear()

    def leader_seen(self, identity: str) -> None:
        """Who holds the Lease; empty when nobody does."""
        with self._lock:
            self._state.leader = identity

    def lease_renewed(self, at: float) -> None:
        """The Lease's record changed at this time, by whomever."""
        with self._lock:
            self._state.lease_renewed_at = at

    def listed(self, kind: str, at: float) -> None:
        """A list of this kind (nodes, leases, failoverips) was complete at this time."""
        with self._lock:
            self._state.listed_at[kind] = at

    def watch_heard(self, kind: str, at: float) -> None:
        """The watch of this kind delivered something, a bookmark included."""
        with self._lock:
            self._state.watch_heard_at[kind] = at

    def reconcile_failed(self, kind: str) -> None:
        """A pass ended in an error; `kind` is the error's class name."""
        self._events.errors.labels(kind).inc()

    def _resource(self, failoverip: str) -> _Resource:
        return self._state.resources.setdefault(failoverip, _Resource())


class _Events:
    """What is counted and measured when it happens."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.build = Gauge(
            "failoverip_build_info", "The running version.", ["version"], registry=registry
        )
        self.moves = Counter(
            "failoverip_moves_total",
            "Moves that ended, by cause and result.",
            ["cause", "result"],
            registry=registry,
        )
        self.detect = _histogram(
            registry,
            "failoverip_move_detect_seconds",
            "From the first sign of a cause until it was found to be one.",
        )
        self.post = _histogram(
            registry,
            "failoverip_move_post_seconds",
            "From finding a cause until the first byte of the first POST.",
        )
        self.confirm = _histogram(
            registry,
            "failoverip_move_confirm_seconds",
            "From the first POST until Robot confirmed the route.",
        )
        self.requests = Counter(
            "failoverip_robot_requests_total",
            "Requests to Robot, by kind and outcome.",
            ["kind", "outcome"],
            registry=registry,
        )
        self.budget = Gauge(
            "failoverip_robot_requests_left",
            "Requests to Robot that may still be sent in this hour, by account and kind.",
            ["account", "kind"],
            registry=registry,
        )
        self.leading = Gauge(
            "failoverip_leading", "1 if this process leads, else 0.", registry=registry
        )
        self.errors = Counter(
            "failoverip_reconcile_errors_total",
            "Passes that ended in an error, by kind of error.",
            ["kind"],
            registry=registry,
        )


def _histogram(registry: CollectorRegistry, name: str, text: str) -> Histogram:
    return Histogram(name, text, registry=registry, buckets=_BUCKETS_SECONDS)


class _StateCollector(Collector):
    """Turns the state into series at the moment the page is read."""

    def __init__(self, state: _State, lock: threading.Lock, now: Callable[[], float]) -> None:
        self._state = state
        self._lock = lock
        self._now = now

    def collect(self) -> Iterator[Metric]:
        """All families, from one state under one lock."""
        with self._lock:
            now = self._now()
            families = [*_resource_families(self._state, now), *_process_families(self._state, now)]
        return iter(families)


def _resource_families(state: _State, now: float) -> list[Metric]:
    address = _family("address_info", "Where Robot routes an address.", *_ADDRESS, "node", "state")
    confirmed = _family(
        "address_confirmation_age_seconds",
        "Since Robot last said where the address is.",
        *_ADDRESS,
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
        _add(ready, name, resource.ready)
        if resource.reason is not None:
            decision.add_metric([name, resource.reason.value], 1)
        _add(is_open, name, resource.attempts is not None)
        _add(attempts, name, resource.attempts)
        _add(fence, name, resource.fence_proven)
        _add(second, name, resource.second_installation)
        _add(storm, name, resource.storm_hold)
    return [address, confirmed, ready, decision, is_open, attempts, fence, second, storm]


def _process_families(state: _State, now: float) -> list[Metric]:
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


def _family(name: str, text: str, *labels: str) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"failoverip_{name}", text, labels=labels)


def _add(family: GaugeMetricFamily, failoverip: str, value: float | bool | None) -> None:
    if value is not None:
        family.add_metric([failoverip], float(value))
