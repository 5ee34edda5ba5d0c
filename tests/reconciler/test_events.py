"""What a move tells as Events."""

from __future__ import annotations

import asyncio

from tests.reconciler.world import World, play


def test_the_events_of_a_move_are_in_the_order_of_their_times() -> None:
    async def scenario(world: World) -> None:
        await world.lead()
        await world.settled()
        before = len(world.events())
        world.kubelets["node-a"].power_off()
        await world.until_ready("node-b")
        await asyncio.sleep(60)
        told = world.events()[before:]
        in_order = sorted(told, key=lambda event: str(event["eventTime"]))
        reasons = [event["reason"] for event in in_order if event["action"] == "Switch"]
        assert reasons == ["NodeUnreachable", "Attempt", "Confirmed"]
        assert len({event["eventTime"] for event in told}) == len(told)

    play(scenario)
