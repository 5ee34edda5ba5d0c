"""What moves the address away from a node, and what does not, on the real API server."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest
from tests.controlplane.controlplane import ControlPlane
from tests.controlplane.fixtures import GatekeeperFactory, KubeletFactory
from tests.controlplane.gatekeeper import Exchange
from tests.controlplane.kubelet import HEARTBEATS, Kubelet
from tests.controlplane.rest import STRATEGIC_PATCH, Api, Json
from tests.controlplane.waiting import eventually, holds_throughout
from tests.e2e.installation import (
    ADDRESS,
    Installation,
    installed,
    server_ip,
    world_toml,
)

pytestmark = pytest.mark.e2e

NODE_A = "/api/v1/nodes/node-a"


def test_a_restarting_kubelet_moves_nothing_and_one_that_stays_not_ready_moves_the_address(
    installation: Installation, nodes: dict[str, Kubelet]
) -> None:
    """At the product's periods: a moment of Ready False is far from the 10 s that count."""
    installation.start_replica("one", flags=["--time-scale", "1"])
    installation.apply()
    installation.until_ready("node-a")

    nodes["node-a"].restart(not_ready_seconds=1)
    installation.until(lambda s: eligible(s, "node-a") is True, "node-a is a candidate again")
    nodes["node-a"].set_ready(False)
    installation.until(lambda s: eligible(s, "node-a") is False, "the operator saw Ready False")
    nodes["node-a"].set_ready(True)
    installation.until(lambda s: eligible(s, "node-a") is True, "node-a is a candidate again")
    assert installation.simulator.posts() == []

    nodes["node-a"].set_ready(False)
    status = installation.until(lambda s: "intent" in s, "a switch begins")
    assert status["intent"]["cause"]["reason"] == "NodeNotReady"
    eventually(
        lambda: installation.simulator.routes()[ADDRESS] == server_ip(322), "it is on node-b"
    )
    assert len(installation.simulator.posts()) == 1


def test_ready_unknown_moves_nothing_while_the_heartbeat_goes_on(
    installation: Installation,
    nodes: dict[str, Kubelet],
    kubelet: KubeletFactory,
    control_plane: ControlPlane,
    gatekeeper: GatekeeperFactory,
) -> None:
    """The control plane says Unknown of a node that beats: it has lost track, not the node."""
    nodes["node-a"].stop()
    gate = gatekeeper()
    gate.answer(_posts_status_of_node_a, 503, b"{}")
    beating = kubelet("node-a", server_ip(321), api=control_plane.api(gate.url))
    installation.start_replica("one")
    installation.apply()
    installation.until_ready("node-a")

    say_unknown(control_plane.admin)
    installation.until(lambda s: eligible(s, "node-a") is False, "the operator saw Ready Unknown")
    before = heartbeat(control_plane.admin)
    holds_throughout(
        lambda: installation.simulator.posts() == [] and beating.reported_ready() == "Unknown",
        "nothing moves",
        15,
    )
    assert heartbeat(control_plane.admin) > before

    beating.freeze()
    status = installation.until_ready("node-b")
    assert status["moves"][0]["cause"] == "NodeUnreachable"


def test_a_deleted_node_is_left_at_once_and_one_deleted_without_any_operator_by_the_next_leader(
    installation: Installation, nodes: dict[str, Kubelet]
) -> None:
    """The next leader never saw the node: it knows from the status who was on that server."""
    first = installation.start_replica("one")
    installation.apply()
    installation.until_ready("node-a")

    installation.cluster.kubectl("delete", "node", "node-a")
    status = installation.until_ready("node-b")
    assert status["moves"][0]["cause"] == "NodeDeleted"

    first.stop()
    installation.cluster.kubectl("delete", "node", "node-b")
    installation.start_replica("two")
    status = installation.until_ready("node-c")
    assert [(move["cause"], move["from"]) for move in status["moves"]] == [
        ("NodeDeleted", "node-b"),
        ("NodeDeleted", "node-a"),
    ]
    assert installation.simulator.routes()[ADDRESS] == server_ip(323)
    assert len(installation.simulator.posts()) == 2


def test_a_node_that_came_back_under_its_name_on_another_server_gets_the_address_there(
    control_plane: ControlPlane, kubelet: KubeletFactory, tmp_path: Path
) -> None:
    """No operator ran meanwhile: the UID tells the new node from the old one."""
    with installed(control_plane, tmp_path, world_toml((321, 322, 324))) as installation:
        old = kubelet("node-a", server_ip(321))
        kubelet("node-b", server_ip(322))
        first = installation.start_replica("one")
        installation.apply()
        before = installation.until_ready("node-a")
        first.stop()

        old.stop()
        installation.cluster.kubectl("delete", "node", "node-a")
        installation.cluster.kubectl("cordon", "node-b")
        kubelet("node-a", server_ip(324))
        installation.start_replica("two")
        status = installation.until(
            lambda s: s.get("activeNodeUID") != before["activeNodeUID"] and "intent" not in s,
            "the address moved to the new node-a",
        )

        assert status["moves"][0]["cause"] == "NodeDeleted"
        assert status["activeNode"] == "node-a"
        assert installation.simulator.routes()[ADDRESS] == server_ip(324)
        assert len(installation.simulator.posts()) == 1


def eligible(status: Json, node: str) -> bool | None:
    """Whether the status counts a node as able to take the address; None when it is not told."""
    for candidate in status.get("candidates", []):
        if candidate["node"] == node:
            able: bool = candidate["eligible"]
            return able
    return None


def heartbeat(api: Api) -> str:
    """When node-a's Lease was last renewed."""
    renewed: str = api.get(f"{HEARTBEATS}/node-a")["spec"]["renewTime"]
    return renewed


def say_unknown(api: Api) -> None:
    """What a node controller writes that heard nothing."""
    now = dt.datetime.now(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    condition = {
        "type": "Ready",
        "status": "Unknown",
        "reason": "NodeStatusUnknown",
        "message": "Kubelet stopped posting node status.",
        "lastTransitionTime": now,
    }
    api.patch(f"{NODE_A}/status", {"status": {"conditions": [condition]}}, STRATEGIC_PATCH)


def _posts_status_of_node_a(exchange: Exchange) -> bool:
    return exchange.method == "PATCH" and exchange.path == f"{NODE_A}/status"
