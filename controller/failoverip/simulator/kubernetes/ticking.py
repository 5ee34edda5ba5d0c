"""The only task here: calls tick functions, for ever."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NoReturn

from failoverip.clock import Clock


async def tick_forever(
    clock: Clock, ticks: Sequence[Callable[[], None]], every_seconds: float
) -> NoReturn:
    """Call each of `ticks` in order, then again after `every_seconds`, until cancelled."""
    while True:
        for tick in ticks:
            tick()
        await clock.sleep(every_seconds)
