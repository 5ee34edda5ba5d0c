"""A proxy that sees single requests: a test holds one, acts on its sender, and lets it go on.

The operator's kubeconfig names the gatekeeper's plain HTTP URL, so what passes is readable here;
towards the API server it is HTTPS, with the sender's own token. Watches stream through unbuffered.
When the sender goes away, its requests end with it: one that was held before it was forwarded is
never forwarded. Not for kubectl, which sends no token over plain HTTP.
"""

from __future__ import annotations

import asyncio
import json
import ssl
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self

import aiohttp
from aiohttp import web
from tests.controlplane.loop_thread import LoopThread
from tests.controlplane.waiting import DEADLINE_SECONDS, eventually

Point = Literal["before", "after"]
BODY_LIMIT_BYTES = 16 * 1024 * 1024
SETTLING_SECONDS = 0.1
# Headers of one hop, and those that each client sets for itself.
_NOT_PASSED = {"connection", "keep-alive", "transfer-encoding", "upgrade", "host", "content-length"}


@dataclass(eq=False)
class Exchange:
    """One request as it passes. Times are of `time.monotonic`; None: did not happen (yet)."""

    method: str
    path: str
    query: Mapping[str, str]
    body: Any  # parsed JSON; None without a body, or when it is no JSON
    began: float
    forwarded: float | None = None
    answered: float | None = None  # the API server's headers came back: it has been executed
    ended: float | None = None
    status: int | None = None  # what the sender was told


Predicate = Callable[[Exchange], bool]


@dataclass(frozen=True)
class Answer:
    """An answer of the gatekeeper's own."""

    status: int
    body: bytes
    content_type: str = "application/json"


class _Pass:
    """Let it go on."""


class _Drop:
    """Cut the sender's connection."""


Verdict = Answer | _Pass | _Drop


@dataclass(eq=False)
class Rule:
    """What to do with matching requests, at one point of their way.

    A hold has no verdict at first: each matching request waits, until `release`, `drop` or
    `answer` decides for all that wait and ends the rule.
    """

    matches: Predicate
    point: Point
    verdict: Verdict | None
    times: int | None  # how many requests it still applies to; None for any number
    call: Callable[[Callable[[], None]], None]
    held: list[Exchange] = field(default_factory=list)
    ended: bool = False
    _decided: asyncio.Event = field(default_factory=asyncio.Event)

    def wait_until_held(self, deadline_seconds: float = DEADLINE_SECONDS) -> Exchange:
        """The first request that is held; DeadlineError when none comes."""
        eventually(lambda: bool(self.held), "a request is held", deadline_seconds, 0.005)
        return self.held[0]

    def release(self) -> None:
        """Let what is held go on, and whatever matches later."""
        self._decide(_Pass())

    def drop(self) -> None:
        """Cut the connections of what is held."""
        self._decide(_Drop())

    def answer(self, status: int, body: bytes = b"{}") -> None:
        """Answer what is held; a request held before it was forwarded is not executed."""
        self._decide(Answer(status, body))

    def remove(self) -> None:
        """Apply to nothing any more."""
        self.ended = True

    def applies(self, exchange: Exchange, point: Point) -> bool:
        """Whether this rule is for `exchange` here; counts it."""
        if self.ended or self.point != point or not self.matches(exchange):
            return False
        if self.times is not None:
            self.times -= 1
            self.ended = self.times <= 0
        return True

    async def judge(self, exchange: Exchange) -> Verdict:
        """The verdict, once there is one."""
        self.held.append(exchange)
        try:
            if self.verdict is None:
                await self._decided.wait()
        finally:
            self.held.remove(exchange)
        assert self.verdict is not None
        return self.verdict

    def _decide(self, verdict: Verdict) -> None:
        def decide() -> None:
            self.verdict = verdict
            self.ended = True
            self._decided.set()

        self.call(decide)


class Gatekeeper:
    """Listens on `url` and forwards to the API server at `upstream`. A context manager.

    `journal` has every request in the order of arrival.
    """

    def __init__(self, upstream: str, ca: Path | None) -> None:
        self.journal: list[Exchange] = []
        self._upstream = upstream
        self._ca = ca
        self._rules: list[Rule] = []
        self._thread = LoopThread("gatekeeper")
        self._thread.run(self._start())

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def hold(self, *, before: Predicate | None = None, after: Predicate | None = None) -> Rule:
        """Hold requests `before` they reach the API server, or `after` it has answered."""
        if (before is None) == (after is None):
            raise ValueError("hold needs either before or after")
        if before is not None:
            return self._add(before, "before", None, None)
        assert after is not None
        return self._add(after, "after", None, None)

    def drop_answer(self, matches: Predicate, times: int | None = 1) -> Rule:
        """Forward, then cut the connection: it was done, and the sender cannot tell."""
        return self._add(matches, "after", _Drop(), times)

    def answer(
        self, matches: Predicate, status: int, body: bytes = b"{}", times: int | None = None
    ) -> Rule:
        """Answer without forwarding."""
        return self._add(matches, "before", Answer(status, body), times)

    def close(self) -> None:
        """End all connections and stop listening."""
        self._thread.run(self._stop())
        self._thread.close()

    def _add(
        self, matches: Predicate, point: Point, verdict: Verdict | None, times: int | None
    ) -> Rule:
        rule = Rule(matches, point, verdict, times, self._thread.call)
        self._thread.call(lambda: self._rules.append(rule))
        return rule

    async def _start(self) -> None:
        context = ssl.create_default_context(cafile=self._ca) if self._ca else False
        self._session = aiohttp.ClientSession(
            # A new connection each time: on a kept one the client may send a request twice.
            connector=aiohttp.TCPConnector(limit=0, ssl=context, force_close=True),
            timeout=aiohttp.ClientTimeout(total=None),
            auto_decompress=False,
        )
        application = web.Application(client_max_size=BODY_LIMIT_BYTES)
        application.router.add_route("*", "/{path:.*}", self._handle)
        self._runner = web.AppRunner(
            application, handler_cancellation=True, access_log=None, shutdown_timeout=0.1
        )
        await self._runner.setup()
        self._site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await self._site.start()
        port: int = self._runner.addresses[0][1]
        self.url = f"http://127.0.0.1:{port}"

    async def _stop(self) -> None:
        await self._site.stop()
        # A connection accepted just now is not the runner's yet, and would never be closed.
        await asyncio.sleep(SETTLING_SECONDS)
        await self._runner.cleanup()
        await self._session.close()

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        exchange = Exchange(
            request.method, request.path, dict(request.query), _parsed(body), time.monotonic()
        )
        self.journal.append(exchange)
        try:
            verdict = await self._judge(exchange, "before")
            if isinstance(verdict, _Pass):
                return await self._forward(request, exchange, body)
            return _settle(request, exchange, verdict)
        finally:
            exchange.ended = time.monotonic()

    async def _judge(self, exchange: Exchange, point: Point) -> Verdict:
        self._rules = [rule for rule in self._rules if not rule.ended]
        for rule in self._rules:
            if rule.applies(exchange, point):
                return await rule.judge(exchange)
        return _Pass()

    async def _forward(
        self, request: web.Request, exchange: Exchange, body: bytes
    ) -> web.StreamResponse:
        exchange.forwarded = time.monotonic()
        try:
            upstream = await self._session.request(
                request.method,
                self._upstream + request.raw_path,
                headers=_passed(request.headers),
                data=body or None,
                allow_redirects=False,
            )
        except aiohttp.ClientError:
            return _settle(request, exchange, _Drop())
        async with upstream:
            exchange.answered = time.monotonic()
            verdict = await self._judge(exchange, "after")
            if not isinstance(verdict, _Pass):
                return _settle(request, exchange, verdict)
            return await _pass_on(request, exchange, upstream)


async def _pass_on(
    request: web.Request, exchange: Exchange, upstream: aiohttp.ClientResponse
) -> web.StreamResponse:
    response = web.StreamResponse(status=upstream.status, headers=_passed(upstream.headers))
    if upstream.content_length is not None:
        response.content_length = upstream.content_length
    exchange.status = upstream.status
    try:
        await response.prepare(request)
        async for chunk in upstream.content.iter_any():
            await response.write(chunk)
        await response.write_eof()
    except (aiohttp.ClientError, ConnectionError):
        _cut(request)  # one side ended in the middle: the other must not take it for the end
    return response


def _settle(request: web.Request, exchange: Exchange, verdict: Verdict) -> web.StreamResponse:
    if isinstance(verdict, Answer):
        exchange.status = verdict.status
        return web.Response(
            status=verdict.status, body=verdict.body, content_type=verdict.content_type
        )
    _cut(request)
    return web.Response()  # goes nowhere: its connection is gone


def _cut(request: web.Request) -> None:
    if request.transport is not None:
        request.transport.abort()


def _passed(headers: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in headers.items() if name.lower() not in _NOT_PASSED}


def _parsed(body: bytes) -> Any:
    with suppress(ValueError):
        return json.loads(body)
    return None
