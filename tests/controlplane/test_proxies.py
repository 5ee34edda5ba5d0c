"""The proxies between one client and its API server do what a test asks, and nothing else."""

from __future__ import annotations

import threading

import httpx
import pytest
from tests.controlplane.config_maps import CONFIG_MAPS, config_map
from tests.controlplane.controlplane import ControlPlane
from tests.controlplane.fixtures import GatekeeperFactory, TcpProxyFactory
from tests.controlplane.gatekeeper import Exchange
from tests.controlplane.rest import Api, ApiError, Json
from tests.controlplane.waiting import eventually

pytestmark = pytest.mark.e2e


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
