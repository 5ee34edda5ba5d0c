"""Waits for a state of the world; the only place that gives up.

StageError                 something did not come true, or ended that should run; one line
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

T = TypeVar("T")

_POLL_SECONDS = 0.05
# Far more than any step needs: a slow machine makes the demo slower, never wrong.
DEADLINE_SECONDS = 180.0


class StageError(Exception):
    """Something did not come true, or ended that should run. One line."""


async def until(
    find: Callable[[], Awaitable[T | None]],
    what: str,
    check: Callable[[], None],
    tell: Callable[[float], None],
    deadline_seconds: float = DEADLINE_SECONDS,
) -> T:
    """What `find` finds, once it is not None; StageError names `what` after the deadline.

    `check` raises when it cannot come any more; `tell` hears how many seconds have passed.
    """
    began = time.monotonic()
    while True:
        found = await find()
        if found is not None:
            return found
        check()
        passed = time.monotonic() - began
        if passed >= deadline_seconds:
            raise StageError(f"not within {deadline_seconds:g} s: {what}")
        tell(passed)
        await asyncio.sleep(_POLL_SECONDS)
