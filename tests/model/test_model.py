"""Two replicas, one move: all distinct states around it, and none of them does harm.

`FAILOVERIP_TEST_STATES` says how many are visited; `make model` visits more.
"""

from __future__ import annotations

import os
from collections.abc import Iterable

import pytest
from tests.model.__main__ import main
from tests.model.explore import digest, explore
from tests.model.ground import STATUSES
from tests.model.looks import ALL, NO_FENCE_NOR_BACKUPS
from tests.model.runs import RUNS, play
from tests.model.steps import everything
from tests.model.world import State

from failoverip.core.resource import MoveResult

VISITED = int(os.environ.get("FAILOVERIP_TEST_STATES", "10000"))
# Within as few the harm is found.
SEARCHED = 20_000


def moves(state: State) -> list[MoveResult]:
    return [move.result for move in STATUSES[state.status].moves]


def go(state: State, lines: Iterable[str]) -> State:
    """The state after what begins with these words happened."""
    for line in lines:
        state = next(n.state for n in everything(state) if n.story.startswith(line))
    return state


def test_no_state_around_a_move_and_a_takeover_does_harm() -> None:
    found = explore(VISITED, 99)
    assert found.harms == {}
    assert found.states >= VISITED
    told = "\n".join(found.happened)
    for deed in ("claim", "open", "adopt", "attempt", "close"):
        assert f"write to {deed} is stored" in told
        assert f"write to {deed} is stored, and the answer gets lost" in told
    for happened in ("is killed", "too late to send", "LOCKED", "leaves", "node b fails"):
        assert happened in told


def test_the_same_exploration_finds_two_switches_for_one_cause_without_fence_and_backups() -> None:
    found = explore(SEARCHED, 99, NO_FENCE_NOR_BACKUPS, until=lambda e: "two executed" in e.harms)
    story = found.harms["two executed"]
    assert story[-1] == "HARM: two executed switches for one cause: NodeDeleted of a"
    executed = [line for line in story if line.endswith("it switches")]
    assert len(executed) == 2
    assert any("although" in harm for harm in found.harms)
    assert story == explore(SEARCHED, found.depth, NO_FENCE_NOR_BACKUPS).harms["two executed"]


@pytest.mark.parametrize(
    ("run", "ends", "route"),
    [
        ("an undisturbed move", [MoveResult.CONFIRMED], "b"),
        ("a takeover while Robot switches", [MoveResult.CONFIRMED], "b"),
        (
            "a takeover before the first byte, and the target fails",
            [MoveResult.CONFIRMED, MoveResult.ABANDONED],
            "c",
        ),
    ],
)
def test_a_run_ends_as_it_should(run: str, ends: list[MoveResult], route: str) -> None:
    _, last = play(RUNS[run])[-1]
    assert moves(last) == ends
    assert last.route == route
    assert last.executed == ("NodeDeleted of a",)


def test_states_that_differ_only_in_when_they_happened_are_one() -> None:
    _, state = play(RUNS["an undisturbed move"])[-1]
    quiet = ("5 s pass", "one: attempts its election", "one: looks at fresh lists")
    for _ in range(30):
        state = go(state, quiet)
    assert digest(go(state, quiet)) == digest(state)


def test_a_frozen_leader_finds_its_window_used_up_at_the_first_byte() -> None:
    connected = [state for _, state in play(RUNS["an undisturbed move"])][7]
    told = [each.story for each in everything(go(connected, ["15 s pass"]), ALL)]
    assert "one: too late to send" in told
    assert not [story for story in told if story.startswith("one: first byte")]


def test_the_command_tells_how_far_it_went(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--states", "100000", "--depth", "1"]) == 0
    told = capsys.readouterr().out
    assert "to depth 1 " in told
    assert told.endswith("no harm\n")


def test_the_command_tells_the_shortest_way_to_harm(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--depth", "1", "--without", "window"]) == 1
    story = capsys.readouterr().out
    assert "one: first byte of the request for b\n" in story
    assert "HARM: a request leaves although two-1 holds the Lease\n" in story
