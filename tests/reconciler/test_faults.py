"""An API server that conflicts, fails, loses answers or hangs; a leader that is cut or frozen."""

from __future__ import annotations

import asyncio

import pytest
from tests.reconciler.world import ADDRESS, FIPS, World, play, server_ip

from failoverip.simulator.world.links import Link

WRITES = ["claim", "open the intent", "record the attempt", "close the intent"]


@pytest.mark.parametrize("deed", WRITES)
def test_a_conflict_is_read_again_and_the_move_goes_on(deed: str) -> None:
    async def scenario(world: World) -> None:
        leader = await world.lead()
        leader.at(f"before {deed}", lambda: world.patch(f"{FIPS}/web", LABELLED))
        await world.settled()
        world.kubelets["node-a"].power_off()
        await world.until_ready("node-b")
        assert world.get(f"{FIPS}/web")["metadata"]["labels"] == {"by": "somebody"}
        assert len(world.posts()) == 1
        assert leader.lost == 0

    play(scenario)


LABELLED = {"metadata": {"labels": {"by": "somebody"}}}


@pytest.mark.parametrize("link", [Link.FAILS, Link.LOSES_ANSWERS, Link.HANGS, Link.REFUSES])
@pytest.mark.parametrize("deed", WRITES[1:])
def test_a_write_without_a_good_answer_leaves_one_executed_switch_and_the_right_end(
    deed: str, link: Link
) -> None:
    async def scenario(world: World) -> None:
        leader = await world.lead()
        await world.settled()

        leader.at(f"before {deed}", lambda: leader.api.faults.update({deed: link}))
        world.kubelets["node-a"].power_off()
        await world.until(lambda: deed in leader.api.faults, "the fault is in force")
        posted = len(world.posts())
        await asyncio.sleep(20)
        if link is not Link.LOSES_ANSWERS:
            assert len(world.posts()) == posted
        leader.api.faults.clear()
        await world.until_ready("node-b")
        assert len(world.executed()) == 1
        assert leader.lost == 0

    play(scenario)


def test_lists_that_hang_end_in_time_and_move_nothing() -> None:
    async def scenario(world: World) -> None:
        leader = await world.lead()
        await world.settled()
        for kind in ("nodes", "heartbeats", "failoverips"):
            leader.api.faults[f"list {kind}"] = Link.HANGS
        world.kubelets["node-a"].power_off()
        leader.passed.clear()
        await asyncio.sleep(300)
        # Three seconds each, two until the next.
        assert leader.passed.count("before list nodes") >= 50
        assert world.posts() == []
        leader.api.faults.clear()
        await world.until_ready("node-b")

    play(scenario)


def test_a_leader_cut_from_the_api_sends_nothing_and_another_goes_on() -> None:
    async def scenario(world: World) -> None:
        first, second = await world.pair()
        await world.settled()
        world.kubelets["node-a"].power_off()
        await world.until(lambda: world.condition("Ready")["status"] != "True", "node-a is silent")
        first.api.link = Link.HANGS
        await world.until_ready("node-b")
        assert first.lost == 1
        assert [post.source for post in world.posts()] == ["two"]
        first.api.link = Link.FINE
        second.kill()
        await world.until(lambda: first.leads, "the first leads again")

    play(scenario)


def test_a_leader_cut_from_robot_alone_moves_nothing_and_says_so() -> None:
    async def scenario(world: World) -> None:
        leader = await world.lead()
        await world.settled()
        leader.way.is_cut = True
        world.kubelets["node-a"].power_off()
        await world.until(
            lambda: world.condition("ProviderReachable")["status"] == "False", "it is told"
        )
        leader.way.is_cut = False
        await world.until_ready("node-b")
        assert len(world.posts()) == 1

    play(scenario)


FREEZES = [
    "before open the intent",
    "after open the intent",
    "before record the attempt",
    "after record the attempt",
    f"before connecting for {ADDRESS}",
    f"before asking for {ADDRESS}",
    f"while Robot switches {ADDRESS}",
    f"after the answer for {ADDRESS}",
    "before close the intent",
]


@pytest.mark.parametrize("boundary", FREEZES)
def test_a_leader_frozen_past_its_lease_sends_nothing_when_it_is_thawed(boundary: str) -> None:
    async def scenario(world: World) -> None:
        first, second = await world.pair()
        await world.settled()
        first.at(boundary, lambda: first.freeze(60))
        world.kubelets["node-a"].power_off()
        await world.until(lambda: first.process.stopped, f"frozen {boundary}")
        frozen_at = world.clock.now()
        await world.until(lambda: second.leads, "the second leads")
        await world.until_ready("node-b")
        await world.until(lambda: first.lost == 1, "the first knows that it lost")
        await asyncio.sleep(60)

        assert world.route() == server_ip(322)
        assert len(world.executed()) == 1
        late = [p for p in world.posts() if p.source == "one" and p.began > frozen_at + 1]
        assert late == []
        assert world.status()["fence"]["holder"] == "two_1"

    play(scenario)


def test_an_unreadable_spec_is_told_and_does_not_stop_another_resource() -> None:
    async def scenario(world: World) -> None:
        await world.lead()
        world.apply("bad", ["nonsense"])
        await world.settled()
        assert world.condition("Stalled", "bad")["reason"] == "InvalidSpec"
        assert "addresses[0]" in world.condition("Stalled", "bad")["message"]
        world.kubelets["node-a"].power_off()
        await world.until_ready("node-b")

    play(scenario)


def test_the_names_of_the_writes_are_those_of_a_move() -> None:
    """A misspelt name would leave the tests above without a fault."""

    async def scenario(world: World) -> None:
        leader = await world.lead()
        await world.settled()
        world.kubelets["node-a"].power_off()
        await world.until_ready("node-b")
        assert set(WRITES) <= {sent.deed for sent in leader.api.served}
        await world.until(lambda: set(FREEZES) <= set(leader.passed), "all were passed")

    play(scenario)


def test_a_deleted_resource_is_forgotten_and_the_route_stays() -> None:
    async def scenario(world: World) -> None:
        leader = await world.lead()
        await world.settled()
        world.delete(f"{FIPS}/web")
        world.kubelets["node-a"].power_off()
        await asyncio.sleep(200)
        assert world.posts() == []
        assert leader.lost == 0
        assert 'failoverip="web"' not in leader.metrics.page().decode()

    play(scenario)


def test_a_resource_deleted_while_its_claim_is_on_the_way_stops_nobody() -> None:
    async def scenario(world: World) -> None:
        leader = await world.lead()
        leader.at("before claim", lambda: world.delete(f"{FIPS}/gone"))
        world.apply("gone", ["203.0.113.10"])
        await asyncio.sleep(20)
        await world.settled()
        assert leader.lost == 0

    play(scenario)


def test_a_stale_claim_of_another_leader_is_met_by_leaving() -> None:
    """Somebody claimed in our place: whoever reads it leads no longer."""

    async def scenario(world: World) -> None:
        leader = await world.lead()
        await world.settled()
        fence = world.status()["fence"]
        status = world.status() | {"fence": fence | {"epoch": 2, "holder": "somebody"}}
        world.patch(f"{FIPS}/web/status", {"status": status})
        await world.until(lambda: leader.lost == 1, "it leaves")
        await world.until(
            lambda: world.status()["fence"]["holder"] == "one_2", "and claims as somebody new"
        )

    play(scenario)
