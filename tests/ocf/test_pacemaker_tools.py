"""What Pacemaker's and others' tools say: schemas, ocf-tester, crm_simulate; node attributes."""

from __future__ import annotations

import asyncio
import subprocess
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from tests.ocf.node import AGENT, Node, run
from tests.simulator_robot.worlds import ADDRESS, SECOND
from tests.support.machine import need_programs, not_here

from failoverip.simulator.robot.server import RunningSimulator
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
from failoverip_ocf.metadata import metadata
from failoverip_ocf.parameters import DEFAULT_CREDENTIALS, DEFAULT_ROBOT_URL

DTD = Path("/usr/share/resource-agents/ra-api-1.dtd")
SCHEMAS = {
    "resource-agents' schema": Path("/usr/share/resource-agents/metadata.rng"),
    # pcs ships the schemas of the OCF.
    "OCF 1.0": Path("/usr/share/pcs/data/ocf-1.0.rng"),
}


class TestMetaData:
    @pytest.mark.parametrize("name", ["ra-api-1.dtd", *SCHEMAS])
    def test_is_valid(self, pytestconfig: pytest.Config, tmp_path: Path, name: str) -> None:
        need_programs(pytestconfig, ["xmllint"], "libxml2-utils")
        schema = SCHEMAS.get(name, DTD)
        if not schema.exists():
            not_here(pytestconfig, f"no {schema}: apt-get install resource-agents pcs")
        document = tmp_path / "meta-data.xml"
        document.write_text(metadata())
        option = "--dtdvalid" if schema == DTD else "--relaxng"
        command = ["xmllint", "--noout", "--nonet", option, str(schema), str(document)]
        ended = subprocess.run(command, capture_output=True, text=True, check=False)
        assert ended.returncode == 0, ended.stderr

    def test_names_the_defaults_that_the_code_has(self) -> None:
        root = ET.fromstring(metadata())  # noqa: S314  # our own
        defaults = {
            parameter.get("name"): parameter.find("content").get("default")  # type: ignore[union-attr]  # valid, see above
            for parameter in root.iter("parameter")
        }
        assert defaults["credentials"] == DEFAULT_CREDENTIALS
        assert defaults["robot_url"] == DEFAULT_ROBOT_URL
        assert [name for name, default in defaults.items() if default is None] == [
            "ip",
            "reuse_seconds",
        ]

    def test_says_no_encoding_which_crmsh_cannot_read(self) -> None:
        assert "encoding" not in metadata().splitlines()[0]


async def test_ocf_tester_finds_nothing(pytestconfig: pytest.Config, node: Node) -> None:
    need_programs(pytestconfig, ["ocf-tester", "xmllint"], "resource-agents libxml2-utils")
    options = [
        word for name, value in node.parameters.items() for word in ("-o", f"{name}={value}")
    ]
    environment = node.environment() | {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin"}
    ours = {key: environment[key] for key in ("PATH", "HA_RSCTMP")}
    command = ["ocf-tester", "-n", "vip", *options, str(AGENT)]
    ended = await asyncio.to_thread(
        subprocess.run, command, capture_output=True, text=True, check=False, env=ours
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "passed all tests" in ended.stdout


CIB = """\
<cib crm_feature_set="3.11.0" validate-with="pacemaker-3.7" epoch="1" num_updates="0"
     admin_epoch="0">
  <configuration>
    <crm_config><cluster_property_set id="o">
      <nvpair id="o-1" name="stonith-enabled" value="false"/>
      <nvpair id="o-2" name="no-quorum-policy" value="ignore"/>
    </cluster_property_set></crm_config>
    <nodes><node id="1" uname="node1"/><node id="2" uname="node2"/></nodes>
    <resources>
      <primitive id="vip" class="ocf" provider="pacemaker" type="Dummy">
        <meta_attributes id="vip-m"><nvpair id="vip-m-1" name="migration-threshold" value="3"/>
        </meta_attributes>
        <operations><op id="vip-mon" name="monitor" interval="10s"/></operations>
      </primitive>
    </resources>
    <constraints/>
  </configuration>
  <status/>
</cib>
"""
STAYS = "vip stays"
RESTARTS = "vip restarts on node1"
MOVES = "vip moves to node2"
STOPS = "vip stops everywhere"


@pytest.fixture(scope="module")
def running(pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cluster of two nodes on which vip runs on node1."""
    need_programs(pytestconfig, ["crm_simulate"], "pacemaker-cli-utils pacemaker")
    folder = tmp_path_factory.mktemp("cib")
    (folder / "cib.xml").write_text(CIB)
    ended = simulate(folder / "cib.xml", "-u", "node1", "-u", "node2", "-O", folder / "s1.xml")
    assert ended.returncode == 0, ended.stderr
    return folder / "s1.xml"


class TestPacemakersReaction:
    """To each code that the agent may return, for each action. The decisions rest on this table."""

    @pytest.mark.parametrize(
        ("code", "reaction"),
        [(SUCCESS, STAYS), (DEGRADED, STAYS), (NOT_RUNNING, RESTARTS)],
    )
    def test_to_a_recurring_monitor(self, running: Path, code: int, reaction: str) -> None:
        assert react(running, f"vip_monitor_10000@node1={code}") == reaction

    @pytest.mark.parametrize("code", [NOT_RUNNING])
    def test_to_a_probe_where_it_does_not_run(self, running: Path, code: int) -> None:
        assert react(running, f"vip_monitor_0@node2={code}") == STAYS

    @pytest.mark.parametrize("code", [ERR_ARGS, ERR_PERM, ERR_INSTALLED])
    def test_to_a_start_that_only_this_node_cannot_do(self, running: Path, code: int) -> None:
        # 1 moves it too, but by its fail count, which is not the scheduler's: see the real cluster.
        assert react(running, f"vip_start_0@node1={code}") == MOVES

    def test_to_a_start_with_parameters_that_no_node_can_use(self, running: Path) -> None:
        assert react(running, f"vip_start_0@node1={ERR_CONFIGURED}") == STOPS

    @pytest.mark.parametrize(
        ("operation", "reaction"),
        [
            # What the agent of 2011 said of an outage.
            (f"vip_monitor_10000@node1={ERR_GENERIC}", RESTARTS),
            # A node that boots in an outage, were its probe to ask Robot.
            (f"vip_monitor_0@node2={ERR_GENERIC}", RESTARTS),
            (f"vip_monitor_0@node2={DEGRADED}", RESTARTS),
            (f"vip_monitor_0@node2={SUCCESS}", RESTARTS),
            (f"vip_monitor_0@node2={ERR_CONFIGURED}", STOPS),
            # Hard codes: never from a monitor for what can pass.
            (f"vip_monitor_10000@node1={ERR_INSTALLED}", MOVES),
            (f"vip_monitor_10000@node1={ERR_CONFIGURED}", STOPS),
        ],
    )
    def test_to_the_codes_that_the_agent_must_not_say(
        self, running: Path, operation: str, reaction: str
    ) -> None:
        assert react(running, operation) == reaction


def simulate(cib: Path, *options: object) -> subprocess.CompletedProcess[str]:
    command = ["crm_simulate", "-x", str(cib), "-S", *map(str, options)]
    return subprocess.run(
        command,
        capture_output=True,
        text=True,
        check=False,
        env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C"},
    )


def react(cib: Path, operation: str) -> str:
    """What the scheduler does about one result."""
    ended = simulate(cib, "-i", operation)
    assert ended.returncode == 0, ended.stderr
    _, _, planned = ended.stdout.partition("Transition Summary:")
    lines = [line for line in planned.splitlines() if line.strip().startswith("*")]
    actions = " ".join(line for line in lines if " vip " in line)
    for word, reaction in (
        ("Recover", RESTARTS),
        ("Restart", RESTARTS),
        ("Move", MOVES),
        ("Stop", STOPS),
    ):
        if word in actions.split():
            moved = reaction == RESTARTS and "node1 -> node2" in actions
            return MOVES if moved else reaction
    return STAYS


class Updater:
    """An attrd_updater that stands in for Pacemaker's."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "bin"
        self.folder.mkdir()
        self._told = folder / "told"
        self._told.touch()
        self.does(f'echo "$*" >>{self._told}')

    def does(self, body: str) -> None:
        program = self.folder / "attrd_updater"
        program.write_text(f"#!/bin/sh\n{body}\n")
        program.chmod(0o755)

    def calls(self) -> list[str]:
        return self._told.read_text().splitlines()


class TestNodeAttribute:
    @pytest.fixture
    def told(self, tmp_path: Path) -> Updater:
        return Updater(tmp_path)

    async def run(self, node: Node, told: Updater, action: str, **changed: str) -> int:
        environment = node.environment(**changed) | {"PATH": f"{told.folder}:/usr/bin:/bin"}
        environment["OCF_RESKEY_CRM_meta_on_node"] = "node1"
        return (await asyncio.to_thread(run, [str(AGENT), action], environment)).code

    async def test_tells_the_age_while_it_is_unknown_and_then_zero(
        self, robot: RunningSimulator, node: Node, told: Updater
    ) -> None:
        await node.start()
        assert await self.run(node, told, "monitor", interval="10000") == SUCCESS
        assert told.calls() == []
        robot.controls.add_fault({"kind": "down"})
        for _ in range(2):
            assert await self.run(node, told, "monitor", interval="10000") == DEGRADED
        # Each change makes the scheduler run: one is enough for a minute.
        (line,) = told.calls()
        assert line.startswith("-n failoverip-age-vip -U ")
        assert line.endswith(" -N node1")
        robot.controls.clear_faults()
        for _ in range(2):
            assert await self.run(node, told, "monitor", interval="10000") == SUCCESS
        assert told.calls()[1:] == ["-n failoverip-age-vip -U 0 -N node1"]

    async def test_goes_with_a_stop(
        self, robot: RunningSimulator, node: Node, told: Updater
    ) -> None:
        await node.start()
        robot.controls.add_fault({"kind": "down"})
        await self.run(node, told, "monitor", interval="10000")
        assert await self.run(node, told, "stop") == SUCCESS
        assert told.calls()[-1] == "-n failoverip-age-vip -D -N node1"

    async def test_that_cannot_be_set_delays_nothing_and_fails_nothing(
        self, robot: RunningSimulator, node: Node, told: Updater
    ) -> None:
        told.does("exec sleep 1000")
        await node.start()
        robot.controls.add_fault({"kind": "down"})
        assert await self.run(node, told, "monitor", interval="10000") == DEGRADED

    async def test_takes_what_is_left_of_a_monitor_that_waited_for_robot(
        self, robot: RunningSimulator, node: Node, told: Updater
    ) -> None:
        """Three seconds more than its own deadline had a monitor killed, and its address moved."""
        times = told.folder / "times"
        told.does(f"while read -r now _ </proc/uptime; do echo $now; sleep 0.1; done >>{times}")
        await node.start()
        robot.controls.add_fault({"kind": "hang"})
        assert await self.run(node, told, "monitor", interval="10000", timeout="4") == DEGRADED
        seen = [float(line) for line in times.read_text().split()] if times.exists() else [0.0]
        assert max(seen) - min(seen) < 2, "0.4 s were left"


class TestTextfileCollector:
    async def test_has_a_file_from_start_to_stop(
        self, robot: RunningSimulator, node: Node, tmp_path: Path
    ) -> None:
        folder = tmp_path / "collector"
        folder.mkdir()
        metrics = folder / "failoverip_ocf_vip.prom"
        directory = {"textfile_directory": str(folder)}
        await node.start(**directory)
        assert f'failoverip_ocf_mine{{address="{ADDRESS}"}} 1\n' in metrics.read_text()
        robot.controls.add_fault({"kind": "down"})
        await node.monitor(**directory)
        assert f'failoverip_ocf_known{{address="{ADDRESS}"}} 0\n' in metrics.read_text()
        robot.controls.clear_faults()
        robot.controls.set_route(ADDRESS, SECOND)
        await node.monitor(**directory)
        assert f'failoverip_ocf_mine{{address="{ADDRESS}"}} 0\n' in metrics.read_text()
        await node.stop(**directory)
        assert list(folder.iterdir()) == []

    async def test_is_readable_for_the_collector_whatever_pacemaker_lets_agents_inherit(
        self, node: Node, tmp_path: Path
    ) -> None:
        """Its daemons set the umask 026, and the node exporter is another user."""
        command = ["sh", "-c", f"umask 026; exec {AGENT} start"]
        assert (await node.program(command, textfile_directory=str(tmp_path))).code == SUCCESS
        assert (tmp_path / "failoverip_ocf_vip.prom").stat().st_mode & 0o777 == 0o644

    async def test_that_is_not_there_fails_nothing(self, node: Node) -> None:
        assert (await node.start(textfile_directory="/nowhere")).code == SUCCESS
        assert (await node.monitor(textfile_directory="/nowhere")).code == SUCCESS
        assert (await node.stop(textfile_directory="/nowhere")).code == SUCCESS

    async def test_gets_a_page_that_promtool_accepts(
        self, pytestconfig: pytest.Config, node: Node, tmp_path: Path
    ) -> None:
        need_programs(pytestconfig, ["promtool"], "prometheus")
        await node.start(textfile_directory=str(tmp_path))
        page = (tmp_path / "failoverip_ocf_vip.prom").read_text()
        ended = await asyncio.to_thread(
            subprocess.run,
            ["promtool", "check", "metrics"],
            input=page,
            text=True,
            capture_output=True,
            check=False,
        )
        assert ended.returncode == 0, ended.stdout + ended.stderr
