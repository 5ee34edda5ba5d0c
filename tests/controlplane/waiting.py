"""Waits for a state of the world, with a deadline: no test sleeps for a time and hopes."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

# Costs nothing while all is well; on a machine that does ten things a move takes over a minute.
DEADLINE_SECONDS = 180.0


class DeadlineError(AssertionError):
    """What was waited for did not come true in time."""


def eventually(
    condition: Callable[[], T | None],
    what: str,
    deadline_seconds: float = DEADLINE_SECONDS,
    poll_seconds: float = 0.05,
) -> T:
    """The first true value of `condition`; DeadlineError names `what` and the last value seen."""
    end = time.monotonic() + deadline_seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() >= end:
            raise DeadlineError(f"not within {deadline_seconds:g} s: {what} (last: {value!r})")
        time.sleep(poll_seconds)


def holds_throughout(
    condition: Callable[[], object], what: str, seconds: float, poll_seconds: float = 0.2
) -> None:
    """Fails at once when `condition` turns false within `seconds`: for what must not happen."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if not condition():
            raise AssertionError(f"did not hold for {seconds:g} s: {what}")
        time.sleep(poll_seconds)
