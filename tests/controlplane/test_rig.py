"""The rig keeps its own promises, or no end-to-end test means anything."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from tests.controlplane.build import Assets
from tests.controlplane.cluster import Cluster, ExistingCluster
from tests.controlplane.controlplane import ControlPlane
from tests.controlplane.fixtures import (
    ControlPlaneFactory,
    GatekeeperFactory,
    KubeletFactory,
    TcpProxyFactory,
)
from tests.controlplane.gatekeeper import Exchange
from tests.controlplane.kubelet import (
    DEFAULT_BEAT_SECONDS,
    HEARTBEATS,
    Kubelet,
    PretendNode,
    thaw_staggered,
)
from tests.controlplane.rest import Api, ApiError, Json
from tests.controlplane.waiting import eventually, holds_throughout

pytestmark = pytest.mark.e2e

CONFIG_MAPS = "/api/v1/namespaces/default/configmaps"


def beats(api: Api, name: str) -> str:
    renewed: str = api.get(f"{HEARTBEATS}/{name}")["spec"]["renewTime"]
    return renewed


def is_ready(kubelet: Kubelet, status: str) -> bool:
    return kubelet.reported_ready() == status


def config_map(name: str) -> Json:
    return {"metadata": {"name": name}, "data": {"key": "value"}}


@pytest.fixture
def config_maps(cluster: Cluster) -> Iterator[Api]:
    """The API, without the ConfigMaps of the test once it is done."""
    yield cluster.admin
    for item in cluster.admin.list(CONFIG_MAPS):
        if not item["metadata"]["name"].startswith("kube-"):
            cluster.admin.delete(f"{CONFIG_MAPS}/{item['metadata']['name']}")


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


class TestTcpProxy:
    def test_silence_lets_clients_connect_and_answers_nothing_until_it_heals(
        self, control_plane: ControlPlane, tcp_proxy: TcpProxyFactory
    ) -> None:
        proxy = tcp_proxy(control_plane.api_server.url)
        api = control_plane.api(proxy.url, timeout_seconds=1)
        assert api.text("/readyz") == "ok"
        proxy.silence()
        with pytest.raises(httpx.TimeoutException):
            api.text("/readyz")
        with pytest.raises(httpx.TimeoutException):
            control_plane.api(proxy.url, timeout_seconds=1).text("/readyz")
        late: list[str] = []
        patient = control_plane.api(proxy.url)
        asking = threading.Thread(target=lambda: late.append(patient.text("/readyz")))
        before = proxy.open_connections
        asking.start()
        eventually(lambda: proxy.open_connections > before, "one more client is connected")
        proxy.heal()
        asking.join(60)
        assert late == ["ok"]
        assert control_plane.api(proxy.url).text("/readyz") == "ok"

    def test_a_cut_resets_old_connections_and_new_ones(
        self, control_plane: ControlPlane, tcp_proxy: TcpProxyFactory
    ) -> None:
        proxy = tcp_proxy(control_plane.api_server.url)
        api = control_plane.api(proxy.url)
        seen: list[Json] = []
        ended: list[Exception] = []

        def read() -> None:
            try:
                seen.extend(api.watch("/api/v1/namespaces"))
            except httpx.TransportError as error:
                ended.append(error)

        reader = threading.Thread(target=read)
        reader.start()
        eventually(lambda: seen, "the watch is open")
        proxy.cut()
        reader.join(60)
        assert len(ended) == 1
        with pytest.raises(httpx.TransportError):
            api.text("/readyz")
        proxy.heal()
        assert api.text("/readyz") == "ok"


def creates(name: str, exchange: Exchange) -> bool:
    return exchange.method == "POST" and exchange.body["metadata"]["name"] == name


class TestGatekeeper:
    def test_a_watch_streams_while_a_write_is_held(
        self, control_plane: ControlPlane, gatekeeper: GatekeeperFactory, config_maps: Api
    ) -> None:
        gate = gatekeeper()
        api = control_plane.api(gate.url)
        seen: list[str] = []

        def watch() -> None:
            for event in api.watch(CONFIG_MAPS, timeoutSeconds="20"):
                seen.append(event["object"]["metadata"]["name"])
                if seen[-1] == "held":
                    return

        watcher = threading.Thread(target=watch)
        watcher.start()
        config_maps.create(CONFIG_MAPS, config_map("first"))
        eventually(lambda: "first" in seen, "the watch is open")
        hold = gate.hold(before=lambda exchange: creates("held", exchange))
        writer = threading.Thread(target=api.create, args=(CONFIG_MAPS, config_map("held")))
        writer.start()
        exchange = hold.wait_until_held()
        assert exchange.forwarded is None
        config_maps.create(CONFIG_MAPS, config_map("meanwhile"))
        eventually(lambda: "meanwhile" in seen, "the event passed at once")
        assert config_maps.find(f"{CONFIG_MAPS}/held") is None
        hold.release()
        writer.join(60)
        eventually(lambda: "held" in seen, "the held write was seen")
        watcher.join(60)
        assert exchange.status == 201

    def test_a_request_held_after_it_was_executed_shows_at_the_api_server(
        self, control_plane: ControlPlane, gatekeeper: GatekeeperFactory, config_maps: Api
    ) -> None:
        gate = gatekeeper()
        hold = gate.hold(after=lambda exchange: creates("done", exchange))
        api = control_plane.api(gate.url)
        writer = threading.Thread(target=api.create, args=(CONFIG_MAPS, config_map("done")))
        writer.start()
        exchange = hold.wait_until_held()
        assert config_maps.find(f"{CONFIG_MAPS}/done")
        assert exchange.answered is not None
        assert exchange.ended is None
        hold.release()
        writer.join(60)
        assert exchange.status == 201

    def test_a_sender_that_goes_away_takes_its_held_request_along(
        self, control_plane: ControlPlane, gatekeeper: GatekeeperFactory, config_maps: Api
    ) -> None:
        gate = gatekeeper()
        hold = gate.hold(before=lambda exchange: creates("gone", exchange))
        with pytest.raises(httpx.TimeoutException):
            control_plane.api(gate.url, timeout_seconds=1).create(CONFIG_MAPS, config_map("gone"))
        eventually(lambda: not hold.held, "the gatekeeper saw the sender go")
        hold.release()
        assert [one.forwarded for one in gate.journal] == [None]
        assert config_maps.find(f"{CONFIG_MAPS}/gone") is None

    def test_a_dropped_answer_leaves_the_write_done(
        self, control_plane: ControlPlane, gatekeeper: GatekeeperFactory, config_maps: Api
    ) -> None:
        gate = gatekeeper()
        gate.drop_answer(lambda exchange: creates("unknown", exchange))
        api = control_plane.api(gate.url)
        with pytest.raises(httpx.TransportError):
            api.create(CONFIG_MAPS, config_map("unknown"))
        assert config_maps.find(f"{CONFIG_MAPS}/unknown")
        with pytest.raises(ApiError, match="already exists"):
            api.create(CONFIG_MAPS, config_map("unknown"))

    def test_an_answer_of_its_own_reaches_the_sender_and_not_the_server(
        self, control_plane: ControlPlane, gatekeeper: GatekeeperFactory, config_maps: Api
    ) -> None:
        gate = gatekeeper()
        rule = gate.answer(lambda exchange: creates("no", exchange), 500, b'{"message": "boom"}')
        api = control_plane.api(gate.url)
        with pytest.raises(ApiError, match="500 : boom"):
            api.create(CONFIG_MAPS, config_map("no"))
        assert config_maps.find(f"{CONFIG_MAPS}/no") is None
        rule.remove()
        api.create(CONFIG_MAPS, config_map("no"))

    def test_it_adds_no_right_of_its_own(self, gatekeeper: GatekeeperFactory) -> None:
        gate = gatekeeper()
        answer = httpx.get(f"{gate.url}/api/v1/nodes", trust_env=False)
        assert answer.status_code == 403
        assert "system:anonymous" in answer.json()["message"]


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
