"""The API server goes away and returns: that alone moves nothing (invariant I5)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
from tests.controlplane.controlplane import ControlPlane
from tests.controlplane.fixtures import ControlPlaneFactory, KubeletFactory
from tests.controlplane.kubelet import Kubelet, thaw_staggered
from tests.controlplane.waiting import eventually, holds_throughout
from tests.e2e.installation import (
    ADDRESS,
    Installation,
    Replica,
    installed,
    server_ip,
)

pytestmark = pytest.mark.e2e

# Of the operator's periods, with kubelets that are back within 10 s of the new leader's first
# list: real ones need up to 10 s, too, and a heartbeat must be silent for 20 s.
REAL_PERIODS = ("--time-scale", "1")


@pytest.mark.slow
def test_an_api_server_frozen_for_a_minute_moves_nothing_though_all_nodes_are_unknown_when_it_thaws(
    new_control_plane: ControlPlaneFactory, kubelet: KubeletFactory, tmp_path: Path
) -> None:
    """Without leader election kube-controller-manager lives on, and marks all nodes at once."""
    plane = new_control_plane(leader_elect=False)
    kubelets = three_kubelets(plane, kubelet)
    with installed(plane, tmp_path) as installation:
        start_two(installation, flags=REAL_PERIODS)
        epoch = freeze(plane, installation, kubelets)
        quiet_journal(installation, seconds=60)
        assert plane.controller_manager.starts == 1
        return_one_by_one(plane, installation, kubelets, epoch)


@pytest.mark.slow
def test_an_api_server_frozen_for_a_minute_moves_nothing_when_kube_controller_manager_is_restarted(
    new_control_plane: ControlPlaneFactory, kubelet: KubeletFactory, tmp_path: Path
) -> None:
    """With leader election it ends, about 10 s into the freeze, and its successor marks all nodes
    only after it has waited for them: periods are doubled, for the nodes stay away for longer.
    """
    plane = new_control_plane(leader_elect=True)
    kubelets = three_kubelets(plane, kubelet)
    with installed(plane, tmp_path) as installation:
        start_two(installation, flags=["--time-scale", "2"])
        starts = plane.controller_manager.starts
        epoch = freeze(plane, installation, kubelets)
        eventually(
            lambda: plane.controller_manager.starts > starts,
            "kube-controller-manager lost its election, ended, and was started again",
        )
        quiet_journal(installation, seconds=50)
        return_one_by_one(plane, installation, kubelets, epoch)


def test_an_api_server_that_is_down_for_longer_than_a_lease_changes_nothing(
    installation: Installation, nodes: dict[str, Kubelet], control_plane: ControlPlane
) -> None:
    """Robot and all nodes are fine; without a lease Robot is not even read."""
    start_two(installation)
    epoch = installation.status()["fence"]["epoch"]
    control_plane.api_server.kill()
    until_reexecuted(installation.replicas[0])
    quiet_journal(installation, seconds=10)
    control_plane.api_server.start()
    control_plane.api_server.wait_ready(control_plane.admin)
    until_led_again(installation, epoch)
    until_as_before(installation)


def three_kubelets(plane: ControlPlane, kubelet: KubeletFactory) -> list[Kubelet]:
    """Of node-a, node-b and node-c, at a control plane of the test's own."""
    return [
        kubelet(f"node-{letter}", server_ip(number), api=plane.api(timeout_seconds=10))
        for letter, number in (("a", 321), ("b", 322), ("c", 323))
    ]


def start_two(installation: Installation, flags: Sequence[str] = ()) -> None:
    """One resource, Ready on node-a; the first of two replicas leads."""
    installation.start_replica("one", flags=flags)
    installation.leader()
    installation.start_replica("two", flags=flags)
    installation.apply()
    installation.until_ready("node-a")


def freeze(plane: ControlPlane, installation: Installation, kubelets: list[Kubelet]) -> int:
    """Stop kubelets and API server until the leader lost its lease; the epoch it had."""
    leader = installation.leader()
    epoch: int = installation.status()["fence"]["epoch"]
    for node in kubelets:
        node.freeze()
    plane.api_server.freeze()
    until_reexecuted(leader)
    return epoch


def until_reexecuted(replica: Replica) -> None:
    """A leader that lost its lease starts anew in the same process."""
    eventually(lambda: replica.starts == 2, "the leader starts anew")


def quiet_journal(installation: Installation, seconds: float) -> None:
    """Without a leader nobody asks Robot anything."""
    before = len(installation.simulator.journal())
    holds_throughout(
        lambda: len(installation.simulator.journal()) == before, "Robot is asked nothing", seconds
    )


def return_one_by_one(
    plane: ControlPlane, installation: Installation, kubelets: list[Kubelet], epoch: int
) -> None:
    """Thaw; the active node's kubelet is the last to return, when others are positive already."""
    plane.api_server.thaw()
    plane.api_server.wait_ready(plane.admin)
    until_led_again(installation, epoch)
    eventually(
        lambda: all(node.reported_ready() == "Unknown" for node in kubelets), "all are Unknown"
    )
    active, *others = kubelets
    thaw_staggered(others, over_seconds=1)
    installation.until(lambda s: s.get("eligibleCount") == 2, "the others are positive")
    assert active.reported_ready() == "Unknown"
    active.thaw()
    until_as_before(installation)


def until_led_again(installation: Installation, epoch: int) -> None:
    """A leader has claimed the resource under a new epoch."""
    installation.until(lambda s: s["fence"]["epoch"] > epoch, "a new leader claims it")


def until_as_before(installation: Installation) -> None:
    """Everything is fine on node-a, and Robot was never asked to switch."""
    installation.until(lambda s: s.get("eligibleCount") == 3, "all nodes are candidates again")
    installation.until_ready("node-a")
    holds_throughout(lambda: installation.status()["activeNode"] == "node-a", "it stays", 5)
    assert installation.simulator.posts() == []
    assert installation.simulator.routes()[ADDRESS] == server_ip(321)
