"""One mutant against the tests: each `judge` is for a process of its own, which it spoils.

First the corpus, whose observations were made before the fork; it decides all of them within a
tenth of a second. What it does not notice the tests of the core and the properties try.
"""

from __future__ import annotations

import importlib.abc
import importlib.machinery
import io
import os
import resource
import signal
import sys
from collections.abc import Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass
from enum import IntEnum
from types import ModuleType
from typing import TYPE_CHECKING

import hypothesis
import pytest
from tests.corpus.load import Case, load_all
from tests.mutation.mutants import Source

if TYPE_CHECKING:
    from failoverip.core.observation import Observation

PACKAGE = "failoverip.core"
# So many CPU seconds are an endless loop: unchanged, it takes less than one, or less than 60.
CORPUS_SECONDS, TEST_SECONDS = 20, 300
# Every failure is a kill, whatever it says; whatever a test draws, it draws the same each time.
# The fixtures that all tests share are those of the control plane.
PYTEST = ("-x", "-q", "--tb=no", "--assert=plain", "--noconftest", "-p", "no:cacheprovider")
PROFILE = "mutation"


class Verdict(IntEnum):
    """The exit code of a process that judged."""

    SURVIVED = 0
    CORPUS = 64
    TESTS = 65


@dataclass(frozen=True)
class Stage:
    """What tries the mutants of a module: `corpus` with its observations, then `tests`."""

    corpus: bool
    tests: tuple[str, ...]


def prepare(stages: Sequence[Stage]) -> None:
    """Import what all processes share: nothing of ours that depends on a mutant."""
    hypothesis.settings.register_profile(
        PROFILE, derandomize=True, database=None, deadline=None, max_examples=50
    )
    with redirect_stdout(io.StringIO()):
        pytest.main([*PYTEST, "--collect-only", __file__])  # it imports its own parts only now
    if any(stage.corpus for stage in stages):
        _cases.extend(load_all())


_cases: list[Case] = []
_observed: list[Observation] = []


def observe() -> None:
    """Make the observations of the corpus, once."""
    from tests.corpus.build import build

    if not _observed:
        _observed.extend(build(case) for case in _cases)


def judge(source: Source | None, stage: Stage) -> Verdict:
    """Whether a test notices what `source` holds now; None: nothing is changed."""
    if source is not None:
        _install(source)
    if stage.corpus:
        _allow(CORPUS_SECONDS)
        if not _corpus_agrees():
            return Verdict.CORPUS
    if not stage.tests:
        return Verdict.SURVIVED
    _allow(TEST_SECONDS)
    hypothesis.settings.load_profile(PROFILE)
    return Verdict.SURVIVED if pytest.main([*PYTEST, *stage.tests]) == 0 else Verdict.TESTS


def _corpus_agrees() -> bool:
    try:
        observe()
        from tests.corpus.expect import expectation

        from failoverip.core.decide import decide

        pairs = zip(_observed, _cases, strict=True)
        return all(expectation(decide(o)) == case.expected for o, case in pairs)
    except Exception:
        return False


def _install(source: Source) -> None:
    name = f"{PACKAGE}.{source.name}"
    if name in sys.modules:
        raise RuntimeError(f"{name} was imported before it was changed")
    sys.meta_path.insert(0, _Finder(name, source))


class _Finder(importlib.abc.MetaPathFinder):
    """Finds one module: the changed one."""

    def __init__(self, name: str, source: Source) -> None:
        self._name = name
        self._source = source

    def find_spec(
        self, fullname: str, _path: object, _target: object = None
    ) -> importlib.machinery.ModuleSpec | None:
        if fullname != self._name:
            return None
        return importlib.machinery.ModuleSpec(fullname, _Loader(self._source))


class _Loader(importlib.abc.Loader):
    """Runs the tree as it is."""

    def __init__(self, source: Source) -> None:
        self._source = source

    def exec_module(self, module: ModuleType) -> None:
        code = compile(self._source.tree, str(self._source.path), "exec")
        exec(code, module.__dict__)  # noqa: S102  # our own module, changed on purpose


def _allow(seconds: int) -> None:
    """So much CPU time from now on, then SIGXCPU ends this process."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    limit = int(used.ru_utime + used.ru_stime) + seconds
    resource.setrlimit(resource.RLIMIT_CPU, (limit, resource.RLIM_INFINITY))


def ended_by_limit(status: int) -> bool:
    """Whether the limit of CPU time ended a process."""
    return os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGXCPU
