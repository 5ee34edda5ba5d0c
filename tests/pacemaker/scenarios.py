"""What happens to a cluster: each scenario acts on a stage and asserts nothing.

The tests assert what must become of our address; `python -m tests.pacemaker.contrast` tells what
became of both. A scenario begins at the mark and ends when the world is well again.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests.pacemaker import calls
from tests.pacemaker.lab import PASSWORD, USER, USER_OF_2011
from tests.pacemaker.stage import OUR_AGENT, Stage, Subject

Act = Callable[[Stage], None]

# "Longer than ten monitors."
MONITORS = 11
# A hanging Robot holds each monitor until the agent's own deadline.
HANGING_MONITORS = 3


def refused(stage: Stage) -> None:
    """API refused"""
    _outage(stage, MONITORS, kind="down")


def hanging(stage: Stage) -> None:
    """API hanging"""
    _outage(stage, HANGING_MONITORS, kind="hang")


def forbidden(stage: Stage) -> None:
    """API answers 403"""
    _outage(stage, MONITORS, kind="forbidden")


def html(stage: Stage) -> None:
    """API answers HTML"""
    _outage(stage, MONITORS, kind="html")


def unauthorized(stage: Stage) -> None:
    """API answers 401: the password was changed at Robot"""
    for user in (USER, USER_OF_2011):
        stage.lab.robot.password(user, "changed")
    _monitored(stage, MONITORS)
    for user in (USER, USER_OF_2011):
        stage.lab.robot.password(user, PASSWORD)


def boot_during_outage(stage: Stage) -> None:
    """A node boots during the outage"""
    node = stage.others()[-1]
    node.power_off()
    stage.lab.until_formed()
    stage.lab.robot.fault(kind="down")
    began = time.monotonic()
    node.boot()
    stage.lab.until_formed()
    _probed(stage, began, node.name)
    _monitored(stage, 2)
    stage.lab.robot.heal()


def refresh_during_outage(stage: Stage) -> None:
    """`crm_resource --refresh` during the outage"""
    stage.lab.robot.fault(kind="down")
    _monitored(stage, 1)
    began = time.monotonic()
    stage.lab.running_nodes[0].run("crm_resource", "--refresh")
    _probed(stage, began, *(node.name for node in stage.lab.running_nodes))
    _monitored(stage, 2)
    stage.lab.robot.heal()


def stolen(stage: Stage) -> None:
    """Genuine loss: a stranger routes it away"""
    thief = stage.others()[-1]
    for subject in stage.subjects:
        stage.lab.robot.route(subject.address, thief.address)
    _wait(stage, lambda: all(stage.outcome(subject).starts for subject in stage.subjects))


def owner_dies(stage: Stage) -> None:
    """Power loss of the owner"""
    stage.owner().power_off()
    stage.lab.until_formed()
    _wait(stage, lambda: all(stage.outcome(subject).starts for subject in stage.subjects))


def owner_dies_in_outage(stage: Stage) -> None:
    """Power loss of the owner, API back later"""
    stage.lab.robot.fault(kind="down")
    _monitored(stage, 2)
    began = time.monotonic()
    stage.owner().power_off()
    _wait(
        stage,
        lambda: calls.actions(stage.lab.calls(began), OUR_AGENT.resource, "start"),
    )
    _pass(stage, 10)
    stage.lab.robot.heal()


def planned_move(stage: Stage) -> None:
    """Planned move"""
    target = stage.others()[0].name
    for subject in stage.subjects:
        name = subject.resource
        stage.lab.running_nodes[0].run("crm_resource", "--move", "-r", name, "--node", target)
    _wait(stage, lambda: all(stage.outcome(s).active_on == (target,) for s in stage.subjects))
    for subject in stage.subjects:
        stage.lab.running_nodes[0].run("crm_resource", "--clear", "-r", subject.resource)


def cable_cut(stage: Stage) -> None:
    """Cable cut of the owner (a minority)"""
    owner = stage.owner()
    owner.cut()
    _wait(
        stage,
        lambda: calls.actions(
            [call for call in stage.lab.calls(stage.marked) if call.node == owner.name],
            OUR_AGENT.resource,
            "stop",
        ),
    )
    _wait(stage, lambda: all(stage.outcome(subject).starts for subject in stage.subjects))
    owner.plug()
    stage.lab.until_formed()


def _outage(stage: Stage, monitors: int, **fault: Any) -> None:
    stage.lab.robot.fault(**fault)
    _monitored(stage, monitors)
    stage.lab.robot.heal()


def _monitored(stage: Stage, count: int) -> None:
    """Until each address had so many monitors, as far as it is monitored at all."""
    began = time.monotonic()

    def met(subject: Subject) -> bool:
        stopped = not stage.outcome(subject).active_on
        return stopped or len(stage.monitors(subject, began)) >= count

    _wait(stage, lambda: all(met(subject) for subject in stage.subjects), count * 25 + 60)


def _probed(stage: Stage, since: float, *nodes: str) -> None:
    def met() -> bool:
        made = stage.lab.calls(since)
        return all(
            {call.node for call in made if call.probe and call.resource == subject.resource}
            >= set(nodes)
            for subject in stage.subjects
        )

    _wait(stage, met)


def _pass(stage: Stage, seconds: float) -> None:
    """Let the cluster live for a while: what must last this long is the scenario."""
    end = time.monotonic() + seconds
    _wait(stage, lambda: time.monotonic() > end, seconds + 30)


def _wait(stage: Stage, met: Callable[[], object], seconds: float = 60) -> None:
    """Wait, and go on when it does not come true: the outcome tells."""
    stage.within(met, seconds)


@dataclass(frozen=True)
class Scenario:
    """One line of the contrast."""

    title: str
    act: Callable[[Stage], None]

    @classmethod
    def of(cls, act: Callable[[Stage], None]) -> Scenario:
        """Its docstring is its title."""
        return cls(act.__doc__ or act.__name__, act)


SCENARIOS = tuple(
    map(
        Scenario.of,
        (
            refused, hanging, forbidden, unauthorized, html,
            boot_during_outage, refresh_during_outage, stolen,
            owner_dies, owner_dies_in_outage, planned_move, cable_cut,
        ),
    )
)  # fmt: skip
