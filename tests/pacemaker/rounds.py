"""Random rounds: a seed is a story of faults, power cycles, refreshes and thefts, for both agents.

A round counts only if it had an outage that both the call log and Robot's journal show: a monitor
of our agent ran in it, and Robot applied the fault to a request of it. Then no outage may have
restarted our address or what depends on it; only a theft or a death may.

Where Corosync lost a node that nobody touched, as on a machine that lets it wait for seconds, the
cluster restarts everything: that is no round, and is played again. Not if a monitor of ours failed
or was killed in it: that is never excused.
"""

from __future__ import annotations

import math
import random
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from tests.pacemaker import calls
from tests.pacemaker.lab import Lab, running_lab
from tests.pacemaker.stage import AGENT_OF_2011, OUR_AGENT, Stage, Subject

# Each leaves an entry in Robot's journal.
JOURNALED: tuple[dict[str, Any], ...] = (
    {"kind": "forbidden"},
    {"kind": "html"},
    {"kind": "unavailable"},
    {"kind": "gateway_timeout"},
    {"kind": "empty"},
    {"kind": "truncated"},
    {"kind": "reset"},
    {"kind": "hang"},
)
FIRST_SEED = 1
# How often a seed is played until its cluster stays whole.
TRIES = 3


@dataclass(frozen=True)
class Round:
    """What happened in a round."""

    seed: int
    plan: tuple[str, ...]
    counts: bool  # whether a monitor ran in the outage and the journal shows it
    ours: int  # restarts that the outage caused: of the address and of what depends on it
    of_2011: int
    serves: bool  # whether our address serves at the end
    story: str
    tries: int = 1  # more than one: the cluster fell apart in those before

    @property
    def line(self) -> str:
        """One line of the log."""
        return (
            f"seed {self.seed}: {'counts' if self.counts else 'DOES NOT COUNT'}, restarts: ours "
            f"{self.ours}, of 2011 {self.of_2011}, {'serves' if self.serves else 'DOES NOT SERVE'}"
            f" ({', '.join(self.plan)})"
            + (f", try {self.tries}: the cluster fell apart before" if self.tries > 1 else "")
        )


def play(seed: int, directory: Path, root: Path) -> Round:
    """One round in a lab of its own."""
    for attempt in range(1, TRIES):
        if (played := _try(seed, directory / str(attempt), root)) is not None:
            return replace(played, tries=attempt)
        print(f"seed {seed}: no round, the cluster fell apart by itself")
    with running_lab(directory / "last", 3, root) as lab:
        return replace(_Player(seed, lab).play(), tries=TRIES)


def _try(seed: int, directory: Path, root: Path) -> Round | None:
    """None: it was no round."""
    with running_lab(directory, 3, root) as lab:
        player = _Player(seed, lab)
        try:
            played = player.play()
        except AssertionError:
            if player.fell_apart:
                return None
            raise
        return None if player.fell_apart else played


class _Player:
    def __init__(self, seed: int, lab: Lab) -> None:
        self._random = random.Random(seed)  # noqa: S311 - a seed is to be repeated
        self._seed = seed
        self._lab = lab
        self._stage = Stage(lab, (OUR_AGENT, AGENT_OF_2011))
        self._plan: list[str] = []
        self._whole: dict[str, int] = {}  # the memberships of the nodes that nobody touches
        self._apart = False
        self._ended = math.inf  # the outage

    @property
    def fell_apart(self) -> bool:
        """Whether Corosync lost a node unasked, and no monitor of ours did anything wrong."""
        self._look()
        made = [c for c in self._lab.calls(self._stage.marked) if c.began <= self._ended]
        return self._apart and blameless(calls.actions(made, OUR_AGENT.resource, "monitor"))

    def play(self) -> Round:
        chance = self._random
        outage = self._stage.mark()
        self._watch()
        shown = self._outage()
        self._look()
        self._whole = {}
        ended = self._ended = time.monotonic()
        ours = self._disturbed(OUR_AGENT, outage, ended)
        old = self._disturbed(AGENT_OF_2011, outage, ended)
        self._lab.an_hour_later()
        after = chance.choice((self._theft, self._death, None))
        if after is not None:
            after()
        self._stage.until_serves(*self._lab.nodes)
        return Round(
            self._seed, tuple(self._plan), shown, ours, old, self._stage.serves(OUR_AGENT),
            calls.story(self._lab.calls(), self._stage.marked),
        )  # fmt: skip

    def _outage(self) -> bool:
        """Robot in trouble, and what a cluster lives through meanwhile; whether that was seen."""
        began = time.monotonic()
        first = self._random.choice((None, {"kind": "down"}))
        if first is not None:
            self._trouble(first, self._random.randint(1, 3))
        fault = self._random.choice(JOURNALED)
        self._say(fault["kind"])
        self._lab.robot.fault(**fault)
        self._stage.until_monitored(1)
        meanwhile = self._random.choice((self._power_cycle, self._refresh, None))
        if meanwhile is not None:
            meanwhile()
        self._stage.until_monitored(self._random.randint(1, 3))
        monitored = {call.code for call in self._stage.monitors(OUR_AGENT, began)}
        applied = [e for e in self._stage.journal(OUR_AGENT) if e["fault"] == fault["kind"]]
        # The agent of 2011 may take the whole time limit of its monitor to fail.
        self._lab.until(
            lambda: self._disturbed(AGENT_OF_2011, began, time.monotonic()),
            "the agent of 2011 restarts",
        )
        self._lab.robot.heal()
        self._stage.until_monitored(1)
        return bool(applied) and 190 in monitored

    def _trouble(self, fault: dict[str, Any], monitors: int) -> None:
        self._say(fault["kind"])
        self._lab.robot.fault(**fault)
        self._stage.until_monitored(monitors)
        self._lab.robot.heal()

    def _power_cycle(self) -> None:
        node = self._random.choice(self._stage.others())
        self._say(f"power cycle of {node.name}")
        self._look()
        self._whole = {}
        node.power_off()
        self._lab.until_formed()
        node.boot()
        self._lab.until_formed()
        self._watch()

    def _refresh(self) -> None:
        self._say("refresh")
        self._lab.running_nodes[0].run("crm_resource", "--refresh")

    def _theft(self) -> None:
        thief = self._random.choice(self._stage.others())
        self._say(f"theft by {thief.name}")
        self._lab.robot.route(OUR_AGENT.address, thief.address)
        began = time.monotonic()
        self._lab.until(lambda: self._starts(began), "what was stolen is started again")

    def _death(self) -> None:
        owner = self._stage.owner()
        self._say(f"death of {owner.name}")
        began = time.monotonic()
        owner.power_off()
        self._lab.until(lambda: self._starts(began), "what died is started elsewhere")

    def _starts(self, since: float) -> list[calls.Call]:
        return calls.actions(self._lab.calls(since), OUR_AGENT.resource, "start")

    def _disturbed(self, subject: Subject, since: float, until: float) -> int:
        """Stops and starts of an address and of its dependent, whichever are more, in a span."""
        made = [call for call in self._lab.calls(since) if call.began <= until]
        return sum(
            max(
                len(calls.actions(made, name, "start")),
                len(calls.actions(made, name, "stop")),
            )
            for name in (subject.resource, subject.dependent)
        )

    def _watch(self) -> None:
        """From now on nothing is asked of Corosync."""
        self._whole = {node.name: node.memberships() for node in self._lab.running_nodes}

    def _look(self) -> None:
        """Whether Corosync formed a new membership all the same."""
        self._apart |= any(
            self._lab.node(name).memberships() != known for name, known in self._whole.items()
        )

    def _say(self, what: str) -> None:
        self._plan.append(what)


def blameless(monitors: list[calls.Call]) -> bool:
    """Whether recurring monitors gave no reason for a restart: none failed, none was killed.

    Only the last may be without an end: it still runs.
    """
    codes = [call.code for call in monitors if call.recurring]
    return set(codes[:-1]) <= {0, 190} and set(codes[-1:]) <= {0, 190, None}
