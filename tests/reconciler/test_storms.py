"""All kubelets lose their way to the API server at once and find it again one after another."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from tests.reconciler.world import NODES, World, play, server_ip

# Longer than the control plane waits before it calls the nodes Unknown.
OUTAGE_SECONDS = 70.0
OTHERS_FIRST = ("node-b", "node-c", "node-a")


def held(world: World) -> bool:
    degraded = world.condition("Degraded")
    return (degraded.get("status"), degraded.get("reason")) == ("True", "StormHold")


async def lose_all(world: World) -> None:
    for name in NODES:
        world.kubelets[name].power_off()
    await asyncio.sleep(OUTAGE_SECONDS)


async def return_one_after_another(world: World) -> None:
    """The active node last, later than a new leader needs to see 20 s of silence."""
    for name in OTHERS_FIRST:
        world.kubelets[name].power_on()
        await asyncio.sleep(30)


def outage(*, seconds_after: float = 600.0, successor: bool = False, **spec: Any) -> list[str]:
    """Where the requests to switch went."""
    targets: list[str] = []

    async def scenario(world: World) -> None:
        leader, _ = await world.pair()
        await world.settled(**spec)
        await lose_all(world)
        if successor:
            leader.kill()
        if "safety" not in spec:
            await world.until(lambda: held(world), "the storm is told")
        await return_one_after_another(world)
        await world.until(lambda: not held(world), "the storm is over")
        await asyncio.sleep(seconds_after)
        targets.extend(str(post.target) for post in world.posts())

    play(scenario)
    return targets


@pytest.mark.parametrize("successor", [False, True], ids=["one leader", "a new leader"])
def test_nothing_moves_when_the_nodes_come_back_one_after_another(successor: bool) -> None:
    assert outage(successor=successor) == []


@pytest.mark.parametrize("successor", [False, True], ids=["one leader", "a new leader"])
def test_harm_with_the_guard_off_the_address_leaves_a_node_that_lives(successor: bool) -> None:
    assert outage(successor=successor, safety={"stormPercent": 100}) == [server_ip(322)]


def test_nodes_that_really_died_together_are_left_after_the_hold() -> None:
    async def scenario(world: World) -> None:
        await world.lead()
        await world.settled()
        for name in ("node-a", "node-b"):
            world.kubelets[name].power_off()
        begin = world.clock.now()
        await world.until_ready("node-c")
        assert [post.target for post in world.posts()] == [server_ip(323)]
        # 50 s until they count as bad, the hold, and Robot's switch.
        assert 120 < world.clock.now() - begin < 300
        assert world.events("StormHold")

    play(scenario)


def test_a_requested_switch_passes_a_storm() -> None:
    async def scenario(world: World) -> None:
        await world.lead()
        await world.settled()
        for name in ("node-a", "node-b"):
            world.kubelets[name].power_off()
        await world.until(lambda: held(world), "the storm is told")
        assert not world.posts()
        begin = world.clock.now()
        note = {"metadata": {"annotations": {"failoverip.io/switch-to": "node-c"}}}
        world.patch("/apis/failoverip.io/v1alpha1/failoverips/web", note)
        await world.until(world.posts, "Robot is asked", seconds=20)
        assert held(world) or world.clock.now() - begin < 20

    play(scenario)


def test_the_metric_tells_a_storm_and_its_end() -> None:
    async def scenario(world: World) -> None:
        leader = await world.lead()
        await world.settled()
        await lose_all(world)
        await world.until(lambda: held(world), "the storm is told")
        assert b'failoverip_storm_hold{failoverip="web"} 1.0' in leader.metrics.page()
        await return_one_after_another(world)
        await world.until(lambda: not held(world), "the storm is over")
        assert b'failoverip_storm_hold{failoverip="web"} 0.0' in leader.metrics.page()

    play(scenario)
