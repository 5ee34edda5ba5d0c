"""What decides whether a request may leave: the window, and whom TLS proves."""

from __future__ import annotations

import asyncio
import ssl
from contextlib import suppress
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
from tests.robot.robots import (
    ADDRESS,
    ROUTE,
    TARGET,
    client_of,
    robot,
    switch,
)

from failoverip.core.provider import (
    CannotTell,
    Fault,
    NotExecuted,
    Switched,
)
from failoverip.robot.client import Limits, RobotClient


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
