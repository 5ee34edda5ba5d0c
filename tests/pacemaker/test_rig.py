"""The rig itself: nothing outlives a run, and what crm_mon says is read rightly."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from tests.controlplane.waiting import eventually
from tests.pacemaker import contrast, crm_mon, rounds, scenarios
from tests.pacemaker.calls import Call
from tests.pacemaker.lab import CHECKOUT
from tests.pacemaker.namespaces import Pid

# Holds a space with a process in it until it is killed.
HOLDER = """
import sys, time
from pathlib import Path
from tests.pacemaker.namespaces import Space, child_of
space = Space("", Path(sys.argv[1]))
inside = space.start(["sleep", "600"], Path(sys.argv[1]))
print(space.first.number, child_of(inside.pid), flush=True)
time.sleep(600)
"""

CRM_MON = """
<pacemaker-result>
  <summary><current_dc present="true" name="node1" with_quorum="true"/></summary>
  <nodes>
    <node name="node1" online="true" pending="false"/>
    <node name="node2" online="true" pending="true"/>
  </nodes>
  <resources>
    <group id="all">
      <resource id="vip" role="Started" active="true" failed="false" blocked="false" managed="true">
        <node name="node1"/>
      </resource>
    </group>
  </resources>
  <node_history>
    <node name="node2"><resource_history id="vip" fail-count="1000000"/></node>
    <node name="node1"><resource_history id="vip" fail-count="2"/></node>
  </node_history>
  <bans><ban id="cli-ban" resource="vip" node="node1" weight="-1000000"/></bans>
</pacemaker-result>
"""

# What Pacemaker writes down before an agent is called: the operation is pending (op-status -1).
UNDER_WAY = """
<cib crm_feature_set="3.16.2" validate-with="pacemaker-3.0" epoch="1" num_updates="0"
    admin_epoch="0" have-quorum="1" dc-uuid="1">
  <configuration>
    <crm_config/>
    <nodes><node id="1" uname="node1"/></nodes>
    <resources><primitive id="name" class="ocf" provider="pacemaker" type="Dummy"/></resources>
    <constraints/>
  </configuration>
  <status>
    <node_state id="1" uname="node1" in_ccm="true" crmd="online" join="member" expected="member">
      <lrm id="1"><lrm_resources>
        <lrm_resource id="name" class="ocf" provider="pacemaker" type="Dummy">
          <lrm_rsc_op id="name_last_0" operation_key="name_{operation}_0" operation="{operation}"
            crm_feature_set="3.16.2" transition-key="3:1:0:{run}" on_node="node1" call-id="{call}"
            transition-magic="{status}:{code};3:1:0:{run}" rc-code="{code}" op-status="{status}"
            interval="0"/>
        </lrm_resource>
      </lrm_resources></lrm>
    </node_state>
  </status>
</cib>
"""


@pytest.mark.pacemaker
def test_nothing_outlives_a_run_that_is_killed(cluster_root: Path, tmp_path: Path) -> None:
    argv = [sys.executable, "-c", HOLDER, str(tmp_path / "log")]
    with subprocess.Popen(argv, cwd=CHECKOUT, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        inside = [Pid(int(number)) for number in holder.stdout.readline().split()]
        assert len(inside) == 2
        assert all(process.running for process in inside)
        holder.send_signal(signal.SIGKILL)
    eventually(lambda: not any(process.running for process in inside), "all of it has ended")
    for process in inside:
        process.close()


def test_what_the_cluster_believes_is_read_from_crm_mon() -> None:
    status = crm_mon.parse(CRM_MON)
    assert status.online == {"node1"}
    assert status.with_quorum
    assert status.where("vip") == ["node1"]
    assert status.banned("vip") == ("node1", "node2")
    assert status.banned("name") == ()
    assert status.fail_counts["node1", "vip"] == 2


@pytest.mark.pacemaker
@pytest.mark.parametrize(
    ("operation", "has_ended", "where"),
    [("start", False, []), ("start", True, ["node1"]), ("stop", False, [])],
)
def test_a_resource_is_nowhere_while_its_agent_starts_or_stops_it(
    tmp_path: Path, operation: str, has_ended: bool, where: list[str]
) -> None:
    status, code, call = (0, 0, 7) if has_ended else (-1, 193, -1)
    run = "0" * 8 + "-0000-0000-0000-" + "0" * 12
    cib = tmp_path / "cib.xml"
    cib.write_text(
        UNDER_WAY.format(operation=operation, run=run, status=status, code=code, call=call)
    )
    told = subprocess.run(
        ["crm_mon", "-1", "-rfL", "--output-as=xml"],
        env={"PATH": os.environ["PATH"], "CIB_file": str(cib)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert crm_mon.parse(told.stdout).where("name") == where


def test_a_round_in_which_our_monitor_was_killed_is_never_excused() -> None:
    def monitors(*codes: int | None) -> list[Call]:
        name = "failoverip:hetzner-failover-ip"
        return [Call(0, None, "node1", name, "vip", "monitor", 2000, code) for code in codes]

    assert rounds.blameless(monitors(0, 190, None))
    assert not rounds.blameless(monitors(0, None, 0))
    assert not rounds.blameless(monitors(190, 1, 190))
    assert not rounds.blameless(monitors(0, 7))


def test_the_page_shows_what_became_of_both_agents_in_each_scenario() -> None:
    page = (CHECKOUT / "docs/pacemaker.md").read_text()
    table = page.split(contrast.HEAD)[1].split("\n\n")[0]
    rows = [line.split("|")[1].strip() for line in table.strip().splitlines()]
    assert rows == [scenario.title for scenario in scenarios.SCENARIOS]
