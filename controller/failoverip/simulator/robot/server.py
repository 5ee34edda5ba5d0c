"""The simulator on sockets: Robot's port over HTTP or TLS, and the admin port beside it.

Thin: turns HTTP into requests of the machine and its replies into bytes, resets or silence.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import contextlib
import ssl
from collections.abc import AsyncIterator
from dataclasses import dataclass
from urllib.parse import parse_qsl

from aiohttp import web

from failoverip.simulator.robot.admin import admin_app
from failoverip.simulator.robot.answers import Answer, ConnectionLost
from failoverip.simulator.robot.clock import SimulatorClock
from failoverip.simulator.robot.controls import Controls
from failoverip.simulator.robot.host import Host
from failoverip.simulator.robot.listener import Listener, reset
from failoverip.simulator.robot.machine import Machine
from failoverip.simulator.robot.requests import Request
from failoverip.simulator.robot.world import World

LOOPBACK = ("127.0.0.1", 0)
FORM = "application/x-www-form-urlencoded"


@dataclass(frozen=True, slots=True)
class RunningSimulator:
    """A simulator that serves: where it listens, and the handle on it."""

    base_url: str
    admin_url: str | None
    controls: Controls


@contextlib.asynccontextmanager
async def running(
    world: World,
    *,
    listen: tuple[str, int] = LOOPBACK,
    admin: tuple[str, int] | None = None,
    tls: ssl.SSLContext | None = None,
) -> AsyncIterator[RunningSimulator]:
    """Serves a world until the block ends; port 0 takes a free one.

    Raises OSError when a port cannot be had; its `filename` is then `HOST:PORT`.
    """
    host = Host(Machine(world), SimulatorClock())
    controls = Controls(host)
    async with contextlib.AsyncExitStack() as stack:
        robot = await _listening(stack, robot_app(host), listen, tls)
        admin_url = None
        if admin is not None:
            admin_url = (await _listening(stack, admin_app(controls), admin)).url
        driver = asyncio.create_task(host.run(robot))
        stack.push_async_callback(_stopped, driver)
        yield RunningSimulator(robot.url, admin_url, controls)


def robot_app(host: Host) -> web.Application:
    """The application behind Robot's port."""

    async def handle(http: web.Request) -> web.StreamResponse:
        reply = await host.reply(await _request(http))
        if isinstance(reply, ConnectionLost):
            return await _reset(http)
        return await _respond(http, reply)

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", handle)
    return app


async def _listening(
    stack: contextlib.AsyncExitStack,
    app: web.Application,
    address: tuple[str, int],
    tls: ssl.SSLContext | None = None,
) -> Listener:
    # Without cancellation a handler would not learn that its client has left.
    runner = web.AppRunner(app, handler_cancellation=True, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    stack.push_async_callback(runner.cleanup)
    try:
        listener = Listener(runner, *address, tls)
    except OSError as error:
        raise OSError(error.errno, error.strerror, f"{address[0]}:{address[1]}") from None
    stack.push_async_callback(listener.release)
    await listener.open()
    return listener


async def _stopped(task: asyncio.Task[None]) -> None:
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task


async def _request(http: web.Request) -> Request:
    user, password = _credentials(http.headers.get("Authorization", ""))
    body = await http.read()
    pairs = parse_qsl(body.decode("latin-1")) if http.content_type == FORM else []
    return Request(http.method, http.path, http.remote or "", user, password, dict(pairs))


def _credentials(header: str) -> tuple[str | None, str | None]:
    """User and password of HTTP Basic; None for what is not."""
    scheme, _, encoded = header.partition(" ")
    if scheme.lower() != "basic":
        return None, None
    try:
        decoded = base64.b64decode(encoded, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        return None, None
    user, _, password = decoded.partition(":")
    return user, password


async def _respond(http: web.Request, answer: Answer) -> web.StreamResponse:
    response = web.StreamResponse(
        status=answer.status, headers={"Content-Type": answer.content_type}
    )
    response.content_length = len(answer.body)
    # A client that hung up just now is not told, and ends nothing else.
    with contextlib.suppress(ConnectionResetError):
        await response.prepare(http)
        await response.write(answer.body[: answer.cut_at])
        if answer.cut_at is None:
            await response.write_eof()
    if answer.cut_at is None:
        return response
    if http.transport is not None:
        http.transport.close()
    return await _cancelled()


async def _reset(http: web.Request) -> web.StreamResponse:
    if http.transport is not None:
        reset(http.transport)
    return await _cancelled()


async def _cancelled() -> web.StreamResponse:
    """The lost connection cancels its handler: nothing must be written after it."""
    await asyncio.Event().wait()
    raise AssertionError("waits for ever")
