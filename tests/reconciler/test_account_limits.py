"""When Robot and the Secret are not to be asked, and what is told while they cannot tell."""

from __future__ import annotations

import asyncio

from tests.reconciler.world import NAMESPACE, World, lease_path, play

from failoverip.simulator.world.links import Link

WITHOUT_SERVER = "node-d"
# Three nodes have servers, the fourth has none: the list of servers is read every minute.
NODES = ("node-a", "node-b", "node-c", WITHOUT_SERVER)


def test_after_a_bare_403_neither_routes_nor_servers_are_read_for_ten_minutes() -> None:
    async def scenario(world: World) -> None:
        await world.lead()
        await world.settled()
        world.fault(kind="forbidden", count=1)
        await world.until(
            lambda: any(e.status == 403 for e in world.robot.machine.journal.entries), "a bare 403"
        )
        banned = next(e for e in world.robot.machine.journal.entries if e.status == 403)
        await asyncio.sleep(1200)
        later = [e for e in world.robot.machine.journal.entries if e.number > banned.number]
        assert later
        assert min(entry.began for entry in later) - banned.began >= 600

    play(scenario, nodes=NODES)


def test_a_secret_that_the_api_server_fails_to_give_is_not_told_as_missing() -> None:
    async def scenario(world: World) -> None:
        replica = world.start()
        replica.api.faults["read the Secret"] = Link.FAILS
        world.apply()
        await world.until(lambda: world.condition("Ready"), "something is told")
        await asyncio.sleep(60)
        assert world.condition("Stalled")["status"] == "False"
        assert world.condition("ProviderReachable")["reason"] == "RouteUnknown"
        del replica.api.faults["read the Secret"]
        await world.until_ready("node-a")

    play(scenario)


def test_a_new_leader_says_that_its_predecessor_was_rate_limited() -> None:
    async def scenario(world: World) -> None:
        leader = await world.lead("one")
        await world.settled()
        world.fault(kind="rate_limited", count=1, methods=["GET"])
        await world.until(lambda: world.ledger().get("rc"), "the ledger says closed", 300)
        leader.terminate()
        await world.lead("two")
        asked = len(world.reads())

        def told() -> bool:
            reachable = world.condition("ProviderReachable")
            return (reachable["status"], reachable["reason"]) == ("False", "RateLimited")

        await world.until(told, "it is told", 60)
        assert "allows more" in world.condition("ProviderReachable")["message"]
        assert len(world.reads()) == asked

    play(scenario)


def test_a_leader_whose_reads_are_used_up_says_so() -> None:
    async def scenario(world: World) -> None:
        leader = await world.lead("one")
        await world.settled()
        leader.kill()
        world.patch(lease_path(NAMESPACE), {"metadata": {"annotations": None}})
        await world.lead("two")

        def told() -> bool:
            reachable = world.condition("ProviderReachable")
            return (reachable["status"], reachable["reason"]) == ("False", "BudgetExhausted")

        await world.until(told, "it is told", 3000)
        assert world.condition("Ready")["status"] != "True"

    play(scenario)
