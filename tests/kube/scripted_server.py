"""An HTTP server whose behaviour is a function, for what a real API server does rarely.

It counts connections and keeps every request it read: what reached the wire, once or twice.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any

Json = dict[str, Any]


@dataclass(frozen=True)
class Seen:
    """One request as it arrived; `connection` counts from 1."""

    connection: int
    method: str
    path: str
    headers: dict[str, str]
    body: Json | None


@dataclass(frozen=True)
class Reply:
    """An answer; `cut` ends it so many bytes before its end, and the connection with it."""

    status: int = 200
    body: Json | str = ""
    headers: tuple[tuple[str, str], ...] = ()
    cut: int = 0


class Silence:
    """No answer; the connection stays open."""


class HangUp:
    """The connection is closed without an answer."""


@dataclass(frozen=True)
class Late:
    """An answer that waits until the test allows it."""

    reply: Reply
    allowed: asyncio.Event


Behaviour = Callable[[Seen], Reply | Late | Silence | HangUp]


class ScriptedServer:
    """Answers by `behave`, which a test may replace at any time."""

    def __init__(self) -> None:
        self.behave: Behaviour = lambda _: Reply(body={"kind": "Nothing"})
        self.seen: list[Seen] = []
        self.url = ""
        self._connections = 0
        self._arrivals = asyncio.Condition()

    async def wait_for(self, path: str) -> None:
        """Until a request for `path` has arrived, at most a minute."""
        async with asyncio.timeout(60), self._arrivals:
            await self._arrivals.wait_for(lambda: any(seen.path == path for seen in self.seen))

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, kept alive."""
        self._connections += 1
        connection = self._connections
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            while await self._exchange(connection, reader, writer):
                pass
        writer.close()

    async def _exchange(
        self, connection: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> bool:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        request_line, *lines = head.strip().split("\r\n")
        headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines)}
        content = await reader.readexactly(int(headers.get("content-length", "0")))
        method, path, _ = request_line.split(" ")
        seen = Seen(connection, method, path, headers, json.loads(content) if content else None)
        async with self._arrivals:
            self.seen.append(seen)
            self._arrivals.notify_all()
        reply = self.behave(seen)
        if isinstance(reply, HangUp):
            return False
        if isinstance(reply, Silence):
            await reader.read()
            return False
        if isinstance(reply, Late):
            await reply.allowed.wait()
            reply = reply.reply
        writer.write(_bytes(reply))
        await writer.drain()
        return not reply.cut


def _bytes(reply: Reply) -> bytes:
    content = reply.body if isinstance(reply.body, str) else json.dumps(reply.body)
    lines = [f"HTTP/1.1 {reply.status} Whatever", f"Content-Length: {len(content.encode())}"]
    lines += [f"{name}: {value}" for name, value in reply.headers]
    whole = "\r\n".join([*lines, "", content]).encode()
    return whole[: len(whole) - reply.cut]


@contextlib.asynccontextmanager
async def scripted_server() -> AsyncIterator[ScriptedServer]:
    """A running one on a port of the kernel's choice."""
    scripted = ScriptedServer()
    server = await asyncio.start_server(scripted.serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    scripted.url = f"http://127.0.0.1:{port}"
    try:
        yield scripted
    finally:
        server.close()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(server.wait_closed(), 60)


def refusal(status: int, reason: str, message: str, name: str = "") -> Reply:
    """A Kubernetes Status, as kube-apiserver words a refusal."""
    details = {"details": {"name": name}} if name else {}
    return Reply(
        status,
        {"kind": "Status", "code": status, "reason": reason, "message": message} | details,
    )
