"""The blocks that change the network or listen on fixed ports, in a network of their own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.docs.shell import Shell, shell
from tests.repo.commands import blocks, fenced, pages_with
from tests.repo.files import ROOT, named
from tests.support.machine import need_programs, not_here

HOLD = "ip link set lo up; echo in; exec sleep 600"


@pytest.fixture
def namespaced(tmp_path: Path, pytestconfig: pytest.Config) -> Iterator[Shell]:
    """A shell in a network namespace with nothing but loopback."""
    need_programs(pytestconfig, ["ip", "unshare", "nsenter", "curl"], "iproute2 util-linux curl")
    if os.geteuid() != 0:
        not_here(pytestconfig, "a network namespace needs root")
    hold = ["unshare", "--net", "sh", "-c", HOLD]
    holder = subprocess.Popen(hold, stdout=subprocess.PIPE, text=True)
    enter = ["nsenter", f"--net=/proc/{holder.pid}/ns/net"]
    environ = {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", "HOME": str(tmp_path)}
    try:
        # Before that word it is still in the machine's own network, which nothing here may touch.
        assert holder.stdout is not None
        assert holder.stdout.readline() == "in\n"
        assert Path(f"/proc/{holder.pid}/ns/net").readlink() != Path("/proc/self/ns/net").readlink()
        with shell(tmp_path, environ, enter) as inside:
            yield inside
    finally:
        holder.kill()
        holder.communicate()


@pytest.mark.parametrize("page", pages_with("netns"), ids=named)
def test_the_commands_of_the_page_work_in_a_network_of_their_own(
    namespaced: Shell, page: Path
) -> None:
    for block in fenced(page):
        if block.language == "toml":
            (namespaced.directory / "world.toml").write_text(block.text)
    for block in blocks("netns", [page]):
        namespaced.run(block)


def test_the_address_of_the_readme_is_on_lo_and_no_source_of_connections(
    namespaced: Shell,
) -> None:
    (block,) = blocks("netns", [ROOT / "README.md"])
    namespaced.run(block)
    told = json.loads(namespaced.call("ip -json address show dev lo", "ip"))
    found = {entry["local"]: entry for entry in told[0]["addr_info"]}
    assert "203.0.113.10" in found
    six = found["2001:db8:1:2::2"]
    assert not six.get("tentative")
    assert (six["nodad"], six["preferred_life_time"]) == (True, 0)
