"""A gate between an open connection and the first byte of a request.

The last look at the lease belongs as close to the wire as possible: after name resolution, TCP and
TLS, which can take seconds. httpcore hands a request to the stream in pieces; the gate collects
them, so that the request leaves in one write and a freeze of the process cannot fall between.
"""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterable
from typing import Any

import httpcore


class GateShutError(Exception):
    """The gate was shut; no byte of the request left."""


class GatedBackend(httpcore.AsyncNetworkBackend):
    """Opens connections whose first request passes `may_send`, asked once, at the last moment.

    `when_sent` is called right before the first byte leaves, and `first_byte_left` is true from
    then on: also when the write failed, since nobody knows how much of it the kernel took.
    """

    def __init__(self, may_send: Callable[[], bool]) -> None:
        self._may_send = may_send
        self._backend = httpcore.AnyIOBackend()
        self.when_sent: Callable[[], None] = lambda: None
        self.first_byte_left = False

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """A connection behind the gate."""
        stream = await self._backend.connect_tcp(host, port, timeout, local_address, socket_options)
        return _GatedStream(stream, self)

    def open(self) -> None:
        """Ask for the first byte; GateShutError when it may not leave."""
        if not self._may_send():
            raise GateShutError
        self.first_byte_left = True
        self.when_sent()


class _GatedStream(httpcore.AsyncNetworkStream):
    """Holds what is written until an answer is read: then the request is whole."""

    def __init__(self, stream: httpcore.AsyncNetworkStream, gate: GatedBackend) -> None:
        self._stream = stream
        self._gate = gate
        self._request = bytearray()

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ARG002  # the signature is httpcore's
        self._request += buffer

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        if self._request:
            request, self._request = bytes(self._request), bytearray()
            self._gate.open()
            await self._stream.write(request, timeout)
        return await self._stream.read(max_bytes, timeout)

    async def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore.AsyncNetworkStream:
        # The handshake is part of opening the connection and passes below the gate.
        try:
            stream = await self._stream.start_tls(ssl_context, server_hostname, timeout)
        except BaseException:
            # httpcore leaves the socket open when its caller is cancelled here.
            await self._stream.aclose()
            raise
        return _GatedStream(stream, self._gate)

    async def aclose(self) -> None:
        await self._stream.aclose()

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)
