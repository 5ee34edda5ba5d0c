"""The simulator over real HTTP. Its switches take 30 s of its own clock, which tests advance."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
from tests.simulator_robot.clients import client_of
from tests.simulator_robot.tls import self_signed
from tests.simulator_robot.worlds import (
    ADDRESS,
    ADDRESS_V6,
    FIRST,
    FIRST_NET,
    PASSWORD,
    SECOND,
    SUBNET,
    world,
)

from failoverip.simulator.robot.server import RunningSimulator, running

DEADLINE_SECONDS = 60


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(DEADLINE_SECONDS):
        while not condition():  # noqa: ASYNC110  # what it waits for is behind a socket
            await asyncio.sleep(0.01)


def post(
    robot: httpx.AsyncClient, ip: str = ADDRESS, target: str = SECOND
) -> asyncio.Task[httpx.Response]:
    return asyncio.create_task(robot.post(f"/failover/{ip}", data={"active_server_ip": target}))


def switching(simulator: RunningSimulator) -> list[str]:
    return [each["ip"] for each in simulator.controls.state()["switching"]]


async def test_a_read_is_answered_as_json(robot: httpx.AsyncClient) -> None:
    response = await robot.get("/failover")
    assert response.headers["content-type"] == "application/json"
    assert [each["failover"]["ip"] for each in response.json()] == [ADDRESS, SUBNET, ADDRESS_V6]


async def test_a_post_blocks_until_the_switch_time_has_passed(
    simulator: RunningSimulator, robot: httpx.AsyncClient
) -> None:
    switch = post(robot)
    await until(lambda: switching(simulator))
    simulator.controls.advance(20)
    assert (await robot.get(f"/failover/{ADDRESS}")).json()["failover"]["active_server_ip"] == FIRST
    assert not switch.done()
    simulator.controls.advance(11)
    response = await switch
    assert response.status_code == 200
    assert response.json()["failover"]["active_server_ip"] == SECOND


async def test_a_switch_ends_by_itself_in_real_time() -> None:
    async with (
        running(world(switch_seconds=0.2)) as simulator,
        client_of(simulator.base_url) as robot,
    ):
        assert (await post(robot)).status_code == 200
        entry = simulator.controls.journal[0]
        assert entry.ended is not None
        assert entry.ended - entry.began == pytest.approx(0.2)


async def test_a_parallel_post_of_one_address_is_locked_and_others_run_beside_it(
    simulator: RunningSimulator, robot: httpx.AsyncClient
) -> None:
    first = post(robot)
    await until(lambda: switching(simulator))
    refused = await post(robot)
    assert (refused.status_code, refused.json()["error"]["code"]) == (409, "FAILOVER_LOCKED")
    others = [post(robot, SUBNET), post(robot, ADDRESS_V6, FIRST_NET)]
    await until(lambda: len(switching(simulator)) == 3)
    simulator.controls.advance(31)
    assert [(await each).status_code for each in [first, *others]] == [200, 200, 200]


async def test_a_client_that_leaves_in_mid_switch_leaves_the_switch_running(
    simulator: RunningSimulator, robot: httpx.AsyncClient
) -> None:
    async with client_of(simulator.base_url) as leaving:
        switch = post(leaving)
        await until(lambda: switching(simulator))
        switch.cancel()
        await asyncio.wait([switch])
    await until(lambda: simulator.controls.journal[0].client_left is not None)
    assert (await post(robot)).json()["error"]["code"] == "FAILOVER_LOCKED"
    simulator.controls.advance(31)
    assert (await post(robot)).json()["error"]["code"] == "FAILOVER_ALREADY_ROUTED"
    assert [entry.executed for entry in simulator.controls.journal] == [True, False, False]


async def test_wrong_credentials_are_401_and_then_lock_the_source_out(
    simulator: RunningSimulator, robot: httpx.AsyncClient
) -> None:
    wrong = ("nobody", "wrong-canary")
    assert [(await robot.get("/failover", auth=wrong)).status_code for _ in range(3)] == [401] * 3
    bare = await robot.get("/failover")
    assert (bare.status_code, bare.headers["content-type"]) == (403, "text/html; charset=utf-8")
    simulator.controls.advance(601)
    assert (await robot.get("/failover")).status_code == 200
    assert "wrong-canary" not in repr(simulator.controls.journal)
    assert PASSWORD not in repr(simulator.controls.journal)


@pytest.mark.parametrize("header", ["Bearer abc", "Basic ???", "Basic", "Basic /w=="])
async def test_what_is_no_basic_login_is_401(robot: httpx.AsyncClient, header: str) -> None:
    response = await robot.get("/failover", headers={"Authorization": header}, auth=_no_auth)
    assert response.status_code == 401


def _no_auth(request: httpx.Request) -> httpx.Request:
    return request


async def test_a_json_body_is_not_understood(robot: httpx.AsyncClient) -> None:
    response = await robot.post(f"/failover/{ADDRESS}", json={"active_server_ip": SECOND})
    assert response.json()["error"]["missing"] == ["active_server_ip"]


async def test_a_reset_loses_the_connection_without_an_answer(
    simulator: RunningSimulator, robot: httpx.AsyncClient
) -> None:
    simulator.controls.add_fault({"kind": "reset", "count": 1})
    with pytest.raises(httpx.NetworkError):
        await robot.get("/failover")
    assert (await robot.get("/failover")).status_code == 200


async def test_an_answer_can_be_lost_after_its_switch_was_executed(
    simulator: RunningSimulator, robot: httpx.AsyncClient
) -> None:
    simulator.controls.add_fault({"kind": "reset", "executed": True, "methods": ["POST"]})
    switch = post(robot)
    await until(lambda: switching(simulator))
    simulator.controls.advance(31)
    with pytest.raises(httpx.NetworkError):
        await switch
    assert simulator.controls.route(ADDRESS) == SECOND


async def test_a_truncated_answer_ends_before_its_length(
    simulator: RunningSimulator, robot: httpx.AsyncClient
) -> None:
    simulator.controls.add_fault({"kind": "truncated", "count": 1})
    with pytest.raises(httpx.RemoteProtocolError, match="without sending complete message"):
        await robot.get("/failover")
    assert (await robot.get("/failover")).status_code == 200


async def test_a_hang_leaves_the_client_to_its_own_patience(
    simulator: RunningSimulator, robot: httpx.AsyncClient
) -> None:
    simulator.controls.add_fault({"kind": "hang", "methods": ["GET"]})
    read = asyncio.create_task(robot.get("/failover"))
    await until(lambda: simulator.controls.journal)
    simulator.controls.advance(86400)
    assert (await robot.post(f"/failover/{ADDRESS}")).status_code == 400, "others are answered"
    assert not read.done()
    read.cancel()
    await until(lambda: simulator.controls.journal[0].client_left is not None)
    assert simulator.controls.journal[0].ended is None


async def test_down_refuses_connections_and_comes_back_on_the_same_port(
    simulator: RunningSimulator, robot: httpx.AsyncClient
) -> None:
    switch = post(robot)
    await until(lambda: switching(simulator))
    simulator.controls.add_fault({"kind": "down", "for_seconds": 100})
    with pytest.raises(httpx.NetworkError):
        await switch
    with pytest.raises(httpx.ConnectError):
        await robot.get("/failover")
    simulator.controls.advance(101)
    await until(lambda: not simulator.controls.state()["faults"])
    async with asyncio.timeout(DEADLINE_SECONDS):
        shown = await _reachable(robot)
    assert shown.json()["failover"]["active_server_ip"] == SECOND


async def _reachable(robot: httpx.AsyncClient) -> httpx.Response:
    while True:
        try:
            return await robot.get(f"/failover/{ADDRESS}")
        except httpx.ConnectError:
            await asyncio.sleep(0.01)


async def test_it_serves_tls_and_resets_under_it(tmp_path: Path) -> None:
    certificate, key = self_signed(tmp_path)
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(certificate, key)
    trusting = ssl.create_default_context(cafile=str(certificate))
    async with (
        running(world(), tls=server) as simulator,
        client_of(simulator.base_url, verify=trusting) as robot,
    ):
        assert simulator.base_url.startswith("https://127.0.0.1:")
        assert (await robot.get("/failover")).status_code == 200
        simulator.controls.add_fault({"kind": "reset"})
        with pytest.raises(httpx.NetworkError):
            await robot.get("/failover")


async def test_it_stops_while_a_switch_is_under_way() -> None:
    async with running(world()) as simulator:
        robot = client_of(simulator.base_url)
        switch = post(robot)
        await until(lambda: switching(simulator))
    with pytest.raises((httpx.NetworkError, httpx.RemoteProtocolError)):
        await switch
    await robot.aclose()


async def test_two_simulators_do_not_share_a_port(simulator: RunningSimulator) -> None:
    port = int(simulator.base_url.rsplit(":", 1)[1])
    with pytest.raises(OSError, match=f"127.0.0.1:{port}"):
        async with running(world(), listen=("127.0.0.1", port)):
            pass


async def test_a_client_that_hangs_up_before_its_answer_leaves_no_error(
    simulator: RunningSimulator, caplog: pytest.LogCaptureFixture
) -> None:
    """Found by the demo, whose operators are killed: a read was logged as a failed request."""
    port = int(simulator.base_url.rpartition(":")[2])
    # Where in its work the server is when the client goes depends on these turns of the loop.
    for turns in range(200):
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET /failover HTTP/1.1\r\nHost: robot\r\n\r\n")
        for _ in range(turns % 12):
            await asyncio.sleep(0)
        writer.transport.abort()
        await asyncio.sleep(0)
    assert caplog.messages == []
