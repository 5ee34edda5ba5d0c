"""The guards of `spec.safety` on the real control plane."""

from __future__ import annotations

import pytest
from tests.controlplane.kubelet import Kubelet
from tests.controlplane.rest import Json
from tests.controlplane.waiting import holds_throughout
from tests.e2e.installation import Installation, told

pytestmark = pytest.mark.e2e


def eligible(status: Json, node: str) -> bool:
    return any(c["node"] == node and c["eligible"] for c in status.get("candidates", []))


def test_nothing_moves_when_all_nodes_fall_silent_and_come_back_one_after_another(
    installation: Installation, nodes: dict[str, Kubelet]
) -> None:
    """`tests/reconciler/test_storms.py` shows the move that the guard prevents."""
    installation.start_replica("one")
    # Longer than a slow machine takes for the steps below.
    installation.apply(safety={"stormHoldSeconds": 600})
    installation.until_ready("node-a")
    installation.until(
        lambda s: all(eligible(s, name) for name in nodes), "all three are seen beating"
    )

    for node in nodes.values():
        node.power_off()
    installation.until(lambda s: told(s, "Degraded") == ("True", "StormHold"), "the storm is told")
    nodes["node-b"].power_on()
    installation.until(lambda s: eligible(s, "node-b"), "node-b could take it")
    nodes["node-c"].power_on()
    installation.until(lambda s: eligible(s, "node-c"), "node-c could take it")
    installation.until(
        lambda s: told(s, "Ready") == ("False", "NodeUnreachable"), "node-a counts as failed"
    )
    holds_throughout(lambda: installation.simulator.posts() == [], "nothing is asked of Robot", 5)

    nodes["node-a"].power_on()
    installation.until_ready("node-a")
    installation.until(lambda s: told(s, "Degraded")[0] == "False", "the storm is over")
    assert installation.simulator.posts() == []


def test_the_moves_of_an_hour_are_limited(
    installation: Installation, nodes: dict[str, Kubelet]
) -> None:
    installation.start_replica("one")
    installation.apply(safety={"maxMovesPerHour": 1})
    installation.until_ready("node-a")

    nodes["node-a"].power_off()
    installation.until_ready("node-b")
    nodes["node-a"].power_on()
    installation.until(lambda s: eligible(s, "node-a"), "node-a could take it again")
    nodes["node-b"].power_off()
    installation.until(
        lambda s: told(s, "Degraded") == ("True", "MovesExhausted"), "the limit is told"
    )
    assert len(installation.simulator.posts()) == 1
