"""Many mutants, each in a process that is forked for it, a few side by side."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from tests.mutation.killing import Stage, Verdict, ended_by_limit, judge
from tests.mutation.mutants import Mutant, Source

BROKEN = 70
KILLED_BY = {Verdict.CORPUS: "corpus", Verdict.TESTS: "tests"}


class RunError(RuntimeError):
    """A process ended as no verdict does: nothing can be said of its mutant."""


@dataclass(frozen=True)
class Result:
    """`killed_by`: corpus, tests or the limit of CPU time; empty for a survivor."""

    mutant: Mutant
    killed_by: str


def run(source: Source, stage: Stage, mutants: Iterable[Mutant], jobs: int) -> Iterator[Result]:
    """The result of each mutant, as they come. Raises RunError."""
    under_way: dict[int, Mutant] = {}
    waiting = iter(mutants)
    while True:
        while len(under_way) < jobs and (mutant := next(waiting, None)) is not None:
            under_way[_fork(_judging(source, stage, mutant))] = mutant
        if not under_way:
            return
        pid, status = os.wait()
        mutant = under_way.pop(pid)
        yield Result(mutant, killed_by(status, str(mutant)))


def _judging(source: Source, stage: Stage, mutant: Mutant) -> Callable[[], Verdict]:
    def judging() -> Verdict:
        mutant.apply()
        return judge(source, stage)

    return judging


def unchanged_is_green(stage: Stage) -> bool:
    """Whether everything passes as it is: else each mutant would count as killed."""
    pid = _fork(lambda: judge(None, stage))
    _, status = os.waitpid(pid, 0)
    return not killed_by(status, "the code as it is")


def killed_by(status: int, what: str) -> str:
    """What killed, from the status of a process that ended; empty: nothing. Raises RunError."""
    if ended_by_limit(status):
        return "limit"
    code = os.waitstatus_to_exitcode(status)
    if code == Verdict.SURVIVED:
        return ""
    if code not in set(Verdict):
        raise RunError(f"the process ended with {code}: {what}")
    return KILLED_BY[Verdict(code)]


def _fork(work: Callable[[], Verdict]) -> int:
    """A silent child that ends with the verdict."""
    sys.stdout.flush()
    pid = os.fork()
    if pid:
        return pid
    code = BROKEN
    try:
        nothing = os.open(os.devnull, os.O_WRONLY)
        told = os.dup(2)
        os.dup2(nothing, 1)
        os.dup2(nothing, 2)
        try:
            code = work()
        except BaseException:
            os.write(told, traceback.format_exc().encode())
    finally:
        os._exit(code)
