"""The fewest acts that still break a promise: a story that a person can read."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from failoverip.simulator.world.script import Act, Script

# Each try plays the world once; after so many the story is short enough.
MOST_TRIES = 120


def shrunk(script: Script, breaks: Callable[[Script], bool]) -> Script:
    """The script with acts left out as long as `breaks` still says yes."""
    acts, tries = list(script.acts), 0
    size = max(1, len(acts) // 2)
    while size and tries < MOST_TRIES:
        start, left_out = 0, False
        while start < len(acts) and tries < MOST_TRIES:
            fewer = acts[:start] + acts[start + size :]
            tries += 1
            if breaks(replace(script, acts=tuple(fewer))):
                acts, left_out = fewer, True
            else:
                start += size
        if not left_out:
            size //= 2
    return replace(script, acts=tuple(acts))


def numbers_of(script: Script, whole: Sequence[Act]) -> list[int]:
    """Which acts of the whole script are left, for the command that replays it."""
    left = set(script.acts)
    return [index for index, act in enumerate(whole) if act in left]
