"""Who is stepped first in a pass: what has something to do, then the others in turn."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable


class Turns:
    """Remembers who was served last, so that a pass that is broken off goes on where it was."""

    def __init__(self) -> None:
        self._last = ""

    def order(
        self, names: Iterable[str], is_urgent: Callable[[str], bool]
    ) -> tuple[list[str], list[str]]:
        """The urgent by name, and the others by name beginning after the last one served."""
        ordered = sorted(names)
        urgent = [name for name in ordered if is_urgent(name)]
        turn = bisect_right(ordered, self._last)
        others = [*ordered[turn:], *ordered[:turn]]
        return urgent, [name for name in others if name not in urgent]

    def served(self, name: str) -> None:
        """It had its turn."""
        self._last = name
