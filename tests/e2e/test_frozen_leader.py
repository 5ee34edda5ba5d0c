"""A leader that is frozen past its lease, and thawed: it sends nothing to Robot any more."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.controlplane.controlplane import ControlPlane
from tests.controlplane.fixtures import GatekeeperFactory, TcpProxyFactory
from tests.controlplane.gatekeeper import Exchange, Rule
from tests.controlplane.kubelet import Kubelet
from tests.controlplane.waiting import eventually
from tests.e2e.installation import Installation, installed
from tests.e2e.replica_pair import (
    Guarded,
    ReplicaPair,
    assert_one_switch,
    closing,
    first_intent,
    spending_renewal,
    started_pair,
    status_write,
)
from tests.simulator_robot.tls import self_signed

pytestmark = pytest.mark.e2e

REFUSED = {409, 422}


@pytest.fixture
def installation(control_plane: ControlPlane, tmp_path: Path) -> Iterator[Installation]:
    """Robot serves HTTPS, as the real one does: opening a connection takes several steps."""
    with installed(control_plane, tmp_path, robot_tls=self_signed(tmp_path)) as home:
        home.simulator.switches(status_field="present")
        yield home


@pytest.fixture
def pair(
    installation: Installation,
    nodes: dict[str, Kubelet],
    gatekeeper: GatekeeperFactory,
    tcp_proxy: TcpProxyFactory,
) -> Iterator[ReplicaPair]:
    """A leader and a standby; the address is on node-a."""
    installation.apply()
    with started_pair(installation, gatekeeper, tcp_proxy) as pair:
        installation.until_ready("node-a")
        yield pair


@dataclass(frozen=True)
class Frozen:
    """A leader that is stopped: since when, who it was then, and what it had sent to Robot."""

    who: Guarded
    at: float
    identity: str
    posts: int


def test_frozen_before_the_intent_write_its_intent_is_refused(
    installation: Installation, pair: ReplicaPair
) -> None:
    hold = pair.leader.api.hold(before=first_intent)
    cordon(installation, "node-a")
    intent_write = hold.wait_until_held()
    frozen = freeze(pair.leader)
    until_claimed_by(installation, pair.standby)
    # On its way since before the freeze, it arrives now.
    hold.release()
    eventually(lambda: intent_write.status, "the late write is answered")
    assert intent_write.status in REFUSED
    thaw(frozen)
    assert_only_the_successor_switched(installation, pair, frozen)


def test_frozen_after_the_intent_was_acknowledged(
    installation: Installation, pair: ReplicaPair
) -> None:
    hold = pair.leader.api.hold(after=first_intent)
    cordon(installation, "node-a")
    frozen = freeze_and_release(pair.leader, hold)
    until_claimed_by(installation, pair.standby)
    thaw(frozen)
    assert_only_the_successor_switched(installation, pair, frozen)
    assert len(pair.adoptions()) == 1


def test_frozen_before_the_renewal_that_precedes_the_post_the_renewal_is_refused(
    installation: Installation, pair: ReplicaPair
) -> None:
    hold = pair.leader.api.hold(before=spending_renewal)
    cordon(installation, "node-a")
    renewal = hold.wait_until_held()
    frozen = freeze(pair.leader)
    until_claimed_by(installation, pair.standby)
    hold.release()
    eventually(lambda: renewal.status, "the late renewal is answered")
    assert renewal.status in REFUSED
    thaw(frozen)
    assert_only_the_successor_switched(installation, pair, frozen)
    assert len(pair.adoptions()) == 1


def test_frozen_after_the_renewal_that_precedes_the_post_was_acknowledged(
    installation: Installation, pair: ReplicaPair
) -> None:
    hold = pair.leader.api.hold(after=spending_renewal)
    cordon(installation, "node-a")
    frozen = freeze_and_release(pair.leader, hold)
    until_claimed_by(installation, pair.standby)
    thaw(frozen)
    assert_only_the_successor_switched(installation, pair, frozen)
    assert len(pair.adoptions()) == 1


def test_frozen_between_the_connection_to_robot_and_its_first_byte(
    installation: Installation, pair: ReplicaPair
) -> None:
    hold = pair.leader.api.hold(after=spending_renewal)
    cordon(installation, "node-a")
    hold.wait_until_held()
    # From now on the handshake of TLS waits for an answer.
    pair.leader.robot.silence()
    before = pair.leader.robot.open_connections
    hold.release()
    eventually(
        lambda: pair.leader.robot.open_connections > before, "it connects to Robot", 60, 0.005
    )
    frozen = freeze(pair.leader)
    pair.leader.robot.heal()
    until_claimed_by(installation, pair.standby)
    thaw(frozen)
    assert_only_the_successor_switched(installation, pair, frozen)
    assert len(pair.adoptions()) == 1


def test_frozen_in_mid_post_its_answer_comes_to_nothing_and_its_switch_is_adopted(
    installation: Installation, pair: ReplicaPair
) -> None:
    installation.simulator.switches(switch_seconds=600)
    cordon(installation, "node-a")
    eventually(installation.simulator.executed, "Robot is switching")
    frozen = freeze(pair.leader)
    eventually(lambda: len(pair.adoptions()) == 1, "the successor adopts the switch")
    installation.simulator.advance(600)
    thaw(frozen)
    until_restarted(frozen)
    assert_one_switch(installation, "node-b", 322)
    assert len(pair.leader.posts()) == frozen.posts == 1
    assert_nothing_stale_was_stored(frozen)


def test_frozen_before_it_confirms_its_confirmation_is_refused(
    installation: Installation, pair: ReplicaPair
) -> None:
    hold = pair.leader.api.hold(before=closing)
    cordon(installation, "node-a")
    confirmation = hold.wait_until_held()
    frozen = freeze(pair.leader)
    eventually(lambda: len(pair.adoptions()) == 1, "the successor adopts the switch")
    hold.release()
    eventually(lambda: confirmation.status, "the late write is answered")
    assert confirmation.status in REFUSED
    thaw(frozen)
    until_restarted(frozen)
    assert_one_switch(installation, "node-b", 322)
    assert len(installation.simulator.posts()) == frozen.posts == 1
    assert_nothing_stale_was_stored(frozen)


# -- steps


def cordon(home: Installation, node: str) -> None:
    """Give the leader a cause that needs no waiting."""
    home.cluster.kubectl("cordon", node)


def freeze(leader: Guarded) -> Frozen:
    """SIGSTOP."""
    leader.replica.process.freeze()
    return Frozen(leader, time.monotonic(), leader.identities()[-1], len(leader.posts()))


def freeze_and_release(leader: Guarded, hold: Rule) -> Frozen:
    """SIGSTOP while an answer is held, which then waits in its socket."""
    hold.wait_until_held()
    frozen = freeze(leader)
    hold.release()
    return frozen


def until_claimed_by(home: Installation, successor: Guarded) -> None:
    """Past the lease of the frozen one: somebody else holds it, and the resource."""
    eventually(successor.leads, f"{successor.replica.name} leads")
    identity = successor.identities()[-1]
    home.until(lambda status: status["fence"]["holder"] == identity, "the successor claims it")


def thaw(frozen: Frozen) -> None:
    """SIGCONT."""
    frozen.who.replica.process.thaw()


def until_restarted(frozen: Frozen) -> None:
    """It found its lease lost and is a candidate again: nothing is left of what it was."""
    eventually(
        lambda: frozen.who.identities()[-1] != frozen.identity,
        "the thawed leader starts over with a new identity",
    )
    losses = [line["reason"] for line in frozen.who.replica.said("lease lost")]
    assert losses[-1:] in (["NotRenewed"], ["Taken"])


def assert_only_the_successor_switched(
    home: Installation, pair: ReplicaPair, frozen: Frozen
) -> None:
    """No first byte of the thawed leader reached Robot, and its late writes changed nothing."""
    until_restarted(frozen)
    assert_one_switch(home, "node-b", 322)
    assert pair.leader.posts() == []
    assert len(home.simulator.posts()) == len(pair.standby.posts()) == 1
    assert_nothing_stale_was_stored(frozen)


def assert_nothing_stale_was_stored(frozen: Frozen) -> None:
    """Whatever reached the API server after the freeze in the old leader's name was refused."""
    late = [exchange for exchange in frozen.who.api.journal if _is_late(exchange, frozen)]
    assert [exchange.status for exchange in late if exchange.status not in REFUSED] == []


def _is_late(exchange: Exchange, frozen: Frozen) -> bool:
    return (
        status_write(exchange)
        and exchange.body["status"]["fence"]["holder"] == frozen.identity
        and exchange.forwarded is not None
        and exchange.forwarded > frozen.at
    )
