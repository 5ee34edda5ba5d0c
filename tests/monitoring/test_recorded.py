"""The rules against what the shipped reconciler shows, at the default timings.

Hours pass in virtual time; both replicas are scraped every 15 s, and promtool plays what they said.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families
from tests.monitoring.promtool import alert_test, complaints
from tests.monitoring.rules import names
from tests.monitoring.series import LABELS, STEP_SECONDS, Series, written_scrapes
from tests.reconciler.world import ADDRESS, World, play
from tests.support.machine import need_programs

# What users of Robot report as the longest.
SLOW: dict[str, Any] = {"switch_seconds": 110.0}
Scrape = dict[Series, float]
MINUTE = 60.0


@pytest.fixture(autouse=True)
def _promtool(pytestconfig: pytest.Config) -> None:
    need_programs(pytestconfig, ["promtool"], "prometheus")


class Recorder:
    """Scrapes the replicas that live."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.scrapes: list[Scrape] = []
        self._task = asyncio.create_task(self._run())

    @property
    def seconds(self) -> float:
        """How long it has recorded."""
        return len(self.scrapes) * STEP_SECONDS

    async def _run(self) -> None:
        while True:
            self.scrapes.append(dict(self._scrape()))
            await asyncio.sleep(STEP_SECONDS)

    def _scrape(self) -> Iterable[tuple[Series, float]]:
        for replica in self.world.replicas:
            if replica.process.stopped:
                continue
            # Told every second by a task of the process that the world does not run.
            replica.metrics.leading(leads=replica.leads)
            labels = {**LABELS, "pod": replica.name}
            for family in text_string_to_metric_families(replica.metrics.page().decode()):
                for sample in family.samples:
                    if sample.name.startswith("failoverip_"):
                        told = {**sample.labels, **labels}
                        yield (sample.name, tuple(sorted(told.items()))), sample.value


def recorded(scenario: Callable[[World, Recorder], Awaitable[None]], **world: Any) -> Recorder:
    """What was scraped during a scenario that begins with a leader, a standby and a Ready `web`."""
    made: list[Recorder] = []

    async def scene(world: World) -> None:
        made.append(Recorder(world))
        await world.pair()
        await world.settled()
        await asyncio.sleep(2 * MINUTE)
        await scenario(world, made[0])

    play(scene, **world)
    return made[0]


def fires(recorder: Recorder, at: float, alerts: dict[str, dict[str, str]]) -> list[dict[str, Any]]:
    """These alerts, and none else."""
    return [alert_test(name, at, [alerts[name]] if name in alerts else []) for name in names()]


def played(directory: Path, recorder: Recorder, tests: list[dict[str, Any]]) -> str:
    """What promtool complains about."""
    test = {
        "interval": f"{STEP_SECONDS}s",
        "input_series": written_scrapes(recorder.scrapes),
        "alert_rule_test": tests,
    }
    return complaints(directory, [test])


def test_an_ordinary_day_wakes_nobody(tmp_path: Path) -> None:
    """A node dies while Robot is slow, the leader is killed, Robot is away, a node reboots."""

    async def day(world: World, _: Recorder) -> None:
        world.kubelets["node-a"].power_off()
        await world.until_ready("node-b")
        world.kubelets["node-a"].power_on()
        await asyncio.sleep(5 * MINUTE)
        leader = next(replica for replica in world.replicas if replica.leads)
        leader.kill()
        await asyncio.sleep(MINUTE)
        world.start("three")
        await asyncio.sleep(5 * MINUTE)
        world.fault(kind="down", for_seconds=4 * MINUTE)
        await asyncio.sleep(12 * MINUTE)

    recorder = recorded(day, **SLOW)
    assert recorder.seconds > 25 * MINUTE
    every_minute = range(0, int(recorder.seconds), int(MINUTE))
    tests = [test for at in every_minute for test in fires(recorder, at, {})]
    assert played(tmp_path, recorder, tests) == ""


def test_all_nodes_that_die_together_are_told_within_minutes(tmp_path: Path) -> None:
    began: list[float] = []

    async def end_of_the_world(world: World, recorder: Recorder) -> None:
        began.append(recorder.seconds)
        for kubelet in world.kubelets.values():
            kubelet.power_off()
        await asyncio.sleep(19 * MINUTE)

    recorder = recorded(end_of_the_world)
    web = {**LABELS, "failoverip": "web"}
    storm = {"FailoverIPStormHold": web}
    dead = {"FailoverIPAddressOnUnhealthyNode": {**web, "address": ADDRESS}}
    late = {"FailoverIPNotReady": web, "FailoverIPFewCandidates": web}
    tests = [
        *fires(recorder, began[0], {}),
        *fires(recorder, began[0] + 2 * MINUTE, storm),
        *fires(recorder, began[0] + 6.5 * MINUTE, storm | dead),
        *fires(recorder, began[0] + 18 * MINUTE, dead | late),
    ]
    assert played(tmp_path, recorder, tests) == ""
