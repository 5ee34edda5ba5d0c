"""`failoverip simulate`: worlds made from seeds, the same again, and harm where a guard is off."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

# Of the first six seeds four are `mixed`, two `storm`.
SEEDS = os.environ.get("FAILOVERIP_TEST_SEEDS", "6")


def simulate(
    *flags: str, environ: dict[str, str] | None = None, cwd: Path | None = None
) -> subprocess.CompletedProcess[str]:
    argv = [sys.executable, "-m", "failoverip", "simulate", *flags]
    return subprocess.run(
        argv,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, **(environ or {})},
        cwd=cwd,
    )


def test_no_promise_is_broken_in_the_first_worlds() -> None:
    done = simulate("--seeds", SEEDS)
    assert (done.returncode, done.stderr) == (0, ""), done.stdout
    assert f"{SEEDS} seeds" in done.stdout
    assert "none broken" in done.stdout
    assert "reasons given: " in done.stdout


@pytest.mark.parametrize(
    "flags",
    [["--replay", "5"], ["--replay", "5", "--disable", "fence"]],
    ids=["all guards", "without the fence"],
)
def test_a_seed_gives_the_same_bytes_in_another_process_directory_and_time_zone(
    tmp_path: Path, flags: list[str]
) -> None:
    told = []
    for number, zone in enumerate(("UTC", "Asia/Tokyo")):
        around = {"PYTHONHASHSEED": str(number), "TZ": zone}
        (tmp_path / str(number)).mkdir()
        told.append(simulate(*flags, environ=around, cwd=tmp_path / str(number)).stdout)
    assert told[0] == told[1]
    assert len(told[0].splitlines()) > 500


def test_whoever_reads_only_the_first_line_gets_no_traceback() -> None:
    argv = [sys.executable, "-m", "failoverip", "simulate", "--replay", "5"]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as run:
        assert run.stdout is not None
        assert run.stderr is not None
        run.stdout.readline()
        run.stdout.close()
        assert run.stderr.read() == ""
    assert run.returncode == 141


def test_a_broken_promise_is_told_as_a_story_that_can_be_replayed() -> None:
    flags = ["--disable", "mode", "--profile", "mixed"]
    told = simulate(*flags, "--seeds", "1", "--start", "2", "--jobs", "1")
    assert (told.returncode, told.stderr) == (1, "")
    assert "mode resource=" in told.stdout or "then=mode" in told.stdout
    *_, breach, command = told.stdout.splitlines()
    assert "I7 broken: " in breach
    _, _, again = command.partition("failoverip simulate ")
    replayed = simulate(*again.split())
    assert replayed.returncode == 1
    assert breach in replayed.stdout


@pytest.mark.parametrize(
    ("flags", "line"),
    [
        (["--seeds", "0"], "argument --seeds: '0' is not a whole number above 0"),
        (["--replay", "x"], "argument --replay: 'x' is not a whole number"),
    ],
)
def test_bad_input_is_one_line_and_exit_code_two(flags: list[str], line: str) -> None:
    done = simulate(*flags)
    assert done.returncode == 2
    assert line in done.stderr
    assert len(done.stderr.splitlines()) == 1
