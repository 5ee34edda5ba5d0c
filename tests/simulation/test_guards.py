"""Each guard of the table is missed where it is off, and holds alone where the others are off."""

from __future__ import annotations

import pytest

from failoverip.simulator.demo.manifests import crd_document
from failoverip.simulator.world.aimed import AIMED, aim
from failoverip.simulator.world.guards import GUARDS, with_backups
from failoverip.simulator.world.harm import HARM
from failoverip.simulator.world.play import Outcome, play

pytestmark = pytest.mark.usefixtures("quiet")
BACKED_UP = sorted(name for name, guard in GUARDS.items() if guard.backups)


def played(guard: str, seed: int, off: frozenset[str]) -> Outcome:
    return play(aim(seed, GUARDS[guard].profile), crd_document(), off)


@pytest.mark.parametrize("guard", sorted(GUARDS))
def test_the_judge_finds_harm_with_the_guard_off(guard: str) -> None:
    for seed in range(GUARDS[guard].seeds):
        found = played(guard, seed, with_backups({guard})).breaches
        if any(breach.invariant == GUARDS[guard].harm for breach in found):
            return
    pytest.fail(f"{GUARDS[guard].seeds} seeds without {guard}, no such harm: the world is blind")


@pytest.mark.parametrize("guard", BACKED_UP)
def test_the_guard_alone_prevents_the_harm(guard: str) -> None:
    """In the world in which it is done without it."""
    backups = frozenset(GUARDS[guard].backups)
    for seed in range(GUARDS[guard].seeds):
        assert played(guard, seed, backups).breaches == ()


@pytest.mark.parametrize("profile", sorted(AIMED))
def test_nothing_is_broken_in_an_aimed_world_with_all_guards_on(profile: str) -> None:
    outcome = play(aim(0, profile), crd_document())
    assert outcome.breaches == ()


def test_every_guard_is_missed_by_harm_and_every_aimed_world_is_of_a_guard() -> None:
    assert {guard.harm for guard in GUARDS.values()} <= HARM
    assert {guard.profile for guard in GUARDS.values()} == set(AIMED)
    assert all(set(guard.backups) <= set(GUARDS) for guard in GUARDS.values())
