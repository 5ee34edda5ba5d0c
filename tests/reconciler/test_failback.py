"""The return to a preferred node, through the shipped reconciler."""

from __future__ import annotations

import asyncio

from tests.reconciler.world import World, play

BACK = {"policy": "WhenPreferredHealthy", "afterSeconds": 120}


def test_the_address_returns_when_the_preferred_node_was_healthy_for_a_while() -> None:
    async def scenario(world: World) -> None:
        await world.lead()
        await world.settled(preferredNodes=["node-a"], failback=BACK, safety={"holdDownSeconds": 0})
        world.kubelets["node-a"].power_off()
        await world.until_ready("node-b")
        world.kubelets["node-a"].power_on()
        begin = world.clock.now()
        await world.until_ready("node-a")
        assert world.clock.now() - begin > 120
        assert len(world.posts()) == 2
        assert world.status()["moves"][0]["cause"] == "Failback"
        await asyncio.sleep(600)
        assert len(world.posts()) == 2

    play(scenario)
