"""The embedded API on loopback ports: plain HTTP, any number of doors to one store.

Each client may have a door of its own, so that one replica can be cut off while the others go on.
Nothing is authenticated: it serves a demo and tests, on 127.0.0.1 only.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Sequence

from aiohttp import web

from failoverip.simulator.kubernetes.api import Answer, Api, Watch
from failoverip.simulator.kubernetes.history import WatchEvent
from failoverip.simulator.kubernetes.requests import Request, flag
from failoverip.simulator.kubernetes.store import Store

HOST = "127.0.0.1"
BOOKMARK_SECONDS = 10.0
_BODY_BYTES_MAX = 3 * 1024 * 1024


class Door:
    """One port to the API. While it is cut, nothing passes in either direction."""

    def __init__(self, api: Api, store: Store, bookmark_seconds: float) -> None:
        self._api = api
        self._store = store
        self._bookmark_seconds = bookmark_seconds
        self._passable = asyncio.Event()
        self._passable.set()
        self._closing = asyncio.Event()
        self._port = 0

    @property
    def url(self) -> str:
        """Where a client reaches the API through this door."""
        return f"http://{HOST}:{self._port}"

    def cut(self) -> None:
        """Requests hang and watches fall silent, as on a link that drops everything."""
        self._passable.clear()

    def heal(self) -> None:
        """What still waits goes on."""
        self._passable.set()

    @contextlib.asynccontextmanager
    async def opened(self, port: int) -> AsyncIterator[None]:
        """Listen on `port`, 0 for any; OSError when it is taken."""
        application = web.Application(client_max_size=_BODY_BYTES_MAX)
        application.router.add_route("*", "/{path:.*}", self._serve)
        # A client that has hung up must not have its request executed once the cut is healed.
        runner = web.AppRunner(
            application, access_log=None, handler_cancellation=True, shutdown_timeout=5.0
        )
        await runner.setup()
        try:
            site = web.TCPSite(runner, HOST, port)
            await site.start()
            self._port = runner.addresses[0][1]
            yield
        finally:
            self._closing.set()
            self.heal()
            await runner.cleanup()

    async def _serve(self, http: web.Request) -> web.StreamResponse:
        request = Request(
            method=http.method,
            path=http.path,
            query=dict(http.query),
            headers={name.lower(): value for name, value in http.headers.items()},
            body=await http.read(),
        )
        await self._passable.wait()
        answer = self._api.handle(request)
        if isinstance(answer, Watch):
            return await self._stream(http, request, answer)
        await self._passable.wait()
        return _response(answer)

    async def _stream(
        self, http: web.Request, request: Request, watch: Watch
    ) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "application/json"})
        # A client that hangs up, or is killed, ends its watch and nothing else.
        with contextlib.suppress(ConnectionResetError):
            await response.prepare(http)
            await self._feed(response, request, watch)
            await response.write_eof()
        return response

    async def _feed(self, response: web.StreamResponse, request: Request, watch: Watch) -> None:
        """Send the events of a watch until its time is over, it has ended, or the door closes."""
        seconds = request.query.get("timeoutSeconds", "")
        deadline = _now() + int(seconds) if seconds.isdecimal() and int(seconds) else None
        bookmarks = flag(request, "allowWatchBookmarks")
        changed = asyncio.Event()
        forget = self._store.observe(changed.set)
        try:
            while not self._closing.is_set():
                changed.clear()
                await self._send(response, watch.take())
                if watch.ended or (deadline is not None and _now() >= deadline):
                    break
                if not await self._wait(changed, deadline) and bookmarks:
                    await self._send(response, [watch.bookmark()])
        finally:
            forget()

    async def _send(self, response: web.StreamResponse, events: Sequence[WatchEvent]) -> None:
        for event in events:
            await self._passable.wait()
            line = json.dumps({"type": event.type, "object": event.object})
            await response.write(line.encode() + b"\n")

    async def _wait(self, changed: asyncio.Event, deadline: float | None) -> bool:
        """Whether something changed, or the door closes, before the next bookmark is due."""
        patience = self._bookmark_seconds
        if deadline is not None:
            patience = min(patience, max(deadline - _now(), 0.0))
        waits = [asyncio.ensure_future(event.wait()) for event in (changed, self._closing)]
        try:
            done, _ = await asyncio.wait(
                waits, timeout=patience, return_when=asyncio.FIRST_COMPLETED
            )
        finally:
            for wait in waits:
                wait.cancel()
        return bool(done)


def _now() -> float:
    return asyncio.get_running_loop().time()


def _response(answer: Answer) -> web.Response:
    content_type, body = answer.encoded()
    return web.Response(status=answer.code, body=body, content_type=content_type)


@contextlib.asynccontextmanager
async def running(
    store: Store,
    doors: int = 1,
    port: int = 0,
    bookmark_seconds: float = BOOKMARK_SECONDS,
) -> AsyncIterator[list[Door]]:
    """The API of `store` behind so many doors; the first listens on `port`, the others on any.

    OSError when `port` is taken.
    """
    api = Api(store)
    opened = [Door(api, store, bookmark_seconds) for _ in range(doors)]
    async with contextlib.AsyncExitStack() as stack:
        for number, door in enumerate(opened):
            await stack.enter_async_context(door.opened(port if number == 0 else 0))
        yield opened
