"""What Robot says, or does not say, moves, restarts and bans nothing.

Beside it the agent of 2011 lives through the same outage: the harm that our agent's answers avoid.
"""

from __future__ import annotations

import pytest
from tests.pacemaker import audits, scenarios
from tests.pacemaker.lab import USER, Lab
from tests.pacemaker.stage import AGENT_OF_2011, OUR_AGENT, Outcome, Stage

pytestmark = pytest.mark.pacemaker


def play(lab: Lab, act: scenarios.Act) -> tuple[Stage, Outcome]:
    """Both agents through one outage on node1; our address is untouched."""
    stage = Stage(lab, (OUR_AGENT, AGENT_OF_2011))
    act(stage)
    found = audits.untouched(stage, OUR_AGENT, "node1")
    assert found.reads <= audits.READS_PER_NODE
    return stage, found


def recovers(stage: Stage) -> None:
    """Our agent's next answers are those of a Robot that is well.

    After a bare 403 it asks nothing for ten minutes.
    """
    stage.lab.an_hour_later()
    stage.until_monitored(code=0)
    audits.untouched(stage, OUR_AGENT, "node1")


def test_refused_for_longer_than_ten_monitors(lab: Lab) -> None:
    stage, ours = play(lab, scenarios.refused)
    assert ours.monitors[190] > 10
    recovers(stage)
    assert audits.cascaded(stage.outcome(AGENT_OF_2011))


def test_hanging(lab: Lab) -> None:
    stage, ours = play(lab, scenarios.hanging)
    assert ours.monitors[190] >= scenarios.HANGING_MONITORS
    recovers(stage)
    assert audits.cascaded(stage.outcome(AGENT_OF_2011))


def test_forbidden(lab: Lab) -> None:
    stage, ours = play(lab, scenarios.forbidden)
    assert ours.monitors[190] > 10
    recovers(stage)
    assert audits.cascaded(stage.outcome(AGENT_OF_2011))


def test_html(lab: Lab) -> None:
    stage, ours = play(lab, scenarios.html)
    assert ours.monitors[190] > 10
    recovers(stage)
    assert audits.cascaded(stage.outcome(AGENT_OF_2011))


def test_a_changed_password_costs_at_most_two_logins_a_node(lab: Lab) -> None:
    stage, ours = play(lab, scenarios.unauthorized)
    assert ours.monitors[190] > 10
    logins = audits.failed_logins(lab, USER)
    assert logins
    assert max(logins.values()) <= audits.LOGINS_PER_NODE, logins
    assert audits.cascaded(stage.outcome(AGENT_OF_2011))


def test_a_node_boots_meanwhile(lab: Lab) -> None:
    stage, _ = play(lab, scenarios.boot_during_outage)
    recovers(stage)
    assert audits.cascaded(stage.outcome(AGENT_OF_2011))


def test_an_operator_refreshes_meanwhile(lab: Lab) -> None:
    stage, _ = play(lab, scenarios.refresh_during_outage)
    recovers(stage)
    assert audits.cascaded(stage.outcome(AGENT_OF_2011))
