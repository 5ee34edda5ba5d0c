"""What holds for any requests at any times."""

from __future__ import annotations

import itertools

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.simulator_robot.worlds import ADDRESS, FIRST, SECOND, SUBNET, Story, world

from failoverip.simulator.robot import Exchange

SWITCH_SECONDS = 30

steps = st.lists(
    st.tuples(
        st.sampled_from([0, 0.5, 7, 29.5, 30, 45]),
        st.sampled_from([ADDRESS, SUBNET]),
        st.sampled_from([FIRST, SECOND, None]),
        st.sampled_from([None, "slow", "reset", "failed", "locked", "truncated"]),
    ),
    max_size=30,
)


def play(plan: list[tuple[float, str, str | None, str | None]]) -> list[Exchange]:
    story = Story(world(writes_per_window=20))
    exchanges = []
    for seconds, address, target, kind in plan:
        story.later(seconds)
        if kind is not None:
            extra = {"seconds": 3} if kind == "slow" else {}
            story.machine.add_fault({"kind": kind, "count": 1, **extra}, story.now)
        sent = story.delete(address) if target is None else story.post(target, address)
        exchanges.append(sent)
    story.later(SWITCH_SECONDS + 3)
    return exchanges


@settings(deadline=None, derandomize=True)
@given(steps)
def test_switches_of_one_address_never_overlap(
    plan: list[tuple[float, str, str | None, str | None]],
) -> None:
    executed = [each.entry for each in play(plan) if each.entry.executed]
    for address in (ADDRESS, SUBNET):
        begun = [entry.began for entry in executed if entry.address == address]
        gaps = [later - earlier for earlier, later in itertools.pairwise(begun)]
        assert all(gap >= SWITCH_SECONDS for gap in gaps), begun


@settings(deadline=None, derandomize=True)
@given(steps)
def test_every_request_that_does_not_hang_ends_when_its_switch_does(
    plan: list[tuple[float, str, str | None, str | None]],
) -> None:
    for exchange in play(plan):
        entry = exchange.entry
        assert entry.ended is not None
        late = 3 if entry.fault == "slow" else 0
        switching = SWITCH_SECONDS if entry.executed else 0
        assert entry.ended == entry.began + switching + late
