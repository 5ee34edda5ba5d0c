"""Who has something to do goes first: a move waits for no news of other resources."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable

import pytest
from tests.reconciler.world import World, play, server_ip

from failoverip.core.decide import decide
from failoverip.core.decision import Decision
from failoverip.core.observation import Observation
from failoverip.reconciler.loop import LOOK_SECONDS, LOOKS_KEPT
from failoverip.reconciler.turns import Turns
from failoverip.simulator.world.links import API_SECONDS
from failoverip.simulator.world.replica import Replica

OTHERS = tuple(f"203.0.113.{number}" for number in range(50, 66))
VICTIM = "203.0.113.10"


def seconds_to_post(others: int) -> float:
    """From the mark Unknown to the request, with so many resources on another node."""
    took: list[float] = []

    async def scenario(world: World) -> None:
        await world.lead()
        for number, address in enumerate(OTHERS[:others]):
            world.move(address, server_ip(322))
            world.apply(f"other-{number:02}", [address])
        await world.settled(name="victim", addresses=[VICTIM])
        world.kubelets["node-a"].power_off()
        while ready(world, "node-a") == "True":  # noqa: ASYNC110  # virtual time costs nothing
            await asyncio.sleep(API_SECONDS)
        marked_at = world.clock.now()
        await world.until(world.posts, "Robot is asked")
        took.append(world.posts()[0].began - marked_at)

    play(scenario, addresses=(VICTIM, *OTHERS))
    return took[0]


def ready(world: World, node: str) -> str:
    """The status of a node's Ready condition."""
    conditions = world.get(f"/api/v1/nodes/{node}")["status"]["conditions"]
    return str(next(c["status"] for c in conditions if c["type"] == "Ready"))


def test_a_move_takes_as_long_with_sixteen_other_resources_as_with_none() -> None:
    assert seconds_to_post(16) == pytest.approx(seconds_to_post(0), abs=5 * API_SECONDS)


class Looks:
    """Decides as shipped, and notes of which resource and when; `stands` stops the clock after."""

    def __init__(self) -> None:
        self.taken: list[tuple[str, float]] = []
        self.stands: Callable[[], None] = lambda: None

    def decide(self, o: Observation) -> Decision:
        self.taken.append((o.resource.name, o.now))
        self.stands()
        return decide(o)

    def repeated(self) -> set[str]:
        """Of which resources more than one look was taken at one moment."""
        return {name for (name, _), times in Counter(self.taken).items() if times > 1}


async def watched(world: World, looks: Looks, resources: int) -> Replica:
    """So many resources, each on its node, and their leader, whose looks are noted from now on."""
    leader = world.start()
    leader.decide = looks.decide
    for number, address in enumerate(OTHERS[:resources]):
        world.move(address, server_ip(321))
        await world.settled(name=f"web-{number:02}", addresses=[address])
    looks.taken.clear()
    return leader


def test_who_has_nothing_to_do_is_looked_at_once_in_a_pass() -> None:
    looks = Looks()

    async def scenario(world: World) -> None:
        await watched(world, looks, LOOKS_KEPT)
        await asyncio.sleep(60.0)

    play(scenario, addresses=OTHERS)
    assert len({name for name, _ in looks.taken}) == LOOKS_KEPT
    assert not looks.repeated()


def test_what_was_seen_of_many_resources_is_not_kept_in_memory() -> None:
    looks = Looks()

    async def scenario(world: World) -> None:
        await watched(world, looks, LOOKS_KEPT + 2)
        await asyncio.sleep(60.0)

    play(scenario, addresses=OTHERS)
    assert looks.repeated() == {f"web-{LOOKS_KEPT:02}", f"web-{LOOKS_KEPT + 1:02}"}


def test_what_was_seen_before_the_process_stood_still_is_seen_anew_before_it_is_told() -> None:
    looks = Looks()

    async def scenario(world: World) -> None:
        leader = await watched(world, looks, 2)

        def stand() -> None:
            leader.clock.freeze(2 * LOOK_SECONDS)
            looks.stands = lambda: None

        looks.stands = stand
        await world.until(lambda: len(looks.taken) > 2, "it goes on")

    play(scenario, addresses=OTHERS)
    (first, before), *later = looks.taken
    again = next(at for name, at in later if name == first)
    assert again == pytest.approx(before + 2 * LOOK_SECONDS)


def test_what_has_something_to_do_goes_first() -> None:
    urgent, others = Turns().order(["a", "b", "c"], lambda name: name == "b")

    assert (urgent, others) == (["b"], ["a", "c"])


def test_the_others_go_on_after_the_last_one_served() -> None:
    turns = Turns()
    turns.served("b")

    assert turns.order(["d", "c", "b", "a"], lambda _: False) == ([], ["c", "d", "a", "b"])


def test_one_that_was_deleted_meanwhile_changes_no_ones_turn() -> None:
    turns = Turns()
    turns.served("b")

    assert turns.order(["a", "c"], lambda _: False)[1] == ["c", "a"]
