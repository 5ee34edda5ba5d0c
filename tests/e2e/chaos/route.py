"""The last audit of a round, while its stage still stands: the route gets right, and stays so."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Protocol

from tests.controlplane.waiting import DeadlineError, eventually
from tests.e2e.chaos.facts import TIME_SCALE

# I8: half an hour after all trouble has ended, and then it stays.
RIGHT_WITHIN_SECONDS = 1800.0 * TIME_SCALE
STAYS_SECONDS = 30.0 * TIME_SCALE
_LOOK_EVERY_SECONDS = 0.2


class Routed(Protocol):
    """What is looked at."""

    def is_right(self) -> bool:
        """Whether every address is Ready on a node with power."""
        ...

    def places(self) -> set[str | None]:
        """Where the addresses go."""
        ...

    def switches(self) -> int:
        """How many requests Robot has executed."""
        ...


def became_right(routed: Routed, tick: Callable[[], object], within_seconds: float) -> str:
    """Empty when it did in time; `tick` lets the world go on."""

    def right() -> bool:
        tick()
        return routed.is_right()

    try:
        eventually(right, "every address is Ready on a node with power", within_seconds)
    except DeadlineError as error:
        return f"route: {error}"
    return ""


def stays(routed: Routed, tick: Callable[[], object], for_seconds: float) -> str:
    """Empty when nothing moves any more."""
    before = routed.switches(), routed.places()
    end = time.monotonic() + for_seconds
    while time.monotonic() < end:
        tick()
        if (routed.switches(), routed.places()) != before:
            return "route: it was right, and moved again without a cause"
        time.sleep(_LOOK_EVERY_SECONDS)
    return "" if routed.is_right() else "route: it was right, and is not any more"
