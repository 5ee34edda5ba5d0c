"""`failoverip simulate`: its flags, what it prints, its exit codes.

What plays the world is imported when it runs, so that the help needs no package.
"""

from __future__ import annotations

import argparse
import os

from failoverip.simulator.closed_pipe import end_quietly

SEEDS = 100


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the flags of `failoverip simulate`."""
    from failoverip.simulator.world.aimed import AIMED
    from failoverip.simulator.world.guards import GUARDS
    from failoverip.simulator.world.profiles import PROFILES

    parser.add_argument(
        "--seeds", type=_count, default=SEEDS, metavar="N", help="how many worlds (%(default)s)"
    )
    parser.add_argument(
        "--start", type=_seed, default=0, metavar="S", help="the first seed (%(default)s)"
    )
    parser.add_argument(
        "--profile",
        choices=[*sorted(PROFILES), *sorted(AIMED)],
        metavar="PROFILE",
        help="one kind of world; without it each seed has its own, in fixed shares,"
        " or the one that is aimed at the disabled guard;"
        f" {', '.join(sorted(PROFILES))}, or aimed: {', '.join(sorted(AIMED))}",
    )
    parser.add_argument(
        "--replay", type=_seed, metavar="SEED", help="play one seed and print all that happens"
    )
    parser.add_argument(
        "--acts",
        type=_numbers,
        metavar="N,N,...",
        help="with --replay: only these acts of the seed, as a shortened story names them",
    )
    parser.add_argument(
        "--disable",
        action="append",
        choices=sorted(GUARDS),
        default=[],
        metavar="GUARD",
        help="leave out a guard, and those that back it up, to see the harm it prevents:"
        f" {', '.join(sorted(GUARDS))}",
    )
    parser.add_argument(
        "--demand-reasons",
        action="store_true",
        help="fail when a reason that these worlds can show never occurred; always from 1500 on",
    )
    parser.add_argument(
        "--jobs",
        type=_count,
        default=os.cpu_count() or 1,
        metavar="N",
        help="worlds side by side (one for each CPU)",
    )


def run(arguments: argparse.Namespace) -> int:
    """0 when every promise held, 1 with a story when one was broken."""
    try:
        return _play(arguments)
    except BrokenPipeError:
        return end_quietly()


def _play(arguments: argparse.Namespace) -> int:
    from failoverip.simulator.world import report

    disabled = frozenset(arguments.disable)
    if arguments.replay is not None:
        return report.replay(arguments.replay, arguments.profile, arguments.acts, disabled)
    seeds = range(arguments.start, arguments.start + arguments.seeds)
    return report.simulate(
        seeds,
        arguments.profile,
        disabled,
        arguments.jobs,
        demand_reasons=arguments.demand_reasons,
    )


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) == 0:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number above 0")
    return int(text)


def _seed(text: str) -> int:
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number")
    return int(text)


def _numbers(text: str) -> frozenset[int]:
    return frozenset(_seed(part) for part in text.split(",") if part)
