"""Never two that may send at one moment; and for each guard the harm that it prevents."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

import pytest
from tests.support.election_world import Guard, LeaseServer, Machine, World, leaders

from failoverip.core.election_settings import ElectionSettings

QUICK = ElectionSettings(lease_duration_seconds=6, renew_deadline_seconds=4, retry_period_seconds=1)

Story = Callable[[World, Guard | None], list[str]]


@pytest.fixture
def world() -> World:
    return World(LeaseServer())


def _answers_are_slow(world: World, guard: Guard | None) -> list[str]:
    first, second = Machine(world, "first", without=guard), Machine(world, "second")
    first.attempt()
    world.time = 2
    first.send()
    first.serve()
    second.attempt()
    world.time = 5
    first.receive()
    world.time = 17
    second.attempt()
    return leaders(first, second)


def _reads_are_slow(world: World, guard: Guard | None) -> list[str]:
    first, second = Machine(world, "first"), Machine(world, "second", without=guard)
    first.attempt()
    second.send()
    world.time = 2.5
    first.attempt()
    second.serve()
    second.receive()
    world.time = 15.5
    second.attempt()
    return leaders(first, second)


def _durations_differ(world: World, guard: Guard | None) -> list[str]:
    first, second = Machine(world, "first"), Machine(world, "second", QUICK, without=guard)
    first.attempt()
    second.attempt()
    world.time = 6
    second.attempt()
    return leaders(first, second)


def _the_wall_clock_is_stepped(world: World, guard: Guard | None) -> list[str]:
    first, second = Machine(world, "first"), Machine(world, "second", without=guard)
    first.attempt()
    second.attempt()
    world.time = 3
    second.wall_offset += 3600
    second.attempt()
    return leaders(first, second)


def _a_write_is_lost(world: World, guard: Guard | None) -> list[str]:
    first, second = Machine(world, "first", without=guard), Machine(world, "second")
    first.attempt()
    second.attempt()
    world.time = 9
    first.send()
    first.lose()
    world.time = 15
    second.attempt()
    return leaders(first, second)


def _the_wall_clock_stands(world: World, guard: Guard | None) -> list[str]:
    first, second = Machine(world, "first", without=guard), Machine(world, "second")
    first.wall_stands_at = 1_800_000_000.0
    first.attempt()
    second.attempt()
    for world.time in (2, 4, 6, 8, 10, 12, 14):
        first.attempt()
    world.time = 15
    second.attempt()
    return leaders(first, second)


def _the_lease_vanishes(world: World, guard: Guard | None) -> list[str]:
    first, second = Machine(world, "first"), Machine(world, "second", without=guard)
    first.attempt()
    second.attempt()
    world.server.delete()
    world.time = 2
    second.attempt()
    return leaders(first, second)


STORIES = [
    (Guard.WINDOW_FROM_SENDING, _answers_are_slow),
    (Guard.CHANGE_SEEN_AT_ANSWER, _reads_are_slow),
    (Guard.DURATION_OF_THE_RECORD, _durations_differ),
    (Guard.LOCAL_CLOCK, _the_wall_clock_is_stepped),
    (Guard.LOST_ANSWER_IS_NO_RENEWAL, _a_write_is_lost),
    (Guard.UNCHANGED_UPDATE_IS_NO_RENEWAL, _the_wall_clock_stands),
    (Guard.VANISHED_LEASE_IS_WAITED_FOR, _the_lease_vanishes),
]


def test_every_guard_has_a_story() -> None:
    assert {guard for guard, _ in STORIES} == set(Guard)


@pytest.mark.parametrize(("guard", "story"), STORIES, ids=[guard.name for guard, _ in STORIES])
def test_with_the_guard_one_may_send(guard: Guard, story: Story, world: World) -> None:
    assert len(story(world, None)) == 1


@pytest.mark.parametrize(("guard", "story"), STORIES, ids=[guard.name for guard, _ in STORIES])
def test_without_the_guard_two_may_send(guard: Guard, story: Story, world: World) -> None:
    assert story(world, guard) == ["first", "second"]


@pytest.mark.parametrize(
    ("identity", "leading"), [("new", ["old"]), ("old", ["old", "old"])], ids=["unique", "reused"]
)
def test_a_process_under_a_reused_identity_takes_the_lease_from_a_living_leader(
    identity: str, leading: list[str], world: World
) -> None:
    old, new = Machine(world, "old"), Machine(world, identity)
    old.attempt()
    world.time = 1
    new.attempt()
    assert leaders(old, new) == leading


# -- any order of faults


class Walk:
    """Three candidates and everything that can go wrong, drawn from one seed, half a second a step.

    In every other walk somebody deletes the Lease now and then, when everybody has seen it; there
    all have the same periods.
    """

    def __init__(self, seed: int, without: Guard | None = None) -> None:
        self.random = Random(seed)  # noqa: S311  a walk that can be repeated, no secret
        self.without = without
        self.world = World(LeaseServer())
        self.deletes = seed % 2 == 0
        self.started = 0
        self.machines = [self.start(which) for which in range(3)]
        self.frozen_until = [0.0, 0.0, 0.0]

    def start(self, which: int) -> Machine:
        self.started += 1
        periods = QUICK if which == 1 and not self.deletes else ElectionSettings()
        identity, offset = f"process-{self.started}", 1000.0 * self.started
        return Machine(self.world, identity, periods, offset, self.without)

    def chance(self, probability: float) -> bool:
        return self.random.random() < probability

    def step(self) -> None:
        self.world.time += 0.5
        if self.chance(0.1):
            self.world.deliver_strays()
        if self.world.server.record and self.chance(0.002):
            self.world.server.annotate("foreign", str(self.world.time))
        if self.deletes and self.chance(0.02) and self.everybody_has_seen_the_lease():
            self.world.server.delete()
        for which in range(3):
            if self.world.time >= self.frozen_until[which]:
                self.move(which)

    def everybody_has_seen_the_lease(self) -> bool:
        return all(machine.election.exists for machine in self.machines)

    def move(self, which: int) -> None:
        machine = self.machines[which]
        if self.chance(0.01):
            self.frozen_until[which] = self.world.time + self.random.uniform(1, 25)
        if self.chance(0.01):
            machine.wall_offset += self.random.uniform(-3600, 3600)
        if self.chance(0.01):
            machine.wall_stands_at = None if machine.wall_stands_at else 1.8e9
        if self.chance(0.001):
            machine.release()
        if machine.lost and self.world.server.record and self.chance(0.2):
            self.machines[which] = self.start(which)
        self.exchange(machine)

    def exchange(self, machine: Machine) -> None:
        machine.jitter = self.random.random()
        if machine.flight is None:
            machine.send()
        if machine.flight and machine.flight.answer is None and self.chance(0.7):
            machine.serve()
        if machine.flight and machine.flight.answer is not None and self.chance(0.7):
            machine.receive()
        if machine.flight and self.chance(0.15):
            machine.lose()


def found_two(seed: int, without: Guard | None = None) -> bool:
    """Whether in an hour and a half two could send at one moment."""
    walk = Walk(seed, without)
    for _ in range(10_000):
        walk.step()
        if len(leaders(*walk.machines)) > 1:
            return True
    return False


@pytest.mark.parametrize("seed", range(10))
def test_whatever_fails_in_whatever_order_one_may_send(seed: int) -> None:
    assert not found_two(seed)


@pytest.mark.parametrize("guard", Guard)
def test_the_same_walks_find_every_guard_that_is_missing(guard: Guard) -> None:
    assert any(found_two(seed, guard) for seed in range(10))
