"""`make mutation`: a score for each module, and the mutants that no test noticed.

The score is what was killed of all mutants but those that are listed as equivalent. Exit code 1:
below 95 % in a module, or one listed that was killed or is no more.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.mutation.killing import Stage, observe, prepare
from tests.mutation.listed import Key, listed
from tests.mutation.mutants import Mutant, read
from tests.mutation.running import Result, run, unchanged_is_green

CORE = Path(__file__).parents[2] / "controller" / "failoverip" / "core"
GOAL = 0.95


def _core(*names: str) -> tuple[str, ...]:
    return tuple(f"tests/core/test_{name}.py" for name in names)


_DECISION = (
    *_core("decide", "causes", "gates", "requests", "situation", "brakes", "failback", "storm"),
    *_core("moves"),
    *_core("follow_attempts", "follow_duel", "follow_endings", "status", "conditions", "events"),
    "tests/properties/test_interrupted_switch.py",
)
_DECIDES = Stage(True, _DECISION)
# The one with properties comes last: it takes longest.
_LEDGER = Stage(False, _core("ledger", "ledgers_record", "logins_of_others", "ledgers"))
# Memory comes first: the observations hold it, and must not be made before it is changed.
STAGES: Mapping[str, Stage] = {
    "memory": Stage(True, (*_core("memory"), *_DECISION)),
    "ledger": _LEDGER,
    "ledgers": _LEDGER,
    "decide": _DECIDES,
    "gates": _DECIDES,
    "requests": _DECIDES,
    "follow": _DECIDES,
    "causes": _DECIDES,
    "situation": _DECIDES,
    "brakes": _DECIDES,
    "moves": _DECIDES,
}


@dataclass(frozen=True)
class Score:
    """Of one module; `known` are the mutants listed as equivalent."""

    module: str
    results: Sequence[Result]
    known: Collection[Key]

    @property
    def killed(self) -> int:
        """How many mutants a test noticed."""
        return sum(bool(result.killed_by) for result in self.results)

    @property
    def survivors(self) -> Sequence[Mutant]:
        """Those that no test noticed, listed or not."""
        return [result.mutant for result in self.results if not result.killed_by]

    @property
    def total(self) -> int:
        """How many there are to kill."""
        return len(self.results) - sum(mutant.key in self.known for mutant in self.survivors)

    @property
    def share(self) -> float:
        """Of those that can be killed."""
        return self.killed / self.total

    def __str__(self) -> str:
        by = dict.fromkeys(("corpus", "tests", "limit"), 0)
        for result in self.results:
            if result.killed_by:
                by[result.killed_by] += 1
        told = ", ".join(f"{how} {number}" for how, number in by.items() if number)
        equal = len(self.results) - self.total
        counts = f"{self.killed:4} of {self.total:4} killed  {self.share:6.1%}"
        return f"{self.module:10} {counts}  ({told}; {equal} more are equivalent)"


def main() -> int:
    """Run what is asked for; the exit code."""
    parser = argparse.ArgumentParser(prog="make mutation", description=__doc__)
    parser.add_argument("modules", nargs="*", help=f"of {', '.join(STAGES)}; all by default")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--only-corpus", action="store_true", help="run no other test: to look")
    args = parser.parse_args()
    unknown = sorted(set(args.modules) - set(STAGES))
    if unknown:
        parser.error(f"{', '.join(unknown)}: not one of {', '.join(STAGES)}")
    names = [name for name in STAGES if not args.modules or name in args.modules]
    stages = {name: STAGES[name] for name in names}
    if args.only_corpus:
        stages = {name: Stage(stage.corpus, ()) for name, stage in stages.items()}
    return _measure(stages, args.jobs)


def make_ready(name: str, stage: Stage) -> None:
    """Make what the processes of this module's mutants share, which must not import the module."""
    if stage.corpus and name != "memory":
        observe()


def _measure(stages: Mapping[str, Stage], jobs: int) -> int:
    prepare(list(stages.values()))
    known = listed()
    began = time.monotonic()
    scores: list[Score] = []
    green: set[Stage] = set()
    for name, stage in stages.items():
        make_ready(name, stage)
        if not unchanged_is_green(Stage(stage.corpus, () if stage in green else stage.tests)):
            print(f"{name}: the corpus or the tests fail without any change")
            return 1
        green.add(stage)
        source = read(CORE / f"{name}.py")
        score = Score(name, list(run(source, stage, source.mutants, jobs)), known)
        scores.append(score)
        missed = [f"  survived: {m}" for m in score.survivors if m.key not in known]
        print("\n".join([str(score), *missed, *complaints(score)]), flush=True)
    killed = sum(score.killed for score in scores)
    total = sum(score.total for score in scores)
    minutes = (time.monotonic() - began) / 60
    print(f"{'all':10} {killed:4} of {total:4} killed  {killed / total:6.1%}  in {minutes:.0f} min")
    return 1 if any(complaints(score) for score in scores) else 0


def complaints(score: Score) -> list[str]:
    """What is wrong with a module, a line each."""
    told = [f"  below {GOAL:.0%}"] if score.share < GOAL else []
    gone = set(score.known) - {mutant.key for mutant in score.survivors}
    return told + [
        f"  listed as equivalent, but it does not survive: {' '.join(map(str, key))}"
        for key in sorted(gone)
        if key[0] == score.module
    ]


if __name__ == "__main__":
    sys.exit(main())
