"""The leader is stopped at every boundary of one move of a group; the other replica goes on.

Enumerated: `boundaries.txt` names them all. Stopped is killed, or frozen until the other one has
claimed the resource. Stale is a cache that lags: lists show the past, and catch up in two steps.
At what the process does all the time it is only killed: frozen there it is frozen between two
boundaries of the switch. `FAILOVERIP_TEST_CRASHES=every` counts each passage of each boundary as
a place of its own, and stops the leader there in every way.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from functools import partial
from itertools import product

import pytest
from tests.reconciler.boundaries import LAST, Namer, expected, is_routine, on_named, stop_at
from tests.reconciler.judged import Judged
from tests.reconciler.world import ADDRESS, ADDRESS_V6, FIPS, GROUP, World, play, server_ip

from failoverip.simulator.kubernetes import Answer, Request
from failoverip.simulator.world.processes import outside
from failoverip.simulator.world.replica import Replica

EVERY = os.environ.get("FAILOVERIP_TEST_CRASHES") == "every"
# Shorter than the shipped ones: a node counts as dead sooner, and Robot is quick; but a switch
# still outlives the Lease of who asked for it.
WORLD = {"switch_seconds": 20.0, "grace_seconds": 20.0, "tick_seconds": 5.0}
KILLED, FROZEN = ("killed", "killed-stale"), ("frozen", "frozen-stale")
LISTS = (FIPS, "/api/v1/nodes", "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases")
LAG_SECONDS = 4.0
TARGETS = {ADDRESS: server_ip(322), ADDRESS_V6: "2001:db8:a:322::"}


class Stage:
    """A leader, a standby, a group on node-a, node-a without power, and who judges them."""

    def __init__(self, world: World) -> None:
        self.world = world
        # The lists as of each change of the resource.
        self._past: list[dict[str, Answer]] = []

    async def begin(self) -> Replica:
        """The leader; from now on its boundaries are those of the move."""
        leader, self.standby = await self.world.pair()
        self.leader = leader
        await self.world.settled(addresses=GROUP)
        self.judged = Judged(self.world, lambda: self._past.append(self._lists()))
        for replica in self.world.replicas:
            self.judged.follow(replica)
        self.world.kubelets["node-a"].power_off()
        return leader

    def _lists(self) -> dict[str, Answer]:
        answers = {path: self.world.api.handle(Request("GET", path)) for path in LISTS}
        return {path: answer for path, answer in answers.items() if isinstance(answer, Answer)}

    def let_lag(self, replica: Replica, begun: Callable[[], object]) -> None:
        """Its lists show the past until it has begun to act, then catch up in two steps."""
        present, before = self._lists(), self._past[-2:][0]
        replica.api.recalled = partial(_recall, before)

        async def catch_up() -> None:
            await self.world.until(begun, "it acts")
            await asyncio.sleep(LAG_SECONDS)
            replica.api.recalled = partial(_recall, present)
            await asyncio.sleep(LAG_SECONDS)
            replica.api.recalled = lambda _: None

        outside(catch_up())

    def thaw_when_claimed(self) -> None:
        """Continue the leader when the other one has claimed what it held."""
        self.standby.at("after claim", self.leader.process.resume)


def _recall(lists: dict[str, Answer], request: Request) -> Answer | None:
    return lists.get(request.path) if request.method == "GET" else None


def stop(stage: Stage, way: str) -> None:
    """Stop the leader right now, in this way."""
    stage.leader.kill()
    if way.startswith("frozen"):
        stage.thaw_when_claimed()
    if way == "killed-stale":
        stage.let_lag(stage.standby, lambda: stage.standby.leads)
    if way == "frozen-stale":
        stage.let_lag(stage.leader, lambda: not stage.leader.process.stopped)


async def passed_by_a_move(world: World, *, every: bool) -> list[str]:
    """The names of all boundaries of a move that nothing interrupts."""
    stage = Stage(world)
    leader = await stage.begin()
    names: list[str] = []
    on_named(leader, Namer(every=every), lambda name, _: names.append(name))
    await world.until(lambda: LAST in names, "the switch ended")
    return names[: names.index(LAST) + 1]


def recorded(*, every: bool) -> list[str]:
    """As `passed_by_a_move`, in a world of its own."""
    names: list[str] = []

    async def scenario(world: World) -> None:
        names.extend(await passed_by_a_move(world, every=every))

    play(scenario, **WORLD)
    return names


def cases() -> list[tuple[str, str]]:
    """Where the leader is stopped, and how."""
    if EVERY:
        return list(product(recorded(every=True), KILLED + FROZEN))
    ways = {place: KILLED if is_routine(place) else KILLED + FROZEN for place in expected()}
    return [(place, way) for place in ways for way in ways[place]]


CASES = cases()


@pytest.mark.parametrize(("place", "way"), CASES, ids=["-".join(case) for case in CASES])
def test_a_leader_stopped_at_any_boundary_of_a_move_leaves_one_executed_switch_for_each_address(
    place: str, way: str
) -> None:
    async def scenario(world: World) -> None:
        stage = Stage(world)
        leader = await stage.begin()
        stop_at(leader, place, Namer(every=EVERY), lambda: stop(stage, way))
        await world.until(lambda: leader.process.stopped, f"stopped {place}")
        await world.until(lambda: "after claim" in stage.standby.passed, "the standby goes on")
        await world.until(lambda: stage.judged.is_at_rest("web", "node-b"), "it is at rest")
        await asyncio.sleep(LAG_SECONDS)

        assert {address: world.route(address) for address in TARGETS} == TARGETS
        assert [len(world.executed(address)) for address in TARGETS] == [1, 1]
        assert {(post.address, post.target) for post in world.posts()} == set(TARGETS.items())
        extra = {post.code for post in world.posts() if not post.executed}
        assert extra <= {"FAILOVER_LOCKED", "FAILOVER_ALREADY_ROUTED"}
        assert [move["result"] for move in world.status()["moves"]] == ["Confirmed"]
        assert stage.judged.found(*TARGETS) == []

    play(scenario, **WORLD)


def test_the_named_boundaries_are_all_that_a_move_passes() -> None:
    assert recorded(every=False) == expected()
