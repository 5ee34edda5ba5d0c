"""The Debian packages: what is in them, and that they run where nothing else of ours is."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.e2e.installation import PASSWORD, USER, Simulator
from tests.ocf.minimal_root import MinimalRoot, can_mount
from tests.repo.files import ROOT
from tests.support.machine import need_programs, not_here

from failoverip_ocf import codes

AGENT = "/usr/lib/ocf/resource.d/failoverip/hetzner-failover-ip"
NAMES = "/usr/lib/ocf/resource.d/failoverip/update-dns"
IP = "203.0.113.10"
WORLD = f"""
[[users]]
name = "{USER}"
password = "{PASSWORD}"

[[servers]]
number = 321
name = "node-1"
ipv4 = "198.51.100.1"

[[failovers]]
ip = "{IP}"
server_number = 321
active = 321
"""
IMPORT_ALL = """
import importlib, pkgutil, sys
sys.path.insert(0, "/usr/lib/failoverip")
for top in ("failoverip", "failoverip_ocf"):
    for found in pkgutil.walk_packages([f"/usr/lib/failoverip/{top}"], f"{top}."):
        importlib.import_module(found.name)
print(len(sys.modules))
"""


@pytest.fixture(scope="module")
def packages(pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """The agents' package, and the one with their names of 2011."""
    need_programs(
        pytestconfig,
        ["dh", "dh_python3", "dpkg-buildpackage", "lintian", "git"],
        "debhelper dh-python dpkg-dev lintian git",
    )
    return build(tmp_path_factory.mktemp("deb"))


def build(directory: Path, **environment: str) -> list[Path]:
    subprocess.run(
        [sys.executable, ROOT / "ocf-compat" / "build_deb.py", directory / "dist", directory / "b"],
        env=os.environ | environment,
        stdout=subprocess.DEVNULL,
        check=True,
    )
    kumina, agents = sorted((directory / "dist").glob("*.deb"))
    return [agents, kumina]


@pytest.fixture(scope="module")
def root(
    pytestconfig: pytest.Config, packages: list[Path], tmp_path_factory: pytest.TempPathFactory
) -> MinimalRoot:
    """The packages unpacked beside Debian's Python."""
    if not can_mount():
        not_here(pytestconfig, "mounting needs root")
    return MinimalRoot(tmp_path_factory.mktemp("root"), packages)


def listing(package: Path) -> dict[str, str]:
    """Path to mode."""
    told = subprocess.run(
        ["dpkg-deb", "-c", str(package)], capture_output=True, text=True, check=True
    )
    lines = [line.split(maxsplit=5) for line in told.stdout.splitlines()]
    return {line[5].removeprefix("."): line[0] for line in lines}


def test_the_same_commit_makes_the_same_bytes(packages: list[Path], tmp_path: Path) -> None:
    again = build(tmp_path, TZ="Pacific/Auckland", LC_ALL="C", LANG="de_DE.UTF-8")
    assert [file.name for file in again] == [file.name for file in packages]
    first, second = (
        [hashlib.sha256(file.read_bytes()).hexdigest() for file in files]
        for files in (packages, again)
    )
    assert first == second


def test_lintian_finds_nothing(packages: list[Path]) -> None:
    told = subprocess.run(
        ["lintian", "--allow-root", "--display-info", "--fail-on", "error,warning,info",
         *map(str, packages)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (told.returncode, told.stdout) == (0, "")


def test_every_override_of_lintian_has_its_reason_above_it() -> None:
    for file in (ROOT / "ocf-compat" / "debian").glob("*lintian-overrides"):
        lines = file.read_text().splitlines()
        overrides = [at for at, line in enumerate(lines) if line and not line.startswith("#")]
        assert overrides
        assert all(lines[at - 1].startswith("# ") for at in overrides)


def test_the_package_sorts_below_the_release_to_come(packages: list[Path]) -> None:
    version = packages[0].name.split("_")[1]
    subprocess.run(["dpkg", "--compare-versions", version, "lt", "0.1.0"], check=True)


def test_the_example_of_the_credentials_is_readable_by_root_alone(packages: list[Path]) -> None:
    files = listing(packages[0])
    assert files["/usr/share/doc/failoverip-ocf/examples/credentials"] == "-rw-------"


def test_each_program_has_its_page(packages: list[Path]) -> None:
    pages = {
        Path(name).name for name in listing(packages[0]) if "/man/" in name and name[-1] != "/"
    }
    assert pages == {
        "hetzner-failover-ip.8.gz",
        "ocf_failoverip_hetzner-failover-ip.7.gz",
        "ocf_failoverip_update-dns.7.gz",
    }


def test_python_is_byte_compiled_when_the_package_is_installed(
    packages: list[Path], tmp_path: Path
) -> None:
    subprocess.run(["dpkg-deb", "-e", str(packages[0]), str(tmp_path)], check=True)
    assert "py3compile -p failoverip-ocf /usr/lib/failoverip" in (tmp_path / "postinst").read_text()
    assert "python3" in (tmp_path / "control").read_text()


def test_every_module_of_the_package_is_imported_without_any_other_package(
    root: MinimalRoot,
) -> None:
    told = root.run(["/usr/bin/python3", "-IS", "-c", IMPORT_ALL], {})
    assert (told.returncode, told.stderr) == (0, "")


@pytest.mark.parametrize("provider", ["failoverip", "kumina"])
@pytest.mark.parametrize("agent", ["hetzner-failover-ip", "update-dns"])
def test_an_agent_says_there_what_it_says_in_the_checkout(
    root: MinimalRoot, provider: str, agent: str
) -> None:
    there = root.run([f"/usr/lib/ocf/resource.d/{provider}/{agent}", "meta-data"], {})
    here = subprocess.run(
        [ROOT / "ocf-compat" / agent, "meta-data"], env={}, capture_output=True, text=True,
        check=True,
    )  # fmt: skip
    assert (there.returncode, there.stderr, there.stdout) == (0, "", here.stdout)


def test_a_name_is_kept_there(root: MinimalRoot) -> None:
    environment = {
        "OCF_RESKEY_name": "active.example.com",
        "OCF_RESKEY_ipme": "198.51.100.1",
        "OCF_RESKEY_ipother": "198.51.100.2",
        "OCF_RESKEY_hosts_file": "/etc/hosts",
        "OCF_RESKEY_reload": "true",
    }
    actions = ("monitor", "start", "monitor", "stop", "monitor")
    told = [root.run([NAMES, action], environment) for action in actions]
    assert [one.returncode for one in told] == [7, 0, 0, 0, 7], told
    assert (root.path / "etc" / "hosts").read_text().startswith("198.51.100.2\tactive")


@pytest.fixture(scope="module")
def robot(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Simulator]:
    simulator = Simulator(tmp_path_factory.mktemp("robot"), WORLD)
    yield simulator
    simulator.close()


def test_an_address_is_started_watched_and_asked_for_by_hand_there(
    root: MinimalRoot, robot: Simulator
) -> None:
    credentials = root.path / "etc" / "failoverip" / "credentials"
    example = "/usr/share/doc/failoverip-ocf/examples/credentials"
    copied = root.run(["install", "-D", "-m", "0600", example, "/etc/failoverip/credentials"], {})
    assert copied.returncode == 0, copied.stderr
    credentials.write_text(f"username={USER}\npassword={PASSWORD}\n")
    environment = {
        "OCF_RA_VERSION_MINOR": "1",
        "OCF_RESKEY_ip": IP,
        "OCF_RESKEY_server": "321",
        "OCF_RESKEY_robot_url": robot.url,
        "OCF_RESKEY_CRM_meta_timeout": "300000",
    }
    recurring = environment | {"OCF_RESKEY_CRM_meta_interval": "60000"}
    assert root.run([AGENT, "monitor"], environment).returncode == codes.NOT_RUNNING
    started = root.run([AGENT, "start"], environment)
    assert (started.returncode, started.stderr) == (codes.SUCCESS, "")
    assert root.run([AGENT, "monitor"], recurring).returncode == codes.SUCCESS
    asked = root.run(["/usr/sbin/hetzner-failover-ip", "-g", "-i", IP], environment)
    assert (asked.returncode, asked.stdout[:5]) == (0, "mine:")
    assert root.run([AGENT, "stop"], environment).returncode == codes.SUCCESS
