"""The election's shell: sends what `core.election` says, and tells it what came back.

One task at a time talks to the Lease: `acquire`, then `hold`. Others ask: whether this process
leads (`is_leader`), for how long yet (`window_left_seconds`), and for a renewal right now
(`renew_now`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Protocol

from failoverip.clock import Clock
from failoverip.core.election import (
    Create,
    Election,
    Get,
    Loss,
    Lost,
    Moment,
    Update,
    Wait,
    campaign,
    next_step,
    release,
    renew_soon,
    request_limit_seconds,
    took_failure,
    took_missing,
    took_record,
    took_write,
    window_left,
)
from failoverip.core.election_settings import RELEASE_LIMIT_SECONDS, ElectionSettings
from failoverip.core.lease import LeaseRecord
from failoverip.kube.errors import Conflict, KubeError, NotFound
from failoverip.log import get_logger

_log = get_logger(__name__)


class LeaseStore(Protocol):
    """The one Lease. Each call raises KubeError (NotFound where there is none) or TimeoutError.

    After a time-out the next request goes out on a new connection: the API server behind the kept
    one may be on the node that died. Answers carry the stored `resource_version`.
    """

    async def get(self, timeout_seconds: float) -> LeaseRecord:
        """The newest record: a read that the API server may answer from a cache will not do."""
        ...

    async def create(self, record: LeaseRecord, timeout_seconds: float) -> LeaseRecord:
        """Create the Lease; Conflict when it exists."""
        ...

    async def update(self, record: LeaseRecord, timeout_seconds: float) -> LeaseRecord:
        """Replace the Lease; Conflict unless it still has the record's `resource_version`."""
        ...


class Leadership:
    """One process's part in the election, from candidate to loss. It is used once.

    `annotations` is asked at each renewal for what to write onto the Lease; `random` draws from
    [0, 1).
    """

    def __init__(
        self,
        store: LeaseStore,
        clock: Clock,
        identity: str,
        settings: ElectionSettings,
        annotations: Callable[[], Mapping[str, str]],
        random: Callable[[], float],
    ) -> None:
        self._store = store
        self._clock = clock
        self._annotations = annotations
        self._random = random
        self._election: Election = campaign(identity, settings)
        self._wake = asyncio.Event()
        self._holding = False
        self._hold_ended = asyncio.Event()
        # Who asked for a renewal: not yet part of one; part of the one under way.
        self._waiting: list[asyncio.Future[bool]] = []
        self._riding: list[asyncio.Future[bool]] = []
        self._told = ""

    @property
    def identity(self) -> str:
        """What stands as holder in the Lease while this process leads."""
        return self._election.identity

    @property
    def is_leader(self) -> bool:
        """Whether nobody else can lead now."""
        return self.window_left_seconds() > 0

    @property
    def holder(self) -> str:
        """Who leads, as far as this process has seen; empty when nobody does."""
        observed = self._election.observed
        return "" if observed is None else observed.holder

    @property
    def renewed_at(self) -> float | None:
        """When the record was last seen to change (local time), None before it was seen."""
        return None if self._election.observed is None else self._election.observed_at

    @property
    def inherited_annotations(self) -> Mapping[str, str]:
        """What stood on the Lease at acquisition: the predecessor's ledger among it."""
        return dict(self._election.inherited)

    def window_left_seconds(self) -> float:
        """For how long nobody else can lead; 0 when this process does not lead."""
        return window_left(self._election, self._clock.now())

    async def acquire(self) -> None:
        """Return once this process is the leader; goes on over every failure until then.

        The caller takes over `inherited_annotations` before it calls `hold`, which replaces them.
        """
        while self._election.window is None:
            step = self._next_step()
            if isinstance(step, Lost):
                return
            await self._perform(step)

    async def hold(self) -> Lost:
        """Renew until the lease is lost or released, and return why."""
        self._holding = True
        try:
            lost = await self._run()
            if lost.reason in (Loss.NOT_RENEWED, Loss.TAKEN):
                _log.warning("lease lost", reason=lost.reason.value, holder=lost.holder)
            return lost
        finally:
            # A task that is cancelled renews no more: nobody may rely on the rest of the window.
            self._election = release(self._election, self._clock.now())
            self._holding = False
            self._hold_ended.set()
            self._answer(self._waiting, renewed=False)
            self._answer(self._riding, renewed=False)

    async def renew_now(self) -> bool:
        """Whether a renewal that began after this call succeeded; callers at one time share it.

        True means that the Lease is held and carries what `annotations` said after this call.
        False after one attempt, or when this process leads no longer; it takes at most three
        requests' limits, and a renewal under way before them.
        """
        if not self.is_leader:
            return False
        asked: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._waiting.append(asked)
        self._wake.set()
        return await asked

    async def release(self) -> bool:
        """Give the lease up at once, so that a successor need not wait; for SIGTERM.

        From this call on `is_leader` is False. Returns whether the Lease is known to be free of
        this process; gives up after 2 s, for then it expires by itself.
        """
        self._election = release(self._election, self._clock.now())
        self._wake.set()
        with suppress(TimeoutError):
            async with asyncio.timeout(RELEASE_LIMIT_SECONDS):
                if self._holding:
                    await self._hold_ended.wait()
                else:
                    await self._run()
        ended = self._election.ended
        return ended is not None and ended.reason is not Loss.NOT_RELEASED

    async def _run(self) -> Lost:
        while True:
            step = self._next_step()
            if isinstance(step, Lost):
                return step
            await self._perform(step)

    def _next_step(self) -> Get | Create | Update | Wait | Lost:
        self._wake.clear()
        if self._waiting:
            self._election = renew_soon(self._election)
        moment = Moment(self._clock.now(), self._clock.wall(), self._random())
        self._election, step = next_step(self._election, moment, self._annotations)
        if not isinstance(step, Wait | Lost):
            self._riding += self._waiting
            self._waiting = []
        return step

    async def _perform(self, step: Get | Create | Update | Wait) -> None:
        if isinstance(step, Wait):
            await self._pause(step.seconds)
            return
        sent_at = self._clock.now()
        try:
            answer = await self._send(step)
        except (KubeError, TimeoutError) as error:
            self._take_error(step, error)
        else:
            self._take_answer(step, answer, sent_at)

    async def _pause(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._wake.wait()
        except TimeoutError:
            return

    async def _send(self, step: Get | Create | Update) -> LeaseRecord:
        limit_seconds = request_limit_seconds(self._election, self._clock.now())
        # The store keeps the limit too; a store that hangs nevertheless must not hold us up.
        async with asyncio.timeout(limit_seconds):
            if isinstance(step, Get):
                return await self._store.get(limit_seconds)
            if isinstance(step, Create):
                return await self._store.create(step.record, limit_seconds)
            return await self._store.update(step.record, limit_seconds)

    def _take_answer(
        self, step: Get | Create | Update, answer: LeaseRecord, sent_at: float
    ) -> None:
        self._told = ""
        if isinstance(step, Get):
            self._election = took_record(self._election, answer, self._clock.now())
            return
        self._election = took_write(self._election, answer, sent_at)
        window = self._election.window
        self._answer(self._riding, renewed=window is not None and window.sent_at == sent_at)

    def _take_error(self, step: Get | Create | Update, error: KubeError | TimeoutError) -> None:
        if isinstance(step, Get) and isinstance(error, NotFound):
            self._election = took_missing(self._election, self._clock.now())
            return
        self._election = took_failure(self._election)
        if self._election.is_resting:
            self._answer(self._riding, renewed=False)
        self._tell(step, error)

    def _tell(self, step: Get | Create | Update, error: KubeError | TimeoutError) -> None:
        """Say a failure once, not at each retry; a conflict is the election's daily bread."""
        text = str(error) or type(error).__name__
        if isinstance(error, Conflict) or text == self._told:
            return
        self._told = text
        _log.warning("lease request failed", request=type(step).__name__, error=text)

    @staticmethod
    def _answer(asked: list[asyncio.Future[bool]], *, renewed: bool) -> None:
        for future in asked:
            # Its caller may have been cancelled.
            if not future.done():
                future.set_result(renewed)
        asked.clear()
