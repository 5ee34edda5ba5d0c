"""What a seed decides beforehand, and how a failure is shortened."""

from __future__ import annotations

from collections import Counter

from failoverip.simulator.world.acts import Actors
from failoverip.simulator.world.play import CALM_SECONDS, STAY_SECONDS
from failoverip.simulator.world.profiles import PROFILES, SHARES, profile_of
from failoverip.simulator.world.script import AIMED, KINDS, Script, draw
from failoverip.simulator.world.shrink import numbers_of, shrunk

MIXED = PROFILES["mixed"]


def test_the_same_seed_gives_the_same_script() -> None:
    assert draw(7, MIXED) == draw(7, MIXED)
    assert draw(7, MIXED) != draw(8, MIXED)


def test_of_a_hundred_seeds_each_profile_has_its_share() -> None:
    assert Counter(profile_of(seed).name for seed in range(100)) == dict(SHARES)
    assert Counter(profile_of(seed).name for seed in range(300, 400)) == dict(SHARES)


def test_a_seed_lasts_at_least_ten_minutes_and_of_budget_three_hours() -> None:
    # Until it is calm, and while the addresses must stay.
    peace = CALM_SECONDS + STAY_SECONDS
    assert min(profile.trouble_seconds for profile in PROFILES.values()) + peace >= 600
    assert PROFILES["budget"].trouble_seconds == 3 * 3600


def test_each_kind_of_act_can_be_played() -> None:
    assert [kind for kind in sorted(KINDS) if not hasattr(Actors, f"_{kind}")] == []
    assert set(AIMED) <= set(KINDS)


def test_every_kind_of_a_profile_is_drawn_within_two_hundred_seeds() -> None:
    drawn = {act.kind for seed in range(200) for act in draw(seed, MIXED).acts}
    assert drawn == set(MIXED.weights)


def test_a_failure_is_shortened_to_the_acts_that_it_needs() -> None:
    whole = draw(7, MIXED)
    needed = {whole.acts[2], whole.acts[-1]}

    def breaks(script: Script) -> bool:
        return needed <= set(script.acts)

    short = shrunk(whole, breaks)
    assert set(short.acts) == needed
    assert numbers_of(short, whole.acts) == [2, len(whole.acts) - 1]
