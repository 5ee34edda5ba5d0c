"""Who may write to a resource: claims, the proof of the fence, a second installation."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest
from tests.reconciler.world import NAMESPACE, World, lease_path, play

from failoverip.core.timings import Timings
from failoverip.kube import Invalid, Kubernetes
from failoverip.metrics import Metrics
from failoverip.reconciler.claims import Claims
from failoverip.reconciler.ports import Surroundings
from failoverip.simulator.world.links import ApiLink

OTHER = "other-system"


async def _no_boundary(name: str) -> None:
    """This client is part of no replica."""


async def write_as_a_stale_leader(world: World) -> None:
    """The present epoch under another holder: what a leader that lost its lease would write."""
    door = Kubernetes(ApiLink(world.api, _no_boundary), "stale")
    (resource,) = await door.list_failoverips()
    assert resource.status.fence is not None
    fence = replace(resource.status.fence, holder="stale")
    await door.write_status(resource, replace(resource.status, fence=fence))


def test_each_leader_claims_with_the_next_epoch() -> None:
    async def scenario(world: World) -> None:
        world.apply()
        for epoch, name in enumerate(("one", "two", "three"), 1):
            leader = await world.lead(name)
            await asyncio.sleep(30)
            fence = world.status()["fence"]
            assert (fence["epoch"], fence["holder"]) == (epoch, f"{name}_1")
            leader.terminate()
            await leader.ended

    play(scenario)


def test_a_store_without_the_fence_is_told_and_nothing_is_sent() -> None:
    async def scenario(world: World) -> None:
        await world.lead()
        world.apply()
        await world.until(lambda: world.condition("Stalled").get("status") == "True", "stalled")
        assert world.condition("Stalled")["reason"] == "FenceMissing"
        world.kubelets["node-a"].power_off()
        await asyncio.sleep(600)
        assert world.posts() == []
        # What the proof keeps from doing harm: here a stale leader's write is stored.
        await write_as_a_stale_leader(world)
        assert world.status()["fence"]["holder"] == "stale"

    play(scenario, fenced=False)


def test_a_store_with_the_fence_refuses_a_stale_leader() -> None:
    async def scenario(world: World) -> None:
        await world.lead()
        await world.settled()
        with pytest.raises(Invalid) as refusal:
            await write_as_a_stale_leader(world)
        assert refusal.value.is_fence_refusal
        assert world.status()["fence"]["holder"] == "one_1"

    play(scenario)


async def two_installations(world: World) -> None:
    await world.lead("one")
    await world.settled()
    world.add_namespace(OTHER)
    world.start("two", OTHER)


def test_a_resource_of_an_installation_that_lives_is_not_claimed_but_told() -> None:
    async def scenario(world: World) -> None:
        await two_installations(world)
        second = world.replicas[1]
        await world.until(lambda: world.events("SecondInstallation"), "it is told")
        await asyncio.sleep(300)
        assert world.status()["fence"]["holder"] == "one_1"
        assert {s.deed for s in second.api.served if s.method == "PUT"} == {"renew the Lease"}
        assert len(world.events("SecondInstallation")) == 1
        assert 'second_installation{failoverip="web"} 1.0' in second.metrics.page().decode()

    play(scenario)


def test_a_resource_of_an_installation_that_stands_still_is_claimed_after_thirty_seconds() -> None:
    async def scenario(world: World) -> None:
        await world.lead("one")
        await world.settled()
        world.replicas[0].kill()
        await asyncio.sleep(5)
        world.add_namespace(OTHER)
        second = world.start("two", OTHER)
        await world.until(lambda: second.leads, "the second leads")
        at = world.clock.now()
        await world.until(lambda: world.status()["fence"]["holder"] == "two_1", "claimed")
        assert 30 <= world.clock.now() - at <= 35

    play(scenario)


def test_a_resource_of_an_installation_whose_lease_is_gone_is_claimed_at_once() -> None:
    async def scenario(world: World) -> None:
        await world.lead("one")
        await world.settled()
        world.replicas[0].kill()
        await asyncio.sleep(5)
        world.delete(lease_path(NAMESPACE))
        world.add_namespace(OTHER)
        second = world.start("two", OTHER)
        await world.until(lambda: second.leads, "the second leads")
        at = world.clock.now()
        await world.until(lambda: world.status()["fence"]["holder"] == "two_1", "claimed")
        assert world.clock.now() - at < 3

    play(scenario)


class _LeaderWithWindow:
    identity = "one"

    def __init__(self, window_seconds: float) -> None:
        self._window_seconds = window_seconds

    def window_left_seconds(self) -> float:
        return self._window_seconds

    async def renew_now(self) -> bool:
        return True


@pytest.mark.parametrize(("left", "claimed"), [(4.9, False), (5.0, True)])
def test_who_has_too_little_left_of_the_lease_claims_nothing(left: float, claimed: bool) -> None:
    """A leader that was stopped would claim what its successor has claimed since."""

    async def scenario(world: World) -> None:
        world.apply()
        door = Kubernetes(ApiLink(world.api, _no_boundary), "one")
        leader, metrics = _LeaderWithWindow(left), Metrics(world.clock.now, "0")
        around = Surroundings(door, leader, world.clock, Timings(), metrics, lambda: None)
        claims = Claims(around, f"{NAMESPACE}/failoverip-operator")
        (resource,) = await door.list_failoverips()
        held = claims.holds(await claims.ensure(resource))
        assert held is claimed
        assert ("fence" in world.status()) is claimed

    play(scenario)
