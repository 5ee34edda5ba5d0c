"""One operator process of the world: what `reconciler.command` puts together, without sockets."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from failoverip.clock import Clock
from failoverip.core.decide import decide
from failoverip.core.decision import Decision
from failoverip.core.election_settings import ElectionSettings
from failoverip.core.invariants import Broken, Facts, Invariant, find_broken
from failoverip.core.ledgers import Ledgers
from failoverip.core.observation import Observation
from failoverip.core.timings import Timings
from failoverip.kube import ConnectionInfo, Kubernetes
from failoverip.kube.codec import node_from
from failoverip.metrics import Metrics
from failoverip.reconciler.handlers import Watches
from failoverip.reconciler.leadership import Leadership
from failoverip.reconciler.lease_on_api import LeaseOnApi
from failoverip.reconciler.ledgers import LEDGER_ANNOTATION, LedgerBook, inherited_ledgers
from failoverip.reconciler.loop import Reconciler
from failoverip.reconciler.ports import (
    Leader,
    LostLeadershipError,
    Surroundings,
)
from failoverip.robot import Credentials
from failoverip.simulator.kubernetes import Api, Request, Store, Watch, WatchEvent
from failoverip.simulator.world.links import (
    API_SECONDS,
    ApiLink,
    Link,
    RobotHost,
    RobotLink,
    RobotWay,
)
from failoverip.simulator.world.processes import Process, outside
from failoverip.simulator.world.virtual_time import VirtualClock

LEASE = "failoverip-operator"
_WATCHED = ("/api/v1/nodes", "/apis/failoverip.io/v1alpha1/failoverips")
# Given for what the world's API and the shipped client both have to be told, and neither uses.
_NOWHERE = ConnectionInfo("https://198.51.100.1")


@dataclass(slots=True)
class Doors:
    """What stands between the operator and the world: a guard that is off has another one here.

    `keeps_lost_lease`: it goes on although its lease is gone.
    """

    kubernetes: Callable[[ApiLink, str], Kubernetes] = Kubernetes
    leader: Callable[[Leader], Leader] = lambda leader: leader
    book: Callable[[Clock, Leader, Ledgers], LedgerBook] = LedgerBook
    timings: Timings = field(default_factory=Timings)
    keeps_lost_lease: bool = False


class _Connection:
    async def connection_info(self) -> ConnectionInfo:
        return _NOWHERE


class Replica:
    """Campaigns, leads, and starts anew when it lost the lease, as the shipped process does."""

    def __init__(
        self,
        name: str,
        number: int,
        store: Store,
        robot: RobotHost,
        namespace: str,
        metrics: Metrics | None = None,
        jitter: Callable[[], float] = lambda: 0.5,
    ) -> None:
        self.name = name
        self.namespace = namespace
        self.process = Process()
        self.clock = VirtualClock(offset=1000.0 * number)
        self.api = ApiLink(Api(store), self._boundary)
        self.metrics = metrics or Metrics(self.clock.now, "0")
        self.way = RobotWay()
        # Others than the core's: a guard that is switched off.
        self.decide: Callable[[Observation], Decision] = decide
        self.find_broken: Callable[[Facts, Mapping[str, Invariant]], Broken | None] = find_broken
        self.doors = Doors()
        # Every boundary that was passed, in order.
        self.passed: list[str] = []
        # Whether what the watches would tell gets lost, comes only later, or each object's at a
        # time of its own, so much later at most.
        self.watch_is_lost = self.watch_hangs = False
        self.watch_spread_seconds = 0.0
        # How often the history no longer reached back to where a watch had stopped.
        self.relisted = 0
        self._heard = asyncio.Event()
        # How often a pass was asked for by a watch.
        self.woken = 0
        self.lost = 0
        self.leadership: Leadership | None = None
        self.reconciler: Reconciler | None = None
        self._store = store
        self._robot = robot
        self._jitter = jitter
        self._at_boundary: dict[str, Callable[[], object]] = {}
        self._after_boundaries: list[tuple[int, Callable[[], object]]] = []
        # Told each boundary as it is passed.
        self.on_boundary: Callable[[str], object] = lambda _: None
        # Told too, and may do something to this process: whether it did.
        self.reached: Callable[[str], bool] = lambda _: False
        self._stopping = asyncio.Event()
        self._killed = False
        # How many processes had this name before: each has an identity of its own.
        self.predecessors = 0
        self.ended = self.process.spawn(self._run())

    # What a test does to it

    def terminate(self) -> None:
        """SIGTERM."""
        self._stopping.set()

    def kill(self) -> None:
        """SIGKILL: also what is frozen never goes on."""
        self._killed = True
        self.process.stop()

    def at(self, boundary: str, act: Callable[[], object]) -> None:
        """Do `act`, once, when this process next passes the boundary."""
        self._at_boundary[boundary] = act

    def also_at(self, boundary: str, act: Callable[[], object]) -> None:
        """As `at`, after what is to be done there already."""
        before = self._at_boundary.get(boundary, lambda: None)
        self._at_boundary[boundary] = lambda: (before(), act())

    def after(self, boundaries: int, act: Callable[[], object]) -> None:
        """Do `act`, once, when this process has passed so many more boundaries."""
        self._after_boundaries.append((len(self.passed) + boundaries, act))

    def freeze(self, seconds: float) -> None:
        """SIGSTOP, and SIGCONT after so long."""
        self.process.stop()
        outside(self._thaw_after(seconds))

    def hear(self) -> None:
        """Let the watches tell now what they kept back."""
        self._heard.set()

    def calm(self) -> None:
        """All its ways are as they should be."""
        self.api.latency_seconds, self.api.recalled = API_SECONDS, lambda _: None
        self.watch_is_lost = self.watch_hangs = self.way.is_cut = False
        self.watch_spread_seconds = self.way.late_seconds = 0.0
        self.hear()

    async def _thaw_after(self, seconds: float) -> None:
        await asyncio.sleep(seconds)
        if not self._killed:
            self.process.resume()

    @property
    def leads(self) -> bool:
        """Whether it may act now, by its own clock."""
        return self.leadership is not None and self.leadership.is_leader

    # What it does by itself

    async def _boundary(self, name: str) -> None:
        self.passed.append(name)
        self.on_boundary(name)
        due = self._due(name) if self._at_boundary or self._after_boundaries else []
        for each in due:
            each()
        if self.reached(name) or due:
            # Where the process was stopped, this does not return before it goes on.
            await asyncio.sleep(0)

    def _due(self, name: str) -> list[Callable[[], object]]:
        """What is to be done at this boundary, once."""
        act = self._at_boundary.pop(name, None)
        due = [then for number, then in self._after_boundaries if number <= len(self.passed)]
        if due:
            self._after_boundaries = [
                each for each in self._after_boundaries if each[0] > len(self.passed)
            ]
        return due if act is None else [*due, act]

    async def _run(self) -> None:
        life = 0
        while not self._stopping.is_set():
            life += 1
            self.leadership = None
            book: list[LedgerBook] = []
            identity = f"{self.name}{self.predecessors or ''}_{life}"
            kubernetes = self.doors.kubernetes(self.api, identity)
            self.leadership = Leadership(
                LeaseOnApi(kubernetes, self.namespace, LEASE),
                self.clock,
                identity,
                ElectionSettings(),
                _annotations_of(book),
                self._jitter,
            )
            await self._until_stopped(self.leadership.acquire())
            if not self._stopping.is_set():
                await self._lead(kubernetes, self.leadership, book)

    async def _lead(
        self, kubernetes: Kubernetes, leadership: Leadership, book: list[LedgerBook]
    ) -> None:
        holding = asyncio.create_task(leadership.hold())
        doors, timings = self.doors, self.doors.timings
        ledgers = await inherited_ledgers(
            kubernetes, leadership.inherited_annotations, self.clock, timings.hour_seconds
        )
        leader = doors.leader(leadership)
        book.append(doors.book(self.clock, leader, ledgers))
        woken = asyncio.Event()
        around = Surroundings(
            kubernetes,
            leader,
            self.clock,
            timings,
            self.metrics,
            woken.set,
            self.decide,
            self.find_broken,
        )
        reconciler = Reconciler(
            around, self._robot_of, self.namespace, f"{self.namespace}/{LEASE}", book[0]
        )
        self.reconciler = reconciler
        reconciling = asyncio.create_task(reconciler.run(woken))
        watching = asyncio.create_task(self._watch(reconciler))
        stopping = asyncio.create_task(self._stopping.wait())
        tasks = {holding, reconciling, watching, stopping}
        ends_by = tasks - {holding} if doors.keeps_lost_lease else tasks
        await asyncio.wait(ends_by, return_when=asyncio.FIRST_COMPLETED)
        self.lost += not self._stopping.is_set()
        reconciling.cancel()
        await reconciler.stop()
        await leadership.release()
        for task in tasks:
            task.cancel()
        ends = await asyncio.gather(*tasks, return_exceptions=True)
        for end in ends:
            if isinstance(end, Exception) and not isinstance(end, LostLeadershipError):
                raise end

    async def _until_stopped(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        stopping = asyncio.create_task(self._stopping.wait())
        await asyncio.wait({task, stopping}, return_when=asyncio.FIRST_COMPLETED)
        for pending in (task, stopping):
            pending.cancel()
        with suppress(asyncio.CancelledError):
            await task

    def _robot_of(self, credentials: Credentials) -> RobotLink:
        return RobotLink(self._robot, credentials, self._boundary, self.name, self.way)

    async def _watch(self, reconciler: Reconciler) -> None:
        """What kopf hands to the handlers, from the world's API."""

        def wake() -> None:
            self.woken += 1
            reconciler.changed()

        watches = Watches(
            _Connection(), wake, reconciler.resource_version, self.clock, self.metrics
        )
        api = Api(self._store)
        streams = [_stream(api, path) for path in _WATCHED]
        end = self._store.observe(self._heard.set)
        try:
            while True:
                await self._heard.wait()
                self._heard.clear()
                if self.api.link is not Link.FINE or self.watch_hangs:
                    continue
                events = [event for stream in streams for event in stream.take()]
                for index, stream in enumerate(streams):
                    if stream.ended:
                        # 410: list again, as kopf does.
                        self.relisted += 1
                        streams[index] = _stream(api, _WATCHED[index])
                        self.hear()
                if not self.watch_is_lost:
                    await self._tell(events, watches)
        finally:
            end()

    async def _tell(self, events: list[WatchEvent], watches: Watches) -> None:
        """Later than the answer to whoever wrote it; those of one object in their order."""
        told = [event for event in events if event.object["kind"] != "Status"]
        if not self.watch_spread_seconds:
            await asyncio.sleep(API_SECONDS)
            _deliver(told, watches)
            return
        loop = asyncio.get_running_loop()
        by_uid: dict[str, list[WatchEvent]] = {}
        for event in told:
            by_uid.setdefault(event.object["metadata"]["uid"], []).append(event)
        for each in by_uid.values():
            loop.call_later(self._jitter() * self.watch_spread_seconds, _deliver, each, watches)


def _stream(api: Api, path: str) -> Watch:
    """A watch that begins with all that there is."""
    watch = api.handle(Request("GET", path, {"watch": "true"}))
    if not isinstance(watch, Watch):
        raise TypeError(f"{path} cannot be watched")
    return watch


def _annotations_of(book: list[LedgerBook]) -> Callable[[], Mapping[str, str]]:
    """Nothing before the predecessor's ledger was taken over."""
    return lambda: {LEDGER_ANNOTATION: book[0].text()} if book else {}


def _deliver(events: list[WatchEvent], watches: Watches) -> None:
    for event in events:
        metadata = event.object["metadata"]
        if event.object["kind"] == "Node":
            watches.node_seen(event.type, node_from(event.object))
        else:
            watches.failoverip_seen(metadata["name"], metadata["resourceVersion"])
