"""Moves of the hour and hold-down, through the shipped reconciler and over changes of leader."""

from __future__ import annotations

import pytest
from tests.reconciler.world import World, play


async def dies_and_returns(world: World, node: str, follower: str) -> None:
    world.kubelets[node].power_off()
    await world.until_ready(follower)
    world.kubelets[node].power_on()


async def moved_twice(world: World) -> None:
    await dies_and_returns(world, "node-a", "node-b")
    await dies_and_returns(world, "node-b", "node-a")


def test_the_moves_of_an_hour_are_limited_and_a_new_leader_counts_on() -> None:
    async def scenario(world: World) -> None:
        leader, _ = await world.pair()
        await world.settled(safety={"maxMovesPerHour": 2})
        begin = world.clock.now()
        await moved_twice(world)
        leader.kill()
        world.kubelets["node-a"].power_off()
        await world.until(
            lambda: world.condition("Degraded").get("reason") == "MovesExhausted", "it is told"
        )
        assert world.condition("Ready")["reason"] == "NodeUnreachable"
        assert len(world.posts()) == 2
        await world.until(lambda: len(world.posts()) == 3, "the hour is over", seconds=4000)
        assert world.clock.now() - begin > 3600

    play(scenario)


def test_harm_without_the_limit_an_address_moves_as_often_as_its_nodes_flap() -> None:
    async def scenario(world: World) -> None:
        await world.lead()
        await world.settled(safety={"maxMovesPerHour": 10})
        await moved_twice(world)
        await moved_twice(world)
        assert len(world.posts()) == 4

    play(scenario)


def test_a_requested_switch_passes_the_limit() -> None:
    async def scenario(world: World) -> None:
        await world.lead()
        await world.settled(safety={"maxMovesPerHour": 1})
        await dies_and_returns(world, "node-a", "node-b")
        note = {"metadata": {"annotations": {"failoverip.io/switch-to": "node-c"}}}
        world.patch("/apis/failoverip.io/v1alpha1/failoverips/web", note)
        await world.until_ready("node-c")

    play(scenario)


@pytest.mark.parametrize(("seconds", "waits"), [(300, True), (0, False)])
def test_a_cordon_right_after_a_move_waits_for_the_hold_down(seconds: int, waits: bool) -> None:
    async def scenario(world: World) -> None:
        await world.lead()
        await world.settled(safety={"holdDownSeconds": seconds})
        await dies_and_returns(world, "node-a", "node-b")
        moved_at = world.clock.now()
        world.cordon("node-b")
        await world.until(lambda: len(world.posts()) == 2, "the cordon moves it")
        assert (world.clock.now() - moved_at > 290) is waits
        assert bool(world.events("HoldDown")) is waits

    play(scenario)


def test_a_node_that_fails_right_after_a_move_is_left_at_once() -> None:
    async def scenario(world: World) -> None:
        await world.lead()
        await world.settled(safety={"holdDownSeconds": 3600})
        await dies_and_returns(world, "node-a", "node-b")
        moved_at = world.clock.now()
        world.kubelets["node-b"].power_off()
        await world.until(lambda: len(world.posts()) == 2, "the dead node is left")
        assert world.clock.now() - moved_at < 120

    play(scenario)
