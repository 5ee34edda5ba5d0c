"""`python -m tests.bench`: measure, print the table, write the JSON document.

Exit code 0 also when a goal is missed: a busy machine misses goals. 1 when a measure could not be
made, 2 for bad input or a machine without the means to run the control plane.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import httpx
from tests.bench import agents, decision, first_byte, handover, scale, simulation, steady
from tests.bench.figures import Figure, document, table
from tests.bench.ground import say
from tests.bench.machine import conditions
from tests.controlplane.build import RigError
from tests.controlplane.rest import ApiError

# One measure that cannot be made leaves the others.
UNMEASURED = (AssertionError, ApiError, httpx.TransportError, subprocess.TimeoutExpired)
MEASURES = (
    decision.MEASURE,
    first_byte.MEASURE,
    handover.MEASURE,
    steady.MEMORY,
    steady.QUIET,
    agents.MEASURE,
    scale.MEASURE,
    simulation.MEASURE,
)


@dataclass(frozen=True, slots=True)
class Counts:
    """How much to measure."""

    moves: int
    handovers: int
    period: steady.Period
    monitors: int
    hour_seconds: int
    crowd: scale.Size
    seeds: int
    requests: int


FULL = Counts(
    200,
    10,
    steady.Period(settle_seconds=90.0, watch_seconds=600.0),
    50,
    3600,
    scale.Size(nodes=5000, resources=1000, watch_seconds=120.0, pace=1.0),
    60,
    2000,
)
QUICK = Counts(
    6,
    3,
    steady.Period(settle_seconds=10.0, watch_seconds=40.0),
    5,
    600,
    scale.Size(nodes=200, resources=40, watch_seconds=20.0, pace=1.0),
    5,
    20,
)


def main(argv: Sequence[str] | None = None) -> int:
    """Run what the flags ask for."""
    arguments = _parser().parse_args(argv)
    counts = QUICK if arguments.quick else FULL
    moves = arguments.n if arguments.n is not None else counts.moves
    measures = arguments.only or MEASURES
    figures: list[Figure] = []
    around, failed = [{"at": "start", **conditions()}], []
    for name, run in _runs(measures, moves, counts):
        say(f"measuring: {name}")
        began = time.monotonic()
        try:
            figures += run()
        except RigError as error:
            say(str(error))
            return 2
        except UNMEASURED as error:
            say(f"{name} could not be measured: {error}")
            failed.append(name)
        say(f"{name}: {time.monotonic() - began:.0f} s")
        around.append({"at": f"after {name}", **conditions()})
    if figures:
        _tell(figures, {"quick": arguments.quick, "machine": around}, arguments.json)
    return 1 if failed else 0


def _runs(
    measures: Sequence[str], moves: int, counts: Counts
) -> list[tuple[str, Callable[[], list[Figure]]]]:
    runs: list[tuple[str, Callable[[], list[Figure]]]] = []
    if decision.MEASURE in measures:
        runs.append((decision.MEASURE, lambda: decision.measure(moves)))
    if first_byte.MEASURE in measures:
        runs.append((first_byte.MEASURE, lambda: first_byte.measure(counts.requests)))
    if handover.MEASURE in measures:
        runs.append((handover.MEASURE, lambda: handover.measure(counts.handovers)))
    watched = [name for name in (steady.MEMORY, steady.QUIET) if name in measures]
    if watched:
        runs.append((" and ".join(watched), lambda: steady.measure(counts.period, watched)))
    if agents.MEASURE in measures:
        run = lambda: agents.measure(counts.monitors, counts.hour_seconds)  # noqa: E731
        runs.append((agents.MEASURE, run))
    if scale.MEASURE in measures:
        runs.append((scale.MEASURE, lambda: scale.measure(counts.crowd)))
    if simulation.MEASURE in measures:
        runs.append((simulation.MEASURE, lambda: simulation.measure(counts.seeds)))
    return runs


def _tell(figures: Sequence[Figure], around: dict[str, object], path: Path) -> None:
    print(table(figures))
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(document(figures, around), indent=1) + "\n")
    say(f"written: {path}")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m tests.bench",
        description="Measure the operator on the real control plane: about half an hour. "
        "Leave the machine alone meanwhile: other work makes every figure worse.",
    )
    parser.add_argument(
        "--only", action="append", choices=MEASURES, help="this measure alone; may be repeated"
    )
    parser.add_argument(
        "--n", type=_positive, metavar="N", help="moves to time (200, with --quick 6)"
    )
    parser.add_argument(
        "--json",
        type=Path,
        default=Path(".bench/figures.json"),
        metavar="FILE",
        help="where the JSON document goes (%(default)s)",
    )
    parser.add_argument(
        "--quick",
        action="store_true",
        help="a few samples and a short quiet time: shows that it runs, not how fast it is",
    )
    return parser


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) == 0:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number above 0")
    return int(text)


if __name__ == "__main__":
    sys.exit(main())
