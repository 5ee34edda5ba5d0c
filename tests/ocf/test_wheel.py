"""What `pip install failoverip` puts on a node."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from tests.repo.files import ROOT
from tests.support.machine import not_here

DEBIANS_PYTHON = Path("/usr/bin/python3")


@pytest.fixture(scope="module")
def prefix(pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A virtual environment with the wheel and nothing else, on the Python that agents run on."""
    if not DEBIANS_PYTHON.exists():
        not_here(pytestconfig, f"no {DEBIANS_PYTHON}: apt-get install python3")
    directory = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(directory)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    (wheel,) = directory.glob("*.whl")
    made = directory / "venv"
    subprocess.run([DEBIANS_PYTHON, "-m", "venv", "--without-pip", made], check=True)
    subprocess.run(
        [sys.executable, "-m", "pip", "--python", made / "bin" / "python", "install", "--no-index",
         "--no-deps", "--quiet", "--disable-pip-version-check", wheel],
        check=True,
    )  # fmt: skip
    return made


@pytest.mark.parametrize("agent", ["hetzner-failover-ip", "update-dns"])
def test_the_agents_run_from_where_pip_puts_them(prefix: Path, agent: str) -> None:
    program = prefix / "lib" / "ocf" / "resource.d" / "failoverip" / agent
    told = subprocess.run(
        [program, "meta-data"], env={}, capture_output=True, text=True, check=False
    )
    assert (told.returncode, told.stderr) == (0, "")
    assert f'<resource-agent name="{agent}"' in told.stdout
    probed = subprocess.run(
        [program, "monitor"], env={"HA_RSCTMP": str(prefix / "run")}, check=False
    )
    assert probed.returncode == 7


def test_the_helper_is_in_the_path_of_the_environment(prefix: Path) -> None:
    told = subprocess.run(
        [prefix / "bin" / "hetzner-failover-ip", "--help"],
        env={}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (told.returncode, told.stderr) == (0, "")
    assert told.stdout.startswith("usage: hetzner-failover-ip")


def test_the_manual_pages_are_where_man_looks(prefix: Path) -> None:
    pages = sorted(file.name for file in (prefix / "share" / "man").rglob("*.*"))
    assert pages == sorted(file.name for file in (ROOT / "ocf-compat" / "man").iterdir())
