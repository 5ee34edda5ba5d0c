"""Simulated processes in one event loop of virtual time: each can be stopped as by SIGSTOP.

What runs in a process's context belongs to it: its tasks, their timers and callbacks. While it is
stopped none of them runs, though time passes, and all of them run when it is continued. A process
that is never continued was killed: no `finally` of it ran, as after SIGKILL.
"""

from __future__ import annotations

import asyncio
import random
import zlib
from collections.abc import Coroutine, Iterable
from contextvars import Context, ContextVar, copy_context
from typing import Any, TypeVar

from failoverip.simulator.world.virtual_time import VirtualTimeLoop

T = TypeVar("T")

_PROCESS: ContextVar[Process | None] = ContextVar("process", default=None)


class Process:
    """A part of the loop that stops and continues as one."""

    def __init__(self) -> None:
        self._context = copy_context()
        self._context.run(_PROCESS.set, self)
        self._parked: list[asyncio.Handle] = []
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
        loop = asyncio.get_running_loop()
        # No other loop parks anything.
        if isinstance(loop, ProcessLoop):
            loop.take_up(parked)

    def park(self, handle: asyncio.Handle) -> None:
        """Keep what would run now until the process goes on."""
        self._parked.append(handle)


class ProcessLoop(VirtualTimeLoop):
    """Looks before each callback whether its process runs.

    With `choices` it draws the order of whatever is ready at the same moment; `choice_digest` is a
    checksum over all that was drawn so far.
    """

    def __init__(self, choices: random.Random | None = None) -> None:
        super().__init__()
        self._choices = choices
        self.choice_digest = 0

    def take_up(self, handles: Iterable[asyncio.Handle]) -> None:
        """Run what was parked: as it is, since a context cannot be entered within itself."""
        self._ready.extend(handles)

    def _run_ready(self) -> None:
        ready = self._ready
        if self._choices is not None and len(ready) > 1:
            order = list(range(len(ready)))
            self._choices.shuffle(order)
            self.choice_digest = zlib.crc32(bytes(order[:255]), self.choice_digest)
            shuffled = [ready[index] for index in order]
            ready.clear()
            ready.extend(shuffled)
        for _ in range(len(ready)):
            handle = ready.popleft()
            owner = handle._context.get(_PROCESS)  # type: ignore[attr-defined]  # noqa: SLF001
            if owner is not None and owner.stopped:
                owner.park(handle)
            elif not handle._cancelled:  # noqa: SLF001
                handle._run()  # noqa: SLF001


def outside(work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
    """A task of no process: what it does goes on whoever stops."""
    return asyncio.get_running_loop().create_task(work, context=Context())


def run_processes(main: Coroutine[Any, Any, T], choices: random.Random | None = None) -> T:
    """Run `main`, which belongs to no process, to its end in virtual time."""
    with asyncio.Runner(loop_factory=lambda: ProcessLoop(choices)) as runner:
        return runner.run(main)
