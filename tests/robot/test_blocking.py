"""The agents' transport against a real socket: what leaves, what comes back, when it ends."""

from __future__ import annotations

import asyncio
import base64
import socket
import ssl
import subprocess
import time
from pathlib import Path

import pytest
from tests.robot.loopback import (
    DEADLINE_SECONDS,
    Connection,
    Script,
    client_sockets,
    make_certificate,
    serving,
)
from tests.robot.robots import (
    ADDRESS,
    CREDENTIALS,
    LIST,
    ROUTE,
    TARGET,
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
    truncated,
)

from failoverip.core.provider import (
    CannotTell,
    Fault,
    NotExecuted,
    OutcomeUnknown,
    RoutesAnswer,
    SwitchAnswer,
    Switched,
)
from failoverip.robot.blocking import TCP_USER_TIMEOUT_MILLISECONDS, BlockingRobot

FAULTS = {
    truncated: Fault.CONNECTION_LOST,
    no_http: Fault.CONNECTION_LOST,
    reset: Fault.CONNECTION_LOST,
    closed: Fault.CONNECTION_LOST,
    endless: Fault.GARBLED,
    endless_headers: Fault.CONNECTION_LOST,
    compressed: Fault.GARBLED,
    maintenance: Fault.MAINTENANCE,
}


async def read(url: str, ca_file: str | None = None, seconds: float = 60.0) -> RoutesAnswer:
    client = BlockingRobot(url, CREDENTIALS, ca_file=ca_file)
    return await asyncio.to_thread(client.read_routes, seconds)


async def switch(url: str, ca_file: str | None = None, seconds: float = 60.0) -> SwitchAnswer:
    client = BlockingRobot(url, CREDENTIALS, ca_file=ca_file)
    return await asyncio.to_thread(client.switch, ADDRESS, TARGET, seconds)


def fault(answer: RoutesAnswer | SwitchAnswer) -> Fault:
    if isinstance(answer, OutcomeUnknown | NotExecuted):
        return answer.reason.fault
    assert isinstance(answer, CannotTell), answer
    return answer.fault


async def test_asks_what_the_protocol_says_as_the_user() -> None:
    async with serving(robot) as server:
        assert await read(server.url) == (ROUTE,)
        assert isinstance(await switch(server.url), Switched)
        first, second = (connection.received for connection in server.connections)
    assert first.startswith(b"GET /failover HTTP/1.1\r\n")
    assert second.startswith(b"POST /failover/203.0.113.10 HTTP/1.1\r\n")
    assert second.endswith(b"\r\n\r\nactive_server_ip=192.0.2.12")
    basic = base64.b64encode(b"#ws+canary:canary-password")
    for request in (first, second):
        assert b"\r\nAuthorization: Basic " + basic + b"\r\n" in request
        assert request.count(b"\r\nHost: 127.0.0.1:") == 1


@pytest.mark.parametrize("script", FAULTS, ids=lambda script: script.__name__)
async def test_tells_what_is_wrong_with_an_answer(script: object) -> None:
    async with serving(script) as server:  # type: ignore[arg-type]  # the keys are scripts
        assert fault(await read(server.url)) is FAULTS[script]  # type: ignore[index]  # likewise
        posted = await switch(server.url)
        assert isinstance(posted, OutcomeUnknown)


@pytest.mark.parametrize("script", [refused_and_closed, refused_and_hung])
async def test_a_login_failed_though_the_body_of_the_401_never_came(script: Script) -> None:
    refused = CannotTell(Fault.CREDENTIALS_REFUSED, "HTTP 401")
    async with serving(script) as server:
        assert await read(server.url) == refused
        assert await switch(server.url) == NotExecuted(refused)


async def test_a_port_that_is_closed_is_unreachable_and_a_switch_not_executed() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}"
    assert fault(await read(url)) is Fault.UNREACHABLE
    posted = await switch(url)
    assert isinstance(posted, NotExecuted)
    assert fault(posted) is Fault.UNREACHABLE


class TestDeadline:
    """Each ends it: none depends on the time limit of a single read of the socket."""

    async def test_of_a_server_that_is_silent(self) -> None:
        async with serving(silent) as server:
            assert fault(await read(server.url, seconds=0.3)) is Fault.TIMEOUT
            posted = await switch(server.url, seconds=0.3)
        assert isinstance(posted, OutcomeUnknown)
        assert fault(posted) is Fault.TIMEOUT

    async def test_of_a_server_that_drips(self) -> None:
        async def drips(connection: Connection) -> None:
            await connection.request()
            await connection.send(b"HTTP/1.1 200 X\r\nContent-Length: 100000\r\n\r\n")
            while not connection.writer.is_closing():
                await connection.send(b" ")
                await asyncio.sleep(0.02)

        async with serving(drips) as server:
            began = time.monotonic()
            assert fault(await read(server.url, seconds=0.5)) is Fault.TIMEOUT
            assert time.monotonic() - began < DEADLINE_SECONDS

    async def test_of_a_server_that_never_shakes_hands(self, tmp_path: Path) -> None:
        cert_file, _ = make_certificate(tmp_path)

        async def mute(connection: Connection) -> None:
            await connection.reader.read()

        async with serving(mute) as server:
            url = server.url.replace("http:", "https:")
            answer = await read(url, ca_file=str(cert_file), seconds=0.3)
        # No header of ours left, so no login can have failed.
        assert fault(answer) is Fault.UNREACHABLE

    async def test_of_a_name_that_nobody_resolves(self, monkeypatch: pytest.MonkeyPatch) -> None:
        # The resolver is the C library's: it knows no time limit, and nothing interrupts it.
        monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: time.sleep(3))
        began = time.monotonic()
        answer = await read("https://robot.example", seconds=0.3)
        assert fault(answer) is Fault.UNREACHABLE
        assert time.monotonic() - began < 3


class TestTls:
    async def test_is_verified_against_a_file(self, tmp_path: Path) -> None:
        cert_file, key_file = make_certificate(tmp_path)
        async with serving(robot, tls_server(cert_file, key_file)) as server:
            assert await read(server.url, ca_file=str(cert_file)) == (ROUTE,)

    async def test_is_verified_against_a_directory(self, tmp_path: Path) -> None:
        cert_file, key_file = make_certificate(tmp_path)
        authorities = hashed(cert_file, tmp_path / "authorities")
        async with serving(robot, tls_server(cert_file, key_file)) as server:
            assert await read(server.url, ca_file=str(authorities)) == (ROUTE,)

    async def test_refuses_what_the_system_does_not_trust(self, tmp_path: Path) -> None:
        cert_file, key_file = make_certificate(tmp_path)
        async with serving(robot, tls_server(cert_file, key_file)) as server:
            refused = await read(server.url)
            assert fault(refused) is Fault.UNREACHABLE
            assert isinstance(await switch(server.url), NotExecuted)
            assert server.connections == []

    async def test_refuses_another_authority_in_a_directory(self, tmp_path: Path) -> None:
        (tmp_path / "other").mkdir()
        foreign, _ = make_certificate(tmp_path / "other")
        cert_file, key_file = make_certificate(tmp_path)
        authorities = hashed(foreign, tmp_path / "authorities")
        async with serving(robot, tls_server(cert_file, key_file)) as server:
            assert fault(await read(server.url, ca_file=str(authorities))) is Fault.UNREACHABLE

    async def test_refuses_another_name(self, tmp_path: Path) -> None:
        cert_file, key_file = make_certificate(tmp_path)
        async with serving(robot, tls_server(cert_file, key_file)) as server:
            url = server.url.replace("127.0.0.1", "localhost")
            assert fault(await read(url, ca_file=str(cert_file))) is Fault.UNREACHABLE


class TestSurroundings:
    async def test_uses_no_proxy(self, monkeypatch: pytest.MonkeyPatch) -> None:
        for name in ("http_proxy", "https_proxy", "all_proxy"):
            monkeypatch.setenv(name, "http://127.0.0.1:9")
            monkeypatch.setenv(name.upper(), "http://127.0.0.1:9")
        async with serving(robot) as server:
            assert await read(server.url) == (ROUTE,)

    async def test_follows_no_redirect(self) -> None:
        async with serving(robot) as elsewhere:

            async def redirects(connection: Connection) -> None:
                await connection.request()
                await connection.answer(302, LIST, f"Location: {elsewhere.url}/failover")

            async with serving(redirects) as server:
                assert isinstance(await read(server.url), CannotTell)
            assert elsewhere.connections == []

    async def test_gives_unacknowledged_bytes_up_after_five_seconds(self) -> None:
        seen: list[int] = []

        async def looks(connection: Connection) -> None:
            await connection.request()
            seen.extend(client_sockets(connection.writer.get_extra_info("sockname")[1]))
            await connection.answer(200, LIST)

        async with serving(looks) as server:
            await read(server.url)
        assert seen == [TCP_USER_TIMEOUT_MILLISECONDS]

    def test_shows_no_secret_in_its_repr(self) -> None:
        assert "canary" not in repr(BlockingRobot("https://robot.example", CREDENTIALS))


def tls_server(cert_file: Path, key_file: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert_file, key_file)
    return context


def hashed(certificate: Path, folder: Path) -> Path:
    """A directory of authorities, as `openssl rehash` makes it."""
    folder.mkdir()
    command = ["openssl", "x509", "-noout", "-hash", "-in", str(certificate)]
    name = subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    (folder / f"{name}.0").write_bytes(certificate.read_bytes())
    return folder
