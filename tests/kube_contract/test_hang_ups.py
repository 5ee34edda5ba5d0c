"""Clients that hang up in the middle of a watch: embedded server only, the real one is its own."""

from __future__ import annotations

import asyncio
import itertools
import time

import pytest

from failoverip.simulator.kubernetes import Door, Key, Store, running
from failoverip.simulator.kubernetes.resources import NODES


async def test_a_client_that_hangs_up_while_events_are_sent_leaves_no_error(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Found by the demo, which kills an operator: its open watch was logged as a failed request."""
    store, names = Store(time.time), (f"node-{number}" for number in itertools.count())
    async with running(store) as (door,):
        # Where in its work the server is when the client goes depends on these turns of the loop.
        for turns in range(40):
            writer = await _watching(door, store)
            store.create(Key(NODES, "", next(names)), {"metadata": {}})
            for _ in range(turns % 8):
                await asyncio.sleep(0)
            writer.transport.abort()
            store.create(Key(NODES, "", next(names)), {"metadata": {}})
            store.create(Key(NODES, "", next(names)), {"metadata": {}})
    assert caplog.messages == []


async def _watching(door: Door, store: Store) -> asyncio.StreamWriter:
    """A client whose watch has been accepted."""
    reader, writer = await asyncio.open_connection("127.0.0.1", int(door.url.rpartition(":")[2]))
    path = f"/api/v1/nodes?watch=true&resourceVersion={store.revision}"
    writer.write(f"GET {path} HTTP/1.1\r\nHost: demo\r\n\r\n".encode())
    await reader.readuntil(b"\r\n\r\n")
    return writer
