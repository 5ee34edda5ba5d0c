"""Simulated processes in one event loop of virtual time: each can be stopped as by SIGSTOP.

What runs in a process's context belongs to it: its tasks, their timers and callbacks. While it is
stopped none of them runs, though time passes, and all of them run when it is continued. A process
that is never continued was killed: no `finally` of it ran, as after SIGKILL.
"""

from __future__ import annotations

import asyncio
import random
import zlib
from collections import deque
from collections.abc import Callable, Coroutine
from contextvars import Context, ContextVar, copy_context
from dataclasses import dataclass
from typing import Any, TypeVar, TypeVarTuple

from failoverip.simulator.world.virtual_time import VirtualTimeLoop

T = TypeVar("T")
Ts = TypeVarTuple("Ts")

_PROCESS: ContextVar[Process | None] = ContextVar("process", default=None)


@dataclass(frozen=True, slots=True)
class _Parked:
    callback: Callable[..., object]
    args: tuple[Any, ...]
    context: Context
    handle: asyncio.Handle


class Process:
    """A part of the loop that stops and continues as one."""

    def __init__(self) -> None:
        self._context = copy_context()
        self._context.run(_PROCESS.set, self)
        self._parked: list[_Parked] = []
        self.stopped = False

    def spawn(self, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        """A task of this process."""
        return asyncio.get_running_loop().create_task(work, context=self._context)

    def stop(self) -> None:
        """Nothing of it runs from the next await on."""
        self.stopped = True

    def resume(self) -> None:
        """Run what waited, in its order."""
        self.stopped = False
        parked, self._parked = self._parked, []
        for each in parked:
            if not each.handle.cancelled():
                loop = asyncio.get_running_loop()
                loop.call_soon(each.callback, *each.args, context=each.context)

    def park(
        self,
        loop: asyncio.AbstractEventLoop,
        callback: Callable[..., object],
        args: tuple[Any, ...],
        context: Context,
    ) -> asyncio.Handle:
        """Keep a callback until the process goes on."""
        handle = asyncio.Handle(callback, args, loop, context)
        self._parked.append(_Parked(callback, args, context, handle))
        return handle


class ProcessLoop(VirtualTimeLoop):
    """Looks before each callback whether its process runs.

    With `choices` it draws the order of whatever is ready at the same moment; `choice_digest` is a
    checksum over all that was drawn so far.
    """

    _ready: deque[asyncio.Handle]

    def __init__(self, choices: random.Random | None = None) -> None:
        super().__init__()
        self._choices = choices
        self.choice_digest = 0

    def _run_once(self) -> None:
        if self._choices is not None and len(self._ready) > 1:
            order = list(range(len(self._ready)))
            self._choices.shuffle(order)
            self.choice_digest = zlib.crc32(bytes(order[:255]), self.choice_digest)
            ready = list(self._ready)
            self._ready.clear()
            self._ready.extend(ready[index] for index in order)
        # asyncio offers no public place to choose an order.
        super()._run_once()  # type: ignore[misc]  # typeshed leaves it out

    def call_soon(
        self,
        callback: Callable[[*Ts], object],
        *args: *Ts,
        context: Context | None = None,
    ) -> asyncio.Handle:
        """As asyncio's; parked while its process is stopped."""
        owner = _PROCESS.get() if context is None else context.get(_PROCESS)
        if owner is not None and owner.stopped:
            return owner.park(self, callback, args, context or copy_context())
        return super().call_soon(callback, *args, context=context)

    def call_at(
        self,
        when: float,
        callback: Callable[[*Ts], object],
        *args: *Ts,
        context: Context | None = None,
    ) -> asyncio.TimerHandle:
        """As asyncio's; what is due while its process is stopped is parked."""

        def due() -> None:
            owner = _PROCESS.get()
            # Cancelled while it was parked: it ends as a timer that was cancelled in time.
            if timer.cancelled():
                return
            if owner is not None and owner.stopped:
                owner.park(self, due, (), copy_context())
            else:
                callback(*args)

        timer = super().call_at(when, due, context=context)
        return timer


def outside(work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
    """A task of no process: what it does goes on whoever stops."""
    return asyncio.get_running_loop().create_task(work, context=Context())


def run_processes(main: Coroutine[Any, Any, T], choices: random.Random | None = None) -> T:
    """Run `main`, which belongs to no process, to its end in virtual time."""
    with asyncio.Runner(loop_factory=lambda: ProcessLoop(choices)) as runner:
        return runner.run(main)
