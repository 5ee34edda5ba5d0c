"""The agent against a Robot that answers, is silent, refuses, or talks nonsense."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from tests.ocf.node import Node
from tests.robot.loopback import until
from tests.simulator_robot.worlds import ADDRESS, FIRST, SECOND, USER

from failoverip.simulator.robot.server import RunningSimulator
from failoverip_ocf.agent import Agent
from failoverip_ocf.codes import (
    DEGRADED,
    ERR_ARGS,
    ERR_CONFIGURED,
    ERR_GENERIC,
    ERR_INSTALLED,
    ERR_PERM,
    NOT_RUNNING,
    SUCCESS,
)
from failoverip_ocf.parameters import Parameters
from failoverip_ocf.state import Runtime, now

# Every fault that a read can meet, on the way, at Robot's door and in the answer.
READ_FAULTS = [
    "down",
    "reset",
    "hang",
    "unavailable",
    "forbidden",
    "html",
    "gateway_timeout",
    "empty",
    "unauthorized",
    "rate_limited",
    "truncated",
]


def requests(robot: RunningSimulator, method: str = "GET", path: str = "/failover") -> int:
    return sum(
        entry.method == method and entry.path.startswith(path) for entry in robot.controls.journal
    )


class TestStart:
    async def test_of_an_address_that_is_here_needs_one_read_and_no_switch(
        self, robot: RunningSimulator, node: Node
    ) -> None:
        assert (await node.start()).code == SUCCESS
        assert (requests(robot), requests(robot, "POST")) == (1, 0)
        assert (await node.probe()).code == SUCCESS

    async def test_of_an_address_that_is_elsewhere_switches_and_is_done_when_a_read_confirms(
        self, robot: RunningSimulator, other: Node
    ) -> None:
        assert (await other.start()).code == SUCCESS
        assert robot.controls.route(ADDRESS) == SECOND
        assert [entry.method for entry in robot.controls.journal if "failover" in entry.path] == [
            "GET",
            "POST",
            "GET",
        ]

    async def test_finds_out_which_server_this_is_by_the_machines_own_addresses(
        self, robot: RunningSimulator, node: Node
    ) -> None:
        started = await node.start(server="", timeout="1")
        assert started.code == ERR_GENERIC
        assert "set server to its number" in started.reason
        assert requests(robot, "POST") == 0

    async def test_of_an_ipv6_subnet_routes_to_the_servers_net(
        self, robot: RunningSimulator, node: Node
    ) -> None:
        # An address in the subnet stands for it: the one that the interface gets.
        assert (await node.start(ip="2001:db8:fff1::2")).code == SUCCESS
        assert robot.controls.route("2001:db8:fff1::") == "2001:db8:a:1::"

    async def test_waits_for_robot_and_is_done_soon_after_its_return(
        self, robot: RunningSimulator, other: Node
    ) -> None:
        robot.controls.add_fault({"kind": "down"})
        start = asyncio.create_task(other.start(timeout="120"))
        await until(lambda: "robot-%23ws%2bdemo.cache" in other.files())
        assert not start.done()
        robot.controls.clear_faults()
        assert (await start).code == SUCCESS
        assert robot.controls.route(ADDRESS) == SECOND

    @pytest.mark.parametrize("kind", READ_FAULTS)
    async def test_gives_up_at_its_own_deadline_and_asks_for_no_switch(
        self, robot: RunningSimulator, other: Node, kind: str
    ) -> None:
        robot.controls.add_fault({"kind": kind})
        started = await other.start(timeout="1")
        assert started.code == ERR_GENERIC
        assert "could not be confirmed here within" in started.reason
        assert requests(robot, "POST") == 0
        assert (await other.probe()).code == NOT_RUNNING

    @pytest.mark.parametrize("kind", ["reset", "hang", "html", "truncated", "not_complete"])
    async def test_reads_after_a_switch_whose_answer_was_lost(
        self, robot: RunningSimulator, other: Node, kind: str
    ) -> None:
        fault: dict[str, object] = {"kind": kind, "methods": ["POST"], "count": 1}
        if kind not in ("truncated", "not_complete"):
            fault["executed"] = True
        robot.controls.change_switches({"failure_leaves": "new", "status_field": "present"})
        robot.controls.add_fault(fault)
        assert (await other.start(timeout="10")).code == SUCCESS
        assert robot.controls.route(ADDRESS) == SECOND
        assert requests(robot, "POST") == 1

    async def test_uses_no_answer_from_before_it_began(
        self, robot: RunningSimulator, node: Node
    ) -> None:
        assert (await node.start()).code == SUCCESS
        robot.controls.set_route(ADDRESS, SECOND)
        assert (await node.start(reuse_seconds="600")).code == SUCCESS
        assert robot.controls.route(ADDRESS) == FIRST

    async def test_is_braked_after_six_switches_in_an_hour(
        self, robot: RunningSimulator, node: Node
    ) -> None:
        for _ in range(6):
            robot.controls.set_route(ADDRESS, SECOND)
            assert (await node.start()).code == SUCCESS
        robot.controls.set_route(ADDRESS, SECOND)
        braked = await node.start(timeout="1")
        assert braked.code == ERR_GENERIC
        assert "6 switches in this hour" in braked.reason
        assert requests(robot, "POST") == 6


class TestMonitor:
    async def test_without_a_start_says_not_running_and_asks_nobody(
        self, robot: RunningSimulator, node: Node
    ) -> None:
        assert (await node.monitor()).code == NOT_RUNNING
        assert requests(robot) == 0

    async def test_says_success_while_the_address_is_here(self, node: Node) -> None:
        await node.start()
        assert (await node.monitor()).code == SUCCESS

    async def test_says_not_here_only_after_two_reads(
        self, robot: RunningSimulator, node: Node
    ) -> None:
        await node.start()
        robot.controls.set_route(ADDRESS, SECOND)
        before = requests(robot)
        gone = await node.monitor()
        assert gone.code == NOT_RUNNING
        assert SECOND in gone.reason
        assert requests(robot) == before + 2

    async def test_believes_the_second_read_when_the_two_contradict(
        self, robot: RunningSimulator, node: Node
    ) -> None:
        await node.start()
        robot.controls.set_route(ADDRESS, SECOND)
        before = requests(robot)
        monitor = asyncio.create_task(node.monitor())
        await until(lambda: requests(robot) > before)
        robot.controls.set_route(ADDRESS, FIRST)
        assert (await monitor).code == SUCCESS

    @pytest.mark.parametrize("kind", READ_FAULTS)
    async def test_cannot_tell_and_says_since_when(
        self, robot: RunningSimulator, node: Node, kind: str
    ) -> None:
        await node.start()
        robot.controls.add_fault({"kind": kind})
        unclear = await node.monitor(timeout="2")
        assert unclear.code == DEGRADED
        assert "cannot tell" in unclear.reason
        assert "s ago: routed here" in unclear.reason

    @pytest.mark.parametrize("kind", ["down", "hang", "html"])
    async def test_cannot_tell_when_the_second_read_fails(
        self, robot: RunningSimulator, node: Node, kind: str
    ) -> None:
        await node.start()
        robot.controls.set_route(ADDRESS, SECOND)
        before = requests(robot)
        monitor = asyncio.create_task(node.monitor(timeout="8"))
        await until(lambda: requests(robot) > before)
        robot.controls.add_fault({"kind": kind})
        assert (await monitor).code == DEGRADED

    async def test_is_no_failure_on_a_pacemaker_that_knows_no_degraded(
        self, robot: RunningSimulator, node: Node
    ) -> None:
        await node.start()
        robot.controls.add_fault({"kind": "down"})
        old = node.environment(interval="10000") | {"OCF_RA_VERSION_MINOR": "0"}
        unclear = await asyncio.to_thread(Agent(Parameters(old), now()).run, "monitor")
        assert (unclear.code, "cannot tell" in unclear.reason) == (SUCCESS, True)

    async def test_cannot_tell_while_a_switch_is_under_way(
        self, robot: RunningSimulator, node: Node
    ) -> None:
        robot.controls.change_switches(
            {"status_field": "present", "route_during_switch": "new", "switch_seconds": 600}
        )
        await node.start()
        await switch_by_a_stranger(robot)
        unclear = await node.monitor()
        assert unclear.code == DEGRADED
        assert "under way" in unclear.reason

    async def test_of_an_address_that_robot_does_not_list_cannot_tell(self, node: Node) -> None:
        await node.start()
        (node.runtime / "203.0.113.99.started").touch()
        unclear = await node.monitor(ip="203.0.113.99")
        assert unclear.code == DEGRADED
        assert "Robot lists no failover address 203.0.113.99" in unclear.reason

    async def test_reuses_a_positive_answer_for_the_seconds_that_the_user_says(
        self, robot: RunningSimulator, node: Node
    ) -> None:
        await node.start()
        before = requests(robot)
        for _ in range(3):
            assert (await node.monitor(reuse_seconds="600")).code == SUCCESS
        assert requests(robot) == before

    @pytest.mark.parametrize(("directories", "reads"), [(1, 1), (10, 10)])
    async def test_of_ten_resources_cost_no_more_reads_than_one(
        self, robot: RunningSimulator, node: Node, tmp_path: Path, directories: int, reads: int
    ) -> None:
        """All were begun before the first read ended. With nothing to share, each reads."""
        second_file = tmp_path / "same-user"
        second_file.write_text(node.credentials.read_text())
        second_file.chmod(0o600)
        files = [str(node.credentials), str(second_file)]
        await node.start(ip="2001:db8:fff1::1")
        robot.controls.clear_journal()
        agents = []
        for number in range(10):
            place = tmp_path / f"run{number % directories}"
            told = node.environment(
                ip=f"2001:db8:fff1::{number + 1:x}",
                interval="10000",
                timeout="600",
                credentials=files[number % 2],
            )
            agent = Agent(Parameters(told | {"HA_RSCTMP": str(place)}), now())
            Runtime(f"{place}/failoverip").set_marker(told["OCF_RESKEY_ip"])
            agents.append(agent)
        ended = await asyncio.gather(*(asyncio.to_thread(one.run, "monitor") for one in agents))
        assert {outcome.code for outcome in ended} == {SUCCESS}
        assert requests(robot) == reads

    async def test_of_a_node_without_the_marker_reads_nothing_beside_one_that_has_it(
        self, robot: RunningSimulator, node: Node, other: Node
    ) -> None:
        await node.start()
        robot.controls.clear_journal()
        assert [(await one.monitor()).code for one in (node, other)] == [SUCCESS, NOT_RUNNING]
        assert requests(robot) == 1


class TestLogins:
    async def test_that_fail_are_tried_at_most_twice_whatever_is_called(
        self, robot: RunningSimulator, node: Node
    ) -> None:
        await node.start()
        node.write_login(USER, "wrong")
        for _ in range(3):
            unclear = await node.monitor()
            assert unclear.code == DEGRADED
        node.write_login(USER, "wrong too")
        for _ in range(3):
            await node.monitor()
            await node.start(timeout="1")
        refused = [entry for entry in robot.controls.journal if entry.status == 401]
        assert len(refused) == 2

    async def test_that_never_worked_are_not_tried_again_before_the_file_changes(
        self, robot: RunningSimulator, node: Node
    ) -> None:
        node.write_login(USER, "wrong")
        for _ in range(2):
            started = await node.start(timeout="1")
            assert "401" in started.reason
        assert len([entry for entry in robot.controls.journal if entry.status == 401]) == 1


class TestStop:
    async def test_leaves_the_route_and_asks_nobody(
        self, robot: RunningSimulator, node: Node
    ) -> None:
        await node.start()
        robot.controls.clear_journal()
        assert (await node.stop()).code == SUCCESS
        assert robot.controls.route(ADDRESS) == FIRST
        assert not robot.controls.journal
        assert (await node.probe()).code == NOT_RUNNING

    async def test_needs_neither_credentials_nor_valid_parameters(self, node: Node) -> None:
        await node.start()
        node.credentials.unlink()
        stopped = await node.stop(
            server="?", robot_url="x", reuse_seconds="?", ca_file="/nowhere", script="/nowhere"
        )
        assert stopped.code == SUCCESS
        assert (await node.stop()).code == SUCCESS
        assert (await node.stop(ip="")).code == SUCCESS


class TestBadInput:
    @pytest.mark.parametrize(
        ("changed", "code", "said"),
        [
            ({"ip": ""}, ERR_CONFIGURED, "ip: is missing"),
            ({"ip": "203.0.113.300"}, ERR_CONFIGURED, "is not an IP address"),
            ({"server": "one"}, ERR_CONFIGURED, "server: 'one'"),
            ({"robot_url": "http://robot.example"}, ERR_CONFIGURED, "must be https"),
            ({"reuse_seconds": "-1"}, ERR_CONFIGURED, "reuse_seconds"),
            ({"credentials": "/nowhere"}, ERR_INSTALLED, "/nowhere is missing"),
            ({"ca_file": "/nowhere"}, ERR_INSTALLED, "ca_file"),
            ({"script": "/nowhere"}, ERR_INSTALLED, "script"),
            ({"interface": "none0"}, ERR_INSTALLED, "there is no none0"),
        ],
    )
    async def test_ends_a_start_and_a_validation_with_one_line_that_tells_the_fix(
        self, node: Node, changed: dict[str, str], code: int, said: str
    ) -> None:
        started = await node.start(**changed)
        assert started.code == code
        assert said in started.reason
        # What a node may lack is not asked at level 0.
        shallow = await node.call("validate-all", **changed)
        assert shallow.code == (code if code == ERR_CONFIGURED else SUCCESS)

    @pytest.mark.parametrize(
        "changed",
        [
            {"ip": ""},
            {"ip": "x"},
            {"server": "one"},
            {"robot_url": "http://robot.example"},
            {"reuse_seconds": "-1"},
            {"credentials": "/nowhere"},
            {"ca_file": "/nowhere"},
            {"script": "/nowhere"},
            {"interface": "none0"},
        ],
    )
    async def test_gives_a_probe_and_a_monitor_no_code_that_stops_or_bans(
        self, node: Node, changed: dict[str, str]
    ) -> None:
        await node.start()
        probe = await node.call("probe", **changed)
        assert probe.code in (SUCCESS, NOT_RUNNING)
        monitor = await node.monitor(**changed)
        # A positive answer that is still new enough stays one.
        assert monitor.code in (SUCCESS, DEGRADED, NOT_RUNNING)

    async def test_a_login_that_others_can_read_is_refused_with_the_command_to_type(
        self, node: Node
    ) -> None:
        node.credentials.chmod(0o640)
        started = await node.start()
        assert started.code == ERR_PERM
        assert f"type: chmod 600 {node.credentials}" in started.reason

    async def test_a_login_without_a_password_is_told_without_its_text(self, node: Node) -> None:
        node.credentials.write_text("username=#ws+demo\nhunter2\n")
        started = await node.start()
        assert started.code == ERR_ARGS
        assert "holds no line password=" in started.reason
        assert "hunter2" not in started.reason

    async def test_a_login_that_http_cannot_carry_is_told_by_its_field(
        self, robot: RunningSimulator, node: Node
    ) -> None:
        node.write_login("#ws:hunter2", "x")
        started = await node.start()
        assert started.code == ERR_ARGS
        assert "username: holds a colon" in started.reason
        assert "hunter2" not in started.reason
        assert not robot.controls.journal

    async def test_authorities_that_are_none_cost_no_login(self, node: Node) -> None:
        node.credentials.with_name("ca.pem").write_text("none")
        for _ in range(3):
            started = await node.start(ca_file=str(node.credentials.with_name("ca.pem")))
            assert started.code == ERR_GENERIC
        assert (await node.start()).code == SUCCESS


async def switch_by_a_stranger(robot: RunningSimulator) -> None:
    """Begins a switch to the second server, and leaves before its end."""
    import httpx
    from tests.simulator_robot.clients import client_of

    async with client_of(robot.base_url, verify=False) as client:
        with pytest.raises(httpx.TimeoutException):
            await client.post(
                f"/failover/{ADDRESS}", data={"active_server_ip": SECOND}, timeout=0.5
            )
