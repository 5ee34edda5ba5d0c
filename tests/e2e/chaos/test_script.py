"""What the seeds draw."""

from __future__ import annotations

from itertools import pairwise

from tests.e2e.chaos.script import Kind, When, draw

SEEDS = range(300)


def test_a_seed_draws_the_same_round_each_time() -> None:
    assert [str(draw(seed)) for seed in SEEDS] == [str(draw(seed)) for seed in SEEDS]


def test_everything_that_can_go_wrong_is_drawn_at_every_moment() -> None:
    acts = [act for seed in SEEDS for act in draw(seed).acts]
    assert {act.kind for act in acts} == set(Kind)
    assert {act.when for act in acts} == set(When)
    assert {act.who for act in acts if act.kind is Kind.KILL} == {"leader", "standby"}


def test_a_node_with_power_is_left_and_one_thing_goes_wrong_beside_a_power_off() -> None:
    for seed in SEEDS:
        kinds = [act.kind for act in draw(seed).acts]
        assert 1 <= kinds.count(Kind.POWER_OFF) <= 2
        assert len(kinds) > kinds.count(Kind.POWER_OFF)
        assert (Kind.POWER_OFF, Kind.POWER_OFF) not in pairwise(kinds)
