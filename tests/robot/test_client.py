"""The transport against a real socket: what leaves, what comes back, what never happens."""

from __future__ import annotations

import asyncio
import base64
import socket

import pytest
from tests.robot.loopback import (
    DEADLINE_SECONDS,
    Connection,
    Script,
    client_sockets,
    serving,
    until,
)
from tests.robot.robots import (
    CREDENTIALS,
    LIST,
    OBJECT,
    PATIENT,
    ROUTE,
    client_of,
    closed,
    compressed,
    endless,
    endless_headers,
    maintenance,
    no_http,
    refused_and_closed,
    refused_and_hung,
    reset,
    robot,
    silent,
    switch,
    truncated,
)

from failoverip.core.provider import (
    CannotTell,
    Fault,
    Locked,
    NotExecuted,
    OutcomeUnknown,
    Switched,
)
from failoverip.robot.client import Limits, RobotClient


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

    async def test_leave_no_byte_when_they_are_not_wanted_any_more(self) -> None:
        """Asked on an open connection, a new one or a kept one; the next read goes out."""
        async with serving(robot) as server, client_of(server.url) as client:
            for _ in range(2):
                answer = await client.read_routes(lambda: False)
                assert isinstance(answer, CannotTell)
                assert answer.fault is Fault.WINDOW_SHUT
                assert server.connections[-1].received.count(b"GET ") == len(server.connections) - 1
                assert await client.read_routes() == (ROUTE,)

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


@pytest.mark.parametrize("script", [refused_and_closed, refused_and_hung])
async def test_a_login_failed_though_the_body_of_the_401_never_came(script: Script) -> None:
    """Seed 3811: it was no failed login, so a third one followed, and Robot locks out after it."""
    refused = CannotTell(Fault.CREDENTIALS_REFUSED, "HTTP 401")
    async with serving(script) as server, client_of(server.url) as client:
        assert await client.read_routes() == refused
        assert await switch(client) == NotExecuted(refused)


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
