"""Leases that are taken, deleted or out of reach: one leader acts, and all stay candidates."""

from __future__ import annotations

import pytest
from tests.controlplane.cluster import namespaced_leases
from tests.controlplane.fixtures import GatekeeperFactory, TcpProxyFactory
from tests.controlplane.kubelet import Kubelet
from tests.controlplane.rest import Json
from tests.controlplane.waiting import eventually
from tests.e2e.installation import LEASE, NAMESPACE, Installation, Replica
from tests.e2e.replica_pair import (
    assert_one_switch,
    holders,
    lease_write,
    readiness,
    spending_renewal,
    spent,
    started_pair,
)

pytestmark = pytest.mark.e2e

LEASE_PATH = f"{namespaced_leases(NAMESPACE)}/{LEASE}"
LOSSES_EACH = 5
TRIES = 30


def test_ten_lost_leases_in_a_row_leave_both_replicas_candidates_in_the_same_processes(
    installation: Installation, nodes: dict[str, Kubelet]
) -> None:
    installation.simulator.switches(status_field="present")
    replicas = [installation.start_replica(name) for name in ("one", "two")]
    installation.apply()
    installation.until_ready("node-a")
    pids = [replica.process.pid for replica in replicas]
    losses = {"one": 0, "two": 0}
    tries = 0
    while min(losses.values()) < LOSSES_EACH:
        tries += 1
        assert tries <= TRIES, f"one replica leads for ever: {losses}"
        losses[lose_lease(installation).name] += 1

    for replica in replicas:
        identities = [line["identity"] for line in replica.said("operator started")]
        assert len(set(identities)) == len(identities) == losses[replica.name] + 1
        taken = replica.said("lease lost", reason="Taken", holder="a-stranger")
        assert len(taken) == losses[replica.name]
        assert len(replica.said("starting over as a candidate")) == losses[replica.name]
    assert [replica.process.pid for replica in replicas] == pids
    assert all(replica.process.running for replica in replicas)
    # One leads, and the other would.
    eventually(
        lambda: sorted(readiness(replica) for replica in replicas) == ["candidate", "leader"],
        "one leads and the other is a candidate",
    )
    leader, standby = installation.leader(), installation.standby()
    leader.kill()
    installation.cluster.kubectl("cordon", "node-a")
    assert_one_switch(installation, "node-b", 322)
    assert installation.holder().startswith(f"{standby.name}_")


def test_a_lease_deleted_while_its_holder_leads_comes_back_with_its_ledger_and_one_leader_acts(
    installation: Installation,
    nodes: dict[str, Kubelet],
    gatekeeper: GatekeeperFactory,
    tcp_proxy: TcpProxyFactory,
) -> None:
    installation.simulator.switches(status_field="present")
    installation.apply()
    with started_pair(installation, gatekeeper, tcp_proxy) as pair:
        installation.until_ready("node-a")
        leader = pair.leader.identities()[-1]
        for _ in range(3):
            uid = lease(installation)["metadata"]["uid"]
            reads = spent(lease(installation))["reads"]
            installation.cluster.admin.delete(LEASE_PATH)
            eventually(lambda: is_another_lease(installation, uid), "the Lease is back")  # noqa: B023  used up before the next round
            assert spent(lease(installation))["reads"] >= reads > 0

        installation.cluster.kubectl("cordon", "node-a")
        assert_one_switch(installation, "node-b", 322)
        assert pair.standby.posts() == []
        assert holders(pair.lease_records()) == [leader]
        assert not any(lease_write(exchange) for exchange in pair.standby.api.journal)
        assert pair.leader.identities() == [leader]


def test_a_leader_that_reaches_only_robot_steps_down_by_itself_and_asks_it_for_nothing(
    installation: Installation,
    nodes: dict[str, Kubelet],
    gatekeeper: GatekeeperFactory,
    tcp_proxy: TcpProxyFactory,
) -> None:
    installation.simulator.switches(status_field="present")
    installation.apply()
    with started_pair(installation, gatekeeper, tcp_proxy) as pair:
        installation.until_ready("node-a")
        first = pair.leader.identities()[-1]
        renewal = pair.leader.api.hold(before=spending_renewal)
        installation.cluster.kubectl("cordon", "node-a")
        renewal.wait_until_held()
        # The renewal that must precede its request to Robot, and all that follows, get no answer.
        everything = pair.leader.api.hold(before=lambda _: True)

        eventually(lambda: pair.leader.identities()[-1] != first, "it starts over")
        assert_one_switch(installation, "node-b", 322)
        assert pair.leader.posts() == []
        assert len(pair.standby.posts()) == len(pair.adoptions()) == 1
        assert [line["reason"] for line in pair.leader.replica.said("lease lost")] == ["NotRenewed"]
        renewal.release()
        everything.release()
        eventually(lambda: readiness(pair.leader.replica) == "candidate", "it is a candidate again")


def lose_lease(home: Installation) -> Replica:
    """A stranger takes the Lease from its holder, for a second; returns who lost it."""
    leader = home.leader()
    lives = len(leader.said("operator started"))
    taken: Json = {"spec": {"holderIdentity": "a-stranger", "leaseDurationSeconds": 1}}
    home.cluster.admin.patch(LEASE_PATH, taken)
    eventually(lambda: len(leader.said("operator started")) > lives, f"{leader.name} starts over")
    return leader


def lease(home: Installation) -> Json:
    """The Lease as it is stored."""
    return home.cluster.admin.get(LEASE_PATH)


def is_another_lease(home: Installation, uid: str) -> bool:
    """Whether there is a Lease, and not that one."""
    found = home.cluster.admin.find(LEASE_PATH)
    return found is not None and found["metadata"]["uid"] != uid
