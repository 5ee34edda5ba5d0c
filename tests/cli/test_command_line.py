"""The program as a person meets it: help, exit codes, and one line for each mistake."""

from __future__ import annotations

import importlib.metadata
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
HELP = Path(__file__).with_name("help.txt")
COMMANDS = ("operator", "robot-simulator", "demo", "simulate")
CANARY = "hunter2-canary"
WORLD = """
[[users]]
name = "#ws+demo"
password = "hunter2-canary"

[[servers]]
number = 321
name = "one"
ipv4 = "192.0.2.11"
"""
QUIET = {"PATH": os.environ["PATH"], "COLUMNS": "100", "HOME": "/nonexistent"}


def failoverip(
    *arguments: str, environ: dict[str, str] | None = None, flags: tuple[str, ...] = ()
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *flags, "-m", "failoverip", *arguments],
        env=QUIET | (environ or {}),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def help_texts() -> str:
    """Every --help of the program, one after the other."""
    calls = [["--help"], *([command, "--help"] for command in COMMANDS)]
    return "\n".join(failoverip(*words).stdout for words in calls)


@pytest.fixture(scope="module")
def base_install(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The environment of an interpreter that finds failoverip and the standard library, no more."""
    site = tmp_path_factory.mktemp("site")
    (record,) = [
        file
        for file in importlib.metadata.distribution("failoverip").files or []
        if file.name == "METADATA"
    ]
    information = Path(str(record.locate())).parent
    shutil.copytree(information, site / information.name)
    return {"PYTHONPATH": os.pathsep.join([str(ROOT / "controller"), str(site)])}


def test_the_help_texts_are_those_that_were_reviewed() -> None:
    """A change shows as a diff of help.txt; write it anew with `make reference`."""
    assert help_texts() == HELP.read_text()


@pytest.mark.parametrize("command", COMMANDS)
def test_each_commands_help_describes_every_flag_and_the_exit_codes(
    command: str, base_install: dict[str, str]
) -> None:
    """Without a single package: a person reads the help before installing an extra."""
    shown = failoverip(command, "--help", environ=base_install, flags=("-S",))
    assert (shown.returncode, shown.stderr) == (0, "")
    assert "exit codes: 0 done, 1 failed, 2 bad input" in shown.stdout
    assert max(len(line) for line in shown.stdout.splitlines()) <= 100
    described = re.split(r"\n {2}(?=-)", shown.stdout)[1:]
    assert len(described) > 1
    for flag in described:
        # After the flag and its metavar: two blanks or a new line, then words.
        assert re.search(r"(\s{2,}|\n\s+)\S+ \S+", flag), flag


def test_the_version_needs_no_package(base_install: dict[str, str]) -> None:
    shown = failoverip("--version", environ=base_install, flags=("-S",))
    assert shown.stdout == f"failoverip {importlib.metadata.version('failoverip')}\n"
    assert shown.returncode == 0


def test_a_missing_package_is_one_line_that_says_what_to_install(
    base_install: dict[str, str], tmp_path: Path
) -> None:
    world = tmp_path / "world.toml"
    world.write_text(WORLD)
    shown = failoverip(
        *("robot-simulator", "--listen", "127.0.0.1:0", "--world", str(world)),
        environ=base_install,
        flags=("-S",),
    )
    assert (shown.returncode, shown.stdout) == (2, "")
    assert re.fullmatch(
        r"failoverip robot-simulator: .*aiohttp.* pip install 'failoverip\[demo\]'\n", shown.stderr
    )


MISTAKES: list[tuple[list[str], str]] = [
    ([], "failoverip: a command is missing, one of operator, robot-simulator, demo, simulate"),
    (["operater"], "failoverip: there is no command 'operater'; did you mean operator?"),
    (["--verson"], "failoverip: there is no flag '--verson'; did you mean --version?"),
    (["--help=x"], "failoverip: argument -h/--help: ignored explicit argument 'x'"),
    (
        ["operator", "--lease-nam", "x"],
        "failoverip operator: there is no flag '--lease-nam'; did you mean --lease-name?",
    ),
    (["operator", "--listen"], "failoverip operator: argument --listen: expected one argument"),
    (["operator", "x"], "failoverip operator: there is an argument that belongs to no flag"),
    (["operator", "--listen", "x"], "failoverip operator: --listen: 'x' is not ADDRESS:PORT; "),
    (
        ["operator", "--kubeconfig", "/nonexistent/k"],
        "failoverip operator: --kubeconfig: '/nonexistent/k' cannot be read (no such file or dir",
    ),
    (
        ["robot-simulator", "--listen", "127.0.0.1:0"],
        "failoverip robot-simulator: the following arguments are required: --world",
    ),
]


@pytest.mark.parametrize(("arguments", "words"), MISTAKES)
def test_a_mistake_is_one_line_on_stderr_and_exit_code_2(arguments: list[str], words: str) -> None:
    shown = failoverip(*arguments)
    assert (shown.returncode, shown.stdout) == (2, "")
    assert shown.stderr.startswith(words)
    assert shown.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("arguments", "environ"),
    [
        (["operator", f"--password={CANARY}"], {}),
        (["operator", "--password", CANARY], {}),
        (["operator", CANARY], {}),
        (["operator", "--robot-url", f"https://u:{CANARY}@robot.example"], {}),
        (["operator"], {"FAILOVERIP_PASSWORD": CANARY}),
    ],
)
def test_a_password_given_in_the_wrong_place_is_refused_and_not_repeated(
    arguments: list[str], environ: dict[str, str]
) -> None:
    shown = failoverip(*arguments, environ=environ)
    assert shown.returncode == 2
    assert CANARY not in shown.stdout + shown.stderr


def test_the_installed_command_is_the_module() -> None:
    program = Path(sys.executable).with_name("failoverip")
    shown = subprocess.run([program, "--version"], capture_output=True, text=True, check=True)
    assert shown.stdout == failoverip("--version").stdout
