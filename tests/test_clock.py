"""The system's clock."""

from __future__ import annotations

import time

from failoverip.clock import SystemClock


def test_the_clock_names_its_source_and_follows_it() -> None:
    clock = SystemClock()
    source = getattr(time, clock.source)
    before = time.clock_gettime(source)
    assert before <= clock.now() <= time.clock_gettime(source)


def test_where_there_is_a_clock_that_counts_suspend_it_is_used() -> None:
    has_boottime = hasattr(time, "CLOCK_BOOTTIME")
    assert (SystemClock().source == "CLOCK_BOOTTIME") is has_boottime


async def test_sleep_takes_at_least_its_time() -> None:
    clock = SystemClock()
    before = clock.now()
    await clock.sleep(0.01)
    assert clock.now() - before >= 0.009
