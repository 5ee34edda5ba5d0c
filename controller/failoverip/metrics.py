"""Metrics, in a registry of our own. Callers say facts; they never see prometheus_client's types.

What is true now (gauges) is kept as plain values and turned into series when the page is read.
`at` is seconds of the clock given to `Metrics`, which never jumps: ages need no wall clock.
Safe to use from several threads.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Iterable

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    PlatformCollector,
    ProcessCollector,
    generate_latest,
)

from failoverip.core.reasons import Reason
from failoverip.core.resource import AddressStatus, Condition, MoveResult
from failoverip.series import ResourceState, State, StateCollector

PAGE_CONTENT_TYPE = CONTENT_TYPE_LATEST
# A decision takes tenths of a second, the control plane most of a minute, Robot up to two.
_BUCKETS_SECONDS = (0.1, 0.3, 1, 2, 5, 10, 20, 30, 45, 60, 90, 120, 180, 300, 600)


def account_label(username: str) -> str:
    """How an account is called in metrics: the same for the same user name, and not the name."""
    return hashlib.sha256(username.encode("utf-8", "surrogatepass")).hexdigest()[:8]


class Metrics:
    """`now` is the clock of every `at`; `version` is the program's."""

    def __init__(self, now: Callable[[], float], version: str) -> None:
        self._registry = CollectorRegistry()
        self._lock = threading.Lock()
        self._state = State()
        self._events = _Events(self._registry)
        self._events.build.labels(version).set(1)
        self._registry.register(StateCollector(self._state, self._lock, now))
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
            for known in (resource.confirmed_at, resource.healthy):
                for gone in known.keys() - texts:
                    del known[gone]

    def address_confirmed(self, failoverip: str, address: str, at: float) -> None:
        """Robot said where the address is, at this time."""
        with self._lock:
            self._resource(failoverip).confirmed_at[address] = at

    def address_healthy(self, failoverip: str, address: str, *, healthy: bool | None) -> None:
        """Whether the node that the address is on shows a sign of life; None: it is on no node."""
        with self._lock:
            known = self._resource(failoverip).healthy
            known.pop(address, None)
            if healthy is not None:
                known[address] = healthy

    def conditions_told(self, failoverip: str, conditions: Iterable[Condition]) -> None:
        """The conditions of the status; what was said before is replaced."""
        with self._lock:
            self._resource(failoverip).conditions = tuple(conditions)

    def candidates_counted(self, failoverip: str, candidates: int, eligible: int) -> None:
        """How many nodes are selected, and how many of them could take the addresses now."""
        with self._lock:
            resource = self._resource(failoverip)
            resource.candidates, resource.eligible = candidates, eligible

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
        """Whether the API server refused what a stale leader would write.

        The fence is the CRD's: a proof on one resource ends the doubt about all.
        """
        with self._lock:
            for other in self._state.resources.values():
                if refused and other.fence_proven is not None:
                    other.fence_proven = True
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

    def budget_left(self, account: str, kind: str, requests: float, reserved: float) -> None:
        """How many requests of this kind may still be sent, and how many of them are kept back.

        `account` is an `account_label`.
        """
        self._events.budget.labels(account, kind).set(requests)
        self._events.reserve.labels(account, kind).set(reserved)

    def account_gone(self, account: str) -> None:
        """No resource uses the account any more: its series end."""
        for gauge in (self._events.budget, self._events.reserve):
            gauge.remove_by_labels({"account": account})

    # -- this process and its API server

    def leading(self, *, leads: bool) -> None:
        """Whether this process leads. One that does not knows nothing but of the Lease."""
        self._events.leading.set(1 if leads else 0)
        if leads:
            return
        self._events.budget.clear()
        self._events.reserve.clear()
        with self._lock:
            for known in (
                self._state.resources,
                self._state.listed_at,
                self._state.watch_heard_at,
            ):
                known.clear()

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

    def invariant_broken(self, invariant: str) -> None:
        """The last look refused a request; I8 refuses none, and is only counted."""
        self._events.invariants.labels(invariant).inc()

    def reconcile_failed(self, kind: str) -> None:
        """A pass ended in an error; `kind` is the error's class name."""
        self._events.errors.labels(kind).inc()

    def _resource(self, failoverip: str) -> ResourceState:
        if failoverip not in self._state.resources:
            self._state.resources[failoverip] = ResourceState()
        return self._state.resources[failoverip]


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
        self.reserve = Gauge(
            "failoverip_robot_requests_reserved",
            "Of these, requests that are kept for failed nodes, reads for open switches too.",
            ["account", "kind"],
            registry=registry,
        )
        self.leading = Gauge(
            "failoverip_leading", "1 if this process leads, else 0.", registry=registry
        )
        self.invariants = Counter(
            "failoverip_invariant_refusals_total",
            "Requests to Robot that an invariant refused, by its name; I8 is only counted.",
            ["invariant"],
            registry=registry,
        )
        self.errors = Counter(
            "failoverip_reconcile_errors_total",
            "Passes that ended in an error, by kind of error.",
            ["kind"],
            registry=registry,
        )


def _histogram(registry: CollectorRegistry, name: str, text: str) -> Histogram:
    return Histogram(name, text, registry=registry, buckets=_BUCKETS_SECONDS)
