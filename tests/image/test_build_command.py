"""`make image` before a tool starts: which one, with what, and what it says when there is none."""

from __future__ import annotations

import re
import subprocess
import sys
from fnmatch import fnmatch
from pathlib import Path

import pytest
from container.build import Commit, command, pip_settings, public_url, read_commit
from tests.image.building import IDENTITY, ROOT, run

COMMIT = Commit("0.1.0", "c0ffee", "https://git.example.org/failoverip", 1700000000)


def test_without_a_tool_that_works_it_says_so_in_one_line_and_ends_with_2(tmp_path: Path) -> None:
    # A docker without a daemon is no docker.
    docker = tmp_path / "docker"
    docker.write_text("#!/bin/sh\nexit 1\n")
    docker.chmod(0o755)

    done = subprocess.run(
        [sys.executable, str(ROOT / "container" / "build.py")],
        env={"PATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )

    assert (done.returncode, done.stdout) == (2, "")
    assert re.fullmatch(r"make image: no docker .*apt-get install buildah\)\n", done.stderr)


@pytest.mark.parametrize("tool", ["docker", "podman", "buildah"])
def test_each_tool_gets_base_labels_time_and_secrets_by_name(tool: str) -> None:
    argv = command(tool, "failoverip:0.1.0", "my/base:1", COMMIT, {"pip.conf": Path("/t/pip.conf")})

    assert argv[:4] == [tool, "build", "--tag", "failoverip:0.1.0"]
    assert {
        "BASE=my/base:1",
        "VERSION=0.1.0",
        "REVISION=c0ffee",
        "SOURCE=https://git.example.org/failoverip",
        "SOURCE_DATE_EPOCH=1700000000",
        "id=pip.conf,src=/t/pip.conf",
    } <= set(argv)
    assert ("--timestamp" in argv) == (tool != "docker")


def test_without_a_base_the_dockerfile_says_it() -> None:
    assert not [a for a in command("docker", "t", None, COMMIT, {}) if a.startswith("BASE=")]


def test_the_environment_wins_over_pip_s_files_as_it_does_for_pip() -> None:
    listing = (
        ":env:.index-url='https://user:word@index.example.org/simple'\n"
        "global.cert='/etc/ssl/own.pem'\n"
        "global.index-url='https://other.example.org/simple'\n"
    )

    assert pip_settings(listing) == {
        "index-url": "https://user:word@index.example.org/simple",
        "cert": "/etc/ssl/own.pem",
    }


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("https://git.example.org/failoverip.git", "https://git.example.org/failoverip.git"),
        ("https://me:token@git.example.org:8443/f?x=1", "https://git.example.org:8443/f"),
        ("git@git.example.org:me/failoverip.git", ""),
        ("/srv/git/failoverip", ""),
        ("", ""),
    ],
)
def test_the_label_holds_a_web_address_without_a_password_or_nothing(url: str, told: str) -> None:
    assert public_url(url) == told


def test_the_label_names_the_commit_and_says_when_files_differ_from_it(tmp_path: Path) -> None:
    project = tmp_path / "pyproject.toml"
    project.write_text('[project]\nversion = "0.1.0"\n')
    assert read_commit(tmp_path, "") == Commit("0.1.0", "unknown", "", 0)

    for arguments in (["init", "--quiet"], ["add", "."], ["commit", "--quiet", "-m", "all"]):
        run(["git", *arguments], IDENTITY, tmp_path)
    head = run(["git", "rev-parse", "HEAD"], {}, tmp_path).strip()
    (tmp_path / "untracked").touch()
    clean = read_commit(tmp_path, "")
    assert clean.revision == head
    assert clean.time > 0

    project.write_text('[project]\nversion = "0.2.0"\n')
    assert read_commit(tmp_path, "").revision == f"{head}-dirty"


def test_every_module_of_the_operator_enters_the_build() -> None:
    lines = (ROOT / ".dockerignore").read_text().splitlines()
    allowed = [line.removeprefix("!") for line in lines if line.startswith("!")]
    assert "*" in lines
    package = ROOT / "controller" / "failoverip"
    needed = [path.relative_to(ROOT) for path in package.rglob("*.py")]
    left_out = [
        str(path)
        for path in needed
        if not any(
            path.parent == Path(a).parent and fnmatch(path.name, Path(a).name) for a in allowed
        )
    ]
    assert left_out == []


def test_the_build_installs_nothing_whose_hash_is_not_locked() -> None:
    text = (ROOT / "Dockerfile").read_text().replace("\\\n", " ")
    installs = re.findall(r"pip(?: --python \S+)? install ([^&\n]*)", text)
    assert len(installs) == 3
    for arguments in installs:
        assert "--require-hashes" in arguments or "--no-index --no-deps" in " ".join(
            arguments.split()
        )
    for name in ("build.lock", "operator.lock"):
        lock = (ROOT / "requirements" / name).read_text()
        pinned = re.split(r"\n(?=[a-z0-9])", lock)
        assert [entry for entry in pinned if "--hash=sha256:" not in entry] == []


def test_no_password_can_come_in_by_an_argument_of_the_build() -> None:
    text = (ROOT / "Dockerfile").read_text()
    arguments = set(re.findall(r"^ARG (\w+)", text, re.MULTILINE))
    assert arguments == {"BASE", "VERSION", "REVISION", "SOURCE", "SOURCE_DATE_EPOCH"}
