"""What the metrics say while something happens, and who says it."""

from __future__ import annotations

import asyncio

from prometheus_client.parser import text_string_to_metric_families
from tests.reconciler.world import ADDRESS, World, play, server_ip

from failoverip.simulator.world.replica import Replica

FOREIGN = server_ip(399)


def value(replica: Replica, name: str, **labels: str) -> float | None:
    """The value of the one series with these labels, None without one."""
    found = [
        sample.value
        for family in text_string_to_metric_families(replica.metrics.page().decode())
        for sample in family.samples
        if sample.name == name and labels.items() <= sample.labels.items()
    ]
    return found[0] if found else None


def test_a_foreign_route_is_no_unconfirmed_one_and_is_on_no_node() -> None:
    """Robot goes on saying where it is; the age counted from the last time it was on a node."""

    async def scenario(world: World) -> None:
        leader = await world.lead()
        await world.settled()
        world.move(ADDRESS, FOREIGN)
        await world.until(
            lambda: value(leader, "failoverip_address_info", state="Foreign"), "it is told"
        )
        await asyncio.sleep(600)
        age = value(leader, "failoverip_address_confirmation_age_seconds", address=ADDRESS)
        assert age is not None
        assert age < 150
        assert value(leader, "failoverip_address_node_healthy") is None

    play(scenario)


def test_a_dead_node_is_not_healthy_until_the_address_is_elsewhere() -> None:
    async def scenario(world: World) -> None:
        leader = await world.lead()
        await world.settled()
        assert value(leader, "failoverip_address_node_healthy", address=ADDRESS) == 1
        assert value(leader, "failoverip_candidates_eligible") == 3
        world.kubelets["node-a"].power_off()
        await world.until(world.posts, "Robot is asked")
        assert value(leader, "failoverip_address_node_healthy", address=ADDRESS) == 0
        await world.until_ready("node-b")
        await asyncio.sleep(1)
        assert value(leader, "failoverip_address_node_healthy", address=ADDRESS) == 1
        assert value(leader, "failoverip_candidates_eligible") == 2
        assert value(leader, "failoverip_candidates") == 3

    play(scenario)


def test_conditions_and_the_reserve_are_told_by_the_leader_alone() -> None:
    async def scenario(world: World) -> None:
        leader, standby = await world.pair()
        await world.settled()
        assert value(leader, "failoverip_condition", condition="Ready") == 1
        assert value(leader, "failoverip_condition", condition="Stalled") == 0
        assert value(leader, "failoverip_robot_requests_reserved", kind="write") == 1
        assert value(leader, "failoverip_robot_requests_reserved", kind="read") == 20
        page = standby.metrics.page().decode()
        assert "failoverip_condition{" not in page
        assert "failoverip_robot_requests_reserved{" not in page

    play(scenario)
