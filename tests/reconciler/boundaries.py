"""The boundaries of one move: each await that leaves the process, before and after, by name.

What belongs to the switch is a landmark, and is numbered when it comes again. What the process does
all the time (its Lease, its lists, Events) is named with the landmark before it, once: that it
comes again while nothing else happens is the same place.

A move begins with the read of the routes that its decision asks for, and ends when it is recorded.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path

from failoverip.simulator.world.replica import Replica

# Held against what a move really passes: a boundary that is lost must not go unnoticed.
EXPECTED = Path(__file__).with_name("boundaries.txt")
FIRST, LAST = "before reading /failover", "after close the intent"
_ROUTINE = ("renew the Lease", "read the Lease", "list ", "create events")


def expected() -> list[str]:
    """The names, in the order in which a move passes them."""
    return EXPECTED.read_text().splitlines()


def is_routine(place: str) -> bool:
    """Whether it is something that the process does all the time, of whatever name."""
    boundary = place.rpartition(", then ")[2]
    return boundary.split(" ", 1)[1].startswith(_ROUTINE)


class Namer:
    """Gives each boundary its name. With `every`, each passage has its own: `NAME #3`."""

    def __init__(self, *, every: bool = False) -> None:
        self._every = every
        self._passed: Counter[str] = Counter()
        self._landmark = ""
        self._named: set[str] = set()

    def name(self, boundary: str) -> str | None:
        """The name of the boundary that is passed now.

        None where it has been named before, and before a move began.
        """
        if not self._landmark and boundary != FIRST:
            return None
        self._passed[boundary] += 1
        number = self._passed[boundary]
        numbered = boundary if number == 1 else f"{boundary} #{number}"
        if not is_routine(boundary):
            self._landmark = numbered
        elif not self._every:
            numbered = f"{self._landmark}, then {boundary}"
        if numbered in self._named:
            return None
        self._named.add(numbered)
        return numbered


def on_named(replica: Replica, namer: Namer, told: Callable[[str, str], object]) -> None:
    """Tell each boundary that this replica passes from now on, with its name."""

    def passed(boundary: str) -> None:
        named = namer.name(boundary)
        if named is not None:
            told(named, boundary)

    replica.on_boundary = passed


def stop_at(replica: Replica, place: str, namer: Namer, act: Callable[[], object]) -> None:
    """Do `act` when this replica passes the boundary of this name."""

    def passed(named: str, boundary: str) -> None:
        if named == place:
            replica.at(boundary, act)

    on_named(replica, namer, passed)
