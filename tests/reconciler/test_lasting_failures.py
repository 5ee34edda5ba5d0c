"""What fails for long costs Robot no read and the log no line at each pass."""

from __future__ import annotations

import asyncio

import pytest
from tests.reconciler.world import World, play

from failoverip.simulator.world.links import Link

A_WHILE_SECONDS = 600
# At the beginning, then one every 120 s.
QUIET_READS = 6


def test_without_a_list_of_nodes_robot_is_read_no_more_often_than_in_quiet_times() -> None:
    async def scenario(world: World) -> None:
        leader = world.start()
        leader.api.faults["list nodes"] = Link.FAILS
        world.apply()
        await world.until(world.reads, "the routes are read")
        await asyncio.sleep(A_WHILE_SECONDS)
        assert len(world.reads()) <= QUIET_READS
        assert world.condition("Routed")["status"] == "Unknown"

        leader.api.faults.clear()
        await world.until_ready("node-a")

    play(scenario)


def test_while_the_servers_are_unknown_the_routes_are_read_no_more_often() -> None:
    async def scenario(world: World) -> None:
        # The first request is for the servers; they are asked for again after a minute.
        world.fault(kind="unavailable", methods=["GET"], count=1)
        await world.lead()
        await world.settled()
        assert len(world.reads()) <= 2

    play(scenario)


def test_a_list_that_fails_for_long_is_logged_once_and_its_return_too(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def scenario(world: World) -> None:
        leader = await world.lead()
        await world.settled()
        leader.api.faults["list nodes"] = Link.FAILS
        await asyncio.sleep(A_WHILE_SECONDS)
        leader.api.faults.clear()
        await asyncio.sleep(60)

    caplog.set_level("INFO")
    play(scenario)
    said = [record.message for record in caplog.records]
    assert said.count("list failed") == 1
    assert said.count("lists succeed again") == 1


def test_a_write_that_fails_for_long_is_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    async def scenario(world: World) -> None:
        leader = await world.lead()
        leader.api.faults["claim"] = Link.FAILS
        world.apply()
        await asyncio.sleep(A_WHILE_SECONDS)
        leader.api.faults.clear()
        await world.until_ready("node-a")

    caplog.set_level("INFO")
    play(scenario)
    said = [record.message for record in caplog.records]
    assert said.count("write failed") == 1
