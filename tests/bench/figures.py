"""Figures: samples with their distribution, goal and ratio, as JSON and as a table. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

Statistic = Literal["mean", "p50", "p90", "p99", "max"]


@dataclass(frozen=True, slots=True)
class Distribution:
    """What a table shows of samples. Percentiles are samples that occurred (nearest rank)."""

    n: int
    mean: float
    p50: float
    p90: float
    p99: float
    max: float

    def value(self, statistic: Statistic) -> float:
        """One of the values, by name."""
        value: float = getattr(self, statistic)
        return value


@dataclass(frozen=True, slots=True)
class Goal:
    """A statistic that should be at most this, in the figure's unit."""

    statistic: Statistic
    at_most: float


@dataclass(frozen=True, slots=True)
class Figure:
    """Samples of one thing. `compared_to` names another figure of the run: ratio of medians."""

    measure: str
    name: str
    unit: str
    samples: tuple[float, ...]
    goal: Goal | None = None
    compared_to: str = ""


def distribution(samples: Sequence[float]) -> Distribution:
    """The distribution of the samples; ValueError when there is none."""
    if not samples:
        raise ValueError("no samples: nothing was measured")
    ordered = sorted(samples)
    return Distribution(
        n=len(ordered),
        mean=math.fsum(ordered) / len(ordered),
        p50=_nearest_rank(ordered, 50),
        p90=_nearest_rank(ordered, 90),
        p99=_nearest_rank(ordered, 99),
        max=ordered[-1],
    )


def is_met(figure: Figure) -> bool | None:
    """Whether the goal is met; None without a goal."""
    if figure.goal is None:
        return None
    return distribution(figure.samples).value(figure.goal.statistic) <= figure.goal.at_most


def ratio(figure: Figure, figures: Iterable[Figure]) -> float | None:
    """The median as a multiple of that of the figure it is compared to; None without one."""
    other = next((f for f in figures if f.name == figure.compared_to), None)
    if other is None:
        return None
    base = distribution(other.samples).p50
    return distribution(figure.samples).p50 / base if base else None


def document(figures: Sequence[Figure], conditions: Mapping[str, Any]) -> dict[str, Any]:
    """The run as JSON: each figure with its samples, and under what conditions it was made."""
    verdicts = [is_met(figure) for figure in figures]
    return {
        "conditions": dict(conditions),
        "goals_met": all(verdict is not False for verdict in verdicts),
        "figures": [_entry(figure, figures) for figure in figures],
    }


def table(figures: Sequence[Figure]) -> str:
    """The run as text, a line for each figure."""
    rows: list[tuple[str, ...]] = [
        ("measure", "figure", "unit", "n", "p50", "p90", "p99", "max", "ratio", "goal", "met")
    ]
    rows += [_row(figure, figures) for figure in figures]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    )


def _nearest_rank(ordered: Sequence[float], percent: int) -> float:
    return ordered[max(0, math.ceil(percent * len(ordered) / 100) - 1)]


def _entry(figure: Figure, figures: Sequence[Figure]) -> dict[str, Any]:
    return {
        "measure": figure.measure,
        "name": figure.name,
        "unit": figure.unit,
        **asdict(distribution(figure.samples)),
        "goal": None if figure.goal is None else asdict(figure.goal),
        "met": is_met(figure),
        "compared_to": figure.compared_to or None,
        "ratio": ratio(figure, figures),
        "samples": list(figure.samples),
    }


def _row(figure: Figure, figures: Sequence[Figure]) -> tuple[str, ...]:
    d, goal = distribution(figure.samples), figure.goal
    multiple = ratio(figure, figures)
    met = is_met(figure)
    wanted = "" if goal is None else f"{goal.statistic} <= {goal.at_most:g}"
    if goal is not None and goal.statistic == "mean":
        wanted += f" (is {_short(d.mean)})"
    return (
        figure.measure,
        figure.name,
        figure.unit,
        str(d.n),
        *(_short(value) for value in (d.p50, d.p90, d.p99, d.max)),
        "" if multiple is None else f"{multiple:.2f} x {figure.compared_to}",
        wanted,
        "" if met is None else "yes" if met else "NO",
    )


def _short(value: float) -> str:
    return f"{value:.4g}"
