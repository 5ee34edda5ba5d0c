"""How the demo waits, and how it gives up."""

from __future__ import annotations

import itertools

import pytest

from failoverip.simulator.demo.waiting import StageError, until


async def test_what_is_waited_for_is_returned_once_it_is_there() -> None:
    answers = iter([None, None, "here"])

    async def find() -> str | None:
        return next(answers)

    told: list[float] = []
    assert await until(find, "it is here", lambda: None, told.append) == "here"
    assert len(told) == 2


async def test_a_step_that_does_not_come_true_in_time_is_named() -> None:
    async def find() -> None:
        return None

    with pytest.raises(StageError, match=r"^not within 0 s: the leader writes its intent$"):
        await until(find, "the leader writes its intent", lambda: None, lambda _: None, 0.0)


async def test_what_can_no_longer_come_true_is_not_waited_for() -> None:
    looks = itertools.count(1)
    seen = 0

    async def find() -> None:
        nonlocal seen
        seen = next(looks)

    def check() -> None:
        if seen == 3:
            raise StageError("replica one ended")

    with pytest.raises(StageError, match="replica one ended"):
        await until(find, "Robot is asked", check, lambda _: None)
