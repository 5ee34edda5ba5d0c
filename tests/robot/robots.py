"""A client, and servers that behave well or not at all."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from tests.robot.loopback import (
    Connection,
)

from failoverip.core.addresses import AddressKey, TargetAddress
from failoverip.core.provider import (
    Route,
    SwitchAnswer,
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


async def truncated(connection: Connection) -> None:
    await connection.request()
    await connection.send(b"HTTP/1.1 200 X\r\nContent-Length: 1000\r\n\r\n" + LIST)


async def refused_and_closed(connection: Connection) -> None:
    await connection.request()
    await connection.send(b"HTTP/1.1 401 X\r\nContent-Length: 1000\r\n\r\n{")


async def refused_and_hung(connection: Connection) -> None:
    await refused_and_closed(connection)
    await connection.reader.read()


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
