"""A leader may die between any two actions: the next one brings the switch to one right end."""

from __future__ import annotations

from itertools import product

import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st
from tests.properties.observations import repeatable
from tests.support.observations import IP, IP2, server
from tests.support.switch_world import Crash, Loss, SwitchWorld

from failoverip.core.decision import Hold
from failoverip.core.resource import MoveResult

# A switch with every round used and waited for takes less than this many steps.
MAX_STEPS = 900
TARGET = server(2).ipv4


def run(world: SwitchWorld, crashes: dict[int, Crash]) -> None:
    """Until the switch ended, with a crash at the numbered steps."""
    for number in range(MAX_STEPS):
        world.step(crashes.get(number))
        if world.moved and number >= max(crashes, default=0):
            return
    raise AssertionError(f"no end after {MAX_STEPS} steps: {world.resource.status}")


def moved_once(world: SwitchWorld) -> None:
    """The state of the world after one failover, whatever happened on the way."""
    assert [move.result for move in world.resource.status.moves] == [MoveResult.CONFIRMED]
    for route in world.robot.values():
        assert route.target == TARGET
        assert route.executed == [TARGET]
        assert set(route.asked) == {TARGET}


def stays(world: SwitchWorld) -> None:
    """Nothing moves any more."""
    for _ in range(60):
        decision = world.step()
        assert decision is not None
        assert isinstance(decision.action, Hold)
    moved_once(world)


@pytest.mark.parametrize("tells_ready", [True, False])
def test_without_a_crash_one_request_moves_the_address(tells_ready: bool) -> None:
    world = SwitchWorld(IP, reads_needed=2, tells_ready=tells_ready)
    run(world, {})
    moved_once(world)
    assert [len(route.asked) for route in world.robot.values()] == [1]
    stays(world)


def steps_to_the_end(tells_ready: bool) -> int:
    world = SwitchWorld(IP, reads_needed=1, tells_ready=tells_ready)
    steps = 0
    while not world.moved:
        world.step()
        steps += 1
    return steps


@pytest.mark.parametrize(("crash", "tells_ready"), list(product(Crash, [True, False])))
def test_one_crash_at_any_step_leaves_one_executed_switch(crash: Crash, tells_ready: bool) -> None:
    for step in range(steps_to_the_end(tells_ready) + 1):
        world = SwitchWorld(IP, reads_needed=1, tells_ready=tells_ready)
        run(world, {step: crash})
        moved_once(world)


@settings(repeatable, max_examples=80)
@given(
    addresses=st.sampled_from([(IP,), (IP, IP2)]),
    crashes=st.dictionaries(st.integers(0, 60), st.sampled_from(Crash), max_size=4),
    reads_needed=st.integers(1, 3),
    tells_ready=st.booleans(),
    losses=st.lists(st.sampled_from(Loss), max_size=3).map(tuple),
)
def test_any_crashes_and_lost_answers_leave_one_executed_switch(
    addresses: tuple[str, ...],
    crashes: dict[int, Crash],
    reads_needed: int,
    tells_ready: bool,
    losses: tuple[Loss, ...],
) -> None:
    world = SwitchWorld(
        *addresses, reads_needed=reads_needed, tells_ready=tells_ready, losses=losses
    )
    run(world, crashes)
    event(f"{len(crashes)} crashes")
    moved_once(world)
    stays(world)
