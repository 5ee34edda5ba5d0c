"""Time as an argument of everything that needs it."""

from __future__ import annotations

import asyncio
import time
from typing import Protocol


class Clock(Protocol):
    """Local time that never jumps, wall time for records, and sleep."""

    @property
    def source(self) -> str:
        """The name of the clock behind `now`; the operator says it when it starts."""
        ...

    def now(self) -> float:
        """Seconds since some fixed moment; goes on while the machine is suspended."""
        ...

    def wall(self) -> float:
        """POSIX seconds; may jump, and belongs only into what outlives the process."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Return after so long."""
        ...


class SystemClock:
    """CLOCK_BOOTTIME; where there is none, CLOCK_MONOTONIC, which stands still in suspend."""

    def __init__(self) -> None:
        # Only Linux has it.
        boottime: int | None = getattr(time, "CLOCK_BOOTTIME", None)
        self._clock_id = time.CLOCK_MONOTONIC if boottime is None else boottime
        self._source = "CLOCK_MONOTONIC" if boottime is None else "CLOCK_BOOTTIME"

    @property
    def source(self) -> str:
        """CLOCK_BOOTTIME or CLOCK_MONOTONIC."""
        return self._source

    def now(self) -> float:
        """Seconds since the machine started."""
        return time.clock_gettime(self._clock_id)

    def wall(self) -> float:
        """POSIX seconds."""
        return time.time()

    async def sleep(self, seconds: float) -> None:
        """Return after so long; a suspend in between is not counted."""
        await asyncio.sleep(seconds)
