"""What a round does, drawn from its seed before anything runs: pure, and readable as a story.

A round is one or two episodes. In each the node that carries the address loses power, and around
that other things go wrong: at times, or at the moment when a switch is intended or Robot is asked.
Who `leader`, `standby` and `carrier` are is found out when it happens.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

Value = str | int | float | bool
Table = tuple[tuple[str, Value], ...]


class When(StrEnum):
    """What an act waits for, at most `PATIENCE_SECONDS` long."""

    PAUSE = "after a pause"
    INTENDED = "once a switch is intended"
    ASKED = "once Robot is asked to switch"
    RIGHT = "once all is well again"


class Kind(StrEnum):
    """What goes wrong, and how it ends after `seconds`."""

    KILL = "kill -9"  # started again
    STOP = "SIGTERM"  # started again
    FREEZE = "SIGSTOP"  # SIGCONT
    API_KILLED = "API server killed"  # started again
    API_FROZEN = "API server frozen"  # thawed
    ETCD_KILLED = "etcd killed"  # started again
    ETCD_FROZEN = "etcd frozen"  # thawed
    ROBOT = "Robot"  # healed
    POWER_OFF = "power off"  # on again, or never


# Longer than a dead node takes to be found out, and left, on an idle machine.
PATIENCE_SECONDS = 30.0
# What may come between a power-off and the next of its episode.
MOMENTS = (When.PAUSE, When.INTENDED, When.ASKED)
# Three times the lease: a frozen leader is replaced meanwhile, or it is not.
LONGEST_FREEZE_SECONDS = 18.0
# Longer than an election here needs, shorter than the lease of kube-controller-manager.
LONGEST_OUTAGE_SECONDS = 10.0

# Bare 403 and 401 are left alone for minutes; tests/e2e/test_robot_faults.py has them.
FAULTS: tuple[Table, ...] = (
    (("kind", "down"),),
    (("kind", "hang"),),
    (("kind", "unavailable"),),
    (("kind", "html"),),
    (("kind", "empty"),),
    (("kind", "truncated"),),
    (("kind", "gateway_timeout"),),
    (("kind", "reset"),),
    (("kind", "slow"), ("seconds", 3.0)),
    (("kind", "rate_limited"),),
    (("kind", "locked"),),
)
# What the next request to switch meets.
ONE_POST: Table = (("methods", "POST"), ("count", 1))
FAULTS_OF_A_POST: tuple[Table, ...] = (
    (("kind", "reset"), ("executed", True)),
    (("kind", "gateway_timeout"), ("executed", True)),
    (("kind", "html"), ("executed", True)),
    (("kind", "hang"), ("executed", True)),
    (("kind", "truncated"),),
    (("kind", "unavailable"),),
    (("kind", "reset"),),
    (("kind", "failed"),),
    (("kind", "not_complete"),),
    (("kind", "refused"),),
    (("kind", "locked"),),
)


@dataclass(frozen=True)
class Act:
    """One thing that goes wrong. `seconds` 0: it has no end of its own, or never ends."""

    when: When
    pause_seconds: float
    kind: Kind
    who: str = ""
    seconds: float = 0.0
    fault: Table = ()

    def __str__(self) -> str:
        after = f"{self.pause_seconds:.1f} s later"
        first = after if self.when is When.PAUSE else f"{self.when.value}, {after}"
        what = " ".join(str(value) for _, value in self.fault)
        names = " ".join(part for part in (self.kind.value, self.who, what) if part)
        return f"{first}: {names}" + (f", for {self.seconds:.1f} s" if self.seconds else "")


@dataclass(frozen=True)
class Script:
    """A round. `ready_shown`: whether Robot says when a switch is done; without, two reads do."""

    seed: int
    grouped: bool
    ready_shown: bool
    switch_seconds: float
    acts: tuple[Act, ...]

    def __str__(self) -> str:
        addresses = "an IPv4 and an IPv6 address" if self.grouped else "one address"
        shown = "says when" if self.ready_shown else "does not say when"
        head = (
            f"seed {self.seed}: {addresses}; a switch takes {self.switch_seconds:.1f} s, and Robot "
            f"{shown} it is done"
        )
        return "\n".join([head, *(f"  {act}" for act in self.acts)])


def draw(seed: int) -> Script:
    """The round of a seed."""
    chance = random.Random(f"chaos {seed}")  # noqa: S311 - a seed is to be repeated
    episodes = chance.choice((1, 1, 2))
    acts: list[Act] = []
    for number in range(episodes):
        acts += _episode(chance, When.PAUSE if number == 0 else When.RIGHT)
    return Script(
        seed,
        grouped=chance.random() < 0.3,
        ready_shown=chance.random() < 0.7,
        switch_seconds=round(chance.uniform(0.5, 5.0), 1),
        acts=tuple(acts),
    )


def _episode(chance: random.Random, when: When) -> list[Act]:
    """A power-off, with one thing before it at the most and one to three after."""
    before = [_trouble(chance, When.PAUSE) for _ in range(chance.choice((0, 0, 1)))]
    after = [_trouble(chance, chance.choice(MOMENTS)) for _ in range(chance.choice((1, 2, 3)))]
    return [*before, _power_off(chance, when), *after]


def _power_off(chance: random.Random, when: When) -> Act:
    """Of the carrier mostly; back after a while, or never."""
    who = "carrier" if chance.random() < 0.9 else "another"
    seconds = round(chance.uniform(4.0, 60.0), 1) if chance.random() < 0.5 else 0.0
    return Act(when, _pause(chance), Kind.POWER_OFF, who, seconds)


def _trouble(chance: random.Random, when: When) -> Act:
    makers: tuple[Callable[[random.Random, When], Act], ...] = (_process, _control_plane, _robot)
    # Half of it happens to the operator's own processes.
    return chance.choices(makers, weights=(4, 2, 2))[0](chance, when)


def _process(chance: random.Random, when: When) -> Act:
    kind = chance.choice((Kind.KILL, Kind.FREEZE, Kind.FREEZE, Kind.STOP))
    longest = LONGEST_FREEZE_SECONDS if kind is Kind.FREEZE else LONGEST_OUTAGE_SECONDS
    who = "leader" if chance.random() < 0.8 else "standby"
    return Act(when, _pause(chance, when), kind, who, round(chance.uniform(0.5, longest), 1))


def _control_plane(chance: random.Random, when: When) -> Act:
    kinds = (Kind.API_KILLED, Kind.API_FROZEN, Kind.ETCD_KILLED, Kind.ETCD_FROZEN)
    seconds = round(chance.uniform(0.5, LONGEST_OUTAGE_SECONDS), 1)
    return Act(when, _pause(chance, when), chance.choice(kinds), seconds=seconds)


def _robot(chance: random.Random, when: When) -> Act:
    if chance.random() < 0.5:
        fault = (*chance.choice(FAULTS_OF_A_POST), *ONE_POST)
        return Act(When.PAUSE, _pause(chance), Kind.ROBOT, fault=fault)
    seconds = round(chance.uniform(1.0, 15.0), 1)
    return Act(when, _pause(chance, when), Kind.ROBOT, seconds=seconds, fault=chance.choice(FAULTS))


def _pause(chance: random.Random, when: When = When.PAUSE) -> float:
    """Around a switch the next moments matter, else the time that it takes to find a dead node."""
    return round(chance.uniform(0.0, 8.0 if when is When.PAUSE else 1.0), 1)
