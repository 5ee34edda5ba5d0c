"""How long after the last look at the lease the first byte of a POST has arrived.

What lies between is what no look can close: the write, the kernel, and here a receiver on the same
machine that has to wake up, so the figure is an upper bound of what it is without a network.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import socket
import time
from multiprocessing.connection import Connection

from tests.bench.figures import Figure

from failoverip.core.addresses import AddressKey, TargetAddress
from failoverip.robot import Credentials
from failoverip.robot.client import RobotClient

MEASURE = "first-byte"
_ANSWER = b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


def measure(requests: int) -> list[Figure]:
    """One sample for each request, in milliseconds."""
    here, there = multiprocessing.Pipe()
    receiver = multiprocessing.get_context("spawn").Process(target=_receive, args=(there, requests))
    receiver.start()
    try:
        looked = asyncio.run(_ask(f"http://127.0.0.1:{here.recv()}", requests))
        arrived: list[float] = here.recv()
    finally:
        # It waits for ever where a request did not come.
        receiver.terminate()
        receiver.join()
    samples = tuple((b - a) * 1000.0 for a, b in zip(looked, arrived, strict=True))
    return [Figure(MEASURE, "last look to first byte received", "ms", samples)]


async def _ask(url: str, requests: int) -> list[float]:
    looked: list[float] = []

    def look() -> bool:
        looked.append(time.monotonic())
        return True

    client = RobotClient(url, Credentials("#ws+bench", "bench"))
    for _ in range(requests):
        await client.switch(AddressKey("203.0.113.10"), TargetAddress("192.0.2.12"), look)
    await client.aclose()
    return looked


def _receive(pipe: Connection, requests: int) -> None:
    arrived = []
    with socket.create_server(("127.0.0.1", 0)) as server:
        pipe.send(server.getsockname()[1])
        for _ in range(requests):
            connection, _ = server.accept()
            with connection:
                connection.recv(1 << 16)
                arrived.append(time.monotonic())
                connection.sendall(_ANSWER)
    pipe.send(arrived)
