"""kill -9 of the leader at each point of a switch: one executed switch, and the right end."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.controlplane.fixtures import GatekeeperFactory, TcpProxyFactory
from tests.controlplane.gatekeeper import Predicate
from tests.controlplane.kubelet import Kubelet
from tests.controlplane.waiting import eventually
from tests.e2e.installation import Installation
from tests.e2e.replica_pair import (
    ReplicaPair,
    assert_one_switch,
    attempt,
    closing,
    first_intent,
    spending_renewal,
    spent,
    started_pair,
)

pytestmark = pytest.mark.e2e


@pytest.fixture
def pair(
    installation: Installation,
    nodes: dict[str, Kubelet],
    gatekeeper: GatekeeperFactory,
    tcp_proxy: TcpProxyFactory,
) -> Iterator[ReplicaPair]:
    """A leader and a standby; the address is on node-a; Robot says when a route is `ready`."""
    installation.simulator.switches(status_field="present")
    installation.apply()
    with started_pair(installation, gatekeeper, tcp_proxy) as pair:
        installation.until_ready("node-a")
        yield pair


def test_killed_before_the_intent_is_written_the_successor_decides_afresh(
    installation: Installation, nodes: dict[str, Kubelet], pair: ReplicaPair
) -> None:
    hold = pair.leader.api.hold(before=first_intent)
    nodes["node-a"].power_off()
    hold.wait_until_held()
    pair.leader.replica.kill()

    status = assert_one_switch(installation, "node-b", 322)
    assert len(installation.simulator.posts()) == 1
    assert pair.leader.posts() == []
    assert status["lastMove"]["epoch"] == status["fence"]["epoch"] == 2
    assert pair.adoptions() == []


@pytest.mark.parametrize("point", [attempt, spending_renewal], ids=lambda point: point.__name__)
def test_killed_between_intent_and_post_the_successor_adopts_it_and_sends_the_only_post(
    installation: Installation, nodes: dict[str, Kubelet], pair: ReplicaPair, point: Predicate
) -> None:
    hold = pair.leader.api.hold(before=point)
    nodes["node-a"].power_off()
    hold.wait_until_held()
    intent = installation.status()["intent"]
    pair.leader.replica.kill()

    status = assert_one_switch(installation, "node-b", 322)
    assert len(installation.simulator.posts()) == 1
    assert pair.leader.posts() == []
    assert status["lastMove"]["id"] == intent["id"]
    assert [line["intent"] for line in pair.adoptions()] == [intent["id"]]


def test_killed_in_mid_post_the_successor_adopts_it_and_robot_executes_nothing_twice(
    installation: Installation, nodes: dict[str, Kubelet], pair: ReplicaPair
) -> None:
    installation.simulator.switches(switch_seconds=600)
    nodes["node-a"].power_off()
    eventually(installation.simulator.executed, "Robot is switching")
    pair.leader.replica.kill()
    # The successor asks again while the first switch runs, which Robot tells it.
    eventually(lambda: _codes(pair) == ["FAILOVER_LOCKED"], "the successor is told to wait")
    installation.simulator.advance(600)

    assert_one_switch(installation, "node-b", 322)
    assert len(pair.leader.posts()) == 1
    assert len(pair.adoptions()) == 1
    # What the killed leader spent is not forgotten.
    spent_writes = spent(pair.lease_records()[-1])["writes"]
    assert spent_writes == len(installation.simulator.posts())


def test_killed_after_the_post_the_successor_adopts_it_and_confirms_it_by_reading(
    installation: Installation, nodes: dict[str, Kubelet], pair: ReplicaPair
) -> None:
    hold = pair.leader.api.hold(before=closing)
    nodes["node-a"].power_off()
    hold.wait_until_held()
    assert [post["status"] for post in pair.leader.posts()] == [200]
    pair.leader.replica.kill()

    assert_one_switch(installation, "node-b", 322)
    assert len(installation.simulator.posts()) == 1
    assert len(pair.adoptions()) == 1


def _codes(pair: ReplicaPair) -> list[str]:
    return [post["code"] for post in pair.standby.posts() if post["code"]]
