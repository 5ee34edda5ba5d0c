"""What the benchmark makes of samples; the samples here are made up."""

from __future__ import annotations

import json

import pytest
from tests.bench.figures import Figure, Goal, distribution, document, is_met, ratio, table

CALLS = Figure("decision", "bare calls", "s", (0.05, 0.04, 0.06))
DECISION = Figure(
    "decision",
    "unknown to first byte",
    "s",
    tuple(n / 1000 for n in range(1, 201)),
    Goal("p99", 0.3),
    "bare calls",
)


def test_percentiles_are_samples_by_nearest_rank() -> None:
    d = distribution(DECISION.samples)

    assert (d.n, d.p50, d.p90, d.p99, d.max) == (200, 0.1, 0.18, 0.198, 0.2)
    assert d.mean == pytest.approx(0.1005)


def test_the_order_of_the_samples_does_not_matter() -> None:
    assert distribution((3.0, 1.0, 2.0)) == distribution((1.0, 2.0, 3.0))


def test_one_sample_is_every_statistic() -> None:
    d = distribution((7.0,))

    assert (d.mean, d.p50, d.p90, d.p99, d.max) == (7.0,) * 5


def test_nothing_measured_is_an_error_and_no_figure() -> None:
    with pytest.raises(ValueError, match="nothing was measured"):
        distribution(())


@pytest.mark.parametrize(
    ("goal", "met"),
    [
        (Goal("p99", 0.198), True),
        (Goal("p99", 0.197), False),
        (Goal("max", 0.2), True),
        (Goal("max", 0.199), False),
        (Goal("mean", 0.1006), True),
        (None, None),
    ],
)
def test_a_goal_is_met_up_to_and_including_its_bound(goal: Goal | None, met: bool | None) -> None:
    figure = Figure("decision", "unknown to first byte", "s", DECISION.samples, goal)

    assert is_met(figure) is met


def test_a_ratio_is_of_medians_and_needs_the_other_figure_in_the_run() -> None:
    assert ratio(DECISION, [CALLS, DECISION]) == pytest.approx(2.0)
    assert ratio(DECISION, [DECISION]) is None
    assert ratio(CALLS, [CALLS, DECISION]) is None


def test_a_ratio_to_nothing_is_none() -> None:
    nothing = Figure("quiet", "bare calls", "1", (0.0,))

    assert ratio(DECISION, [nothing, DECISION]) is None


def test_the_document_holds_distribution_goal_ratio_samples_and_conditions() -> None:
    made = json.loads(json.dumps(document([CALLS, DECISION], {"cores": 2})))

    assert made["conditions"] == {"cores": 2}
    assert made["goals_met"] is True
    first, second = made["figures"]
    assert (first["goal"], first["met"], first["ratio"]) == (None, None, None)
    assert second.pop("samples") == list(DECISION.samples)
    assert second == {
        "measure": "decision",
        "name": "unknown to first byte",
        "unit": "s",
        "n": 200,
        "mean": pytest.approx(0.1005),
        "p50": 0.1,
        "p90": 0.18,
        "p99": 0.198,
        "max": 0.2,
        "goal": {"statistic": "p99", "at_most": 0.3},
        "met": True,
        "compared_to": "bare calls",
        "ratio": pytest.approx(2.0),
    }


def test_one_missed_goal_shows_in_the_document() -> None:
    late = Figure("handover", "SIGTERM to claim", "s", (1.0, 2.5), Goal("max", 2.0))

    assert document([DECISION, late], {})["goals_met"] is False


def test_the_table_has_a_line_for_each_figure_and_says_what_was_missed() -> None:
    late = Figure("handover", "SIGTERM to claim", "s", (1.0, 2.5), Goal("max", 2.0))
    idle = Figure("quiet", "CPU of the leader", "% of a core", (0.5, 0.7), Goal("mean", 1.0))

    header, bare, decision, missed, mean = table([CALLS, DECISION, late, idle]).splitlines()

    assert header.split()[:2] == ["measure", "figure"]
    assert bare.split()[-1] == "0.06"
    assert "2.00 x bare calls" in decision
    assert decision.split()[-4:] == ["p99", "<=", "0.3", "yes"]
    assert missed.split()[-4:] == ["max", "<=", "2", "NO"]
    assert mean.split()[-5:] == ["<=", "1", "(is", "0.6)", "yes"]
