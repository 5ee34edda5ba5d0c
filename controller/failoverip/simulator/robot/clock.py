"""The simulator's clock: monotonic seconds, plus what somebody added to save waiting."""

from __future__ import annotations

import time
from collections.abc import Callable


class SimulatorClock:
    """Never falls. With nothing added it is CLOCK_MONOTONIC, the same in all local processes."""

    def __init__(self, base: Callable[[], float] = time.monotonic) -> None:
        self._base = base
        self._added_seconds = 0.0

    def now(self) -> float:
        """Seconds."""
        return self._base() + self._added_seconds

    def advance(self, seconds: float) -> None:
        """Makes it `seconds` later, at once."""
        if seconds < 0:
            raise ValueError("a clock does not go back")
        self._added_seconds += seconds
