"""The transport against a real socket: what leaves, what comes back, what never happens."""

from __future__ import annotations

import asyncio
import base64
import json
import logging
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest
from tests.robot.loopback import (
    DEADLINE_SECONDS,
    Connection,
    Loopback,
    client_sockets,
    make_certificate,
    serving,
    until,
)

from failoverip.core.addresses import AddressKey, TargetAddress
from failoverip.core.provider import (
    CannotTell,
    Fault,
    Locked,
    NotExecuted,
    OutcomeUnknown,
    Route,
    SwitchAnswer,
    Switched,
)
from failoverip.robot import Credentials
from failoverip.robot.client import Limits, RobotClient
from failoverip.robot.objects import MAX_BODY_BYTES

ADDRESS = AddressKey("203.0.113.10")
TARGET = TargetAddress("192.0.2.12")
ROUTE = Route(ADDRESS, TARGET)
OBJECT = json.dumps({"failover": {"ip": ADDRESS, "active_server_ip": TARGET}}).encode()
LIST = b"[" + OBJECT + b"]"
CREDENTIALS = Credentials("#ws+canary", "canary-password")
# So long that no noisy machine meets them; a test of one limit shortens that one.
PATIENT = Limits(connect_seconds=60.0, read_seconds=60.0, switch_seconds=60.0)


@asynccontextmanager
async def client_of(
    url: str, limits: Limits = PATIENT, ca_file: str | None = None
) -> AsyncIterator[RobotClient]:
    client = RobotClient(url, CREDENTIALS, limits=limits, ca_file=ca_file)
    try:
        yield client
    finally:
        await client.aclose()


async def switch(client: RobotClient) -> SwitchAnswer:
    return await client.switch(ADDRESS, TARGET, lambda: True)


async def robot(connection: Connection) -> None:
    """Answers every request well, on kept connections."""
    while request := await connection.request():
        await connection.answer(200, LIST if request.startswith(b"GET") else OBJECT)


async def silent(connection: Connection) -> None:
    """Takes a request and never answers."""
    await connection.request()
    await connection.reader.read()


class TestReads:
    async def test_share_one_warm_connection(self) -> None:
        async with serving(robot) as server, client_of(server.url) as client:
            assert await client.read_routes() == (ROUTE,)
            assert await client.read_routes() == (ROUTE,)
            assert isinstance(await client.read_servers(), CannotTell)  # routes are no servers
            assert len(server.connections) == 1

    async def test_ask_what_the_protocol_says_as_the_user(self) -> None:
        async with serving(robot) as server, client_of(server.url) as client:
            await client.read_routes()
            await client.read_servers()
            first, second = server.connections[0].received.split(b"\r\n\r\n")[:2]
        assert first.startswith(b"GET /failover HTTP/1.1\r\n")
        assert second.startswith(b"GET /server HTTP/1.1\r\n")
        basic = base64.b64encode(b"#ws+canary:canary-password")
        assert b"\r\nAuthorization: Basic " + basic + b"\r\n" in first + b"\r\n"

    async def test_that_wait_for_each_other_all_get_their_answer(self) -> None:
        async with serving(robot) as server, client_of(server.url) as client:
            answers = await asyncio.gather(*(client.read_routes() for _ in range(5)))
            assert answers == [(ROUTE,)] * 5
            assert len(server.connections) == 1

    async def test_go_on_where_robot_closed_the_idle_connection(self) -> None:
        async def once(connection: Connection) -> None:
            await connection.request()
            await connection.answer(200, LIST)

        async with serving(once) as server, client_of(server.url) as client:
            for _ in range(3):
                assert await client.read_routes() == (ROUTE,)
                await server.connections[-1].ended.wait()
            assert len(server.connections) == 3

    async def test_that_hang_end_at_the_limit_and_the_next_opens_a_new_connection(self) -> None:
        limits = Limits(read_seconds=0.3)
        async with serving(silent) as server, client_of(server.url, limits) as client:
            for number in (1, 2):
                answer = await client.read_routes()
                assert isinstance(answer, CannotTell)
                assert answer.fault is Fault.TIMEOUT
                await until(lambda wanted=number: len(server.connections) == wanted)  # type: ignore[misc]  # a default argument binds the loop's value

    async def test_a_body_that_trickles_does_not_outlast_the_limit(self) -> None:
        async def trickle(connection: Connection) -> None:
            await connection.request()
            await connection.send(b"HTTP/1.1 200 X\r\nContent-Length: 1000000\r\n\r\n")
            while not connection.writer.is_closing():
                await connection.send(b" ")
                await asyncio.sleep(0.02)

        limits = Limits(read_seconds=0.5)
        async with serving(trickle) as server, client_of(server.url, limits) as client:
            answer = await client.read_routes()
            assert isinstance(answer, CannotTell)
            assert answer.fault is Fault.TIMEOUT

    async def test_go_around_a_dead_connection_after_a_fault(self) -> None:
        async def dies_first(connection: Connection) -> None:
            if len(server.connections) == 1:
                await connection.request()
                connection.reset()
            else:
                await robot(connection)

        async with serving(dies_first) as server, client_of(server.url) as client:
            answer = await client.read_routes()
            assert isinstance(answer, CannotTell)
            assert answer.fault is Fault.CONNECTION_LOST
            assert await client.read_routes() == (ROUTE,)
            assert await client.read_routes() == (ROUTE,)
            assert len(server.connections) == 2

    async def test_that_are_cancelled_leave_the_client_usable(self) -> None:
        async with serving(silent) as server, client_of(server.url) as client:
            reading = asyncio.create_task(client.read_routes())
            await until(lambda: bool(server.connections and server.connections[0].received))
            reading.cancel()
            with pytest.raises(asyncio.CancelledError):
                await reading
            server.script = robot
            assert await client.read_routes() == (ROUTE,)

    async def test_under_way_when_the_client_is_closed_end_without_an_answer(self) -> None:
        async with serving(silent) as server:
            client = RobotClient(server.url, CREDENTIALS, limits=PATIENT)
            reading = asyncio.create_task(client.read_routes())
            await until(lambda: bool(server.connections and server.connections[0].received))
            await client.aclose()
            answer = await asyncio.wait_for(reading, DEADLINE_SECONDS)
            assert isinstance(answer, CannotTell)
            assert answer.fault is Fault.CONNECTION_LOST
            assert client_sockets(server.port) == []

    async def test_set_the_user_timeout_too(self) -> None:
        async with serving(robot) as server, client_of(server.url) as client:
            await client.read_routes()
            assert client_sockets(server.port) == [5000]


async def truncated(connection: Connection) -> None:
    await connection.request()
    await connection.send(b"HTTP/1.1 200 X\r\nContent-Length: 1000\r\n\r\n" + LIST)


async def no_http(connection: Connection) -> None:
    await connection.request()
    await connection.send(b"SSH-2.0-OpenSSH\r\n\r\n")


async def reset(connection: Connection) -> None:
    await connection.request()
    connection.reset()


async def closed(connection: Connection) -> None:
    await connection.request()


async def endless(connection: Connection) -> None:
    await connection.request()
    await connection.send(b"HTTP/1.1 200 X\r\nContent-Length: 10000000000\r\n\r\n")
    while not connection.writer.is_closing():
        await connection.send(b" " * (MAX_BODY_BYTES // 4))


async def endless_headers(connection: Connection) -> None:
    await connection.request()
    await connection.send(b"HTTP/1.1 200 X\r\n")
    while not connection.writer.is_closing():
        await connection.send(b"X-Filler: " + b"x" * 4096 + b"\r\n")


async def compressed(connection: Connection) -> None:
    await connection.request()
    await connection.answer(200, b"\x1f\x8b garbage", "Content-Encoding: gzip")


async def maintenance(connection: Connection) -> None:
    await connection.request()
    await connection.answer(503, b"<html>maintenance</html>")


BROKEN = [
    (truncated, Fault.CONNECTION_LOST),
    (no_http, Fault.CONNECTION_LOST),
    (reset, Fault.CONNECTION_LOST),
    (closed, Fault.CONNECTION_LOST),
    (endless, Fault.GARBLED),
    (endless_headers, Fault.CONNECTION_LOST),
    (compressed, Fault.GARBLED),
    (maintenance, Fault.MAINTENANCE),
]


@pytest.mark.parametrize(("script", "fault"), BROKEN)
class TestBrokenAnswers:
    async def test_a_read_cannot_tell(self, script: object, fault: Fault) -> None:
        async with serving(script) as server, client_of(server.url) as client:  # type: ignore[arg-type]  # a Script of the table
            answer = await client.read_routes()
            assert isinstance(answer, CannotTell)
            assert answer.fault is fault

    async def test_a_switch_has_an_unknown_outcome(self, script: object, fault: Fault) -> None:
        async with serving(script) as server, client_of(server.url) as client:  # type: ignore[arg-type]  # a Script of the table
            answer = await switch(client)
            assert isinstance(answer, OutcomeUnknown)
            assert answer.reason.fault is fault
            assert len(server.connections) == 1  # never sent again


class TestSwitch:
    async def test_is_the_documented_post(self) -> None:
        async with serving(robot) as server, client_of(server.url) as client:
            assert await switch(client) == Switched(ROUTE)
            head, _, form = server.connections[0].received.partition(b"\r\n\r\n")
        assert head.startswith(b"POST /failover/203.0.113.10 HTTP/1.1\r\n")
        lines = {line.lower() for line in head.split(b"\r\n")}
        assert b"content-type: application/x-www-form-urlencoded" in lines
        assert b"content-length: 27" in lines
        assert b"connection: close" in lines
        assert form == b"active_server_ip=192.0.2.12"

    async def test_has_a_connection_of_its_own_beside_the_reads(self) -> None:
        async with serving(robot) as server, client_of(server.url) as client:
            await client.read_routes()
            await switch(client)
            await switch(client)
            await client.read_routes()
            requests = [
                connection.received.count(b" HTTP/1.1") for connection in server.connections
            ]
            assert requests == [2, 1, 1]

    async def test_blocks_as_long_as_robot_does_while_others_and_reads_go_on(self) -> None:
        release = asyncio.Event()

        async def slow(connection: Connection) -> None:
            while request := await connection.request():
                if request.startswith(b"POST"):
                    await release.wait()
                    await connection.answer(200, OBJECT)
                else:
                    await connection.answer(200, LIST)

        async with serving(slow) as server, client_of(server.url) as client:
            posts = [asyncio.create_task(switch(client)) for _ in range(3)]
            await until(lambda: sum(b"POST" in c.received for c in server.connections) == 3)
            assert await client.read_routes() == (ROUTE,)
            assert not any(post.done() for post in posts)
            release.set()
            assert await asyncio.gather(*posts) == [Switched(ROUTE)] * 3
            assert len(server.connections) == 4

    async def test_that_never_ends_is_given_up_at_its_limit_with_unknown_outcome(self) -> None:
        limits = Limits(connect_seconds=10 * DEADLINE_SECONDS, switch_seconds=0.3)
        async with serving(silent) as server, client_of(server.url, limits) as client:
            answer = await asyncio.wait_for(switch(client), DEADLINE_SECONDS)
            assert isinstance(answer, OutcomeUnknown)
            assert answer.reason.fault is Fault.TIMEOUT
            await asyncio.wait_for(server.connections[0].ended.wait(), DEADLINE_SECONDS)

    async def test_to_a_server_that_hangs_up_before_reading_is_unknown(self) -> None:
        async def hangs_up(connection: Connection) -> None:
            connection.reset()

        async with serving(hangs_up) as server, client_of(server.url) as client:
            assert isinstance(await switch(client), OutcomeUnknown)

    async def test_to_a_closed_port_is_not_executed(self) -> None:
        with socket.socket() as unused:
            unused.bind(("127.0.0.1", 0))
            url = f"http://127.0.0.1:{unused.getsockname()[1]}"
            async with client_of(url) as client:
                answer = await switch(client)
                read = await client.read_routes()
        assert isinstance(answer, NotExecuted)
        assert answer.reason.fault is Fault.UNREACHABLE
        assert isinstance(read, CannotTell)
        assert read.fault is Fault.UNREACHABLE

    async def test_that_is_cancelled_closes_its_connection(self) -> None:
        async with serving(silent) as server, client_of(server.url) as client:
            post = asyncio.create_task(switch(client))
            await until(lambda: bool(server.connections and server.connections[0].received))
            post.cancel()
            with pytest.raises(asyncio.CancelledError):
                await post
            await asyncio.wait_for(server.connections[0].ended.wait(), DEADLINE_SECONDS)

    async def test_an_answer_with_a_code_is_told_as_what_it_means(self) -> None:
        async def locked(connection: Connection) -> None:
            await connection.request()
            await connection.answer(409, b'{"error":{"status":409,"code":"FAILOVER_LOCKED"}}')

        async with serving(locked) as server, client_of(server.url) as client:
            assert await switch(client) == Locked()


class TestWindow:
    async def shut(self, server: Loopback, client: RobotClient) -> None:
        asked = []

        def before_first_byte() -> bool:
            asked.append(client_sockets(server.port))
            return False

        answer = await client.switch(ADDRESS, TARGET, before_first_byte)
        assert isinstance(answer, NotExecuted)
        assert answer.reason.fault is Fault.WINDOW_SHUT
        # Asked once, when a connected socket with the user timeout was there.
        assert asked == [[5000]]
        await until(lambda: len(server.connections) == 1)
        await asyncio.wait_for(server.connections[0].ended.wait(), DEADLINE_SECONDS)
        assert server.connections[0].received == b""

    async def test_shut_means_a_connection_and_not_one_byte(self) -> None:
        async with serving(robot) as server, client_of(server.url) as client:
            await self.shut(server, client)

    async def test_shut_means_no_byte_over_tls_either(self, tls: Tls) -> None:
        async with (
            serving(robot, tls.context) as server,
            client_of(server.url, ca_file=tls.ca_file) as client,
        ):
            await self.shut(server, client)

    async def test_is_asked_once_and_open_lets_the_whole_request_through(self, tls: Tls) -> None:
        asked = []

        def before_first_byte() -> bool:
            asked.append([connection.received for connection in server.connections])
            return True

        async with (
            serving(robot, tls.context) as server,
            client_of(server.url, ca_file=tls.ca_file) as client,
        ):
            answer = await client.switch(ADDRESS, TARGET, before_first_byte)
        assert answer == Switched(ROUTE)
        assert len(asked) == 1
        assert not any(asked[0])

    async def test_a_check_that_fails_sends_nothing_and_is_told(self) -> None:
        def before_first_byte() -> bool:
            raise RuntimeError("no clock")

        async with serving(robot) as server, client_of(server.url) as client:
            with pytest.raises(RuntimeError, match="no clock"):
                await client.switch(ADDRESS, TARGET, before_first_byte)
            await until(lambda: len(server.connections) == 1)
            await asyncio.wait_for(server.connections[0].ended.wait(), DEADLINE_SECONDS)
            assert server.connections[0].received == b""


class Tls:
    def __init__(self, folder: Path) -> None:
        cert_file, key_file = make_certificate(folder)
        self.ca_file = str(cert_file)
        self._files = cert_file, key_file
        self.context = self._new_context()

    def context_1_2(self) -> ssl.SSLContext:
        context = self._new_context()
        context.maximum_version = ssl.TLSVersion.TLSv1_2
        return context

    def _new_context(self) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*self._files)
        return context


async def pump(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, passed: bytearray
) -> None:
    with suppress(ConnectionError):
        while chunk := await reader.read(65536):
            passed += chunk
            writer.write(chunk)
            await writer.drain()
    writer.close()


def tls_record_types(wire: bytes) -> list[int]:
    types = []
    while len(wire) >= 5:
        types.append(wire[0])
        wire = wire[5 + int.from_bytes(wire[3:5], "big") :]
    return types


@pytest.fixture(scope="session")
def tls(tmp_path_factory: pytest.TempPathFactory) -> Tls:
    return Tls(tmp_path_factory.mktemp("tls"))


class TestTls:
    async def test_reads_and_switches_work_over_it(self, tls: Tls) -> None:
        async with (
            serving(robot, tls.context) as server,
            client_of(server.url, ca_file=tls.ca_file) as client,
        ):
            assert await client.read_routes() == (ROUTE,)
            assert await switch(client) == Switched(ROUTE)

    async def test_a_switch_leaves_in_one_piece(self, tls: Tls) -> None:
        """A freeze of the process between two pieces would let the second out when it is late."""
        wire = bytearray()

        async def relay(connection: Connection) -> None:
            reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
            back = asyncio.create_task(pump(reader, connection.writer, bytearray()))
            await pump(connection.reader, writer, wire)
            await back

        async with serving(robot, tls.context_1_2()) as server, serving(relay) as between:
            url = f"https://127.0.0.1:{between.port}"
            async with client_of(url, ca_file=tls.ca_file) as client:
                assert await switch(client) == Switched(ROUTE)
            await asyncio.wait_for(between.connections[0].ended.wait(), DEADLINE_SECONDS)
        # In TLS 1.2 each write of ours is one record of type 23.
        assert tls_record_types(bytes(wire)).count(23) == 1

    async def test_a_stranger_gets_no_byte_of_a_request(self, tls: Tls) -> None:
        async with serving(robot, tls.context) as server, client_of(server.url) as client:
            read, answer = await client.read_routes(), await switch(client)
            assert not any(connection.received for connection in server.connections)
        assert isinstance(read, CannotTell)
        assert read.fault is Fault.UNREACHABLE
        assert "certificate" in read.detail
        assert isinstance(answer, NotExecuted)
        assert answer.reason.fault is Fault.UNREACHABLE

    async def test_a_handshake_that_hangs_is_bounded_and_not_executed(self, tls: Tls) -> None:
        async def hung(connection: Connection) -> None:
            await connection.reader.read()

        limits = Limits(connect_seconds=0.3, read_seconds=60.0)
        async with serving(hung) as server:
            url = f"https://127.0.0.1:{server.port}"
            async with client_of(url, limits, tls.ca_file) as client:
                answer, read = await switch(client), await client.read_routes()
                # Regression: the socket of a switch given up here stayed open.
                assert client_sockets(server.port) == []
        assert isinstance(answer, NotExecuted)
        assert answer.reason.fault is Fault.UNREACHABLE
        assert isinstance(read, CannotTell)
        assert read.fault is Fault.UNREACHABLE


async def test_proxies_and_netrc_of_the_environment_are_ignored(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login other password other\n")
    async with serving(robot) as proxy, serving(robot) as server:
        for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
            monkeypatch.setenv(name, proxy.url)
            monkeypatch.setenv(name.lower(), proxy.url)
        monkeypatch.delenv("NO_PROXY", raising=False)
        monkeypatch.delenv("no_proxy", raising=False)
        monkeypatch.setenv("NETRC", str(netrc))
        async with client_of(server.url) as client:
            assert await client.read_routes() == (ROUTE,)
            assert await switch(client) == Switched(ROUTE)
        assert proxy.connections == []
        ours = CREDENTIALS.authorization().encode()
        assert all(ours in connection.received for connection in server.connections)


@pytest.mark.parametrize("status", [301, 302, 307, 308])
async def test_a_redirect_is_not_followed(status: int) -> None:
    async def redirect(connection: Connection) -> None:
        while await connection.request():
            await connection.answer(status, b"", f"Location: {elsewhere.url}/failover")

    async with (
        serving(robot) as elsewhere,
        serving(redirect) as server,
        client_of(server.url) as client,
    ):
        read, answer = await client.read_routes(), await switch(client)
        assert elsewhere.connections == []
    assert isinstance(read, CannotTell)
    assert isinstance(answer, OutcomeUnknown)


async def test_logs_at_debug_hold_no_secret(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    for name in ("httpx", "httpcore", "asyncio"):
        caplog.set_level(logging.DEBUG, logger=name)
    answers: list[object] = []
    for script in (robot, reset, truncated, no_http, maintenance):
        async with serving(script) as server, client_of(server.url) as client:
            answers += [await client.read_routes(), await switch(client), repr(client)]
    told = caplog.text + repr([record.__dict__ for record in caplog.records]) + repr(answers)
    assert "send_request_headers" in told  # or the loggers were not at DEBUG
    header = CREDENTIALS.authorization().removeprefix("Basic ")
    for secret in ("canary", header, CREDENTIALS.password):
        assert secret not in told


async def test_a_url_that_is_not_allowed_is_refused_before_anything_is_sent() -> None:
    with pytest.raises(ValueError, match="must be https"):
        RobotClient("http://robot.example.com", CREDENTIALS)
