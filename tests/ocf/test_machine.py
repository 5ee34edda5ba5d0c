"""The machine's own addresses by netlink, and an agent that sets the address on an interface."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from tests.ocf.namespaces import in_namespace, need_namespaces
from tests.ocf.node import Node
from tests.simulator_robot.worlds import ADDRESS

from failoverip_ocf.codes import DEGRADED, ERR_GENERIC, ERR_INSTALLED, NOT_RUNNING, SUCCESS
from failoverip_ocf.machine import has_address, local_addresses
from failoverip_ocf.state import Runtime, now

CABLE = "ip link add net0 type veth peer name net1; ip link set net0 up"


def test_the_addresses_are_those_that_ip_shows() -> None:
    listed = subprocess.run(["ip", "-j", "addr"], capture_output=True, check=True).stdout
    shown = {
        address["local"]
        for interface in json.loads(listed)
        for address in interface["addr_info"]
        if "local" in address
    }
    assert local_addresses() == shown


def test_an_interface_has_its_addresses_and_none_that_is_not_there() -> None:
    assert has_address("lo", "127.0.0.1")
    assert not has_address("lo", "203.0.113.10")
    assert not has_address("nowhere0", "127.0.0.1")


# No file may be opened any more: then the kernel lists no addresses either.
WITHOUT_FILES = """
import os, resource, failoverip_ocf.cluster, failoverip_ocf.machine
from failoverip_ocf.agent import Agent
from failoverip_ocf.parameters import Parameters
from failoverip_ocf.state import now
agent = Agent(Parameters(os.environ), now())
resource.setrlimit(resource.RLIMIT_NOFILE, (3, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
print(*(agent.run(action).code for action in ("probe", "monitor", "stop", "probe")))
"""


async def test_a_kernel_that_does_not_list_addresses_shows_no_loss_and_no_stop(node: Node) -> None:
    await node.start()
    command = [sys.executable, "-c", WITHOUT_FILES]
    ended = await node.program(command, interface="lo", interval="10000")
    assert ended.stdout.split() == [str(one) for one in (SUCCESS, DEGRADED, ERR_GENERIC, SUCCESS)]


@pytest.fixture
def script(tmp_path: Path) -> str:
    """Robot cannot be reached from a network namespace: the user's script stands in."""
    path = tmp_path / "script"
    path.write_text("#!/bin/sh\nexit 0\n")
    path.chmod(0o755)
    return str(path)


class TestInterface:
    @pytest.fixture(autouse=True)
    def _namespaces(self, pytestconfig: pytest.Config) -> None:
        need_namespaces(pytestconfig)

    @pytest.mark.parametrize("ip", [ADDRESS, "2001:db8:fff1::2"])
    async def test_has_the_address_from_start_to_stop(
        self, node: Node, script: str, ip: str
    ) -> None:
        bits = "/128" if ":" in ip else "/32"
        steps = [
            CABLE,
            *("probe", "start", f"ip -o addr show net0 | grep -F '{ip}{bits}' >/dev/null"),
            *("probe", "monitor", "start", "stop", "probe", "stop"),
            f"! ip -o addr show net0 | grep -F '{ip}{bits}'",
        ]
        ended = await in_namespace(node, "--net", steps, ip=ip, script=script, interface="net0")
        codes = [one.code for one in ended]
        assert codes == [NOT_RUNNING, *[SUCCESS] * 5, NOT_RUNNING, SUCCESS]

    async def test_that_loses_the_address_is_told_by_monitor_and_probe(
        self, node: Node, script: str
    ) -> None:
        steps = [CABLE, "start", f"ip addr del {ADDRESS}/32 dev net0", "monitor", "probe", "start"]
        ended = await in_namespace(node, "--net", steps, script=script, interface="net0")
        assert [one.code for one in ended] == [SUCCESS, NOT_RUNNING, NOT_RUNNING, SUCCESS]
        assert "no longer on its interface" in ended[1].reason

    async def test_that_has_it_without_a_start_is_not_running(
        self, node: Node, script: str
    ) -> None:
        steps = [CABLE, f"ip addr add {ADDRESS}/32 dev net0", "probe", "monitor"]
        ended = await in_namespace(node, "--net", steps, script=script, interface="net0")
        assert [one.code for one in ended] == [NOT_RUNNING, NOT_RUNNING]

    async def test_that_is_gone_is_no_obstacle_for_a_stop(self, node: Node, script: str) -> None:
        steps = [CABLE, "start", "ip link del net0", "start", "stop", "probe"]
        ended = await in_namespace(node, "--net", steps, script=script, interface="net0")
        assert [one.code for one in ended] == [SUCCESS, ERR_INSTALLED, SUCCESS, NOT_RUNNING]


async def test_a_resolver_that_hangs_holds_no_action_up(
    pytestconfig: pytest.Config, node: Node, tmp_path: Path
) -> None:
    """It knows no deadline, and no process may end later than Pacemaker kills it."""
    need_namespaces(pytestconfig)
    Runtime(str(node.runtime)).set_marker(ADDRESS)
    (tmp_path / "resolv.conf").write_text("nameserver 192.0.2.53\noptions timeout:30 attempts:5\n")
    steps = [
        CABLE,
        f"ip link set net1 up; mount --bind {tmp_path}/resolv.conf /etc/resolv.conf",
        "ip addr add 192.0.2.1/24 dev net0",
        "ip neigh add 192.0.2.53 lladdr 02:00:00:00:00:01 dev net0 nud permanent",
        *("monitor", "start", "probe", "stop"),
    ]
    began = now()
    url = "https://robot.example"
    monitor, *others = await in_namespace(node, "-mn", steps, robot_url=url, timeout="3")
    assert (monitor.code, "no connection in time" in monitor.reason) == (DEGRADED, True)
    assert [one.code for one in others] == [ERR_GENERIC, SUCCESS, SUCCESS]
    # One look-up alone would take 150 s.
    assert now() - began < 120
