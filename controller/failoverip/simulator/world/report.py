"""Play many seeds and say what came of them; tell a failure as a story."""

from __future__ import annotations

import logging
import multiprocessing
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache

from failoverip.simulator.demo.manifests import crd_document
from failoverip.simulator.world.aimed import AIMED, aim
from failoverip.simulator.world.coverage import SEEDS_THAT_SHOW_ALL, missing
from failoverip.simulator.world.guards import GUARDS, with_backups
from failoverip.simulator.world.links import Json
from failoverip.simulator.world.play import Outcome, play
from failoverip.simulator.world.profiles import PROFILES, profile_of
from failoverip.simulator.world.script import Script, draw
from failoverip.simulator.world.shrink import numbers_of, shrunk
from failoverip.simulator.world.story import story_of

LINE_EVERY = 100
_HOUR_SECONDS = 3600.0


@dataclass(frozen=True, slots=True)
class Work:
    """One seed to play."""

    seed: int
    profile: str | None
    disabled: frozenset[str]


@dataclass(frozen=True, slots=True)
class Played:
    """What came of it, without the trace."""

    seed: int
    outcome: Outcome


def simulate(
    seeds: range,
    profile: str | None,
    disabled: frozenset[str],
    jobs: int,
    *,
    demand_reasons: bool = False,
) -> int:
    """Play the seeds and print a line for each hundred; stop at the first that breaks a promise.

    Fails, too, by a reason that a run of so many seeds, or with `demand_reasons`, did not show.
    """
    reasons: set[str] = set()
    seconds, moves = 0.0, 0
    for count, played in enumerate(_all(seeds, profile, disabled, jobs), 1):
        seconds += played.outcome.simulated_seconds
        moves += played.outcome.moves
        reasons |= played.outcome.reasons
        if played.outcome.breaches:
            _say(f"seed {played.seed}: {len(played.outcome.breaches)} promises broken")
            _tell(Work(played.seed, profile, disabled))
            return 1
        if count % LINE_EVERY == 0 or count == len(seeds):
            hours = seconds / _HOUR_SECONDS
            _say(f"{count} seeds, {hours:.1f} simulated hours, {moves} switches, none broken")
    unseen = missing(reasons)
    _say(f"reasons given: {len(reasons)}; never: {', '.join(unseen) or 'none'}")
    return 1 if unseen and (demand_reasons or len(seeds) >= SEEDS_THAT_SHOW_ALL) else 0


def replay(
    seed: int, profile: str | None, acts: frozenset[int] | None, disabled: frozenset[str]
) -> int:
    """Play one seed and print everything."""
    _quiet()
    script = _script(Work(seed, profile, disabled))
    if acts is not None:
        kept = tuple(act for index, act in enumerate(script.acts) if index in acts)
        script = replace(script, acts=kept)
    outcome = play(script, _crd(), with_backups(disabled), traced=True)
    for line in outcome.trace:
        _say(line)
    for breach in outcome.breaches:
        _say(str(breach))
    return 1 if outcome.breaches else 0


def _tell(work: Work) -> None:
    """The shortest trace found, and the command that replays it."""
    whole = _script(work)
    first = _play(work).outcome.breaches[0].invariant

    def breaks(script: Script) -> bool:
        found = play(script, _crd(), with_backups(work.disabled)).breaches
        return any(breach.invariant == first for breach in found)

    short = shrunk(whole, breaks)
    outcome = play(short, _crd(), with_backups(work.disabled), traced=True)
    for line in story_of(outcome.trace):
        _say(line)
    for breach in outcome.breaches:
        _say(str(breach))
    flags = [f"--replay {work.seed}"]
    flags += [f"--profile {work.profile}"] if work.profile else []
    flags += [f"--disable {guard}" for guard in sorted(work.disabled)]
    numbers = ",".join(str(number) for number in numbers_of(short, whole.acts))
    _say(f"replay it: failoverip simulate {' '.join(flags)} --acts {numbers or ','}")


def _all(
    seeds: range, profile: str | None, disabled: frozenset[str], jobs: int
) -> Iterator[Played]:
    works = [Work(seed, profile, disabled) for seed in seeds]
    if jobs == 1 or len(works) == 1:
        yield from map(_play, works)
        return
    with multiprocessing.get_context("spawn").Pool(min(jobs, len(works))) as pool:
        yield from pool.imap(_play, works)


def _play(work: Work) -> Played:
    _quiet()
    return Played(work.seed, play(_script(work), _crd(), with_backups(work.disabled)))


def _script(work: Work) -> Script:
    profile = work.profile
    if profile is None and work.disabled:
        profile = GUARDS[min(work.disabled)].profile
    if profile is not None and profile in AIMED:
        return aim(work.seed, profile)
    return draw(work.seed, PROFILES[profile] if profile else profile_of(work.seed))


@cache
def _crd() -> Json:
    return crd_document()


@cache
def _quiet() -> None:
    """What a replica logs is no part of the report: the trace holds what it decides."""
    logging.disable(logging.CRITICAL)


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()
