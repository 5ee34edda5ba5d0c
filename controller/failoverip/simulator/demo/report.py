"""The outcome as one JSON document."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from failoverip import __version__
from failoverip.simulator.demo.timeline import Step
from failoverip.simulator.demo.verdict import Place, Switch
from failoverip.simulator.demo.world import DemoTimings

_DIGITS = 3


@dataclass(slots=True)
class Outcome:
    """What is known at the end; a story that broke off lacks a part of it."""

    control_plane: str
    set_up_seconds: float | None = None
    place: Place | None = None
    switches: dict[str, Switch] = field(default_factory=dict)
    headers: Sequence[str] = ()
    row: Sequence[str] = ()
    problems: Sequence[str] = ()
    kubeconfig: str | None = None


def document(outcome: Outcome, steps: Sequence[Step], timings: DemoTimings) -> dict[str, Any]:
    """The document of `--json`. Seconds are measured, but those below `shortened`."""
    return {
        "version": __version__,
        "control_plane": outcome.control_plane,
        "ok": not outcome.problems,
        "problems": list(outcome.problems),
        "shortened": timings.as_dict(),
        "set_up_seconds": _rounded(outcome.set_up_seconds),
        "steps": [_step(step) for step in steps],
        "switches": [{"act": act, **_switch(s)} for act, s in outcome.switches.items()],
        "address": None if outcome.place is None else _place(outcome.place),
        "resource": dict(zip((h.lower() for h in outcome.headers), outcome.row, strict=True)),
        "kubeconfig": outcome.kubeconfig,
    }


def _step(step: Step) -> dict[str, Any]:
    return {
        "act": step.act,
        "name": step.name,
        "text": step.text,
        "at_seconds": _rounded(step.at_seconds),
        "took_seconds": _rounded(step.took_seconds),
    }


def _switch(switch: Switch) -> dict[str, Any]:
    return {
        "from": switch.source,
        "to": switch.target,
        "result": switch.result,
        "posts": switch.posts,
        "executed": switch.executed,
        "leader": switch.leader,
        "finisher": switch.finisher,
        "robot_seconds": _rounded(switch.robot_seconds),
    }


def _place(place: Place) -> dict[str, Any]:
    return {
        "address": place.address,
        "routed_to": place.routed_to,
        "node": place.active_node,
        "node_ip": place.active_node_ip,
        "ready": place.ready,
    }


def _rounded(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, _DIGITS)
