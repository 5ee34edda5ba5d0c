"""The make targets that the pages show: CI runs them, or a test runs what their recipe runs."""

from __future__ import annotations

import re
import subprocess

import pytest
from tests.repo.commands import Block, blocks, missing
from tests.repo.files import ROOT

# What runs the recipe of a target that `.ci/run` does not reach.
RUN_BY = {
    "chaos": "tests/e2e/chaos/test_rounds.py",
    "demo": "tests/demo/test_demo.py",
    "deb": "tests/ocf/test_deb.py",
    "image": "tests/image/test_image.py",
    "bench": "tests/bench/test_figures.py",
    "reference": "tests/repo/test_reference.py",
    "mutation": "tests/mutation/test_mutants.py",
}


@pytest.mark.parametrize("block", blocks("make"), ids=str)
def test_every_line_of_a_block_is_a_target_that_something_runs(block: Block) -> None:
    reached = targets_of("test")
    for line in block.text.splitlines():
        found = re.match(r"make (?P<target>[a-z0-9-]+)", line)
        assert found, f"{block}: not a make target: {line}"
        target = found["target"]
        assert target in reached or missing(RUN_BY.get(target, "nothing")) == "", line


def test_ci_makes_the_target_that_reaches_the_others() -> None:
    assert 'make test "$@"' in (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    assert {"setup", "lint", "unit", "worlds", "e2e", "pacemaker", "test"} <= targets_of("test")


def targets_of(target: str) -> set[str]:
    """The targets that making `target` makes, by make's own account."""
    told = subprocess.run(
        ["make", "--dry-run", "--always-make", "--debug=b", target],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return set(re.findall(r"Must remake target '([a-z0-9-]+)'", told.stdout))
