"""Drives a machine by a clock: wakes it when something is due and hands replies to who waits."""

from __future__ import annotations

import asyncio
import contextlib

from failoverip.simulator.robot.answers import Reply
from failoverip.simulator.robot.clock import SimulatorClock
from failoverip.simulator.robot.listener import Listener
from failoverip.simulator.robot.machine import Exchange, Machine
from failoverip.simulator.robot.requests import Request


class Host:
    """One machine and its clock; `run` must be running for replies to come."""

    def __init__(self, machine: Machine, clock: SimulatorClock) -> None:
        self.machine = machine
        self.clock = clock
        self._waiting: dict[Exchange, asyncio.Future[Reply]] = {}
        self._woken = asyncio.Event()

    async def reply(self, request: Request) -> Reply:
        """The reply, when it is due. Cancelled: the client left, the machine goes on."""
        exchange = self.machine.begin(request, self.clock.now())
        self.wake()
        if exchange.reply is not None:
            return exchange.reply
        future: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()
        self._waiting[exchange] = future
        try:
            return await future
        except asyncio.CancelledError:
            self.machine.client_left(exchange, self.clock.now())
            raise
        finally:
            del self._waiting[exchange]

    def wake(self) -> None:
        """Something has changed: look at the machine again."""
        self._woken.set()

    async def run(self, listener: Listener) -> None:
        """Until cancelled: advances the machine, opens and closes its port."""
        while True:
            self._woken.clear()
            now = self.clock.now()
            self.machine.advance(now)
            for exchange, future in self._waiting.items():
                if exchange.reply is not None and not future.done():
                    future.set_result(exchange.reply)
            if self.machine.down(now):
                await listener.close()
            else:
                await listener.open()
            due = self.machine.next_due(now)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(None if due is None else max(0.0, due - now)):
                    await self._woken.wait()
