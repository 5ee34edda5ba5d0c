"""When to silence which node, and when to mark it: many on their way, one marked at a time."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from dataclasses import dataclass

# Irregular against the operator's periods, and the same in each run.
STEP_SECONDS = (1.6, 2.4)
_SEED = 3


@dataclass(frozen=True, slots=True, order=True)
class Step:
    """At this age of the run: silence the victim of a move, or mark it Unknown."""

    at_seconds: float
    marks: bool
    move: int


def timetable(moves: int, silence_seconds: float) -> list[Step]:
    """The steps of all moves, in order; `silence_seconds` lie between the two of one move."""
    chance = random.Random(_SEED)  # noqa: S311  # a spread of times, no secret
    steps, at = [], 0.0
    for move in range(moves):
        steps += [Step(at, False, move), Step(at + silence_seconds, True, move)]
        at += chance.uniform(*STEP_SECONDS)
    return sorted(steps)


def paced(steps: list[Step]) -> Iterator[Step]:
    """Each step when it is due. A delay puts off all that follow: no silence gets shorter."""
    began = time.monotonic()
    for step in steps:
        late = time.monotonic() - (began + step.at_seconds)
        began += max(0.0, late)
        time.sleep(max(0.0, -late))
        yield step
