"""The main job on a real API server: the active node dies, the address moves, and stays."""

from __future__ import annotations

import pytest
from tests.controlplane.kubelet import Kubelet
from tests.controlplane.waiting import holds_throughout
from tests.e2e.installation import ADDRESS, Installation, server_ip

pytestmark = pytest.mark.e2e


def test_the_address_moves_when_its_node_is_not_ready_with_one_post_and_does_not_come_back(
    installation: Installation, nodes: dict[str, Kubelet]
) -> None:
    installation.start_replica("one")
    installation.start_replica("two")
    installation.apply()
    installation.until_ready("node-a")

    nodes["node-a"].power_off()
    status = installation.until_ready("node-b")

    assert installation.simulator.routes()[ADDRESS] == server_ip(322)
    assert len(installation.simulator.posts()) == 1
    assert status["lastMove"]["result"] == "Confirmed"
    assert status["moves"][0]["cause"] == "NodeUnreachable"

    nodes["node-a"].power_on()
    installation.until(lambda s: s.get("eligibleCount") == 3, "node-a is a candidate again")
    holds_throughout(
        lambda: installation.status()["activeNode"] == "node-b", "it stays on node-b", 5
    )
    assert len(installation.simulator.posts()) == 1
