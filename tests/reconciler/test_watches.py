"""kopf's tasks live in our loop: their end is not ours."""

from __future__ import annotations

import asyncio
import getpass

import pytest

from failoverip.kube import ConnectionInfo
from failoverip.metrics import Metrics
from failoverip.reconciler.handlers import Watches
from failoverip.simulator.world.virtual_time import VirtualClock


class Nowhere:
    """A connection that nobody uses."""

    async def connection_info(self) -> ConnectionInfo:
        return ConnectionInfo("https://198.51.100.1")


def watches() -> Watches:
    clock = VirtualClock(0.0)
    return Watches(Nowhere(), lambda: None, lambda _: "", clock, Metrics(clock.now, "0"))


async def for_ever() -> None:
    await asyncio.Event().wait()


async def fail() -> None:
    raise ConnectionError("404 page not found")


async def test_a_watch_that_fails_ends_kopf_and_no_other_task_of_the_loop() -> None:
    ours, of_kopf = asyncio.create_task(for_ever()), asyncio.create_task(for_ever())
    with pytest.raises(ConnectionError, match="404"):
        await watches().run([asyncio.create_task(fail()), of_kopf])
    assert of_kopf.cancelled()
    assert not ours.done()
    ours.cancel()


async def test_kopfs_regular_end_ends_no_other_task_of_the_loop() -> None:
    ours, of_kopf = asyncio.create_task(for_ever()), asyncio.create_task(for_ever())
    await watches().run([asyncio.create_task(asyncio.sleep(0)), of_kopf])
    assert of_kopf.cancelled()
    assert not ours.done()
    ours.cancel()


async def test_kopf_starts_as_a_user_without_a_name(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in a pod, whose user is a number: the first leader died of it."""

    def nobody() -> str:
        raise OSError("No username set in the environment")

    monkeypatch.setattr(getpass, "getuser", nobody)
    stop = asyncio.Event()
    tasks = await watches().spawn(stop)
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)
