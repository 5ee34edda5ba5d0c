"""The main job: the active node dies, the address moves, and stays."""

from __future__ import annotations

import asyncio

from tests.reconciler.world import ADDRESS, World, play, server_ip


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
