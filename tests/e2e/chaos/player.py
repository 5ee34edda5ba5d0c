"""Plays a script: does each act when its time has come, and ends it when its time is over.

All in one thread, for processes are started from the main thread. An act whose object is already
down, frozen or silent does nothing, and the notes say so.
"""

from __future__ import annotations

import heapq
import itertools
import signal
import time
from collections.abc import Callable

from tests.e2e.chaos.facts import Span, over
from tests.e2e.chaos.script import PATIENCE_SECONDS, Act, Kind, Script, When
from tests.e2e.chaos.stage import Stage

POLL_SECONDS = 0.02
# As long as a kubelet waits for a container that it has told to end.
GRACE_SECONDS = 30.0
# The longest act, what is started after it, and a slow machine.
OVER_SECONDS = 180.0


class Player:
    """Plays one round on a stage."""

    def __init__(self, stage: Stage, script: Script) -> None:
        self._stage = stage
        self._script = script
        self._diary = stage.diary
        self._probe = stage.plane.api(timeout_seconds=1.0)
        self._ends: list[tuple[float, int, str, Callable[[], None]]] = []
        self._numbers = itertools.count()
        self._busy: set[str] = set()
        self._sightless_since: float | None = None
        self._outage_over_at = 0.0
        self._power_off_at = stage.diary.began
        self.ended: list[tuple[str, int]] = []
        for name in stage.doors:
            self._diary.lives.append(Span(name, stage.diary.began))

    def play(self) -> None:
        """To the end of the trouble: what died is started again, but nodes that stay dead."""
        for act in self._script.acts:
            self._await(act.when)
            self._sleep(act.pause_seconds)
            self._do(act)
        self._wait(lambda: not self._busy - set(self._stage.nodes), OVER_SECONDS)
        self._stage.home.simulator.heal()
        self._wait(lambda: self._stage.api_answers(self._probe), OVER_SECONDS)
        self._wait(lambda: self._sightless_since is None, OVER_SECONDS)
        for _, _, name, _ in self._ends:
            self._stage.nodes[name].power_on()

    def tick(self) -> None:
        """End what is due, look at the processes."""
        while self._ends and self._ends[0][0] <= time.monotonic():
            heapq.heappop(self._ends)[3]()
        self._see_processes()
        self._see_api_server()

    # -- waits

    def _await(self, when: When) -> None:
        since = self._power_off_at
        if when is When.INTENDED:
            self._wait(self._stage.intends, PATIENCE_SECONDS)
        elif when is When.RIGHT:
            self._wait(self._stage.is_right, PATIENCE_SECONDS)
        elif when is When.ASKED:
            self._wait(
                lambda: any(post["began"] >= since for post in self._stage.home.simulator.posts()),
                PATIENCE_SECONDS,
            )

    def _wait(self, condition: Callable[[], bool], seconds: float) -> None:
        """Until it holds, or this long: then the round just goes on."""
        end = time.monotonic() + seconds
        while not condition() and time.monotonic() < end:
            self.tick()
            time.sleep(POLL_SECONDS)

    def _sleep(self, seconds: float) -> None:
        self._wait(lambda: False, seconds)

    # -- acts

    def _do(self, act: Act) -> None:
        doers: dict[Kind, Callable[[Act], bool]] = {
            Kind.KILL: self._end_replica,
            Kind.STOP: self._end_replica,
            Kind.FREEZE: self._freeze_replica,
            Kind.ROBOT: self._trouble_robot,
            Kind.POWER_OFF: self._power_off,
        }
        done = doers.get(act.kind, self._trouble_control_plane)(act)
        self._note(f"{act}" + ("" if done else " (it was down already)"))

    def _end_replica(self, act: Act) -> bool:
        name = self._stage.replica(act.who)
        if name in self._busy:
            return False
        replica = self._stage.doors[name].replica
        if act.kind is Kind.KILL:
            replica.kill()
            over(self._diary.lives, name, time.monotonic())
        else:
            replica.process.send_signal(signal.SIGTERM)
        told = time.monotonic()
        self._later(act.seconds, name, lambda: self._start_replica(name, told))
        return True

    def _start_replica(self, name: str, told: float) -> None:
        process = self._stage.doors[name].replica.process
        if process.running and time.monotonic() - told < GRACE_SECONDS:
            self._later(0.2, name, lambda: self._start_replica(name, told))
            return
        if process.running:
            self._note(f"{name} did not end within {GRACE_SECONDS:g} s of SIGTERM")
            process.kill()
        over(self._diary.lives, name, time.monotonic())
        self._diary.lives.append(Span(name, time.monotonic()))
        process.start()
        self._busy.discard(name)

    def _freeze_replica(self, act: Act) -> bool:
        name = self._stage.replica(act.who)
        if name in self._busy:
            return False
        process = self._stage.doors[name].replica.process
        self._diary.frozen.append(Span(name, time.monotonic()))
        process.freeze()

        def thaw() -> None:
            process.thaw()
            over(self._diary.frozen, name, time.monotonic())
            self._busy.discard(name)

        self._later(act.seconds, name, thaw)
        return True

    def _trouble_control_plane(self, act: Act) -> bool:
        of_etcd = act.kind in (Kind.ETCD_KILLED, Kind.ETCD_FROZEN)
        name = "etcd" if of_etcd else "API server"
        if name in self._busy:
            return False
        process = (self._stage.plane.etcd if of_etcd else self._stage.plane.api_server).process
        if self._sightless_since is None:
            self._sightless_since = time.monotonic()
        if act.kind in (Kind.ETCD_KILLED, Kind.API_KILLED):
            process.kill()
        else:
            process.freeze()

        def end() -> None:
            if process.running:
                process.thaw()
            else:
                process.start()
            self._outage_over_at = time.monotonic()
            self._busy.discard(name)

        self._later(act.seconds, name, end)
        return True

    def _trouble_robot(self, act: Act) -> bool:
        table = dict(act.fault)
        if methods := table.pop("methods", None):
            self._stage.home.simulator.fault(**table, methods=[methods])
        else:
            self._stage.home.simulator.fault(**table, for_seconds=act.seconds)
        return True

    def _power_off(self, act: Act) -> bool:
        name = self._stage.node(act.who)
        node = self._stage.nodes[name]
        if not node.powered:
            return False
        node.power_off()
        self._power_off_at = time.monotonic()
        if act.seconds:
            self._later(act.seconds, name, lambda: self._power_on(name))
        return True

    def _power_on(self, name: str) -> None:
        if not self._stage.api_answers(self._probe):
            # It cannot register: a kubelet tries again.
            self._later(0.5, name, lambda: self._power_on(name))
            return
        self._stage.nodes[name].power_on()
        self._busy.discard(name)

    def _later(self, seconds: float, name: str, end: Callable[[], None]) -> None:
        self._busy.add(name)
        heapq.heappush(self._ends, (time.monotonic() + seconds, next(self._numbers), name, end))

    # -- looks

    def _see_processes(self) -> None:
        for name, door in self._stage.doors.items():
            process = door.replica.process
            if name not in self._busy and not process.running:
                self.ended.append((name, process.returncode or 0))
                self._start_replica(name, time.monotonic())
        if "API server" not in self._busy and not self._stage.plane.api_server.process.running:
            # It gave etcd up; its kubelet starts it again.
            self._sightless_since = self._sightless_since or time.monotonic()
            self._stage.plane.api_server.start()
            self._outage_over_at = time.monotonic()

    def _see_api_server(self) -> None:
        """Blind until a beat arrives again, or the API server says that it serves."""
        since = self._sightless_since
        if since is None or self._busy & {"etcd", "API server"}:
            return
        arrived = [at for at, _ in self._stage.kubelets_api.beats[-9:] if at > self._outage_over_at]
        if arrived or self._stage.api_answers(self._probe):
            seen_at = min(arrived, default=time.monotonic())
            self._diary.blind.append(Span("API server", since, seen_at))
            self._sightless_since = None

    def _note(self, text: str) -> None:
        self._diary.notes.append(f"{time.monotonic():.3f} {text}")
