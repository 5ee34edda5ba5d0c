"""Breadth first through all distinct states; the first harm found is the shortest way to it."""

from __future__ import annotations

import marshal
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from hashlib import blake2b
from time import process_time
from typing import Any

from tests.model.looks import ALL, Rules
from tests.model.runs import RUNS, play
from tests.model.steps import everything
from tests.model.world import Next, State, first


@dataclass(slots=True)
class Explored:
    """What an exploration saw.

    `depth`: all states within so many steps of the runs are among them. `harms`: by what is wrong,
    the shortest story of it. `happened`: how often what led to a state that was new.
    """

    states: int = 0
    transitions: int = 0
    depth: int = 0
    seconds: float = 0.0
    harms: dict[str, list[str]] = field(default_factory=dict)
    happened: Counter[str] = field(default_factory=Counter)

    def tell(self) -> str:
        """One line."""
        pace = self.states / self.seconds if self.seconds else 0.0
        return (
            f"{self.states} states, {self.transitions} transitions to depth {self.depth}"
            f" in {self.seconds:.0f} s of CPU ({pace:.0f} states/s)"
        )


# By digest: the digest of the state before, and which of its successors it is.
_Way = dict[bytes, tuple[bytes, int]]


def digest(state: State) -> bytes:
    """Sixteen bytes that stand for the state: a million of them fit in memory."""
    flat: Any = tuple(map(_plain, state))
    # Version 2 has no references: equal values have equal bytes.
    return blake2b(marshal.dumps(flat, 2), digest_size=16).digest()


def _plain(value: object) -> object:
    return tuple(map(_plain, value)) if isinstance(value, tuple) else value


def explore(
    states: int,
    depth: int,
    rules: Rules = ALL,
    *,
    until: Callable[[Explored], bool] = lambda _: False,
) -> Explored:
    """All states within `depth` steps of the runs; ends early with so many, or when this is so."""
    begun, found = process_time(), Explored()
    ways: _Way = {}
    layer: list[State] = []
    for run in RUNS.values():
        before = b""
        for number, state in play(run, rules):
            here = digest(state)
            if here not in ways:
                ways[here] = (before, number)
                layer.append(state)
            before = here
    while layer and found.depth < depth and not until(found):
        layer = _next_layer(layer, ways, rules, states, found)
        if len(ways) >= states:
            break
        found.depth += 1
    found.states, found.seconds = len(ways), process_time() - begun
    return found


def _next_layer(
    layer: list[State], ways: _Way, rules: Rules, states: int, found: Explored
) -> list[State]:
    after: list[State] = []
    for state in layer:
        here = digest(state)
        for number, happened in enumerate(everything(state, rules)):
            found.transitions += 1
            there = digest(happened.state)
            if there not in ways:
                ways[there] = (here, number)
                after.append(happened.state)
                found.happened[_kind(happened)] += 1
            if happened.harm and _harm(happened) not in found.harms:
                story = [*_story(ways, here, rules), happened.story, f"HARM: {happened.harm}"]
                found.harms[_harm(happened)] = story
        if len(ways) >= states:
            break
    return after


def _harm(happened: Next) -> str:
    """Without the names of nodes and replicas."""
    text = happened.harm
    for kind in ("two executed", "although", "while the open intent", "where Robot allows"):
        if kind in text:
            return kind
    return f"refused: {text}"


def _kind(happened: Next) -> str:
    return " ".join(word for word in happened.story.split() if word not in ("one:", "two:"))


def _story(ways: _Way, there: bytes, rules: Rules) -> list[str]:
    """Play the way again from the first state."""
    numbers: list[int] = []
    while ways[there][0]:
        there, number = ways[there]
        numbers.append(number)
    state, told = first(), []
    for number in reversed(numbers):
        happened = list(everything(state, rules))[number]
        told.append(happened.story)
        state = happened.state
    return told
