"""What is asked of Robot: recorded on the Lease first, and never more than the hour allows."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Sequence

import pytest
from tests.reconciler.world import (
    ADDRESS,
    ADDRESS_V6,
    GROUP,
    NODES,
    USER,
    World,
    lease_path,
    play,
    server_ip,
)

from failoverip.reconciler.ledgers import LEDGER_ANNOTATION
from failoverip.simulator.world.links import Json, Link

HOUR = 3600.0
TWENTY = tuple(f"203.0.113.{number}" for number in range(10, 30))
# A move of these takes a third of the hour's writes.
MANY = TWENTY[1:15]


def logins_refused(world: World) -> list[float]:
    """When Robot answered 401."""
    return [e.began for e in world.robot.machine.journal.entries if e.status == 401]


def most_in_any_hour(times: Sequence[float]) -> int:
    """The most of these within an hour."""
    return max((sum(at <= t < at + HOUR for t in times) for at in times), default=0)


def test_a_write_stands_on_the_lease_before_it_is_sent() -> None:
    async def scenario(world: World) -> None:
        leader = await world.lead()
        await world.settled()
        seen: list[Json] = []
        leader.at(f"before asking for {ADDRESS}", lambda: seen.append(world.ledger()))
        world.kubelets["node-a"].power_off()
        await world.until_ready("node-b")
        assert [len(ledger["w"]) for ledger in seen] == [1]

    play(scenario)


def test_a_first_login_stands_on_the_lease_as_failed_before_it_is_sent() -> None:
    async def scenario(world: World) -> None:
        leader = await world.lead()
        seen: list[Json] = []
        leader.at("before reading /server", lambda: seen.append(world.ledger()))
        await world.settled()
        assert [len(ledger["f"]) for ledger in seen] == [1]
        await asyncio.sleep(5)
        assert "f" not in world.ledger()

    play(scenario)


def test_reads_stand_on_the_lease_in_blocks_of_five_before_they_are_sent() -> None:
    async def scenario(world: World) -> None:
        leader = await world.lead()
        world.apply()
        seen: list[int] = []

        def look() -> None:
            """At each read, then at the next."""
            seen.append(len(world.ledger()["r"]))
            leader.at("before reading /failover", look)

        leader.at("before reading /failover", look)
        await world.until(lambda: len(seen) == 7, "seven reads")
        assert seen == [5, 5, 5, 5, 5, 10, 10]

    play(scenario)


def test_reserved_reads_are_not_sent_when_the_renewal_that_records_them_fails() -> None:
    async def scenario(world: World) -> None:
        leader = await world.lead()
        await world.settled()
        # Five were recorded; the sixth needs a renewal.
        await world.until(lambda: len(world.reads()) == 5, "the block is used")
        # Right before it is due, so that the lease is still held then.
        await asyncio.sleep(117)
        leader.api.faults["renew the Lease"] = Link.FAILS
        at = world.clock.now()
        world.start("two")
        await world.until(lambda: world.replicas[1].leads, "the other leads")
        assert world.clock.now() - at > 9
        sources = [read.source for read in world.reads()]
        assert sources.count("one") == 5

    play(scenario)


def test_nothing_is_asked_when_the_renewal_after_the_attempt_fails() -> None:
    async def scenario(world: World) -> None:
        leader = await world.lead()
        await world.settled()

        def fail() -> None:
            leader.api.faults["renew the Lease"] = Link.FAILS

        leader.at("after record the attempt", fail)
        world.kubelets["node-a"].power_off()
        await world.until(lambda: leader.lost == 1, "the lease is lost")
        assert world.posts() == []
        leader.api.faults.clear()
        await world.until_ready("node-b")
        assert len(world.executed()) == 1

    play(scenario)


def test_credentials_that_never_worked_are_sent_once_and_again_when_the_secret_changes() -> None:
    async def scenario(world: World) -> None:
        world.write_secret("robot-credentials", USER, "wrong-password")
        await world.lead()
        world.apply()
        await asyncio.sleep(0.75 * HOUR)
        assert len(logins_refused(world)) == 1
        assert world.condition("ProviderReachable")["reason"] == "CredentialsRefused"
        world.write_secret("robot-credentials", USER, "canary-password-5f2a")
        await world.until_ready("node-a")
        assert len(logins_refused(world)) == 1

    play(scenario, tick_seconds=5.0)


def test_credentials_that_worked_are_tried_after_fifteen_minutes_and_then_hourly() -> None:
    async def scenario(world: World) -> None:
        leader = await world.lead()
        await world.settled()
        world.robot.machine.change_password({"name": USER, "password": "another"})
        await world.until(lambda: logins_refused(world), "the first 401")
        leader.terminate()
        await leader.ended
        await world.lead("two")
        await asyncio.sleep(1.4 * HOUR)
        gaps = [b - a for a, b in itertools.pairwise(logins_refused(world))]
        assert gaps == pytest.approx([900, HOUR], abs=30)

    play(scenario, tick_seconds=5.0)


def test_a_rate_limit_stops_the_reads_for_as_long_as_robot_says() -> None:
    async def scenario(world: World) -> None:
        await world.lead()
        await world.settled()
        world.fault(kind="rate_limited", methods=["GET"], count=1)
        before = len(world.reads())
        await world.until(lambda: len(world.reads()) > before, "the read that is refused")
        at = world.clock.now()
        await world.until(lambda: len(world.reads()) > before + 1, "the next", 2000)
        assert world.clock.now() - at == pytest.approx(1200, abs=15)

    play(scenario, rate_window_seconds=1200.0)


@pytest.mark.parametrize("addresses", [TWENTY[:1], TWENTY], ids=["1 address", "20 addresses"])
def test_an_hour_sees_thirty_reads_however_many_addresses(addresses: Sequence[str]) -> None:
    async def scenario(world: World) -> None:
        await world.lead()
        world.apply("web", addresses[:10])
        if len(addresses) > 10:
            world.apply("more", addresses[10:])
            await world.until_ready("node-a", "more")
        await world.until_ready("node-a")
        began, at = len(world.reads()), world.clock.now()
        await asyncio.sleep(HOUR)
        times = [read.began for read in world.reads()[began:]]
        assert len(times) == 30 - (times[-1] - at > HOUR)

    play(scenario, addresses=addresses, tick_seconds=5.0)


def test_routes_are_read_every_thirty_seconds_for_five_minutes_after_an_attempt() -> None:
    async def scenario(world: World) -> None:
        await world.lead()
        await world.settled()
        world.fault(kind="reset", methods=["POST"])
        world.kubelets["node-a"].power_off()
        await world.until(world.posts, "the first attempt")
        at = world.posts()[0].began
        await world.until(lambda: world.clock.now() > at + 300, "five minutes")
        times = [at, *(read.began for read in world.reads() if at <= read.began < at + 300)]
        assert max(b - a for a, b in itertools.pairwise(times)) < 32
        assert len(times) <= 14

    play(scenario)


def test_routes_are_read_at_30_120_and_240_seconds_after_a_close_with_unknown_outcome() -> None:
    async def scenario(world: World) -> None:
        leader = await world.lead()
        await world.settled()
        # Robot says `ready` at the target, and never answers the request itself.
        world.fault(kind="hang", methods=["POST"], executed=True)
        closed: list[float] = []
        leader.at("before close the intent", lambda: closed.append(world.clock.now()))
        world.kubelets["node-a"].power_off()
        await world.until_ready("node-b")
        await asyncio.sleep(260)
        ages = [read.began - closed[0] for read in world.reads()]
        assert [age for age in ages if age > 0] == pytest.approx([30, 120, 240], abs=3)

    play(scenario, status_field="present")


@pytest.mark.parametrize("loss", ["power_off", "delete"])
def test_a_failed_node_is_left_although_the_free_reads_of_the_hour_are_used_up(loss: str) -> None:
    """After a lost ledger ten free reads are left: they end after some twenty minutes."""

    async def scenario(world: World) -> None:
        leader = await world.lead()
        await world.settled()
        leader.kill()
        world.patch(
            lease_path("failoverip-system"),
            {"metadata": {"annotations": {LEDGER_ANNOTATION: None}}},
        )
        await world.lead("two")
        await world.until(
            lambda: world.condition("ProviderReachable")["reason"] == "BudgetExhausted",
            "the free reads are used up",
            0.5 * HOUR,
        )
        assert [read.source for read in world.reads()].count("two") == 10
        if loss == "power_off":
            world.kubelets["node-a"].power_off()
        else:
            world.delete("/api/v1/nodes/node-a")
        await world.until_ready("node-b")
        assert len(world.executed()) == 1

    play(scenario, tick_seconds=5.0)


def test_no_hour_sees_more_than_the_limits_over_drift_fights_and_changes_of_leaders() -> None:
    async def scenario(world: World) -> None:
        await world.lead()
        world.apply("web", GROUP, drift="Enforce")
        world.apply("more", MANY)
        await world.until_ready("node-a")
        for turn in range(36):
            await asyncio.sleep(300)
            world.move(ADDRESS, server_ip(399))
            world.cordon(NODES[turn % 3])
            world.cordon(NODES[(turn + 2) % 3], on=False)
            if turn % 4 == 3:
                replace_leader(world, turn)
        entries = world.robot.machine.journal.entries
        reads = [e.began for e in entries if e.method == "GET" and e.path == "/failover"]
        writes = [e.began for e in entries if e.method == "POST"]
        assert most_in_any_hour(reads) <= 100
        # A move every five minutes would need 168: the budget stops it at its reserve of ten.
        assert 30 < most_in_any_hour(writes) <= 50
        assert {e.status for e in entries} <= {200, 409, None}

    def replace_leader(world: World, turn: int) -> None:
        world.replicas[-1].kill()
        world.start(f"after-{turn}")

    play(scenario, addresses=(ADDRESS, ADDRESS_V6, *MANY), tick_seconds=5.0)
