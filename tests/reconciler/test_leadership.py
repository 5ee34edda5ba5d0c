"""Candidates and leaders over an API server that hangs, refuses, fails and forgets."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Coroutine
from typing import Any

import pytest
from tests.support.election_world import LeaseServer
from tests.support.lease_store import ReplicaStore

from failoverip.core.election import Loss, Lost
from failoverip.core.election_settings import ElectionSettings
from failoverip.reconciler.leadership import Leadership
from failoverip.simulator.world.links import Link
from failoverip.simulator.world.virtual_time import VirtualClock, run_virtual


class Replica:
    """One process: its link, its clock, its ledger; `restart` is what re-execution leaves."""

    def __init__(self, server: LeaseServer, name: str, offset: float = 1000.0) -> None:
        self.store = ReplicaStore(server)
        self.clock = VirtualClock(offset)
        self.name = name
        self.annotations: dict[str, str] = {}
        self.leadership = self.restart()

    def restart(self) -> Leadership:
        self.leadership = Leadership(
            self.store,
            self.clock,
            f"{self.name}_{uuid.uuid4()}",  # as the settings make it: one for each process
            ElectionSettings(),
            lambda: self.annotations,
            lambda: 0.5,
        )
        return self.leadership

    async def lead(self) -> asyncio.Task[Lost]:
        """Acquire, then hold in a task."""
        await self.leadership.acquire()
        return asyncio.create_task(self.leadership.hold())


class Cluster:
    def __init__(self) -> None:
        self.server = LeaseServer()
        self.first = Replica(self.server, "first")
        self.second = Replica(self.server, "second", offset=5000.0)

    @property
    def holder(self) -> str:
        return self.server.record.holder if self.server.record else ""


def now() -> float:
    return asyncio.get_running_loop().time()


def story(scenario: Coroutine[Any, Any, None]) -> None:
    run_virtual(asyncio.wait_for(scenario, 3600))


async def stop(task: asyncio.Task[Any]) -> None:
    task.cancel()
    await asyncio.wait({task})


def test_a_leader_stays_leader_for_hours_and_renews_every_two_seconds() -> None:
    async def scenario() -> None:
        cluster = Cluster()
        holding = await cluster.first.lead()
        for _ in range(1000):
            await asyncio.sleep(3)
            assert cluster.first.leadership.window_left_seconds() > 12.9
        assert len(cluster.first.store.arrived) == pytest.approx(1500, abs=5)
        await stop(holding)

    story(scenario())


@pytest.mark.parametrize("link", [Link.HANGS, Link.REFUSES, Link.FAILS, Link.LOSES_ANSWERS])
def test_a_leader_cut_off_steps_down_before_its_successor_acquires(link: Link) -> None:
    async def scenario() -> None:
        cluster = Cluster()
        holding = await cluster.first.lead()
        successor = asyncio.create_task(cluster.second.leadership.acquire())
        await asyncio.sleep(30)
        cluster.first.store.link = link
        cut_at = now()
        lost = await holding
        assert lost == Lost(Loss.NOT_RENEWED)
        assert now() - cut_at <= 10.1
        assert not cluster.first.leadership.is_leader
        assert not successor.done()
        await successor
        assert cluster.second.leadership.is_leader
        # Renewals whose answers were lost still moved the record, for ten seconds at most.
        late = 10 if link is Link.LOSES_ANSWERS else 0
        assert now() - cut_at <= late + 15 + 2.4 + 0.1

    story(scenario())


@pytest.mark.parametrize("link", [Link.HANGS, Link.REFUSES, Link.FAILS, Link.LOSES_ANSWERS])
def test_a_leader_outlives_a_fault_of_five_seconds(link: Link) -> None:
    async def scenario() -> None:
        cluster = Cluster()
        holding = await cluster.first.lead()
        await asyncio.sleep(30)
        cluster.first.store.link = link
        await asyncio.sleep(5)
        cluster.first.store.link = Link.FINE
        await asyncio.sleep(60)
        assert cluster.first.leadership.is_leader
        await stop(holding)

    story(scenario())


@pytest.mark.parametrize("link", [Link.HANGS, Link.REFUSES, Link.FAILS, Link.LOSES_ANSWERS])
def test_a_candidate_goes_on_over_every_failure(link: Link) -> None:
    async def scenario() -> None:
        cluster = Cluster()
        cluster.first.store.link = link
        acquiring = asyncio.create_task(cluster.first.leadership.acquire())
        await asyncio.sleep(600)
        assert not cluster.first.leadership.is_leader
        cluster.first.store.link = Link.FINE
        await asyncio.wait_for(acquiring, 10)
        assert cluster.first.leadership.is_leader

    story(scenario())


def test_a_foreign_edit_of_the_lease_costs_no_renewal() -> None:
    async def scenario() -> None:
        cluster = Cluster()
        cluster.first.annotations = {"ledger": "1"}
        holding = await cluster.first.lead()
        await asyncio.sleep(1)
        cluster.server.annotate("foreign", "stays")
        await asyncio.sleep(2)
        assert cluster.first.leadership.window_left_seconds() > 12.9
        assert cluster.server.record
        assert dict(cluster.server.record.annotations) == {"foreign": "stays", "ledger": "1"}
        await stop(holding)

    story(scenario())


def test_a_deleted_lease_is_created_anew_by_its_leader() -> None:
    async def scenario() -> None:
        cluster = Cluster()
        holding = await cluster.first.lead()
        successor = asyncio.create_task(cluster.second.leadership.acquire())
        await asyncio.sleep(5)
        cluster.server.delete()
        await asyncio.sleep(60)
        assert cluster.holder == cluster.first.leadership.identity
        assert cluster.first.leadership.is_leader
        await stop(successor)
        await stop(holding)

    story(scenario())


def test_a_thawed_leader_leads_no_longer_and_sends_nothing() -> None:
    async def scenario() -> None:
        cluster = Cluster()
        holding = await cluster.first.lead()
        await asyncio.sleep(1)
        sent = len(cluster.first.store.arrived)
        cluster.first.clock.freeze(20)
        assert not cluster.first.leadership.is_leader
        assert cluster.first.leadership.window_left_seconds() == 0
        assert not await cluster.first.leadership.renew_now()
        assert await holding == Lost(Loss.NOT_RENEWED)
        assert len(cluster.first.store.arrived) == sent

    story(scenario())


def test_a_wall_clock_that_jumps_changes_nothing() -> None:
    async def scenario() -> None:
        cluster = Cluster()
        holding = await cluster.first.lead()
        successor = asyncio.create_task(cluster.second.leadership.acquire())
        for seconds in (3600, -7200, 86400):
            cluster.first.clock.step_wall(seconds)
            cluster.second.clock.step_wall(-seconds)
            await asyncio.sleep(60)
            assert cluster.first.leadership.is_leader
            assert not cluster.second.leadership.is_leader
        await stop(successor)
        await stop(holding)

    story(scenario())


def test_ten_lost_leases_in_a_row_leave_both_replicas_candidates() -> None:
    async def scenario() -> None:
        cluster = Cluster()
        leader, standby = cluster.first, cluster.second
        holding = await leader.lead()
        for _ in range(10):
            waiting = asyncio.create_task(standby.lead())
            await asyncio.sleep(10)
            leader.store.link = Link.HANGS
            assert (await holding).reason is Loss.NOT_RENEWED
            leader.store.link = Link.FINE
            leader.restart()
            holding = await asyncio.wait_for(waiting, 30)
            assert cluster.holder == standby.leadership.identity
            leader, standby = standby, leader
        assert cluster.server.record
        assert cluster.server.record.transitions == 10
        await stop(holding)

    story(scenario())


def test_a_lost_lease_is_told_once_and_a_released_one_is_no_loss(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def scenario() -> None:
        cluster = Cluster()
        holding = await cluster.first.lead()
        cluster.first.store.link = Link.HANGS
        await holding
        cluster.first.store.link = Link.FINE
        await cluster.first.leadership.release()
        await cluster.second.lead()
        await cluster.second.leadership.release()

    caplog.set_level("INFO")
    story(scenario())
    assert [record.message for record in caplog.records].count("lease lost") == 1


# -- renew_now


def test_renew_now_puts_the_present_annotations_on_the_lease() -> None:
    async def scenario() -> None:
        cluster = Cluster()
        holding = await cluster.first.lead()
        await asyncio.sleep(0.5)
        cluster.first.annotations = {"ledger": "one write more"}
        began = now()
        assert await cluster.first.leadership.renew_now()
        assert now() - began < 0.1
        assert cluster.server.record
        assert dict(cluster.server.record.annotations) == {"ledger": "one write more"}
        await stop(holding)

    story(scenario())


def test_renew_now_does_not_count_a_renewal_that_was_already_under_way() -> None:
    async def scenario() -> None:
        cluster = Cluster()
        holding = await cluster.first.lead()
        under_way = asyncio.create_task(cluster.first.leadership.renew_now())
        await asyncio.sleep(0.005)
        cluster.first.annotations = {"ledger": "recorded meanwhile"}
        assert await cluster.first.leadership.renew_now()
        assert cluster.server.record
        assert dict(cluster.server.record.annotations) == {"ledger": "recorded meanwhile"}
        assert await under_way
        await stop(holding)

    story(scenario())


def test_callers_at_one_time_share_one_renewal() -> None:
    async def scenario() -> None:
        cluster = Cluster()
        holding = await cluster.first.lead()
        await asyncio.sleep(0.5)
        before = len(cluster.first.store.arrived)
        renewals = [cluster.first.leadership.renew_now() for _ in range(20)]
        assert await asyncio.gather(*renewals) == [True] * 20
        assert len(cluster.first.store.arrived) == before + 1
        await stop(holding)

    story(scenario())


@pytest.mark.parametrize("link", [Link.HANGS, Link.REFUSES, Link.FAILS, Link.LOSES_ANSWERS])
def test_renew_now_says_no_when_its_renewal_is_not_acknowledged(link: Link) -> None:
    async def scenario() -> None:
        cluster = Cluster()
        holding = await cluster.first.lead()
        await asyncio.sleep(0.5)
        cluster.first.store.link = link
        assert not await asyncio.wait_for(cluster.first.leadership.renew_now(), 10)
        await stop(holding)

    story(scenario())


def test_renew_now_of_a_candidate_is_no() -> None:
    async def scenario() -> None:
        assert not await Cluster().first.leadership.renew_now()

    story(scenario())


def test_a_cancelled_hold_leaves_nobody_waiting_and_no_window() -> None:
    async def scenario() -> None:
        cluster = Cluster()
        holding = await cluster.first.lead()
        await asyncio.sleep(0.5)
        cluster.first.store.link = Link.HANGS
        asked = asyncio.create_task(cluster.first.leadership.renew_now())
        await asyncio.sleep(0.5)
        await stop(holding)
        assert not await asked
        assert not cluster.first.leadership.is_leader

    story(scenario())


# -- hand-over


@pytest.mark.parametrize("hold_first_cancelled", [False, True])
def test_a_release_hands_over_without_waiting_for_the_expiry(hold_first_cancelled: bool) -> None:
    async def scenario() -> None:
        cluster = Cluster()
        cluster.first.annotations = {"ledger": "1"}
        holding = await cluster.first.lead()
        successor = asyncio.create_task(cluster.second.leadership.acquire())
        await asyncio.sleep(31)
        cluster.first.annotations = {"ledger": "2"}
        if hold_first_cancelled:
            await stop(holding)
        began = now()
        assert await cluster.first.leadership.release()
        assert not cluster.first.leadership.is_leader
        await successor
        assert now() - began <= 2.4 + 0.1
        assert cluster.second.leadership.inherited_annotations == {"ledger": "2"}
        await asyncio.wait({holding})

    story(scenario())


def test_a_release_in_the_middle_of_a_renewal_still_hands_over() -> None:
    async def scenario() -> None:
        cluster = Cluster()
        holding = await cluster.first.lead()
        renewing = asyncio.create_task(cluster.first.leadership.renew_now())
        await asyncio.sleep(0.005)
        assert await cluster.first.leadership.release()
        assert cluster.holder == ""
        assert await holding == Lost(Loss.RELEASED)
        assert not await renewing

    story(scenario())


@pytest.mark.parametrize("link", [Link.HANGS, Link.REFUSES, Link.FAILS])
def test_a_release_without_answers_gives_up_within_two_seconds(link: Link) -> None:
    async def scenario() -> None:
        cluster = Cluster()
        holding = await cluster.first.lead()
        await asyncio.sleep(1)
        cluster.first.store.link = link
        began = now()
        assert not await cluster.first.leadership.release()
        assert now() - began <= 2.01
        assert not cluster.first.leadership.is_leader
        assert (await holding).reason is Loss.NOT_RELEASED

    story(scenario())


def test_a_candidate_has_nothing_to_release() -> None:
    async def scenario() -> None:
        cluster = Cluster()
        assert await cluster.first.leadership.release()
        assert cluster.first.store.arrived == []

    story(scenario())


def test_a_new_process_waits_for_the_lease_of_the_killed_one() -> None:
    async def scenario() -> None:
        cluster = Cluster()
        holding = await cluster.first.lead()
        await asyncio.sleep(31)
        killed = cluster.first.leadership.identity
        cluster.first.store.link = Link.HANGS
        await stop(holding)
        cluster.first.store.link = Link.FINE
        began = now()
        await cluster.first.restart().acquire()
        assert cluster.first.leadership.identity != killed
        assert 14 <= now() - began <= 15 + 2.4 + 0.1

    story(scenario())
