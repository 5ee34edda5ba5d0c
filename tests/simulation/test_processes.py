"""Processes of one loop: what is stopped does nothing, and goes on where it was."""

from __future__ import annotations

import asyncio

import pytest

from failoverip.simulator.world.processes import Process, run_processes


@pytest.mark.parametrize("again", [0, 1], ids=["once", "again before it went on"])
def test_what_woke_a_stopped_process_wakes_it_when_it_is_continued(again: int) -> None:
    async def world() -> tuple[bool, bool]:
        process, woken = Process(), asyncio.Event()
        waiting = process.spawn(woken.wait())
        await asyncio.sleep(1.0)
        process.stop()
        woken.set()
        await asyncio.sleep(1.0)
        for _ in range(again):
            process.resume()
            process.stop()
            await asyncio.sleep(1.0)
        while_stopped = waiting.done()
        process.resume()
        await asyncio.sleep(1.0)
        return while_stopped, waiting.done()

    assert run_processes(world()) == (False, True)


def test_a_process_that_was_killed_can_be_ended_with_the_world() -> None:
    async def world() -> bool:
        process = Process()
        waiting = process.spawn(asyncio.sleep(1000.0))
        await asyncio.sleep(1.0)
        process.stop()
        waiting.cancel()
        await asyncio.sleep(1.0)
        process.resume()
        await asyncio.gather(waiting, return_exceptions=True)
        return waiting.cancelled()

    assert run_processes(world())
