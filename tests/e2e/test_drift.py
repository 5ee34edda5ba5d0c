"""The route goes where this operator did not put it, on the real API server."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.controlplane.fixtures import ControlPlaneFactory, KubeletFactory
from tests.controlplane.kubelet import Kubelet
from tests.controlplane.rest import Json
from tests.controlplane.waiting import eventually, holds_throughout
from tests.e2e.installation import (
    ADDRESS,
    BRISK,
    BRISK_BEAT_SECONDS,
    PROMPT,
    Installation,
    installed,
    is_true,
    server_ip,
    told,
    world_toml,
)

pytestmark = pytest.mark.e2e

FOREIGN = "198.51.100.7"
SERVERS = (321, 322, 323, 324)


def test_a_foreign_route_is_told_under_report_and_taken_back_under_enforce_twice_an_hour(
    installation: Installation, brisk_nodes: dict[str, Kubelet]
) -> None:
    robot = installation.simulator
    robot.switches(**PROMPT)
    installation.start_replica("one", flags=BRISK)
    installation.apply()
    installation.until_ready("node-a")

    robot.route(ADDRESS, FOREIGN)
    status = installation.until(
        lambda s: is_true(s, "Degraded") and not is_true(s, "Routed"), "the stranger is told"
    )
    assert installation.condition("Routed")["reason"] == "ForeignServer"
    assert FOREIGN in installation.condition("Degraded")["message"]
    assert status["addresses"][0]["state"] == "Foreign"
    holds_throughout(lambda: robot.posts() == [], "Report only tells", 6)

    installation.patch("web", {"spec": {"drift": "Enforce"}})
    status = installation.until_ready("node-a")
    assert status["moves"][0]["cause"] == "ForeignServer"

    seen = last_number(robot.journal())
    robot.route(ADDRESS, FOREIGN)
    installation.until(lambda s: len(s.get("moves", [])) == 2, "it is taken back again")
    again = robot.posts()[-1]["number"]
    reads = [r for r in robot.journal() if r["method"] == "GET" and r["path"] == "/failover"]
    assert len([r for r in reads if seen < r["number"] < again]) >= 2

    robot.route(ADDRESS, FOREIGN)
    installation.until(lambda s: told(s, "Stalled") == ("True", "Contested"), "somebody must look")
    assert len(robot.posts()) == 2


def test_two_installations_that_enforce_one_address_stop_after_two_requests_each(
    installation: Installation,
    kubelet: KubeletFactory,
    new_control_plane: ControlPlaneFactory,
    tmp_path: Path,
) -> None:
    """Two clusters with one account: neither has the other's nodes."""
    other_plane = new_control_plane()
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    world = world_toml(SERVERS, **PROMPT)
    with (
        installed(installation.cluster, elsewhere, world) as first,
        installed(other_plane, tmp_path, robot_url=first.simulator.url) as second,
    ):
        for home, name, number in ((first, "node-a", 321), (second, "node-d", 324)):
            api = home.cluster.api()
            kubelet(name, server_ip(number), beat_seconds=BRISK_BEAT_SECONDS, api=api)
        for home in (first, second):
            home.start_replica("one", flags=BRISK)
        first.apply(drift="Enforce")
        first.until_ready("node-a")
        second.apply(drift="Enforce")

        def one_gave_up() -> bool:
            reasons = [home.condition("Stalled").get("reason") for home in (first, second)]
            return "Contested" in reasons and len(first.simulator.posts()) >= 3

        eventually(one_gave_up, "one of them says Contested", 150)
        posts = first.simulator.posts()
        holds_throughout(
            lambda: len(first.simulator.posts()) == len(posts), "nobody sends more", 10
        )
        for number in (321, 324):
            sent = [entry for entry in posts if entry["target"] == server_ip(number)]
            assert 1 <= len(sent) <= 2
        # The loser keeps saying so; the winner has what it wants.
        assert {home.condition("Ready")["status"] for home in (first, second)} == {"True", "False"}


def last_number(journal: list[Json]) -> int:
    """Of the newest request."""
    return int(journal[-1]["number"])
