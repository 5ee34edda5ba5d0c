"""The operator's transport to Robot: httpx for reads, one bare connection for every POST.

May not decide, retry, follow redirects or use a proxy. Nothing here raises for what Robot or the
network does: that comes back as `CannotTell`, `NotExecuted` or `OutcomeUnknown`.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass

import httpcore
import httpx

from failoverip.core.addresses import AddressKey, TargetAddress
from failoverip.core.provider import (
    CannotTell,
    Fault,
    RoutesAnswer,
    ServersAnswer,
    SwitchAnswer,
)
from failoverip.robot import protocol
from failoverip.robot.base_url import check_base_url
from failoverip.robot.credentials import Credentials
from failoverip.robot.gate import GatedBackend, GateShutError
from failoverip.robot.objects import MAX_BODY_BYTES
from failoverip.robot.protocol import HttpRequest

# Unacknowledged bytes older than this end the connection. Without it the kernel delivered a POST
# 26 s late, after the link healed and its process was gone (design 5).
TCP_USER_TIMEOUT_MILLISECONDS = 5000

_SOCKET_OPTIONS = [
    (socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, TCP_USER_TIMEOUT_MILLISECONDS),
]

# Long enough for the reads every 30 s that follow a switch; an older idle connection is likelier
# dead than warm, and servers commonly close theirs after 65 to 75 s.
_KEEPALIVE_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Limits:
    """How long each thing may take, in seconds."""

    # TCP and TLS: two lost SYNs, or one family that is silent while the other answers.
    connect_seconds: float = 5.0
    # A whole read, body included: Robot lists in about a second, and a hung read delays a move.
    read_seconds: float = 15.0
    # From the first byte of a POST to the end of its answer: Robot blocks for 28 to 110 s and
    # others use 180 s (hetzner-api 4); a shorter limit would abort healthy switches.
    switch_seconds: float = 200.0


class RobotClient:
    """Robot for one user. Used by one event loop; `aclose` when done.

    Reads share one warm connection, one at a time; after a fault the next read opens another. A
    POST has a connection of its own. TLS is always verified, against `ca_file` or the usual roots.
    ValueError when `base_url` is not one (see `check_base_url`), OSError when `ca_file` is none.
    """

    def __init__(
        self,
        base_url: str,
        credentials: Credentials,
        *,
        limits: Limits | None = None,
        ca_file: str | None = None,
    ) -> None:
        self._base_url = check_base_url(base_url)
        self._authorization = ("Authorization", credentials.authorization())
        self._limits = limits or Limits()
        self._ssl_context = (
            ssl.create_default_context(cafile=ca_file)
            if ca_file is not None
            else httpx.create_ssl_context(trust_env=False)
        )
        self._reading = asyncio.Lock()
        self._reader = self._new_reader()

    async def read_routes(
        self, before_first_byte: Callable[[], bool] = lambda: True
    ) -> RoutesAnswer:
        """Where Robot routes every failover address of the account: one read.

        `before_first_byte` is asked on an open connection; False: `Fault.WINDOW_SHUT`, not sent.
        """
        answer = await self._read(protocol.list_routes(), before_first_byte)
        return answer if isinstance(answer, CannotTell) else protocol.routes_answer(*answer)

    async def read_servers(
        self, before_first_byte: Callable[[], bool] = lambda: True
    ) -> ServersAnswer:
        """The servers of the account: one read, of a budget of its own (200 an hour)."""
        answer = await self._read(protocol.list_servers(), before_first_byte)
        return answer if isinstance(answer, CannotTell) else protocol.servers_answer(*answer)

    async def switch(
        self,
        address: AddressKey,
        target: TargetAddress,
        before_first_byte: Callable[[], bool],
    ) -> SwitchAnswer:
        """Ask Robot to route `address` to `target`; blocks for as long as Robot does.

        Opens the connection, then asks `before_first_byte` (the last look at the lease), and only
        on True sends the request, whole and at once. False: `NotExecuted`, `Fault.WINDOW_SHUT`.
        """
        backend = GatedBackend(before_first_byte)
        try:
            status, body = await self._post(protocol.switch_route(address, target), backend)
        except GateShutError:
            detail = "not sent: no longer allowed once the connection was open"
            return protocol.switch_fault(Fault.WINDOW_SHUT, detail, first_byte_left=False)
        # Whatever went wrong after the first byte, the outcome is unknown: no class of error may
        # slip through as something else.
        except Exception as error:
            reason = _reason(error)
            if reason is None and not backend.first_byte_left:
                raise
            reason = reason or CannotTell(Fault.CONNECTION_LOST, type(error).__name__)
            if not backend.first_byte_left and reason.fault is Fault.TIMEOUT:
                reason = _NO_CONNECTION
            return protocol.switch_fault(
                reason.fault, reason.detail, first_byte_left=backend.first_byte_left
            )
        return protocol.switch_answer(address, status, body)

    async def aclose(self) -> None:
        """Close the reading connection; a POST under way keeps its own."""
        await self._reader.aclose()

    def _new_reader(self) -> httpx.AsyncClient:
        transport = httpx.AsyncHTTPTransport(
            verify=self._ssl_context,
            trust_env=False,
            limits=httpx.Limits(max_connections=1, keepalive_expiry=_KEEPALIVE_SECONDS),
            socket_options=_SOCKET_OPTIONS,
        )
        return httpx.AsyncClient(
            transport=transport,
            trust_env=False,
            follow_redirects=False,
            timeout=httpx.Timeout(None, connect=self._limits.connect_seconds),
        )

    async def _read(
        self, request: HttpRequest, before_first_byte: Callable[[], bool]
    ) -> tuple[int, bytes] | CannotTell:
        async with self._reading:
            try:
                async with asyncio.timeout(self._limits.read_seconds):
                    return await self._get(request, before_first_byte)
            except GateShutError:
                return CannotTell(Fault.WINDOW_SHUT, "not sent: it was no longer wanted")
            except (httpx.HTTPError, httpcore.NetworkError, _BodyTooLongError, OSError) as error:
                # The kept connection, or the host behind it, may be dead: do not use it again.
                dead, self._reader = self._reader, self._new_reader()
                await dead.aclose()
                return _reason(error) or CannotTell(Fault.CONNECTION_LOST, type(error).__name__)

    async def _get(
        self, request: HttpRequest, before_first_byte: Callable[[], bool]
    ) -> tuple[int, bytes]:
        headers = [*request.headers, self._authorization]
        url = self._base_url + request.path

        async def look(event: str, _: object) -> None:
            # Told after the connection was opened, or found open, and before anything is written.
            if event == "http11.send_request_headers.started" and not before_first_byte():
                raise GateShutError

        async with self._reader.stream(
            request.method, url, headers=headers, extensions={"trace": look}
        ) as response:
            return response.status_code, await _body(response.status_code, response.aiter_raw())

    async def _post(self, request: HttpRequest, backend: GatedBackend) -> tuple[int, bytes]:
        loop = asyncio.get_running_loop()
        async with (
            asyncio.timeout(self._limits.connect_seconds) as limit,
            httpcore.AsyncConnectionPool(
                ssl_context=self._ssl_context,
                max_connections=1,
                retries=0,
                network_backend=backend,
                socket_options=_SOCKET_OPTIONS,
            ) as pool,
        ):
            backend.when_sent = lambda: limit.reschedule(loop.time() + self._limits.switch_seconds)
            async with pool.stream(
                request.method,
                self._base_url + request.path,
                headers=[*request.headers, self._authorization],
                content=request.body,
            ) as response:
                return response.status, await _body(response.status, response.aiter_stream())


# Not `TIMEOUT`: no request left, so no login can have failed (see `Ledger.record_answer`).
_NO_CONNECTION = CannotTell(Fault.UNREACHABLE, "no connection in time")


class _BodyTooLongError(Exception):
    """An answer that does not end within `MAX_BODY_BYTES`."""


async def _body(status: int, chunks: AsyncIterator[bytes]) -> bytes:
    """The whole body; empty where it would tell nothing: not to come by it must change nothing."""
    return b"" if protocol.is_told_by_status(status) else await _whole(chunks)


async def _whole(chunks: AsyncIterator[bytes]) -> bytes:
    body = bytearray()
    async for chunk in chunks:
        body += chunk
        if len(body) > MAX_BODY_BYTES:
            raise _BodyTooLongError
    return bytes(body)


def _reason(error: Exception) -> CannotTell | None:
    """What a transport's error means; None for an error that no transport should raise."""
    match error:
        case httpx.ConnectTimeout() | httpcore.ConnectTimeout():
            return _NO_CONNECTION
        case TimeoutError() | httpx.TimeoutException() | httpcore.TimeoutException():
            return CannotTell(Fault.TIMEOUT, "no answer in time")
        case httpx.ConnectError() | httpcore.ConnectError():
            # Said before any header of ours was sent: the text cannot hold one.
            return CannotTell(Fault.UNREACHABLE, f"cannot connect: {_one_line(error)}")
        case httpx.TransportError() | httpcore.NetworkError() | httpcore.ProtocolError():
            return CannotTell(Fault.CONNECTION_LOST, f"connection lost ({type(error).__name__})")
        case _BodyTooLongError():
            return CannotTell(Fault.GARBLED, f"an answer above {MAX_BODY_BYTES} bytes")
    return None


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())[:200] or type(error).__name__
