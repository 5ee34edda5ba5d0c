"""What must move an address still moves it, and only as far as it must."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import pytest
from tests.pacemaker import audits, calls, scenarios
from tests.pacemaker.conftest import LabFactory
from tests.pacemaker.lab import HOUR_SECONDS, USER, Lab
from tests.pacemaker.stage import AGENT_OF_2011, OUR_AGENT, Stage

pytestmark = pytest.mark.pacemaker


def test_an_address_that_a_stranger_took_is_fetched_back(lab: Lab) -> None:
    stage = Stage(lab, (OUR_AGENT,))
    scenarios.stolen(stage)
    stage.until_serves(lab.node("node1"))
    found = stage.outcome(OUR_AGENT)
    assert (found.starts, found.stops, found.switches) == (1, 1, 1), lab.tell()
    assert found.banned == ()


def test_power_loss_of_the_owner_moves_the_address(lab: Lab) -> None:
    stage = Stage(lab, (OUR_AGENT,))
    scenarios.owner_dies(stage)
    stage.until_serves(*lab.running_nodes)
    audits.moved_once(stage, OUR_AGENT, away_from="node1")


def test_power_loss_in_an_outage_moves_the_address_once_robot_is_back(lab: Lab) -> None:
    stage = Stage(lab, (OUR_AGENT, AGENT_OF_2011))
    scenarios.owner_dies_in_outage(stage)
    stage.until_serves(*lab.running_nodes)
    audits.moved_once(stage, OUR_AGENT, away_from="node1")
    # All survivors tried, failed and are banned: it stays down until somebody cleans up.
    old = stage.outcome(AGENT_OF_2011)
    assert not old.serves
    assert set(old.banned) >= {node.name for node in lab.running_nodes}


def test_a_planned_move_moves_the_address(lab: Lab) -> None:
    stage = Stage(lab, (OUR_AGENT,))
    scenarios.planned_move(stage)
    stage.until_serves(lab.node("node2"))
    found = audits.moved_once(stage, OUR_AGENT, away_from="node1")
    assert found.stops == 1


def test_a_minority_lets_go_and_the_majority_takes_over(lab: Lab) -> None:
    stage = Stage(lab, (OUR_AGENT,))
    owner = stage.owner()
    scenarios.cable_cut(stage)
    survivors = [node for node in lab.nodes if node is not owner]

    def taken_over() -> bool:
        status = survivors[0].status()
        return bool(status) and status is not None and status.where("vip") != [owner.name]

    lab.until(taken_over, "the majority has the address")
    assert not owner.has_address(OUR_AGENT.address)
    owner.plug()
    lab.until_formed()
    stage.until_serves(*survivors)
    audits.moved_once(stage, OUR_AGENT, away_from=owner.name)


def test_two_nodes_without_fencing_fight_within_the_brake(lab_of: LabFactory) -> None:
    lab = lab_of(2)
    stage = Stage(lab, (OUR_AGENT, AGENT_OF_2011), migration_threshold=0)
    for node in lab.nodes:
        node.separate()
    # Both hold quorum, both believe that the other is dead, both reach Robot.
    lab.until(
        lambda: len({call.node for call in _starts(stage)}) == 2, "both sides start the address"
    )
    limit = audits.POSTS_PER_NODE

    def within_robots_limits(fought: Callable[[], bool]) -> bool:
        lab.robot.advance(HOUR_SECONDS)  # what ends a fight here is no limit of Robot's
        return fought()

    def switches_of_2011() -> int:
        return stage.outcome(AGENT_OF_2011).switches

    braked = partial(within_robots_limits, lambda: limit in audits.posts(lab, USER).values())
    lab.until(braked, "the brake is reached", 400)
    most = switches_of_2011() + limit
    fought_on = partial(within_robots_limits, lambda: switches_of_2011() > most)
    lab.until(fought_on, "the others fight on", 400)
    assert max(audits.posts(lab, USER).values()) == limit


def test_an_agent_that_is_killed_in_mid_start_leaves_nothing_behind(lab: Lab) -> None:
    stage = Stage(lab, (OUR_AGENT,))
    lab.robot.switches(switch_seconds=5)
    lab.nodes[0].run("crm_resource", "--move", "-r", "vip", "--node", "node2")
    lab.until(lambda: stage.outcome(OUR_AGENT).switches, "the switch has begun")
    lab.node("node2").run(
        "pkill", "-KILL", "-f", "^[^ ]*python3.* /run/checkout/ocf-compat/.*start"
    )
    lab.robot.switches(switch_seconds=0.5)
    stage.until_serves(lab.node("node1"), lab.node("node3"))
    found = stage.outcome(OUR_AGENT)
    assert found.posts <= 3, lab.tell()
    killed = [call for call in _starts(stage) if call.code not in (0, None)]
    assert [call.node for call in killed] == ["node2"]
    assert found.active_on != ("node2",)


def _starts(stage: Stage) -> list[calls.Call]:
    return calls.actions(stage.lab.calls(stage.marked), OUR_AGENT.resource, "start")
