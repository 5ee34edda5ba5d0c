"""`failoverip operator`: be a candidate, then lead until the lease is lost or a signal comes."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import ssl
import threading
from collections.abc import Callable, Collection, Coroutine, Mapping
from contextlib import suppress
from typing import Any

from failoverip import __version__
from failoverip.clock import SystemClock
from failoverip.core.election_settings import ElectionSettings
from failoverip.core.timings import Timings
from failoverip.kube import (
    CrdVerdict,
    KubeClient,
    KubeconfigError,
    KubeError,
    Kubernetes,
    find_source,
)
from failoverip.log import get_logger
from failoverip.metrics import Metrics
from failoverip.reconciler.handlers import Watches
from failoverip.reconciler.leadership import Leadership
from failoverip.reconciler.lease_on_api import LeaseOnApi
from failoverip.reconciler.ledgers import LEDGER_ANNOTATION, LedgerBook, inherited_ledgers
from failoverip.reconciler.loop import Reconciler
from failoverip.reconciler.pages import PageServer, Phase, ProcessHealth
from failoverip.reconciler.ports import LostLeadershipError, Surroundings
from failoverip.reconciler.reexec import reexecute
from failoverip.robot import Credentials
from failoverip.robot.client import RobotClient
from failoverip.settings import BadInputError, OperatorSettings

_log = get_logger(__name__)

# A share of the lease, as the 5 s of 15 s that design 4 asks for.
WINDOW_SHARE_OF_LEASE = 1 / 3
BEAT_SECONDS = 1.0
# A process whose watches fail is replaced at most this often: each new leader reserves five reads
# of Robot's hundred an hour, and the lists go on meanwhile.
WATCHES_AT_LEAST_SECONDS = 600.0
WAIT_FOR_API_SECONDS = 2.0
# What ends beside the main thing may take this long; then the process goes on without it.
STOP_LIMIT_SECONDS = 1.0
EXIT_LIMIT_SECONDS = 5.0


def run(settings: OperatorSettings) -> int:
    """Run until SIGTERM or SIGINT. A lost lease re-executes the process.

    BadInputError when a setting, the kubeconfig or the port cannot be used.
    """
    _check_authorities(settings)
    clock = SystemClock()
    metrics = Metrics(clock.now, __version__)
    health = ProcessHealth(clock.now)
    with PageServer(settings.listen, metrics, health) as pages:
        _log.info(
            "operator started",
            version=__version__,
            identity=settings.identity,
            clock=clock.source,
            listen=str(pages.address),
            time_scale=settings.time_scale,
        )
        operator = Operator(settings, clock, metrics, health)
        try:
            asyncio.run(operator.run())
        except KubeconfigError as error:
            raise BadInputError(str(error)) from None
    _log.info("operator stopped", identity=settings.identity)
    return 0


def _check_authorities(settings: OperatorSettings) -> None:
    """Found later, in the middle of the work, the file would end each process that leads."""
    if settings.robot_ca_file is None:
        return
    try:
        ssl.create_default_context(cafile=str(settings.robot_ca_file))
    except OSError:
        raise BadInputError(
            f"--robot-ca-file: '{settings.robot_ca_file}' holds no certificates that can be used;"
            " name one readable PEM file"
        ) from None


class Operator:
    """One process, from start to its end."""

    def __init__(
        self,
        settings: OperatorSettings,
        clock: SystemClock,
        metrics: Metrics,
        health: ProcessHealth,
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._metrics = metrics
        self._health = health
        self._stopping = asyncio.Event()
        self._ledger_text: Callable[[], str | None] = lambda: None

    async def run(self) -> None:
        """Wait for the API server and the CRD, campaign, lead."""
        self._catch_signals()
        source = find_source(
            str(self._settings.kubeconfig) if self._settings.kubeconfig else None, os.environ
        )
        async with await KubeClient.open(source) as client:
            kubernetes = Kubernetes(client, self._settings.identity)
            leadership = self._leadership(kubernetes)
            beating = asyncio.create_task(self._beat(leadership))
            try:
                await self._until_stopped(_wait_for_crd(kubernetes))
                self._health.became(Phase.CANDIDATE)
                await self._until_stopped(leadership.acquire())
                if not self._stopping.is_set():
                    await self._lead(client, kubernetes, leadership)
            finally:
                self._health.became(Phase.STOPPING)
                beating.cancel()

    def _catch_signals(self) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stopping.set)

    def _leadership(self, kubernetes: Kubernetes) -> Leadership:
        settings = self._settings
        return Leadership(
            LeaseOnApi(kubernetes, settings.namespace, settings.lease_name),
            self._clock,
            settings.identity,
            ElectionSettings(
                settings.lease_duration_seconds,
                settings.renew_deadline_seconds,
                settings.retry_period_seconds,
            ),
            self._annotations,
            random.random,
        )

    def _annotations(self) -> Mapping[str, str]:
        """Nothing before the predecessor's ledger was taken over: it stays as it is."""
        text = self._ledger_text()
        return {} if text is None else {LEDGER_ANNOTATION: text}

    async def _until_stopped(self, work: Coroutine[Any, Any, None]) -> None:
        """Do the work, or give it up when a signal comes."""
        task = asyncio.create_task(work)
        stopping = asyncio.create_task(self._stopping.wait())
        await asyncio.wait({task, stopping}, return_when=asyncio.FIRST_COMPLETED)
        for pending in (task, stopping):
            if not pending.done():
                pending.cancel()
        with suppress(asyncio.CancelledError):
            await task

    async def _beat(self, leadership: Leadership) -> None:
        while True:
            self._health.beat()
            self._metrics.leading(leads=leadership.is_leader)
            self._metrics.leader_seen(leadership.holder)
            renewed_at = leadership.renewed_at
            if renewed_at is not None:
                self._metrics.lease_renewed(renewed_at)
            await self._clock.sleep(BEAT_SECONDS)

    async def _lead(
        self, client: KubeClient, kubernetes: Kubernetes, leadership: Leadership
    ) -> None:
        """Lead until a signal comes; a lost lease ends in a new process image."""
        self._health.became(Phase.LEADER)
        _log.info("leading", identity=leadership.identity)
        woken = asyncio.Event()
        holding = asyncio.create_task(leadership.hold())
        reconciler = await self._reconciler(kubernetes, leadership, woken.set)
        reconciling = asyncio.create_task(reconciler.run(woken))
        listing = asyncio.create_task(self._tell_listed(reconciler))
        unwatch = asyncio.Event()
        watches = Watches(
            client, reconciler.changed, reconciler.resource_version, self._clock, self._metrics
        )
        kopf_tasks = await watches.spawn(unwatch)
        # kopf has put its own handlers in place of ours.
        self._catch_signals()
        watching = asyncio.create_task(self._watch(watches, kopf_tasks))
        stopping = asyncio.create_task(self._stopping.wait())
        tasks = {holding, reconciling, watching, stopping}
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        listing.cancel()
        if self._stopping.is_set():
            await self._hand_over(leadership, reconciler, reconciling)
            unwatch.set()
            await asyncio.wait(kopf_tasks, timeout=STOP_LIMIT_SECONDS)
            return
        _tell_end(holding, reconciling, watching)
        reconciling.cancel()
        with suppress(TimeoutError):
            async with asyncio.timeout(STOP_LIMIT_SECONDS):
                await reconciler.stop()
                await leadership.release()
        _log.info("starting over as a candidate", identity=leadership.identity)
        # What is left of the process (kopf waits 5 s for its tasks) is not waited for.
        reexecute()

    async def _reconciler(
        self, kubernetes: Kubernetes, leadership: Leadership, wake: Callable[[], None]
    ) -> Reconciler:
        """Take over the predecessor's ledger, and put the parts together."""
        settings = self._settings
        timings = Timings().scaled(settings.time_scale)
        window_seconds = settings.lease_duration_seconds * WINDOW_SHARE_OF_LEASE
        timings = timings.with_window(window_seconds)
        ledgers = await inherited_ledgers(
            kubernetes, leadership.inherited_annotations, self._clock, timings.hour_seconds
        )
        book = LedgerBook(self._clock, leadership, ledgers)
        self._ledger_text = book.text
        around = Surroundings(kubernetes, leadership, self._clock, timings, self._metrics, wake)
        lease = f"{settings.namespace}/{settings.lease_name}"
        return Reconciler(around, self._robot, settings.namespace, lease, book)

    def _robot(self, credentials: Credentials) -> RobotClient:
        ca_file = self._settings.robot_ca_file
        return RobotClient(
            self._settings.robot_url, credentials, ca_file=str(ca_file) if ca_file else None
        )

    async def _watch(self, watches: Watches, tasks: Collection[asyncio.Task[Any]]) -> None:
        """Return when the watches failed, but not at once: the lists go on without them.

        kopf cannot be started twice in a process. A new process for each failure (a right that is
        missing, say) would claim every resource anew in a hot loop.
        """
        began = self._clock.now()
        try:
            await watches.run(tasks)
        except Exception as error:
            _log.warning("watches failed", error=f"{type(error).__name__}: {error}")
        await self._clock.sleep(max(0.0, began + WATCHES_AT_LEAST_SECONDS - self._clock.now()))

    async def _tell_listed(self, reconciler: Reconciler) -> None:
        while not reconciler.listed_once:
            await self._clock.sleep(BEAT_SECONDS / 10)
        self._health.listed()

    async def _hand_over(
        self, leadership: Leadership, reconciler: Reconciler, reconciling: asyncio.Task[None]
    ) -> None:
        """Send nothing more, then free the Lease: the successor begins at once."""
        self._health.became(Phase.STOPPING)
        reconciling.cancel()
        with suppress(TimeoutError):
            async with asyncio.timeout(STOP_LIMIT_SECONDS):
                await reconciler.stop()
        released = await leadership.release()
        _log.info("lease released", released=released)
        _end_soon()


def _end_soon() -> None:
    """Nothing is left to do: whatever still holds the process (kopf, a resolver's thread) must
    not hold it until the kubelet kills it.
    """
    timer = threading.Timer(EXIT_LIMIT_SECONDS, os._exit, args=(0,))
    timer.daemon = True
    timer.start()


async def _wait_for_crd(kubernetes: Kubernetes) -> None:
    """Say what is missing, once, and wait for it."""
    told = ""
    while True:
        said = await _crd_problem(kubernetes)
        if not said:
            return
        if said != told:
            _log.error("waiting", problem=said)
            told = said
        await asyncio.sleep(WAIT_FOR_API_SECONDS)


async def _crd_problem(kubernetes: Kubernetes) -> str:
    try:
        verdict = await kubernetes.get_crd_verdict()
    except KubeError as error:
        return f"{type(error).__name__}: {error}"
    if verdict is CrdVerdict.MISSING:
        return "the CRD failoverips.failoverip.io is not installed: kubectl apply -k manifests/crd"
    if verdict is CrdVerdict.TOO_OLD:
        return "the CRD failoverips.failoverip.io is too old: kubectl apply -k manifests/crd"
    return ""


def _tell_end(
    holding: asyncio.Task[Any], reconciling: asyncio.Task[None], watching: asyncio.Task[None]
) -> None:
    for name, task in (("election", holding), ("reconciler", reconciling), ("watches", watching)):
        if not task.done() or task.cancelled():
            continue
        error = task.exception()
        if isinstance(error, LostLeadershipError):
            _log.warning("somebody else leads", detail=str(error))
        elif error is not None:
            _log.exception("ended", exc=error, part=name)
        elif task is not holding:
            # A lost lease was told when it was lost.
            _log.warning("ended", part=name)
