"""Addresses of one resource are one unit, on the real API server."""

from __future__ import annotations

import pytest
from tests.controlplane.kubelet import Kubelet
from tests.controlplane.waiting import holds_throughout
from tests.e2e.installation import (
    ADDRESS,
    ADDRESS_V6,
    BRISK,
    PROMPT,
    Installation,
    is_true,
    server_ip,
)

pytestmark = pytest.mark.e2e

GROUP = [ADDRESS, ADDRESS_V6]
NET = ADDRESS_V6.partition("/")[0]


def ipv6_net(number: int) -> str:
    """The main IPv6 net of server 321, 322, ..."""
    return f"2001:db8:a:{number}::"


def ready_group(home: Installation) -> None:
    """One replica leads, and both addresses are on node-a."""
    home.simulator.switches(**PROMPT)
    home.start_replica("one", flags=BRISK)
    home.apply(addresses=GROUP)
    home.until_ready("node-a")


def test_ipv4_and_ipv6_move_as_one_unit(
    installation: Installation, brisk_nodes: dict[str, Kubelet]
) -> None:
    ready_group(installation)
    brisk_nodes["node-a"].power_off()
    status = installation.until_ready("node-b")

    assert installation.simulator.routes() == {ADDRESS: server_ip(322), NET: ipv6_net(322)}
    assert len(status["moves"]) == 1
    first, second = installation.simulator.posts()
    assert {first["address"], second["address"]} == {ADDRESS, NET}
    # Side by side: the second does not wait for the first.
    assert second["began"] < first["ended"]


def test_a_split_group_is_told_repaired_under_enforce_and_a_part_on_a_failed_node_follows(
    installation: Installation, brisk_nodes: dict[str, Kubelet]
) -> None:
    robot = installation.simulator
    ready_group(installation)

    robot.route(NET, ipv6_net(323))
    installation.until(lambda s: is_true(s, "Degraded"), "the split is told")
    split = installation.condition("Degraded")
    assert (split["reason"], ADDRESS_V6 in split["message"]) == ("GroupSplit", True)
    assert installation.condition("Ready")["status"] == "False"
    holds_throughout(lambda: robot.posts() == [], "a healthy node keeps its part", 5)

    installation.patch("web", {"spec": {"drift": "Enforce"}})
    status = installation.until_ready("node-a")
    assert robot.routes() == {ADDRESS: server_ip(321), NET: ipv6_net(321)}
    assert (len(robot.posts()), status["moves"][0]["cause"]) == (1, "GroupSplit")

    installation.patch("web", {"spec": {"drift": "Report"}})
    robot.route(NET, ipv6_net(323))
    installation.until(lambda s: is_true(s, "Degraded"), "the split is told again")
    brisk_nodes["node-c"].power_off()
    installation.until_ready("node-a")
    assert robot.routes() == {ADDRESS: server_ip(321), NET: ipv6_net(321)}
    assert len(robot.posts()) == 2


def test_a_part_that_robot_refuses_is_named_and_does_not_hold_up_the_rest(
    installation: Installation, brisk_nodes: dict[str, Kubelet]
) -> None:
    robot = installation.simulator
    ready_group(installation)
    robot.fault(kind="refused", address=NET)
    brisk_nodes["node-a"].power_off()

    status = installation.until(
        lambda s: s.get("lastMove", {}).get("result") == "Partial" and is_true(s, "Degraded"),
        "the part that did not move is told",
    )
    assert robot.routes() == {ADDRESS: server_ip(322), NET: ipv6_net(321)}
    assert status["activeNode"] == "node-b"
    split = installation.condition("Degraded")
    assert (split["reason"], ADDRESS_V6 in split["message"]) == ("GroupSplit", True)
    refused = len(robot.posts())
    holds_throughout(
        lambda: len(robot.posts()) == refused, "what was refused is not asked for again soon", 5
    )
