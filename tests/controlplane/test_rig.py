"""The rig keeps its own promises, or no end-to-end test means anything."""

from __future__ import annotations

import threading
from pathlib import Path

import httpx
import pytest
from tests.controlplane.build import Assets
from tests.controlplane.cluster import Cluster, ExistingCluster
from tests.controlplane.config_maps import CONFIG_MAPS, config_map
from tests.controlplane.controlplane import ControlPlane
from tests.controlplane.fixtures import (
    ControlPlaneFactory,
    KubeletFactory,
)
from tests.controlplane.kubelet import (
    DEFAULT_BEAT_SECONDS,
    HEARTBEATS,
    Kubelet,
    PretendNode,
    thaw_staggered,
)
from tests.controlplane.rest import Api, ApiError
from tests.controlplane.waiting import eventually, holds_throughout

pytestmark = pytest.mark.e2e


def beats(api: Api, name: str) -> str:
    renewed: str = api.get(f"{HEARTBEATS}/{name}")["spec"]["renewTime"]
    return renewed


def is_ready(kubelet: Kubelet, status: str) -> bool:
    return kubelet.reported_ready() == status


class TestCluster:
    def test_kubectl_is_as_new_as_the_server(self, cluster: Cluster) -> None:
        printed = cluster.kubectl("version").stdout
        assert "Client Version: v1.36" in printed
        assert "Server Version: v1.36" in printed

    def test_api_errors_carry_the_servers_reason_and_message(self, cluster: Cluster) -> None:
        with pytest.raises(ApiError, match='namespaces "absent" not found') as caught:
            cluster.admin.get("/api/v1/namespaces/absent")
        assert (caught.value.status, caught.value.reason) == (404, "NotFound")

    def test_cleaning_leaves_no_node_and_no_lease_but_the_systems(
        self, cluster: Cluster, kubelet: KubeletFactory
    ) -> None:
        node = kubelet("node-1", "192.0.2.1")
        eventually(lambda: cluster.admin.find(f"{HEARTBEATS}/node-1"), "a heartbeat Lease")
        node.stop()
        cluster.clean()
        assert cluster.admin.list("/api/v1/nodes") == []
        assert cluster.admin.list(HEARTBEATS) == []

    def test_a_service_accounts_kubeconfig_has_its_rights_and_no_other(
        self, cluster: Cluster
    ) -> None:
        accounts = "/api/v1/namespaces/default/serviceaccounts"
        cluster.admin.create(accounts, {"metadata": {"name": "narrow"}})
        kubeconfig = cluster.service_account_kubeconfig("default", "narrow")

        def asked(verb: str, what: str) -> str:
            flag = f"--kubeconfig={kubeconfig}"
            return cluster.kubectl(flag, "auth", "can-i", verb, what, check=False).stdout.strip()

        assert asked("list", "nodes") == "no"
        cluster.kubectl("create", "clusterrole", "narrow", "--verb=list", "--resource=nodes")
        cluster.kubectl(
            "create", "clusterrolebinding", "narrow", "--clusterrole=narrow",
            "--serviceaccount=default:narrow",
        )  # fmt: skip
        eventually(lambda: asked("list", "nodes") == "yes", "the right has arrived")
        assert asked("delete", "nodes") == "no"
        cluster.kubectl("delete", "clusterrolebinding,clusterrole", "narrow")
        cluster.admin.delete(f"{accounts}/narrow")
        assert kubeconfig.stat().st_mode & 0o077 == 0


class TestKubelets:
    def test_a_beating_node_stays_ready_for_longer_than_the_grace_period(
        self, control_plane: ControlPlane, kubelet: KubeletFactory
    ) -> None:
        node = kubelet("node-1", "192.0.2.1")
        eventually(lambda: control_plane.admin.find(f"{HEARTBEATS}/node-1"), "a heartbeat Lease")
        first = beats(control_plane.admin, "node-1")
        holds_throughout(lambda: is_ready(node, "True"), "the node is Ready", seconds=12)
        assert beats(control_plane.admin, "node-1") > first

    def test_a_node_without_power_turns_unknown_and_comes_back_ready(
        self, control_plane: ControlPlane, kubelet: KubeletFactory
    ) -> None:
        node = kubelet("node-1", "192.0.2.1")
        eventually(lambda: control_plane.admin.find(f"{HEARTBEATS}/node-1"), "a heartbeat Lease")
        node.power_off()
        eventually(lambda: is_ready(node, "Unknown"), "the node is Unknown")
        node.power_on()
        eventually(lambda: is_ready(node, "True"), "the node is Ready again")

    def test_a_thawed_kubelet_posts_ready_again_by_itself(
        self, control_plane: ControlPlane, kubelet: KubeletFactory
    ) -> None:
        node = kubelet("node-1", "192.0.2.1")
        eventually(lambda: control_plane.admin.find(f"{HEARTBEATS}/node-1"), "a heartbeat Lease")
        node.freeze()
        eventually(lambda: is_ready(node, "Unknown"), "the node is Unknown")
        node.thaw()
        eventually(lambda: is_ready(node, "True"), "the node is Ready again")

    def test_a_restarting_kubelet_says_false_for_a_moment_and_keeps_beating(
        self, control_plane: ControlPlane, kubelet: KubeletFactory
    ) -> None:
        node = kubelet("node-1", "192.0.2.1")
        eventually(lambda: control_plane.admin.find(f"{HEARTBEATS}/node-1"), "a heartbeat Lease")
        before = beats(control_plane.admin, "node-1")
        node.restart()
        eventually(lambda: is_ready(node, "True"), "the node is Ready again")
        eventually(lambda: beats(control_plane.admin, "node-1") > before, "a further beat")

    def test_a_deleted_node_loses_its_lease_and_returns_at_the_next_boot(
        self, control_plane: ControlPlane, kubelet: KubeletFactory
    ) -> None:
        node = kubelet("node-1", "192.0.2.1", annotations={"failoverip.io/server": "321"})
        eventually(lambda: control_plane.admin.find(f"{HEARTBEATS}/node-1"), "a heartbeat Lease")
        uid = control_plane.admin.get("/api/v1/nodes/node-1")["metadata"]["uid"]
        control_plane.kubectl("delete", "node", "node-1")
        eventually(
            lambda: control_plane.admin.find(f"{HEARTBEATS}/node-1") is None,
            "the Lease went with its owner",
        )
        node.power_on()
        again = control_plane.admin.get("/api/v1/nodes/node-1")["metadata"]
        assert again["uid"] != uid
        assert again["annotations"]["failoverip.io/server"] == "321"


class TestControlPlaneFaults:
    def test_nodes_come_back_after_the_api_server_was_frozen(
        self, control_plane: ControlPlane, kubelet: KubeletFactory
    ) -> None:
        nodes = [kubelet(f"node-{number}", f"192.0.2.{number}") for number in (1, 2, 3)]
        starts = control_plane.controller_manager.starts
        control_plane.api_server.freeze()
        eventually(
            lambda: control_plane.controller_manager.starts > starts,
            "kube-controller-manager lost its election, ended, and was started again",
        )
        control_plane.api_server.thaw()
        control_plane.api_server.wait_ready(control_plane.admin)
        eventually(
            lambda: all(is_ready(node, "True") for node in nodes), "all nodes are Ready", 120
        )

    def test_without_leader_election_all_nodes_are_unknown_after_a_freeze_and_return_one_by_one(
        self, new_control_plane: ControlPlaneFactory, kubelet: KubeletFactory
    ) -> None:
        plane = new_control_plane(leader_elect=False)
        nodes = [
            kubelet(f"node-{number}", f"192.0.2.{number}", api=plane.api(timeout_seconds=10))
            for number in (1, 2, 3)
        ]
        eventually(lambda: len(plane.admin.list(HEARTBEATS)) == 3, "all nodes beat")
        plane.api_server.freeze()
        for node in nodes:
            node.freeze()
        holds_throughout(lambda: plane.controller_manager.starts == 1, "no restart", seconds=15)
        plane.api_server.thaw()
        plane.api_server.wait_ready(plane.admin)
        eventually(lambda: all(is_ready(node, "Unknown") for node in nodes), "all Unknown")
        thaw_staggered(nodes, over_seconds=4)
        eventually(lambda: all(is_ready(node, "True") for node in nodes), "all nodes are Ready")
        assert plane.controller_manager.starts == 1

    def test_a_restarted_api_server_has_its_port_and_its_objects(
        self, control_plane: ControlPlane, config_maps: Api
    ) -> None:
        config_maps.create(CONFIG_MAPS, config_map("kept"))
        control_plane.restart_api_server()
        assert control_plane.admin.get(f"{CONFIG_MAPS}/kept")["data"] == {"key": "value"}

    def test_a_frozen_etcd_stops_writes_until_it_thaws(
        self, control_plane: ControlPlane, config_maps: Api
    ) -> None:
        control_plane.etcd.process.freeze()
        with pytest.raises(httpx.TimeoutException):
            control_plane.api(timeout_seconds=2).create(CONFIG_MAPS, config_map("given-up"))
        patient = threading.Thread(
            target=config_maps.create, args=(CONFIG_MAPS, config_map("waited-for"))
        )
        patient.start()
        control_plane.etcd.process.thaw()
        patient.join(60)
        assert config_maps.find(f"{CONFIG_MAPS}/waited-for")

    def test_a_second_api_server_serves_while_the_first_is_frozen(
        self, control_plane: ControlPlane, config_maps: Api
    ) -> None:
        second = control_plane.add_api_server()
        api = control_plane.api(second.url)
        control_plane.api_server.freeze()
        api.create(CONFIG_MAPS, config_map("through-the-second"))
        control_plane.api_server.thaw()
        assert config_maps.get(f"{CONFIG_MAPS}/through-the-second")


@pytest.mark.slow
def test_at_the_default_timings_a_silent_node_stays_ready_for_half_a_minute(
    new_control_plane: ControlPlaneFactory,
) -> None:
    plane = new_control_plane(timings=None)
    node = Kubelet(plane.admin, PretendNode("node-1", "192.0.2.1"), DEFAULT_BEAT_SECONDS)
    node.start()
    try:
        eventually(lambda: plane.admin.find(f"{HEARTBEATS}/node-1"), "a heartbeat Lease")
        node.power_off()
        holds_throughout(lambda: is_ready(node, "True"), "the node is Ready", seconds=30)
        eventually(lambda: is_ready(node, "Unknown"), "the node is Unknown", 120)
    finally:
        node.stop()


def test_an_existing_cluster_is_used_through_the_users_own_kubeconfig(
    control_plane: ControlPlane, assets: Assets, tmp_path: Path
) -> None:
    existing = ExistingCluster(assets.kubectl, control_plane.admin_kubeconfig, tmp_path)
    try:
        existing.admin.create(
            "/api/v1/namespaces/default/serviceaccounts", {"metadata": {"name": "guest"}}
        )
        kubeconfig = existing.service_account_kubeconfig("default", "guest")
        told = existing.kubectl(f"--kubeconfig={kubeconfig}", "auth", "whoami", "-o", "json")
        assert "system:serviceaccount:default:guest" in told.stdout
        existing.admin.delete("/api/v1/namespaces/default/serviceaccounts/guest")
    finally:
        existing.close()


def test_cleaning_an_existing_cluster_spares_its_own_nodes(
    control_plane: ControlPlane, kubelet: KubeletFactory, assets: Assets, tmp_path: Path
) -> None:
    control_plane.admin.create("/api/v1/nodes", {"metadata": {"name": "real"}})
    kubelet("pretend", "192.0.2.1").stop()
    existing = ExistingCluster(assets.kubectl, control_plane.admin_kubeconfig, tmp_path)
    existing.clean()
    existing.close()
    left = [node["metadata"]["name"] for node in control_plane.admin.list("/api/v1/nodes")]
    assert left == ["real"]
