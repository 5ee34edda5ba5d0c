"""The environment, redirects and logs: nothing of it may change or see a request."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest
from tests.robot.loopback import (
    Connection,
    serving,
)
from tests.robot.robots import (
    CREDENTIALS,
    ROUTE,
    client_of,
    maintenance,
    no_http,
    reset,
    robot,
    switch,
    truncated,
)

from failoverip.core.provider import (
    CannotTell,
    OutcomeUnknown,
    Switched,
)
from failoverip.robot.client import RobotClient


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
