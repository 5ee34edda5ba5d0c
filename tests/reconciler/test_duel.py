"""Somebody else takes the address away as often as we take it back."""

from __future__ import annotations

import asyncio

from tests.reconciler.world import ADDRESS, World, play, server_ip

FOREIGN = server_ip(399)
# Sooner than two reads confirm what Robot says it did.
AT_ONCE_SECONDS = 5


def test_an_address_that_is_taken_away_at_once_is_asked_for_twice_an_hour_and_no_more() -> None:
    async def scenario(world: World) -> None:
        await world.lead()
        await world.settled(drift="Enforce")
        rival = asyncio.create_task(take_away(world))
        await world.until(
            lambda: world.condition("Stalled").get("reason") == "Contested", "somebody must look"
        )
        await asyncio.sleep(1800)
        rival.cancel()
        assert len(world.posts()) == 2
        assert [move["result"] for move in world.status()["moves"]] == ["Abandoned", "Abandoned"]

    play(scenario)


async def take_away(world: World) -> None:
    """A rival that reacts within seconds, such as a script of keepalived."""
    while True:
        if world.route(ADDRESS) != FOREIGN:
            await asyncio.sleep(AT_ONCE_SECONDS)
            world.move(ADDRESS, FOREIGN)
        await asyncio.sleep(1)
