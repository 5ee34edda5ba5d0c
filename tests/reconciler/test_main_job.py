"""The main job: the active node dies, the address moves, and stays."""

from __future__ import annotations

import asyncio
import logging

import pytest
from tests.reconciler.world import (
    ADDRESS,
    ADDRESS_V6,
    FIPS,
    GROUP,
    World,
    kept_back,
    play,
    server_ip,
)

from failoverip.simulator.world.links import Link


def test_the_address_of_a_dead_node_moves_with_one_post_and_stays_when_the_node_returns() -> None:
    async def scenario(world: World) -> None:
        await world.pair()
        await world.settled()
        world.kubelets["node-a"].power_off()
        await world.until_ready("node-b")

        assert world.route(ADDRESS) == server_ip(322)
        assert len(world.posts()) == 1
        assert world.status()["lastMove"]["result"] == "Confirmed"

        world.kubelets["node-a"].power_on()
        await asyncio.sleep(600)
        assert world.status()["activeNode"] == "node-b"
        assert len(world.posts()) == 1

    play(scenario)


def test_a_group_moves_as_one_with_one_post_for_each_address() -> None:
    async def scenario(world: World) -> None:
        await world.lead()
        await world.settled(addresses=GROUP)
        world.kubelets["node-a"].power_off()
        await world.until_ready("node-b")

        assert sorted(post.address or "" for post in world.posts()) == [ADDRESS_V6, ADDRESS]
        assert world.route(ADDRESS) == server_ip(322)
        assert world.route(ADDRESS_V6) == "2001:db8:a:322::"
        assert len(world.status()["moves"]) == 1

    play(scenario)


def test_a_move_tells_at_most_four_events() -> None:
    async def scenario(world: World) -> None:
        await world.lead()
        await world.settled(addresses=GROUP)
        before = len(world.events())
        world.kubelets["node-a"].power_off()
        await world.until_ready("node-b")
        await asyncio.sleep(60)
        told = [event["reason"] for event in world.events()[before:]]
        assert 2 <= len(told) <= 4
        assert {"NodeUnreachable", "Confirmed"} <= set(told)

    play(scenario)


def test_events_that_nobody_takes_hold_up_no_move() -> None:
    async def scenario(world: World) -> None:
        leader = await world.lead()
        await world.settled()
        leader.api.faults["create events"] = Link.HANGS
        world.kubelets["node-a"].power_off()
        await world.until_ready("node-b")
        assert len(world.posts()) == 1

    play(scenario)


def test_ten_quiet_minutes_see_no_write_but_the_lease() -> None:
    async def scenario(world: World) -> None:
        leader = await world.lead()
        await world.settled(addresses=GROUP)
        # What the first minute tells of nodes that were just seen for the first time.
        await asyncio.sleep(60)
        leader.api.served.clear()
        woken = leader.woken
        await asyncio.sleep(600)
        writes = {sent.deed for sent in leader.api.served if sent.method != "GET"}
        assert writes == {"renew the Lease"}
        assert leader.woken == woken

    play(scenario)


def test_the_watch_of_own_writes_wakes_nobody() -> None:
    async def scenario(world: World) -> None:
        leader = await world.lead()
        await asyncio.sleep(30)
        before = leader.woken
        await world.settled()
        own = [s for s in leader.api.served if s.deed in ("claim", "tell the status")]
        assert len(own) >= 2
        # The one is the creation by the user.
        assert leader.woken == before + 1

    play(scenario)


def test_a_terminated_leader_hands_over_at_once_and_leaves_no_task_behind() -> None:
    async def scenario(world: World) -> None:
        alone = len(asyncio.all_tasks())
        leader = await world.lead()
        await world.settled()
        leader.terminate()
        await leader.ended
        assert len(asyncio.all_tasks()) == alone
        at = world.clock.now()
        await world.lead("two")
        assert world.clock.now() - at < 2

    play(scenario)


def test_a_leader_terminated_while_robot_switches_leaves_the_switch_to_its_successor() -> None:
    async def scenario(world: World) -> None:
        leader, second = await world.pair()
        await world.settled()
        leader.at(f"while Robot switches {ADDRESS}", leader.terminate)
        world.kubelets["node-a"].power_off()
        await world.until(lambda: second.leads, "the second leads")
        await world.until_ready("node-b")
        assert len(world.executed()) == 1
        assert world.status()["fence"] == world.status()["fence"] | {"epoch": 2, "holder": "two_1"}

    play(scenario)


def test_what_was_told_of_a_deleted_resource_is_told_again_of_its_namesake(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def scenario(world: World) -> None:
        await world.lead()
        for times in (1, 2):
            await world.settled()
            told = [r for r in caplog.records if "routed to node-a" in str(vars(r))]
            assert len(told) == times
            world.delete(f"{FIPS}/web")
            await asyncio.sleep(20)

    with caplog.at_level(logging.INFO):
        play(scenario)


def test_a_move_decided_on_a_route_just_fresh_enough_is_sent_though_its_writes_took_time() -> None:
    """Regression: the last look refused a route read 10 s ago, and the move waited for a round."""

    async def scenario(world: World) -> None:
        replica = await world.lead()
        await world.settled()
        reads = len(world.reads())
        await world.until(lambda: len(world.reads()) > reads, "a regular read of the routes")
        await asyncio.sleep(8)
        replica.at(f"before connecting for {ADDRESS}", lambda: replica.freeze(4))
        world.cordon("node-a")
        await world.until_ready("node-b")

        assert world.status()["moves"][0]["attempts"] == 1
        assert len(world.posts()) == 1

    play(scenario)


def test_a_request_whose_connection_opens_late_does_not_leave_after_its_switch_was_confirmed(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Seed 9276: it left a moment after the outcome was recorded, when no intent was open."""

    async def scenario(world: World) -> None:
        replica = await world.lead()
        await world.settled()
        replica.way.connect_seconds = 40.0
        replica.at(f"before connecting for {ADDRESS}", lambda: world.move(ADDRESS, server_ip(322)))
        world.cordon("node-a")
        await world.until(lambda: world.status().get("moves"), "the switch is confirmed by a read")
        await asyncio.sleep(60)

        assert world.status()["lastMove"]["result"] == "Confirmed"
        assert world.posts() == []

    caplog.set_level("INFO")
    play(scenario, status_field="present")
    assert kept_back(caplog) == ["a read confirmed the switch meanwhile, whoever did it"]
