"""What Prometheus would have scraped of two replicas, as a story of segments.

A story begins quiet. Each segment lasts some seconds and changes what is true from then on.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

STEP_SECONDS = 15
LABELS = {"namespace": "failoverip-system", "job": "failoverip"}
ADDRESS = "203.0.113.10"
# How old the last answer of Robot becomes between two regular reads.
READ_SECONDS = 120

Story = Sequence[tuple[float, dict[str, Any]]]
Series = tuple[str, tuple[tuple[str, str], ...]]


@dataclass(frozen=True)
class Moment:
    """What is true, and who is scraped. `reads`: Robot answers. A None is not told."""

    leader: str | None = "one"
    scraped: tuple[str, ...] = ("one", "two")
    node: str = "node-a"
    state: str = "Confirmed"
    other_node: str | None = None  # where a second address of the resource is
    healthy: int | None = 1
    reads: bool = True
    age_told: bool = True
    ready: int = 1
    intent: int = 0
    eligible: int = 3
    stalled: str | None = None
    provider: str | None = None
    storm: int = 0
    writes_left: int = 49
    reads_left: int = 70
    fence: int = 1
    second: int = 0
    list_age: float = 5
    errors_per_step: float = 0


def quiet_and_then(*segments: tuple[float, dict[str, Any]]) -> Story:
    """Two quiet minutes, then the segments."""
    return ((120.0, {}), *segments)


def written(story: Story) -> list[dict[str, str]]:
    """The input series of a promtool test."""
    return written_scrapes(list(_scrapes(story)))


def written_scrapes(scrapes: Sequence[Mapping[Series, float]]) -> list[dict[str, str]]:
    """The same of what each scrape found."""
    names = sorted({series for scrape in scrapes for series in scrape})
    return [
        {"series": _written_name(name), "values": _values([scrape.get(name) for scrape in scrapes])}
        for name in names
    ]


def _scrapes(story: Story) -> Iterator[dict[Series, float]]:
    moment, at, read_at, errors = Moment(), 0.0, 0.0, 0.0
    for seconds, changes in story:
        moment = replace(moment, **changes)
        for _ in range(round(seconds / STEP_SECONDS)):
            if moment.reads and at - read_at >= READ_SECONDS:
                read_at = at
            errors += moment.errors_per_step
            yield dict(_scrape(moment, at - read_at, errors))
            at += STEP_SECONDS


def _scrape(moment: Moment, age: float, errors: float) -> Iterator[tuple[Series, float]]:
    for pod in moment.scraped:
        yield _series("build_info", pod, version="0.1.0"), 1
        yield _series("leading", pod), float(moment.leader == pod)
        if moment.leader == pod:
            yield from _of_process(moment, pod, errors)
            yield from _of_resource(moment, pod)
            yield from _of_addresses(moment, pod, age)


def _of_process(moment: Moment, pod: str, errors: float) -> Iterator[tuple[Series, float]]:
    yield _series("api_list_age_seconds", pod, kind="nodes"), moment.list_age
    yield _series("reconcile_errors_total", pod, kind="Conflict"), errors
    budgets = {"write": (moment.writes_left, 2), "read": (moment.reads_left, 20)}
    for kind, (left, reserved) in budgets.items():
        yield _series("robot_requests_left", pod, account="5f2a0c1d", kind=kind), left
        yield _series("robot_requests_reserved", pod, account="5f2a0c1d", kind=kind), reserved


def _of_resource(moment: Moment, pod: str) -> Iterator[tuple[Series, float]]:
    told = {"failoverip": "web"}
    yield _series("resource_ready", pod, **told), moment.ready
    yield _series("intent_open", pod, **told), moment.intent
    yield _series("candidates_eligible", pod, **told), moment.eligible
    yield _series("fence_proven", pod, **told), moment.fence
    yield _series("second_installation", pod, **told), moment.second
    yield _series("storm_hold", pod, **told), moment.storm
    fine = "OnHealthyNode"
    conditions = {
        "Stalled": (moment.stalled or fine, float(moment.stalled is not None)),
        "ProviderReachable": (moment.provider or fine, float(moment.provider is None)),
    }
    for condition, (reason, value) in conditions.items():
        yield _series("condition", pod, condition=condition, reason=reason, **told), value


def _of_addresses(moment: Moment, pod: str, age: float) -> Iterator[tuple[Series, float]]:
    told = {"failoverip": "web", "address": ADDRESS}
    yield _series("address_info", pod, node=moment.node, state=moment.state, **told), 1
    if moment.other_node is not None:
        other = {**told, "address": "203.0.113.11"}
        yield _series("address_info", pod, node=moment.other_node, state="Confirmed", **other), 1
    if moment.healthy is not None:
        yield _series("address_node_healthy", pod, **told), moment.healthy
    if moment.age_told:
        yield _series("address_confirmation_age_seconds", pod, **told), age


def _series(name: str, pod: str, **labels: str) -> Series:
    return f"failoverip_{name}", tuple(sorted({**LABELS, "pod": pod, **labels}.items()))


def _written_name(series: Series) -> str:
    name, labels = series
    return name + "{" + ",".join(f'{key}="{value}"' for key, value in labels) + "}"


def _values(samples: Sequence[float | None]) -> str:
    """As Prometheus stores them: a series that is missing in a scrape is marked stale once."""
    words, before = [], False
    for sample in samples:
        missing = "stale" if before else "_"
        words.append(missing if sample is None else f"{sample:g}")
        before = sample is not None
    return " ".join(words)
