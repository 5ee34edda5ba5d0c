"""The agent and its helper as programs: what Pacemaker starts, and what a person types."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
from pathlib import Path

import pytest
from tests.ocf.node import AGENT, HELPER, Node, begin, run
from tests.robot.loopback import until
from tests.simulator_robot.worlds import ADDRESS, FIRST, PASSWORD, SECOND

from failoverip.simulator.robot.server import RunningSimulator
from failoverip_ocf.codes import (
    DEGRADED,
    ERR_GENERIC,
    ERR_INSTALLED,
    ERR_UNIMPLEMENTED,
    NOT_RUNNING,
    SUCCESS,
)
from failoverip_ocf.state import now


async def test_one_life_of_a_resource(robot: RunningSimulator, other: Node) -> None:
    assert (await other.process("validate-all")).code == SUCCESS
    assert (await other.process("monitor")).code == NOT_RUNNING
    assert (await other.process("start")).code == SUCCESS
    assert robot.controls.route(ADDRESS) == SECOND
    assert (await other.process("monitor")).code == SUCCESS
    assert (await other.process("monitor", interval="10000")).code == SUCCESS
    robot.controls.add_fault({"kind": "unavailable"})
    unclear = await other.process("monitor", interval="10000")
    assert unclear.code == DEGRADED
    assert "HTTP 503" in unclear.reason
    assert (await other.process("stop")).code == SUCCESS
    assert (await other.process("monitor")).code == NOT_RUNNING


async def test_two_starts_at_once_ask_for_one_switch_and_both_succeed(
    robot: RunningSimulator, other: Node
) -> None:
    robot.controls.change_switches({"switch_seconds": 1, "status_field": "present"})
    both = await asyncio.gather(other.process("start"), other.process("start"))
    assert [ended.code for ended in both] == [SUCCESS, SUCCESS]
    executed = [entry for entry in robot.controls.journal if entry.executed]
    assert len(executed) == 1


async def test_a_monitor_whose_time_was_over_before_python_ran_asks_nobody(
    robot: RunningSimulator, node: Node
) -> None:
    """Pacemaker counts from the start of the process: more time had a monitor killed."""
    await node.start()
    robot.controls.clear_journal()
    environment = node.environment(interval="10000", timeout="1")
    # The same process throughout: `exec` starts no other.
    held = begin(["/bin/sh", "-c", f"read -r go; exec {AGENT} monitor"], environment)
    started = now()
    await until(lambda: now() > started + 1)
    _, said = await asyncio.to_thread(held.communicate, "go\n")
    assert held.returncode == DEGRADED
    assert "no time left to ask" in said
    assert list(robot.controls.journal) == []


async def test_a_start_killed_in_its_middle_leaves_no_marker_and_the_next_one_ends_it(
    robot: RunningSimulator, other: Node
) -> None:
    robot.controls.change_switches({"switch_seconds": 2, "status_field": "present"})
    started = begin([str(AGENT), "start"], other.environment())
    await until(lambda: any(entry.executed for entry in robot.controls.journal))
    started.send_signal(signal.SIGKILL)
    await asyncio.to_thread(started.communicate)
    assert (await other.process("monitor")).code == NOT_RUNNING
    assert (await other.process("start", timeout="120")).code == SUCCESS
    assert robot.controls.route(ADDRESS) == SECOND


class TestSecrets:
    async def test_reach_no_output_process_list_or_file(
        self, robot: RunningSimulator, other: Node
    ) -> None:
        robot.controls.change_switches({"switch_seconds": 2})
        started = begin([str(AGENT), "start"], other.environment())
        await until(lambda: any(entry.method == "POST" for entry in robot.controls.journal))
        seen = shown_by(started.pid)
        _, stderr = await asyncio.to_thread(started.communicate)
        assert PASSWORD not in seen + stderr + "".join(other.contents())

    async def test_reach_no_output_when_the_agent_has_a_bug(self, node: Node) -> None:
        # A directory in the place of the ledger: an error that no code expects.
        (node.runtime / "ledger").mkdir(parents=True)
        node.runtime.chmod(0o700)
        started = await node.process("start", timeout="1")
        assert started.code == 1
        assert "Traceback" not in started.stderr
        assert PASSWORD not in started.stderr


class TestProgram:
    def test_of_an_unknown_action_says_which_there_are(self) -> None:
        ended = run([str(AGENT), "promote"], {})
        assert ended.code == ERR_UNIMPLEMENTED
        assert "start|stop|monitor|validate-all|meta-data" in ended.stderr

    def test_prints_meta_data_without_an_environment_as_nobody(self) -> None:
        command = [str(AGENT), "meta-data"]
        if os.geteuid() == 0:
            command = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", *command]
        elif shutil.which("setpriv") is None:
            pytest.skip("no setpriv")
        ended = run(command, {})
        assert ended.code == SUCCESS
        assert ended.stdout.startswith('<?xml version="1.0"?>')

    @pytest.mark.parametrize("program", ["agent", "helper"])
    async def test_runs_from_a_link_in_a_provider_directory(
        self, node: Node, tmp_path: Path, program: str
    ) -> None:
        link = tmp_path / "hetzner-failover-ip"
        link.symlink_to({"agent": AGENT, "helper": HELPER}[program])
        if program == "agent":
            assert (await node.program([str(link), "start"])).code == SUCCESS
        else:
            assert (await node.program([str(link), "-g", "-i", ADDRESS])).code == 0

    async def test_runs_from_a_copy_that_has_both_packages_beside_it(
        self, node: Node, tmp_path: Path
    ) -> None:
        private = tmp_path / "private"
        shutil.copytree(AGENT.parent, private)
        shutil.copytree(AGENT.parents[1] / "controller" / "failoverip", private / "failoverip")
        assert (await node.program([str(private / AGENT.name), "start"])).code == SUCCESS

    def test_imports_nothing_from_the_users_python_path(self, tmp_path: Path) -> None:
        (tmp_path / "fcntl.py").write_text("raise SystemExit(42)\n")
        environment = {"PYTHONPATH": str(tmp_path), "PATH": "/usr/bin:/bin"}
        assert run([str(AGENT), "monitor"], environment).code == NOT_RUNNING


class TestWithoutItsPackage:
    """As in the middle of an upgrade: a traceback would end with 1, and a probe's 1 does harm."""

    @pytest.fixture
    def alone(self, tmp_path: Path) -> str:
        (tmp_path / "provider").mkdir()
        program = tmp_path / "provider" / AGENT.name
        shutil.copy(AGENT, program)
        # One that breaks while it is loaded, in case that the machine has another installed.
        package = tmp_path / "provider" / "failoverip_ocf"
        package.mkdir()
        (package / "__init__.py").write_text("raise KeyError\n")
        return str(program)

    async def test_a_resource_that_runs_goes_on_and_can_be_stopped(
        self, node: Node, alone: str
    ) -> None:
        await node.start()
        recurring = await node.program([alone, "monitor"], interval="10000")
        assert (recurring.code, recurring.reason != "") == (DEGRADED, True)
        assert (await node.program([alone, "monitor"])).code == SUCCESS
        assert (await node.program([alone, "stop"])).code == SUCCESS
        assert (await node.probe()).code == NOT_RUNNING

    async def test_a_resource_is_found_by_any_spelling_of_its_address(
        self, node: Node, alone: str
    ) -> None:
        ip = "2001:DB8:FFF1:0::2"
        await node.start(ip=ip)
        assert (await node.program([alone, "monitor"], ip=ip, interval="10000")).code == DEGRADED

    async def test_a_resource_that_does_not_run_is_not_said_to(
        self, node: Node, alone: str
    ) -> None:
        assert (await node.program([alone, "monitor"])).code == NOT_RUNNING
        assert (await node.program([alone, "monitor"], interval="10000")).code == NOT_RUNNING
        assert (await node.program([alone, "stop"])).code == SUCCESS
        assert (await node.program([alone, "start"])).code == ERR_INSTALLED

    async def test_an_address_on_an_interface_is_not_said_to_be_stopped(
        self, node: Node, alone: str
    ) -> None:
        await node.start()
        assert (await node.program([alone, "stop"], interface="lo")).code == ERR_GENERIC


class TestHelper:
    async def test_says_mine_and_not_mine(self, node: Node, other: Node) -> None:
        mine = await node.helper("-g", "-i", ADDRESS)
        assert (mine.code, mine.stdout.split(":")[0]) == (0, "mine")
        foreign = await other.helper("-g", "-i", ADDRESS)
        assert (foreign.code, foreign.stdout.split(":")[0]) == (2, "not mine")
        assert FIRST in foreign.stdout

    async def test_says_that_it_cannot_tell(self, robot: RunningSimulator, node: Node) -> None:
        robot.controls.add_fault({"kind": "down"})
        unclear = await node.helper("-g", "-i", ADDRESS)
        assert (unclear.code, unclear.stdout.split(":")[0]) == (1, "cannot tell")

    async def test_routes_here(self, robot: RunningSimulator, other: Node) -> None:
        assert (await other.helper("-s", "-i", ADDRESS)).code == 0
        assert robot.controls.route(ADDRESS) == SECOND

    @pytest.mark.parametrize(
        "arguments", [[], ["-g"], ["-x"], ["-g", "-s", "-i", ADDRESS], ["-g", "-i", "nonsense"]]
    )
    def test_cannot_tell_for_arguments_that_it_does_not_understand(
        self, arguments: list[str]
    ) -> None:
        # 2 would read as "not mine".
        assert run([str(HELPER), *arguments], {}).code == 1

    async def test_takes_its_settings_from_options_too(self, node: Node) -> None:
        p = node.parameters
        options = [
            *("--credentials", p["credentials"], "--server", "322"),
            *("--robot-url", p["robot_url"], "--ca-file", p["ca_file"]),
        ]
        command = [str(HELPER), "-g", "-i", ADDRESS, *options]
        environment = {"HA_RSCTMP": str(node.run_directory)}
        assert (await asyncio.to_thread(run, command, environment)).code == 2

    async def test_as_the_script_of_the_agent_is_the_agents_own_client(self, node: Node) -> None:
        assert (await node.process("start", script=str(HELPER))).code == SUCCESS
        assert any(name.startswith("robot-") for name in node.files())


class TestForeignScript:
    @pytest.mark.parametrize(
        ("ends", "monitor"),
        [("exit 0", SUCCESS), ("exit 2", NOT_RUNNING), ("exit 1", DEGRADED), ("exit 7", DEGRADED)],
    )
    async def test_is_believed_like_robot(
        self, node: Node, tmp_path: Path, ends: str, monitor: int
    ) -> None:
        script = make_script(tmp_path, "exit 0")
        assert (await node.start(script=str(script))).code == SUCCESS
        make_script(tmp_path, ends)
        assert (await node.monitor(script=str(script))).code == monitor

    async def test_that_hangs_is_killed_with_what_it_started(
        self, node: Node, tmp_path: Path
    ) -> None:
        script = make_script(tmp_path, "exit 0")
        await node.start(script=str(script))
        pids = tmp_path / "pids"
        make_script(tmp_path, f"sleep 1000 & echo $! $$ >{pids}; wait")
        unclear = await node.monitor(script=str(script), timeout="2")
        assert unclear.code == DEGRADED
        assert "not end in time" in unclear.reason
        for pid in pids.read_text().split():
            await until(lambda pid=pid: not is_alive(int(pid)))  # type: ignore[misc]  # bound now

    async def test_needs_no_login(self, node: Node, tmp_path: Path) -> None:
        node.credentials.unlink()
        script = make_script(tmp_path, "exit 0")
        assert (await node.start(script=str(script))).code == SUCCESS

    async def test_is_told_to_route_when_it_says_not_mine(self, node: Node, tmp_path: Path) -> None:
        here = tmp_path / "here"
        script = make_script(
            tmp_path,
            f'echo "$*" >>{tmp_path}/calls\n'
            f'if [ "$1" = -s ]; then touch {here}; exit 0; fi\n'
            f"[ -e {here} ] || exit 2",
        )
        assert (await node.start(script=str(script))).code == SUCCESS
        calls = (tmp_path / "calls").read_text().splitlines()
        assert calls == [f"-g -i {ADDRESS}", f"-s -i {ADDRESS}", f"-g -i {ADDRESS}"]


def shown_by(pid: int) -> str:
    """What a process list shows of a process, and what its children inherit."""
    process = Path("/proc") / str(pid)
    return (process / "cmdline").read_text() + (process / "environ").read_text()


def make_script(folder: Path, body: str) -> Path:
    script = folder / "script"
    script.write_text(f"#!/bin/sh\n{body}\n")
    script.chmod(0o755)
    return script


def is_alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"
