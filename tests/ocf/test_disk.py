"""A runtime directory that is read-only, full, corrupt or somebody else's; a lock that is held."""

from __future__ import annotations

import asyncio
import fcntl
import os
from pathlib import Path

import pytest
from tests.ocf.namespaces import in_namespace, need_namespaces
from tests.ocf.node import AGENT, Node, begin
from tests.robot.loopback import until
from tests.simulator_robot.worlds import ADDRESS, FIRST

from failoverip.simulator.robot.server import RunningSimulator
from failoverip_ocf.asking import Asking
from failoverip_ocf.books import Books
from failoverip_ocf.codes import DEGRADED, ERR_GENERIC, NOT_RUNNING, SUCCESS
from failoverip_ocf.decide import OTHER
from failoverip_ocf.parameters import Parameters
from failoverip_ocf.section import Section
from failoverip_ocf.state import BusyError, Runtime, now


@pytest.fixture
def namespaces(pytestconfig: pytest.Config) -> None:
    need_namespaces(pytestconfig)


def read_only(node: Node) -> str:
    place = node.run_directory
    return f"mount --bind {place} {place}; mount -o remount,bind,ro {place}"


def full(node: Node) -> str:
    place = node.run_directory
    return (
        f"cp -a {place} {place}.copy; mount -t tmpfs -o size=64k,mode=755 none {place}; "
        f"cp -a {place}.copy/. {place}; cat /dev/zero >{place}/filler 2>/dev/null || true"
    )


@pytest.mark.usefixtures("namespaces")
class TestReadOnly:
    async def test_a_monitor_uses_what_is_known_and_asks_nothing_it_cannot_count(
        self, robot: RunningSimulator, node: Node
    ) -> None:
        await node.start()
        robot.controls.clear_journal()
        known, unknown, probe = await in_namespace(
            node,
            "--mount",
            [
                read_only(node),
                *("export OCF_RESKEY_reuse_seconds=600", "monitor"),
                *("export OCF_RESKEY_reuse_seconds=0", "monitor", "probe"),
            ],
        )
        assert (known.code, unknown.code, probe.code) == (SUCCESS, DEGRADED, SUCCESS)
        assert "Read-only file system" in unknown.reason
        assert not robot.controls.journal

    async def test_a_stop_that_cannot_forget_the_start_says_so(self, node: Node) -> None:
        await node.start()
        (stopped,) = await in_namespace(node, "--mount", [read_only(node), "stop"])
        assert stopped.code == ERR_GENERIC
        assert "Read-only file system" in stopped.reason

    async def test_a_start_fails_at_once_so_that_another_node_can_have_it(
        self, robot: RunningSimulator, node: Node
    ) -> None:
        node.run_directory.mkdir()
        started, probe, stopped = await in_namespace(
            node, "--mount", [read_only(node), "start", "probe", "stop"]
        )
        assert (started.code, probe.code, stopped.code) == (ERR_GENERIC, NOT_RUNNING, SUCCESS)
        assert not robot.controls.journal


@pytest.mark.usefixtures("namespaces")
class TestFull:
    async def test_a_monitor_cannot_tell_and_a_stop_succeeds(
        self, robot: RunningSimulator, node: Node
    ) -> None:
        await node.start()
        robot.controls.clear_journal()
        unknown, stopped, probe = await in_namespace(
            node, "--mount", [full(node), "monitor", "stop", "probe"]
        )
        assert (unknown.code, stopped.code, probe.code) == (DEGRADED, SUCCESS, NOT_RUNNING)
        assert "No space left" in unknown.reason
        assert not robot.controls.journal

    async def test_a_start_fails_at_once(self, robot: RunningSimulator, node: Node) -> None:
        node.run_directory.mkdir()
        (started,) = await in_namespace(node, "--mount", [full(node), "start"])
        assert started.code == ERR_GENERIC
        assert not robot.controls.journal


class TestCorrupt:
    @pytest.mark.parametrize("content", [b"", b"garbage", b"failoverip 1\nroute\nend\n", b"\xff"])
    async def test_cache_is_said_once_and_written_anew(self, node: Node, content: bytes) -> None:
        await node.start()
        (file,) = node.runtime.glob("robot-*.cache")
        file.write_bytes(content)
        first = await node.process("monitor", interval="10000")
        second = await node.process("monitor", interval="10000")
        assert (first.code, second.code) == (SUCCESS, SUCCESS)
        assert first.stderr.count("was corrupt") == 1
        assert second.stderr == ""

    async def test_ledger_is_said_once_and_written_anew(self, node: Node) -> None:
        await node.start()
        (node.runtime / "ledger").write_text("garbage")
        first = await node.process("monitor", interval="10000")
        second = await node.process("monitor", interval="10000")
        assert (first.code, second.code) == (SUCCESS, SUCCESS)
        assert first.stderr.count("was corrupt") == 1
        assert second.stderr == ""

    @pytest.mark.parametrize("content", [b"garbage", b"\xff"])
    async def test_time_of_the_last_attribute_is_no_bug_of_a_monitor(
        self, robot: RunningSimulator, node: Node, content: bytes
    ) -> None:
        await node.start()
        (node.runtime / f"{ADDRESS}.unknown").write_bytes(content)
        robot.controls.add_fault({"kind": "unavailable"})
        unclear = await node.monitor()
        assert (unclear.code, "HTTP 503" in unclear.reason) == (DEGRADED, True)


class TestForeign:
    async def test_directory_that_others_can_write_to_is_not_used(
        self, robot: RunningSimulator, node: Node
    ) -> None:
        node.runtime.mkdir(parents=True)
        node.runtime.chmod(0o777)
        started = await node.start(timeout="2")
        assert started.code == ERR_GENERIC
        assert "is not a directory of our own" in started.reason
        assert not robot.controls.journal

    async def test_link_in_its_place_is_not_followed(self, node: Node, tmp_path: Path) -> None:
        node.run_directory.mkdir()
        (tmp_path / "elsewhere").mkdir(mode=0o700)
        node.runtime.symlink_to(tmp_path / "elsewhere")
        assert (await node.start(timeout="2")).code == ERR_GENERIC
        assert list((tmp_path / "elsewhere").iterdir()) == []


class TestLock:
    async def test_held_by_others_is_waited_for_no_longer_than_the_deadline(
        self, robot: RunningSimulator, node: Node
    ) -> None:
        await node.start()
        robot.controls.clear_journal()
        with held(lock_of_the_account(node)):
            unclear = await node.monitor(timeout="1")
        assert unclear.code == DEGRADED
        assert "another agent holds" in unclear.reason
        assert not robot.controls.journal
        assert (await node.monitor()).code == SUCCESS

    async def test_of_the_ledger_delays_no_monitor_past_its_deadline(self, node: Node) -> None:
        await node.start()
        patient = Books(Runtime(str(node.runtime)), "another", None, 80, print)
        with held(node.runtime / "ledger.lock"):
            waits = asyncio.create_task(asyncio.to_thread(patient.record_server_read))
            monitor = asyncio.create_task(node.monitor(timeout="2"))
            first, _ = await asyncio.wait([waits, monitor], return_when=asyncio.FIRST_COMPLETED)
            with pytest.raises(BusyError):
                await waits
        assert first == {monitor}
        unclear = await monitor
        assert unclear.code == DEGRADED
        assert f"another agent holds {node.runtime}/ledger.lock" in unclear.reason

    async def test_of_the_ledger_is_waited_for_by_a_start_that_must_switch(
        self, robot: RunningSimulator, other: Node
    ) -> None:
        """A start that fails bans its node."""
        await other.start()
        robot.controls.set_route(ADDRESS, FIRST)
        section = Section(Parameters(other.environment()), Runtime(str(other.runtime)), print)
        asking, until = Asking(section, print), now() + 600
        cache, said, _ = await asyncio.to_thread(asking.for_start, now(), until)
        assert said.kind == OTHER
        with held(other.runtime / "ledger.lock"):
            end = await asyncio.to_thread(asking.switch, cache, until)
        assert "another agent holds" in end.said
        assert (await asyncio.to_thread(asking.switch, cache, until)).clear

    async def test_held_by_others_is_no_obstacle_for_probe_and_stop(self, node: Node) -> None:
        await node.start()
        with held(lock_of_the_account(node)):
            assert (await node.probe()).code == SUCCESS
            assert (await node.stop()).code == SUCCESS

    async def test_ends_with_the_agent_that_was_killed(
        self, robot: RunningSimulator, node: Node
    ) -> None:
        await node.start()
        robot.controls.clear_journal()
        robot.controls.add_fault({"kind": "hang"})
        monitor = begin([str(AGENT), "monitor"], node.environment(interval="10000", timeout="600"))
        await until(lambda: bool(robot.controls.journal))
        monitor.kill()
        await asyncio.to_thread(monitor.communicate)
        robot.controls.clear_faults()
        assert (await node.monitor()).code == SUCCESS


class held:  # noqa: N801  # reads as a context, like `open`
    """A lock that a stopped process holds."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._handle = -1

    def __enter__(self) -> None:
        self._handle = os.open(self._path, os.O_RDWR)
        fcntl.flock(self._handle, fcntl.LOCK_EX)

    def __exit__(self, *_: object) -> None:
        os.close(self._handle)


def lock_of_the_account(node: Node) -> Path:
    (path,) = node.runtime.glob("robot-*.lock")
    return path


async def test_a_marker_is_named_by_the_address_in_its_one_spelling(node: Node) -> None:
    await node.start(ip="2001:DB8:FFF1::2", reuse_seconds="600")
    assert "2001:db8:fff1::2.started" in node.files()
    assert f"{ADDRESS}.started" not in node.files()
