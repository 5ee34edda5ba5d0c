"""Memory and a quiet time: ten resources on fifty nodes, and nothing happens.

One account has a single address, the other twenty: their reads are compared side by side.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from prometheus_client.parser import text_string_to_metric_families
from tests.bench.figures import Figure, Goal
from tests.bench.ground import (
    FIRST_SERVER,
    Account,
    Unit,
    apply_all,
    prepared,
    say,
    start_replica,
)
from tests.bench.machine import bare_imports_mib, cpu_seconds, resident_mib
from tests.controlplane.rest import Json
from tests.e2e.installation import Installation, Replica

MEMORY, QUIET = "memory", "quiet"
MEMORY_GOAL = Goal("max", 90.0)
WRITES_GOAL = Goal("max", 0.0)
READS_GOAL = Goal("max", 30.0)
# Over the whole time: a garbage collection within a short sample is no finding.
CPU_GOAL = Goal("mean", 1.0)
NODES = 50
SAMPLE_SECONDS = 20.0
HOUR_SECONDS = 3600.0
BARE, ONE_ADDRESS = "bare imports", "Robot reads an hour, 1 address"
ONE = Account("#ws+one", "robot-one", (Unit("one", ("203.0.113.10",), FIRST_SERVER),))
# Nine resources with twenty addresses; the account before has the tenth.
SIZES = (2, 2, 2, 2, 2, 2, 2, 3, 3)


@dataclass(frozen=True, slots=True)
class Period:
    """How long to wait before, and how long to watch."""

    settle_seconds: float
    watch_seconds: float


@dataclass(frozen=True, slots=True)
class Watched:
    """What was seen of one process: a value for each sample."""

    mib: list[float]
    cpu_percent: list[float]


def measure(period: Period, measures: Sequence[str]) -> list[Figure]:
    """Watch a quiet installation; the figures of `measures` (memory, quiet)."""
    accounts = [ONE, _twenty()]
    with prepared(accounts, range(FIRST_SERVER, FIRST_SERVER + NODES), None) as (home, _):
        for name in ("one", "two"):
            start_replica(home, name)
        apply_all(home, accounts)
        say(f"quiet: settling for {period.settle_seconds:g} s")
        time.sleep(period.settle_seconds)
        replicas = {"leader": home.leader(), "standby": home.standby()}
        writes, began = _writes(home), time.monotonic()
        if not writes:
            raise AssertionError(
                "not even the claims were counted: the API server's metrics changed"
            )
        watched = _watch(replicas, period.watch_seconds)
        ended = time.monotonic()
        written = _writes(home) - writes
        journal = [e for e in home.simulator.journal() if began <= e["began"] < ended]
    figures = _memory(watched) if MEMORY in measures else []
    if QUIET in measures:
        figures += [_writes_figure(written), *_reads(journal, accounts, ended - began)]
        figures += _cpu(watched)
    return figures


def _twenty() -> Account:
    numbers = iter(range(20, 40))
    units = tuple(
        Unit(
            f"twenty-{index}",
            tuple(f"203.0.113.{next(numbers)}" for _ in range(size)),
            FIRST_SERVER + 1 + index,
        )
        for index, size in enumerate(SIZES)
    )
    return Account("#ws+twenty", "robot-twenty", units)


def _watch(replicas: Mapping[str, Replica], seconds: float) -> dict[str, Watched]:
    watched = {role: Watched([], []) for role in replicas}
    before = {role: cpu_seconds(replica.process.pid) for role, replica in replicas.items()}
    began = last = time.monotonic()
    while last - began < seconds:
        time.sleep(min(SAMPLE_SECONDS, seconds - (last - began)))
        now = time.monotonic()
        for role, replica in replicas.items():
            used = cpu_seconds(replica.process.pid)
            watched[role].cpu_percent.append(100 * (used - before[role]) / (now - last))
            watched[role].mib.append(resident_mib(replica.process.pid))
            before[role] = used
        last = now
        say(f"quiet: {last - began:.0f} of {seconds:g} s")
    return watched


def _writes(home: Installation) -> float:
    """Writes the API server was asked for so far, of all that the operator may write but Leases.

    manifests/rbac lets it write nothing else, and nobody else writes these while it is quiet. A
    refused or an empty write counts too.
    """
    page = home.cluster.admin.text("/metrics")
    return sum(
        sample.value
        for family in text_string_to_metric_families(page)
        for sample in family.samples
        if sample.name == "apiserver_request_total" and _is_the_operators_write(sample.labels)
    )


def _is_the_operators_write(labels: Mapping[str, str]) -> bool:
    writes = labels["verb"] in {"POST", "PUT", "PATCH", "APPLY", "DELETE", "DELETECOLLECTION"}
    kind = (labels["group"], labels["resource"])
    return writes and kind in {("failoverip.io", "failoverips"), ("events.k8s.io", "events")}


def _memory(watched: Mapping[str, Watched]) -> list[Figure]:
    return [
        Figure(MEMORY, BARE, "MiB", (bare_imports_mib(),)),
        *(
            Figure(MEMORY, f"RSS of the {role}", "MiB", tuple(seen.mib), MEMORY_GOAL, BARE)
            for role, seen in watched.items()
        ),
    ]


def _writes_figure(written: float) -> Figure:
    return Figure(QUIET, "API writes but the Lease", "1", (written,), WRITES_GOAL)


def _reads(journal: Sequence[Json], accounts: Sequence[Account], seconds: float) -> list[Figure]:
    """Reads of the routes, scaled from the time watched to an hour."""
    figures = []
    for account, name, compared_to in zip(
        accounts,
        (ONE_ADDRESS, "Robot reads an hour, 20 addresses"),
        ("", ONE_ADDRESS),
        strict=True,
    ):
        mine = [e for e in journal if e["user"] == account.user and e["path"] == "/failover"]
        scaled = len(mine) * HOUR_SECONDS / seconds
        figures.append(Figure(QUIET, name, "1/h", (scaled,), READS_GOAL, compared_to))
    return figures


def _cpu(watched: Mapping[str, Watched]) -> list[Figure]:
    return [
        Figure(QUIET, f"CPU of the {role}", "% of a core", tuple(seen.cpu_percent), CPU_GOAL)
        for role, seen in watched.items()
    ]
