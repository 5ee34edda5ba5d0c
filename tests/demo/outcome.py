"""What the JSON document of a demo that went well must say, on either control plane."""

from __future__ import annotations

import itertools
from typing import Any

NODE_DIES = ["apply", "Ready", "power-off", "detected", "intent", "POST", "confirmed"]
LEADER_DIES = ["power-off", "detected", "intent", "POST", "kill", "adopted", "confirmed"]
STEPS = [*NODE_DIES, *LEADER_DIES]


def assert_went_well(document: dict[str, Any], control_plane: str) -> None:
    """The steps in order, measured; two moves, one executed switch each; the right end."""
    assert (document["control_plane"], document["ok"]) == (control_plane, True)
    assert document["problems"] == []
    steps = document["steps"]
    assert [step["name"] for step in steps] == STEPS
    acts = [step["act"] for step in steps]
    assert acts == ["node-dies"] * len(NODE_DIES) + ["leader-dies"] * len(LEADER_DIES)
    _assert_times_are_measured(document)
    first, second = document["switches"]
    assert [(s["from"], s["to"]) for s in (first, second)] == [
        ("node-a", "node-b"),
        ("node-b", "node-c"),
    ]
    assert [(s["executed"], s["result"]) for s in (first, second)] == [(1, "Confirmed")] * 2
    assert first["leader"] == first["finisher"] == second["leader"] != second["finisher"]
    assert document["address"] == {
        "address": "203.0.113.10",
        "routed_to": "192.0.2.13",
        "node": "node-c",
        "node_ip": "192.0.2.13",
        "ready": True,
    }
    assert document["resource"]["node"] == "node-c"
    assert document["resource"]["ready"] == "True"


def _assert_times_are_measured(document: dict[str, Any]) -> None:
    steps, shortened = document["steps"], document["shortened"]
    at = [step["at_seconds"] for step in steps]
    assert at == sorted(at)
    for before, step in itertools.pairwise(steps):
        took = step["at_seconds"] - before["at_seconds"]
        assert abs(step["took_seconds"] - took) < 0.002
    took_to = {f"{step['act']} {step['name']}": step["took_seconds"] for step in steps}
    # What the stand-ins make everybody wait for, less a beat that was already under way.
    grace = shortened["node_grace_seconds"] - 2 * shortened["beat_seconds"]
    assert took_to["node-dies detected"] >= grace
    assert took_to["leader-dies detected"] >= grace
    switch = shortened["switch_seconds"]
    # A busy machine may learn of the POST late, but not of the end early.
    assert took_to["node-dies confirmed"] >= switch / 2
    assert all(s["robot_seconds"] >= switch for s in document["switches"])
