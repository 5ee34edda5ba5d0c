"""An event loop whose clock jumps to the next timer when there is nothing else to do.

A test of hours takes milliseconds and does not depend on the machine. No threads and no real
sockets: the loop cannot see that they are busy, and would let time pass meanwhile.
"""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


class Deadlock(RuntimeError):  # noqa: N818  a state of the world
    """Every task waits for another one: no timer is left that could wake any."""


class _JumpingSelector(selectors.SelectSelector):
    """Where the loop would sleep, virtual time passes instead."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(0)
        if ready:
            return ready
        if timeout is None:
            raise Deadlock("all tasks wait and no timer is left")
        self.now += timeout
        return []


class VirtualTimeLoop(asyncio.SelectorEventLoop):
    """Begins at time 0; `time()` is virtual, and so is all that asyncio builds on it."""

    def __init__(self) -> None:
        self._jumping = _JumpingSelector()
        super().__init__(self._jumping)

    def time(self) -> float:
        """Virtual seconds."""
        return self._jumping.now


def run_virtual(main: Coroutine[Any, Any, T]) -> T:
    """Run `main` to its end in virtual time and return its result."""
    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        return runner.run(main)


class VirtualClock:
    """A `failoverip.clock.Clock` on the running loop's time.

    `offset` is what this machine's clock shows when the loop begins, `wall_offset` what its wall
    clock shows. `freeze` lets this machine's clock alone run on, as for a process that was stopped.
    """

    source = "virtual"

    def __init__(self, offset: float = 1000.0, wall_offset: float = 1_800_000_000.0) -> None:
        self._offset = offset
        self._wall_offset = wall_offset

    def now(self) -> float:
        """Seconds of this machine's clock."""
        return asyncio.get_running_loop().time() + self._offset

    def wall(self) -> float:
        """POSIX seconds."""
        return asyncio.get_running_loop().time() + self._wall_offset

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
