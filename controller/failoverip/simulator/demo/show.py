"""The demo from its first line to its exit code."""

from __future__ import annotations

import asyncio
import datetime as dt
import io
import json
import signal
import sys
import tempfile
import time
from pathlib import Path

from failoverip.kube import KubeError
from failoverip.simulator.demo import story, table, world
from failoverip.simulator.demo.report import Outcome, document
from failoverip.simulator.demo.screen import BOLD, GREEN, RED, Screen
from failoverip.simulator.demo.stage import Stage, opened
from failoverip.simulator.demo.timeline import Timeline
from failoverip.simulator.demo.verdict import Place, problems
from failoverip.simulator.demo.waiting import StageError

OK, FAILED = 0, 1
_LAST_LINES = 15


async def play(plane_name: str, *, as_json: bool, keep: bool) -> int:
    """Play the whole demo; its exit code. SIGTERM cancels it, and everything ends in order.

    BadInputError where that control plane cannot run.
    """
    task = asyncio.current_task()
    if task is not None:
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    screen = Screen(io.StringIO() if as_json else sys.stdout)
    with tempfile.TemporaryDirectory(prefix="failoverip-demo-") as directory:
        return await Show(screen, plane_name, as_json=as_json).run(Path(directory), keep=keep)


class Show:
    """One performance: on `screen`, or as a JSON document on stdout at its end."""

    def __init__(self, screen: Screen, plane_name: str, *, as_json: bool) -> None:
        self._screen = screen
        self._as_json = as_json
        self._timeline = Timeline(screen)
        self._outcome = Outcome(plane_name)

    async def run(self, directory: Path, *, keep: bool) -> int:
        """Open the stage, tell the story, judge it; the exit code."""
        self._introduce()
        began = time.monotonic()
        plane_name = self._outcome.control_plane
        async with opened(directory, plane_name, self._screen, self._progress) as stage:
            try:
                await self._set_up(stage, began)
                place = await self._tell(stage)
            except (StageError, KubeError) as error:
                return self._broken_off(stage, str(error))
            await stage.end_watches()
            self._outcome.problems = problems(place, list(self._outcome.switches.values()))
            if not keep:
                return self._end()
            await self._prepare_to_stay(stage)
            stopping = _stop_signal()
            code = self._end()
            self._tell_how_to_look(stage)
            await stopping.wait()
            return code

    def _introduce(self) -> None:
        plane = {"embedded": "an embedded Kubernetes API", "real": "a real control plane"}
        screen = self._screen
        screen.line(screen.paint("failoverip demo", BOLD))
        screen.line(
            f"The real operator, two replicas, on {plane[self._outcome.control_plane]};"
            " Robot and three nodes are pretended."
        )
        screen.line("Times are shortened:")
        for line in world.TIMINGS.told():
            screen.line(f"  {line}")
        screen.line()

    def _progress(self, text: str) -> None:
        if self._as_json:
            print(text, file=sys.stderr, flush=True)
        else:
            self._screen.line(text)

    async def _set_up(self, stage: Stage, began: float) -> None:
        leader = await story.set_up(stage, self._timeline)
        self._outcome.set_up_seconds = time.monotonic() - began
        self._screen.line(
            f"set-up took {self._outcome.set_up_seconds:.1f} s; replica {leader} leads"
        )

    async def _tell(self, stage: Stage) -> Place:
        timeline, switches = self._timeline, self._outcome.switches
        timeline.act(story.NODE_DIES, "1. The node that has the address dies")
        switches[story.NODE_DIES] = await story.node_dies(stage, timeline)
        self._show_table(stage)
        timeline.act(story.LEADER_DIES, "2. The next one dies, and the leader in mid-switch")
        switches[story.LEADER_DIES] = await story.leader_dies(stage, timeline)
        self._outcome.place = story.find_place(stage)
        self._show_table(stage)
        return self._outcome.place

    def _show_table(self, stage: Stage) -> None:
        now = dt.datetime.now(dt.UTC)
        self._outcome.headers = table.HEADERS
        self._outcome.row = table.row(stage.resources.last(world.RESOURCE), now)
        self._screen.line()
        for line in table.table(self._outcome.row):
            self._screen.line(f"  {line}")

    def _end(self) -> int:
        """Say how it went."""
        outcome = self._outcome
        if self._as_json:
            print(json.dumps(document(outcome, self._timeline.steps, world.TIMINGS), indent=2))
            sys.stdout.flush()
        self._screen.line()
        for problem in outcome.problems:
            self._screen.line(self._screen.paint(f"not as it should be: {problem}", RED))
        if outcome.problems or outcome.place is None:
            return FAILED
        self._screen.line(self._screen.paint(self._praise(outcome.place), GREEN))
        return OK

    def _praise(self, place: Place) -> str:
        switches = self._outcome.switches.values()
        executed = ", ".join(f"{s.executed} from {s.source} to {s.target}" for s in switches)
        where = f"{place.address} is routed to {place.routed_to}, the server of {place.active_node}"
        return f"As it should be: {where}. Executed switches by Robot's journal: {executed}."

    def _broken_off(self, stage: Stage, reason: str) -> int:
        """Say which step did not come, and what the replicas said last."""
        self._outcome.problems = (reason,)
        code = self._end()
        print(f"failoverip demo: {reason}; the replicas' last lines:", file=sys.stderr)
        for line in stage.last_words(_LAST_LINES):
            print(line, file=sys.stderr)
        return code

    async def _prepare_to_stay(self, stage: Stage) -> None:
        """All nodes have power again, and both replicas run."""
        self._outcome.kubeconfig = str(stage.plane.kubeconfig)
        for kubelet in stage.kubelets.values():
            if not kubelet.is_on:
                await kubelet.power_on()
        for name in world.REPLICAS:
            if name not in stage.replicas:
                await stage.start_replica(name)

    def _tell_how_to_look(self, stage: Stage) -> None:
        active = stage.resources.last(world.RESOURCE)["status"]["activeNode"]
        for line in (
            "",
            "Everything runs on, and all nodes have power again. Try in another terminal:",
            f"  export KUBECONFIG={stage.plane.kubeconfig}",
            f"  kubectl describe failoverip {world.RESOURCE}",
            f"  kubectl cordon {active}",
            f"Robot's journal and faults: {stage.robot.admin_url}. Ctrl-C ends it all.",
        ):
            self._screen.line(line)


def _stop_signal() -> asyncio.Event:
    """Set by Ctrl-C or SIGTERM, which end nothing by themselves from now on."""
    stopping = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    return stopping
