"""A network between one client and its API server that can go silent or be cut.

It passes bytes, so TLS runs through it end to end. A proxy on loopback acknowledges what it holds
back: TCP_USER_TIMEOUT of the client never fires here, unlike on a cut cable.
"""

from __future__ import annotations

import asyncio
import socket
import struct
from contextlib import suppress
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

from tests.controlplane.loop_thread import LoopThread

CHUNK_BYTES = 65536


class TcpProxy:
    """Listens on a loopback port and passes bytes to `upstream` (a URL). A context manager.

    `url` is `upstream` with this proxy's port. `source`: the loopback address that `upstream` sees
    its clients come from, which tells the clients of several proxies apart.
    """

    def __init__(self, upstream: str, source: str | None = None) -> None:
        parts = urlsplit(upstream)
        if parts.hostname is None or parts.port is None:
            raise ValueError(f"upstream needs a host and a port: {upstream}")
        self._upstream = (parts.hostname, parts.port)
        self._source = (source, 0) if source else None
        self._connections: set[asyncio.StreamWriter] = set()
        self._cut = False
        self._thread = LoopThread("tcp-proxy")
        self._flowing = asyncio.Event()
        self._flowing.set()
        self._server = self._thread.run(asyncio.start_server(self._serve, "127.0.0.1", 0))
        self.port: int = self._server.sockets[0].getsockname()[1]
        self.url = f"{parts.scheme}://127.0.0.1:{self.port}"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def silence(self) -> None:
        """Pass nothing any more, not even an end; connections stay, new ones are accepted."""
        self._thread.call(self._flowing.clear)

    def cut(self) -> None:
        """Reset every connection, and each new one, until `heal`."""
        self._thread.call(self._reset_all)

    def heal(self) -> None:
        """Pass again; what was held back goes on its way, as on a healed link."""
        self._cut = False
        self._thread.call(self._flowing.set)

    @property
    def open_connections(self) -> int:
        """How many clients are connected."""
        return len(self._connections)

    def close(self) -> None:
        """Reset what is connected and stop listening."""
        self._thread.call(self._server.close)
        self._thread.call(self._reset_all)
        self._thread.close()

    def _reset_all(self) -> None:
        self._cut = True
        for writer in tuple(self._connections):
            _reset(writer)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._cut:
            _reset(writer)
            return
        self._connections.add(writer)
        try:
            await self._flowing.wait()
            await self._join(reader, writer)
        except OSError:
            pass  # the API server is not there: the client sees its connection end
        finally:
            self._connections.discard(writer)
            writer.close()

    async def _join(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await asyncio.open_connection(
            *self._upstream, local_addr=self._source
        )
        try:
            async with asyncio.TaskGroup() as pumps:
                pumps.create_task(self._pump(reader, far_writer))
                pumps.create_task(self._pump(far_reader, writer))
        except* OSError:
            pass  # one side went away: so does the other
        finally:
            far_writer.close()

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(CHUNK_BYTES):
            await self._flowing.wait()
            writer.write(data)
            await writer.drain()
        await self._flowing.wait()
        with suppress(OSError):
            writer.write_eof()


def _reset(writer: asyncio.StreamWriter) -> None:
    """Close with RST, not FIN: a linger time of zero."""
    sock: socket.socket | None = writer.get_extra_info("socket")
    with suppress(OSError):
        if sock is not None:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()
