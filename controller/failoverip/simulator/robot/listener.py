"""A TCP port that can refuse connections for a while and keeps its number meanwhile."""

from __future__ import annotations

import asyncio
import socket
import ssl
import struct

from aiohttp import web


class Listener:
    """Serves a runner's application on one port. OSError when the port cannot be had."""

    def __init__(
        self, runner: web.AppRunner, host: str, port: int, tls: ssl.SSLContext | None = None
    ) -> None:
        self._runner = runner
        self._tls = tls
        self._site: web.SockSite | None = None
        # Bound and never listening: while the site is closed the port refuses, and stays ours.
        self._reserved = _bound(host, port)
        self._address = self._reserved.getsockname()[:2]

    @property
    def url(self) -> str:
        """Scheme, address and the real port."""
        host, port = self._address
        scheme = "http" if self._tls is None else "https"
        return f"{scheme}://[{host}]:{port}" if ":" in host else f"{scheme}://{host}:{port}"

    async def open(self) -> None:
        """Accepts connections."""
        if self._site is not None:
            return
        # Binding beside the reserved socket works because that one does not listen.
        site = web.SockSite(self._runner, _bound(*self._address), ssl_context=self._tls)
        await site.start()
        self._site = site

    async def close(self) -> None:
        """Refuses connections from now on, and resets those that are open."""
        if self._site is None:
            return
        await self._site.stop()
        self._site = None
        for connection in list(self._runner.server.connections if self._runner.server else ()):
            if connection.transport is not None:
                reset(connection.transport)

    async def release(self) -> None:
        """Gives the port back."""
        await self.close()
        self._reserved.close()


def reset(transport: asyncio.BaseTransport) -> None:
    """Ends a connection by RST, as a dead peer or a firewall does."""
    connection = transport.get_extra_info("socket")
    if connection is not None:
        no_linger = struct.pack("ii", 1, 0)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, no_linger)
    if isinstance(transport, asyncio.WriteTransport):
        transport.abort()


def _bound(host: str, port: int) -> socket.socket:
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    family, kind, protocol, _, address = found[0]
    bound = socket.socket(family, kind, protocol)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        bound.bind(address)
    except OSError:
        bound.close()
        raise
    return bound
