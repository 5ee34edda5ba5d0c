"""Two kube-apiservers on one etcd, one replica at each: half of the control plane dies at once."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from tests.controlplane.controlplane import ControlPlane
from tests.controlplane.fixtures import TcpProxyFactory
from tests.controlplane.kubelet import Kubelet
from tests.controlplane.servers import ApiServer
from tests.controlplane.tcp_proxy import TcpProxy
from tests.controlplane.waiting import eventually, holds_throughout
from tests.e2e.installation import ADDRESS, Installation, Replica, server_ip

pytestmark = pytest.mark.e2e


@dataclass(frozen=True)
class Halves:
    """The leader with its API server and the link between them; the standby has the other half.

    The control plane's own clients and the kubelets use the standby's API server.
    """

    leader: Replica
    leader_link: TcpProxy
    leader_api_server: ApiServer
    standby: Replica


@pytest.fixture
def halves(
    installation: Installation,
    nodes: dict[str, Kubelet],
    control_plane: ControlPlane,
    tcp_proxy: TcpProxyFactory,
) -> Halves:
    """Ready on node-a, and both replicas at work."""
    second = control_plane.add_api_server()
    link, standby_link = tcp_proxy(second.url), tcp_proxy(control_plane.api_server.url)
    leader = installation.start_replica("one", server=link.url)
    assert installation.leader() is leader
    standby = installation.start_replica("two", server=standby_link.url)
    installation.apply()
    installation.until_ready("node-a")
    eventually(lambda: is_ready(standby), "the standby is a candidate")
    return Halves(leader, link, second, standby)


def test_active_node_leader_and_its_api_server_die_together_and_the_address_moves_once(
    installation: Installation, nodes: dict[str, Kubelet], halves: Halves
) -> None:
    nodes["node-a"].power_off()
    halves.leader_api_server.freeze()
    halves.leader_link.silence()
    halves.leader.kill()

    status = installation.until_ready("node-b")

    assert installation.leader() is halves.standby
    assert status["moves"][0]["cause"] == "NodeUnreachable"
    assert_one_switch(installation)


def test_a_leader_cut_off_from_its_api_server_asks_nothing_while_the_other_moves_the_address(
    installation: Installation, nodes: dict[str, Kubelet], halves: Halves
) -> None:
    """It reaches Robot all the time; when its link heals it follows the new leader."""
    nodes["node-a"].power_off()
    halves.leader_link.silence()

    installation.until_ready("node-b")

    assert installation.leader() is halves.standby
    assert_one_switch(installation)
    eventually(lambda: halves.leader.starts == 2, "the old leader lost its lease")
    halves.leader_link.heal()
    eventually(lambda: is_ready(halves.leader), "the old leader is a candidate")
    holds_throughout(lambda: installation.leader() is halves.standby, "it follows", 5)
    assert_one_switch(installation)
    asked = "asking robot to switch"
    assert (len(halves.leader.said(asked)), len(halves.standby.said(asked))) == (0, 1)


def assert_one_switch(installation: Installation) -> None:
    """One request, one switch, to node-b."""
    assert installation.simulator.routes()[ADDRESS] == server_ip(322)
    assert len(installation.simulator.posts()) == 1
    assert len(installation.simulator.executed()) == 1


def is_ready(replica: Replica) -> bool:
    """Whether it campaigns or leads."""
    return replica.page("/readyz").status_code == 200
