"""`failoverip robot-simulator` as a process, and its one-line refusals."""

from __future__ import annotations

import argparse
import json
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from failoverip.simulator.robot import command

WORLD = """
[[users]]
name = "#ws+demo"
password = "canary-7c1e9f"

[[servers]]
number = 321
name = "one"
ipv4 = "192.0.2.11"
"""

PROGRAM = """
import argparse, sys
from failoverip.simulator.robot import command
parser = argparse.ArgumentParser()
command.add_arguments(parser)
sys.exit(command.run(parser.parse_args()))
"""


@pytest.fixture
def world_file(tmp_path: Path) -> Path:
    file = tmp_path / "world.toml"
    file.write_text(WORLD, encoding="utf-8")
    return file


@pytest.fixture
def process(world_file: Path) -> Iterator[subprocess.Popen[str]]:
    listen = ["--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0", "--world", str(world_file)]
    with subprocess.Popen(
        [sys.executable, "-c", PROGRAM, *listen],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as started:
        yield started
        started.kill()


def refused(*flags: str) -> int:
    parser = argparse.ArgumentParser()
    command.add_arguments(parser)
    return command.run(parser.parse_args(flags))


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_says_where_it_listens_and_stops_cleanly(
    process: subprocess.Popen[str], number: signal.Signals
) -> None:
    assert process.stdout is not None
    robot = process.stdout.readline().removeprefix("robot-simulator: listening on ").strip()
    admin = process.stdout.readline().removeprefix("robot-simulator: admin on ").strip()
    assert robot.startswith("http://127.0.0.1:")
    with urllib.request.urlopen(f"{admin}/state", timeout=60) as response:  # noqa: S310  # a loopback http address
        assert json.load(response)["routes"] == {}
    process.send_signal(number)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out, err) == (0, "", "")


def test_a_typo_in_the_world_names_file_key_and_fix(
    world_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    world_file.write_text(WORLD.replace("ipv4", "ipv_4"), encoding="utf-8")
    assert refused("--listen", "127.0.0.1:0", "--world", str(world_file)) == 2
    assert capsys.readouterr().err == (
        f"failoverip robot-simulator: {world_file}: "
        "servers[0].ipv_4: unknown key; did you mean 'ipv4'?\n"
    )


def test_a_syntax_error_in_the_world_names_its_line(
    world_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    world_file.write_text(WORLD.replace("number = 321", "number 321"), encoding="utf-8")
    assert refused("--listen", "127.0.0.1:0", "--world", str(world_file)) == 2
    err = capsys.readouterr().err
    assert err.startswith(f"failoverip robot-simulator: {world_file}: not TOML: ")
    assert "at line 7" in err
    assert err.count("\n") == 1


def test_a_world_that_is_missing_or_no_text_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    binary = tmp_path / "binary.toml"
    binary.write_bytes(b"\xff\xfe")
    for file, reason in [
        (tmp_path / "missing.toml", "No such file or directory"),
        (tmp_path, "Is a directory"),
        (binary, "is not UTF-8 text"),
    ]:
        assert refused("--listen", "127.0.0.1:0", "--world", str(file)) == 2
        expected = f"failoverip robot-simulator: {file}: cannot be read: {reason}\n"
        assert capsys.readouterr().err == expected


@pytest.mark.parametrize("flag", ["--listen", "--admin"])
def test_a_port_in_use_is_told_in_one_line(
    world_file: Path, capsys: pytest.CaptureFixture[str], flag: str
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        flags = {"--listen": "127.0.0.1:0", flag: address, "--world": str(world_file)}
        assert refused(*(part for pair in flags.items() for part in pair)) == 2
    captured = capsys.readouterr()
    expected = f"failoverip robot-simulator: cannot listen on {address}: Address already in use\n"
    assert (captured.out, captured.err) == ("", expected)


@pytest.mark.parametrize("address", ["8080", "127.0.0.1", "127.0.0.1:http", "127.0.0.1:70000"])
def test_an_address_that_is_none_is_refused_with_an_example(
    world_file: Path, capsys: pytest.CaptureFixture[str], address: str
) -> None:
    with pytest.raises(SystemExit) as stopped:
        refused("--listen", address, "--world", str(world_file))
    assert stopped.value.code == 2
    assert f"argument --listen: '{address}' is not HOST:PORT" in capsys.readouterr().err


def test_half_a_tls_pair_and_unusable_files_are_told(
    world_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    serve = ("--listen", "127.0.0.1:0", "--world", str(world_file))
    assert refused(*serve, "--tls-cert", str(world_file)) == 2
    assert "--tls-key: is missing" in capsys.readouterr().err
    assert refused(*serve, "--tls-cert", str(world_file), "--tls-key", str(world_file)) == 2
    err = capsys.readouterr().err
    assert "--tls-cert, --tls-key: cannot be used" in err
    assert err.count("\n") == 1


def test_a_host_that_does_not_exist_is_told_in_one_line(
    world_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert refused("--listen", "host.invalid.:0", "--world", str(world_file)) == 2
    err = capsys.readouterr().err
    assert err.startswith("failoverip robot-simulator: cannot listen on host.invalid.:0: ")
    assert err.count("\n") == 1
