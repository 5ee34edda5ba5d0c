"""One replica's ways to the API server and to Robot: each request passes named boundaries.

A request that has left is served whatever becomes of its sender, as in the world outside.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from contextvars import Context
from dataclasses import dataclass
from enum import Enum, auto
from functools import lru_cache
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qsl

from failoverip.core.addresses import AddressKey, TargetAddress
from failoverip.core.provider import CannotTell, Fault, RoutesAnswer, ServersAnswer, SwitchAnswer
from failoverip.kube import Answer, ApiUnreachable, KubeError, OutcomeUnknown, read_answer
from failoverip.robot import (
    Credentials,
    HttpRequest,
    is_told_by_status,
    list_routes,
    list_servers,
    routes_answer,
    servers_answer,
    switch_answer,
    switch_fault,
    switch_route,
)
from failoverip.simulator import robot as simulated
from failoverip.simulator.kubernetes import Answer as Served
from failoverip.simulator.kubernetes import Api, Request, Watch
from failoverip.simulator.world.processes import outside

Json = dict[str, Any]
# Called with the name of each boundary that the replica passes.
Boundary = Callable[[str], Awaitable[None]]

API_SECONDS = 0.01
CONNECT_SECONDS = 0.05
READ_LIMIT_SECONDS = 15.0
SWITCH_LIMIT_SECONDS = 200.0


class Link(Enum):
    """What one replica's requests meet."""

    FINE = auto()
    HANGS = auto()
    REFUSES = auto()
    FAILS = auto()
    CONFLICTS = auto()
    THROTTLES = auto()
    LOSES_ANSWERS = auto()


# What the API server says without having looked at the request.
_REFUSALS = {
    Link.FAILS: Served(500, {"kind": "Status", "message": "etcdserver: request timed out"}),
    Link.CONFLICTS: Served(409, {"kind": "Status", "reason": "Conflict", "message": "modified"}),
    Link.THROTTLES: Served(429, {"kind": "Status", "message": "too many requests"}),
}


@dataclass(frozen=True, slots=True)
class Sent:
    """One request to the API server that was served."""

    at: float
    method: str
    deed: str


class ApiLink:
    """The client behind `failoverip.kube.Kubernetes`. `link` is what all requests meet.

    `faults` overrides it for requests by the name of their deed.
    """

    server_host = "198.51.100.1"

    def __init__(self, api: Api, boundary: Boundary) -> None:
        self._api = api
        self._boundary = boundary
        self.link = Link.FINE
        self.latency_seconds = API_SECONDS
        self.faults: dict[str, Link] = {}
        # What a cache that lags behind answers in place of the present, None where it does not.
        self.recalled: Callable[[Request], Served | None] = lambda _: None
        self.served: list[Sent] = []

    async def request(
        self,
        method: str,
        path: str,
        query: Mapping[str, str] | None = None,
        body: Json | None = None,
        *,
        timeout_seconds: float,
    ) -> Json:
        """As `KubeClient.request`."""
        content = b"" if body is None else json.dumps(body).encode()
        request = Request(method, path, query or {}, {}, content)
        deed = deed_of(self._api, request)
        await self._boundary(f"before {deed}")
        answer = await self._exchange(request, deed, timeout_seconds)
        await self._boundary(f"after {deed}")
        return _read(method, path, answer)

    async def _exchange(self, request: Request, deed: str, timeout_seconds: float) -> Served:
        link = self.faults.get(deed, self.link)
        if link is Link.REFUSES:
            raise ApiUnreachable(f"{request.method} {request.path}: connection refused")
        loop = asyncio.get_running_loop()
        # None: no answer came in time.
        reply: asyncio.Future[Served | None] = loop.create_future()
        if link is not Link.HANGS:
            way_seconds = self.latency_seconds / 2
            loop.call_later(
                way_seconds, self._serve, request, deed, link, reply, way_seconds, context=Context()
            )
        waiting = loop.call_later(timeout_seconds, _arrive, reply, None)
        try:
            answer = await reply
        finally:
            waiting.cancel()
        if answer is None:
            raise _lost(request)
        return answer

    def _serve(
        self,
        request: Request,
        deed: str,
        link: Link,
        reply: asyncio.Future[Served | None],
        way_seconds: float,
    ) -> None:
        """The request has arrived: do it, and send what comes back on its way."""
        # A read has nothing to conflict with.
        if link in _REFUSALS and not (link is Link.CONFLICTS and request.method == "GET"):
            answer = _REFUSALS[link]
        else:
            served = self.recalled(request) or _answer(self._api, request)
            self.served.append(Sent(asyncio.get_running_loop().time(), request.method, deed))
            if link is Link.LOSES_ANSWERS:
                return
            answer = served
        asyncio.get_running_loop().call_later(
            way_seconds, _arrive, reply, answer, context=Context()
        )


def _arrive(reply: asyncio.Future[Served | None], answer: Served | None) -> None:
    """The first that arrives counts; nobody may wait any more."""
    if not reply.done():
        reply.set_result(answer)


def _read(method: str, path: str, served: Served) -> Json:
    """As the shipped client reads it: only a refusal has to be told from its bytes."""
    if served.code < HTTPStatus.MULTIPLE_CHOICES:
        return served.body
    return read_answer(method, path, Answer(served.code, served.encoded()[1]))


def _answer(api: Api, request: Request) -> Served:
    answer = api.handle(request)
    if isinstance(answer, Watch):
        raise TypeError(f"a watch of {request.path} goes another way")
    return answer


def _lost(request: Request) -> KubeError:
    text = f"{request.method} {request.path}: no answer in time"
    return ApiUnreachable(text) if request.method == "GET" else OutcomeUnknown(text)


def deed_of(api: Api, request: Request) -> str:
    """What a request does, in words: `list nodes`, `claim`, `open intent`, ..."""
    if request.method == "PUT" and request.path.endswith("/status"):
        return _status_deed(api, request)
    return _deed(request.method, request.path)


# Replicas ask for the same few paths again and again.
@lru_cache(maxsize=1024)
def _deed(method: str, path: str) -> str:
    *_, kind, name = ["", *path.strip("/").split("/")]
    for plural, word in (("leases", "the Lease"), ("secrets", "the Secret")):
        if kind == plural:
            return f"{'read' if method == 'GET' else 'renew'} {word}"
    if method == "POST":
        return f"create {name}"
    return f"list {name if name != 'leases' else 'heartbeats'}"


def _status_deed(api: Api, request: Request) -> str:
    if request.query.get("dryRun"):
        return "prove the fence"
    stored = _answer(api, Request("GET", request.path.removesuffix("/status")))
    before, after = (d.get("status") or {} for d in (stored.body, json.loads(request.body)))
    if (before.get("fence") or {}).get("holder") != (after.get("fence") or {}).get("holder"):
        return "claim"
    old, new = before.get("intent"), after.get("intent")
    if old is None or new is None:
        if old is new:
            return "tell the status"
        return "open the intent" if old is None else "close the intent"
    if old["epoch"] != new["epoch"]:
        return "adopt the intent"
    return "record the attempt" if old["attempts"] != new["attempts"] else "tell the status"


class RobotHost:
    """The simulated Robot on the loop: hands out replies when they are due."""

    def __init__(self, world: simulated.World, now: Callable[[], float]) -> None:
        self.machine = simulated.Machine(world)
        self.now = now
        # By user name: how much longer a read takes, and whose answers meet a defect of ours.
        self.delays: dict[str, float] = {}
        self.defects: set[str] = set()
        # Told each request that was served.
        self.on_served: Callable[[simulated.Entry], object] = lambda _: None
        self._waiting: dict[simulated.Exchange, asyncio.Future[simulated.Exchange]] = {}
        self._woken = asyncio.Event()

    def begin(self, request: simulated.Request) -> asyncio.Future[simulated.Exchange]:
        """A request has arrived whole; the future ends with its reply."""
        exchange = self.machine.begin(request, self.now())
        self.on_served(exchange.entry)
        future: asyncio.Future[simulated.Exchange] = asyncio.get_running_loop().create_future()
        self._waiting[exchange] = future
        self._woken.set()
        return future

    def wake(self) -> None:
        """The machine was changed from outside."""
        self._woken.set()

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            self._woken.clear()
            now = self.now()
            self.machine.advance(now)
            for exchange, future in list(self._waiting.items()):
                if exchange.reply is not None:
                    del self._waiting[exchange]
                    if not future.done():
                        future.set_result(exchange)
            due = self.machine.next_due(now)
            try:
                async with asyncio.timeout(None if due is None else max(0.0, due - now)):
                    await self._woken.wait()
            except TimeoutError:
                continue


class RobotWay:
    """One replica's way to Robot, whatever the credentials."""

    def __init__(self) -> None:
        self.is_cut = False
        # How long the connection of a request to switch takes to open.
        self.connect_seconds = CONNECT_SECONDS
        # How long after its first byte the next request to switch arrives: at most 5 s, while
        # TCP_USER_TIMEOUT ends what is not acknowledged.
        self.late_seconds = 0.0
        # TCP_USER_TIMEOUT: what is not acknowledged by then is never delivered.
        self.deadline_seconds = 5.0
        # Told the address and the target when the first byte of a request to switch leaves.
        self.on_first_byte: Callable[[str, str], object] = lambda *_: None


class RobotLink:
    """Robot for one set of credentials, from one replica."""

    def __init__(
        self,
        host: RobotHost,
        credentials: Credentials,
        boundary: Boundary,
        source: str,
        way: RobotWay,
    ) -> None:
        self._host = host
        self._credentials = credentials
        self._boundary = boundary
        self._source = source
        self._way = way

    async def read_routes(self, before_first_byte: Callable[[], bool]) -> RoutesAnswer:
        """As `RobotClient.read_routes`."""
        answer = await self._read(list_routes(), before_first_byte)
        return answer if isinstance(answer, CannotTell) else routes_answer(*answer)

    async def read_servers(self, before_first_byte: Callable[[], bool]) -> ServersAnswer:
        """As `RobotClient.read_servers`."""
        answer = await self._read(list_servers(), before_first_byte)
        return answer if isinstance(answer, CannotTell) else servers_answer(*answer)

    async def switch(
        self,
        address: AddressKey,
        target: TargetAddress,
        before_first_byte: Callable[[], bool],
    ) -> SwitchAnswer:
        """As `RobotClient.switch`."""
        await self._boundary(f"before connecting for {address}")
        await asyncio.sleep(self._way.connect_seconds)
        if self._way.is_cut:
            return switch_fault(Fault.UNREACHABLE, "cut", first_byte_left=False)
        await self._boundary(f"before asking for {address}")
        if not before_first_byte():
            return switch_fault(Fault.WINDOW_SHUT, "not sent", first_byte_left=False)
        self._way.on_first_byte(address, target)
        if self._way.late_seconds > self._way.deadline_seconds:
            self._way.late_seconds = 0.0
            await self._boundary(f"while Robot switches {address}")
            await asyncio.sleep(self._way.deadline_seconds)
            return switch_fault(Fault.CONNECTION_LOST, "not acknowledged", first_byte_left=True)
        under_way = self._post(self._request(switch_route(address, target)))
        await self._boundary(f"while Robot switches {address}")
        answer = await self._reply(under_way, SWITCH_LIMIT_SECONDS)
        if self._credentials.username in self._host.defects:
            raise ZeroDivisionError
        await self._boundary(f"after the answer for {address}")
        if isinstance(answer, CannotTell):
            left = answer.fault is not Fault.UNREACHABLE
            return switch_fault(answer.fault, answer.detail, first_byte_left=left)
        return switch_answer(address, *answer)

    def _post(self, request: simulated.Request) -> asyncio.Future[simulated.Exchange]:
        """Send it; a late one arrives whatever becomes of its sender."""
        late_seconds, self._way.late_seconds = self._way.late_seconds, 0.0
        if not late_seconds:
            return self._host.begin(request)

        async def deliver() -> simulated.Exchange:
            await asyncio.sleep(late_seconds)
            return await self._host.begin(request)

        return outside(deliver())

    async def aclose(self) -> None:
        """Nothing is open."""

    async def _read(
        self, request: HttpRequest, before_first_byte: Callable[[], bool]
    ) -> tuple[int, bytes] | CannotTell:
        await self._boundary(f"before reading {request.path}")
        await asyncio.sleep(CONNECT_SECONDS)
        if self._way.is_cut:
            return CannotTell(Fault.UNREACHABLE, "cut")
        if not before_first_byte():
            return CannotTell(Fault.WINDOW_SHUT, "not sent")
        answer = await self._reply(self._host.begin(self._request(request)), READ_LIMIT_SECONDS)
        user = self._credentials.username
        await asyncio.sleep(self._host.delays.get(user, 0.0))
        if user in self._host.defects:
            raise ZeroDivisionError
        await self._boundary(f"after reading {request.path}")
        return answer

    async def _reply(
        self, under_way: asyncio.Future[simulated.Exchange], limit_seconds: float
    ) -> tuple[int, bytes] | CannotTell:
        try:
            async with asyncio.timeout(limit_seconds):
                exchange = await asyncio.shield(under_way)
        except TimeoutError:
            return CannotTell(Fault.TIMEOUT, "no answer in time")
        reply = exchange.reply
        if isinstance(reply, simulated.Answer):
            if is_told_by_status(reply.status):
                return reply.status, b""
            if reply.cut_at is None:
                return reply.status, reply.body
        opened = not isinstance(reply, simulated.ConnectionLost) or reply.opened
        return CannotTell(Fault.CONNECTION_LOST if opened else Fault.UNREACHABLE, "lost")

    def _request(self, request: HttpRequest) -> simulated.Request:
        form = dict(parse_qsl(request.body.decode("ascii")))
        return simulated.Request(
            request.method,
            request.path,
            self._source,
            self._credentials.username,
            self._credentials.password,
            form,
        )
