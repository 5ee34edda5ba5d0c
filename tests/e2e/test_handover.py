"""SIGTERM hands over: the successor takes a released Lease, the ledger and an open switch."""

from __future__ import annotations

import pytest
from tests.controlplane.fixtures import GatekeeperFactory, TcpProxyFactory
from tests.controlplane.kubelet import Kubelet
from tests.controlplane.rest import Json
from tests.controlplane.waiting import eventually
from tests.e2e.installation import Installation
from tests.e2e.replica_pair import (
    Guarded,
    ReplicaPair,
    assert_one_switch,
    holders,
    readiness,
    spent,
    started_pair,
)

pytestmark = pytest.mark.e2e


def test_sigterm_releases_the_lease_and_its_ledger_and_the_successor_need_not_wait_for_its_end(
    installation: Installation,
    nodes: dict[str, Kubelet],
    gatekeeper: GatekeeperFactory,
    tcp_proxy: TcpProxyFactory,
) -> None:
    installation.apply()
    with started_pair(installation, gatekeeper, tcp_proxy) as pair:
        installation.until_ready("node-a")
        first, second = pair.leader.identities()[-1], pair.standby.identities()[-1]

        assert pair.leader.replica.stop() == 0
        eventually(lambda: readiness(pair.standby.replica) == "leader", "the successor leads")

        # The record that it replaced was free, not expired: it was nobody's.
        assert holders(pair.lease_records()) == [first, "", second]
        released, acquired = around(pair, second)
        assert released["spec"]["leaseDurationSeconds"] == 1
        assert acquired["spec"]["leaseTransitions"] == released["spec"]["leaseTransitions"] + 1
        assert spent(released)["reads"] >= 1
        assert spent(acquired) == spent(released)
        assert spent(pair.lease_records()[-1])["reads"] >= spent(released)["reads"]
        assert_told(pair.leader)
        installation.until(lambda status: status["fence"]["epoch"] == 2, "the successor claims it")
        assert installation.simulator.posts() == []

        # A candidate has nothing to hand over.
        third = installation.start_replica("three")
        eventually(lambda: readiness(third) == "candidate", "three is a candidate")
        assert third.stop() == 0
        assert installation.holder() == second
        assert third.said("lease released") == []


def test_sigterm_in_mid_post_leaves_one_executed_switch_that_the_successor_adopts(
    installation: Installation,
    nodes: dict[str, Kubelet],
    gatekeeper: GatekeeperFactory,
    tcp_proxy: TcpProxyFactory,
) -> None:
    installation.simulator.switches(status_field="present", switch_seconds=600)
    installation.apply()
    with started_pair(installation, gatekeeper, tcp_proxy) as pair:
        installation.until_ready("node-a")
        second = pair.standby.identities()[-1]
        installation.cluster.kubectl("cordon", "node-a")
        eventually(installation.simulator.executed, "Robot is switching")

        assert pair.leader.replica.stop() == 0
        eventually(lambda: len(pair.adoptions()) == 1, "the successor adopts the switch")
        installation.simulator.advance(600)

        assert_one_switch(installation, "node-b", 322)
        assert len(pair.leader.posts()) == 1
        released, acquired = around(pair, second)
        assert spent(released)["writes"] == spent(acquired)["writes"] == 1
        # The successor goes on counting where its predecessor stopped.
        posts = len(installation.simulator.posts())
        assert spent(pair.lease_records()[-1])["writes"] == posts
        assert_told(pair.leader)


def around(pair: ReplicaPair, successor: str) -> tuple[Json, Json]:
    """The last record before the successor's first, and that."""
    records = pair.lease_records()
    first = next(
        number
        for number, record in enumerate(records)
        if record["spec"].get("holderIdentity") == successor
    )
    return records[first - 1], records[first]


def assert_told(leader: Guarded) -> None:
    """The log's last words."""
    assert leader.replica.said("lease released", released=True)
    assert leader.replica.log()[-1]["message"] == "operator stopped"
