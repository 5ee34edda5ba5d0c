"""An event loop whose clock jumps to the next timer when there is nothing else to do.

A test of hours takes milliseconds and does not depend on the machine. No threads and no real
sockets: the loop cannot see that they are busy, and would let time pass meanwhile.
"""

from __future__ import annotations

import asyncio
import heapq
from collections import deque
from collections.abc import Callable, Coroutine
from contextvars import Context
from typing import Any, TypeVar, TypeVarTuple

T = TypeVar("T")
Ts = TypeVarTuple("Ts")


class Deadlock(RuntimeError):  # noqa: N818  a state of the world
    """Every task waits for another one: no timer is left that could wake any."""


class VirtualTimeLoop(asyncio.SelectorEventLoop):
    """Begins at time 0; `time()` is virtual, and so is all that asyncio builds on it.

    It never asks the operating system for anything: what is ready runs, then time jumps.
    """

    _ready: deque[asyncio.Handle]
    _stopping: bool

    def __init__(self) -> None:
        super().__init__()
        self._now = 0.0
        # When, a number that keeps the order of equal times, what.
        self._timers: list[tuple[float, int, asyncio.TimerHandle]] = []
        self._timers_made = 0

    def time(self) -> float:
        """Virtual seconds."""
        return self._now

    def call_at(
        self,
        when: float,
        callback: Callable[[*Ts], object],
        *args: *Ts,
        context: Context | None = None,
    ) -> asyncio.TimerHandle:
        """As asyncio's."""
        timer = asyncio.TimerHandle(when, callback, args, self, context)
        self._timers_made += 1
        heapq.heappush(self._timers, (when, self._timers_made, timer))
        return timer

    def call_later(
        self,
        delay: float,
        callback: Callable[[*Ts], object],
        *args: *Ts,
        context: Context | None = None,
    ) -> asyncio.TimerHandle:
        """As asyncio's."""
        return self.call_at(self._now + delay, callback, *args, context=context)

    def call_soon(
        self, callback: Callable[[*Ts], object], *args: *Ts, context: Context | None = None
    ) -> asyncio.Handle:
        """As asyncio's, without its looks for misuse."""
        handle = asyncio.Handle(callback, args, self, context)
        self._ready.append(handle)
        return handle

    # asyncio offers no public place for a clock of one's own. What is private to a handle is read
    # as a field: a world calls millions of them, and most of a call would be asking.
    def _run_once(self) -> None:
        timers, ready = self._timers, self._ready
        if not ready and not self._stopping:
            while timers and timers[0][2]._cancelled:  # noqa: SLF001
                heapq.heappop(timers)
            if not timers:
                raise Deadlock("all tasks wait and no timer is left")
            self._now = max(self._now, timers[0][0])
        while timers and timers[0][0] <= self._now:
            timer = heapq.heappop(timers)[2]
            if not timer._cancelled:  # noqa: SLF001
                ready.append(timer)
        self._run_ready()

    def _run_ready(self) -> None:
        for _ in range(len(self._ready)):
            handle = self._ready.popleft()
            if not handle._cancelled:  # noqa: SLF001
                handle._run()  # noqa: SLF001


def run_virtual(main: Coroutine[Any, Any, T]) -> T:
    """Run `main` to its end in virtual time and return its result."""
    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        return runner.run(main)


class VirtualClock:
    """A `failoverip.clock.Clock` on the time of the loop that runs when it is made.

    `offset` is what this machine's clock shows when the loop begins, `wall_offset` what its wall
    clock shows. `freeze` lets this machine's clock alone run on, as for a process that was stopped.
    """

    source = "virtual"

    def __init__(self, offset: float = 1000.0, wall_offset: float = 1_800_000_000.0) -> None:
        self._time = asyncio.get_running_loop().time
        self._offset = offset
        self._wall_offset = wall_offset

    def now(self) -> float:
        """Seconds of this machine's clock."""
        return self._time() + self._offset

    def wall(self) -> float:
        """POSIX seconds."""
        return self._time() + self._wall_offset

    def freeze(self, seconds: float) -> None:
        """Nothing of this process ran for so long."""
        self._offset += seconds
        self._wall_offset += seconds

    def step_wall(self, seconds: float) -> None:
        """Step the wall clock by `seconds`, as an administrator or NTP may."""
        self._wall_offset += seconds

    async def sleep(self, seconds: float) -> None:
        """Return after so much virtual time."""
        await asyncio.sleep(seconds)
