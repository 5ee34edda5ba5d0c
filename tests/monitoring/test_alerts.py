"""Each alert fires when it should and stays silent when it should not, in `promtool test rules`."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.monitoring.generated import MADE
from tests.monitoring.promtool import complaints, told_to_promtool
from tests.monitoring.rules import alerts, names
from tests.monitoring.series import Story
from tests.monitoring.stories import (
    ORDINARY,
    TOLD,
    fires,
    silent,
    through_a_hand_over,
    through_a_lost_scrape,
)
from tests.support.machine import need_programs

# What a hand-over or a lost scrape does to these is their subject.
OF_THE_REPLICAS = {
    "FailoverIPOperatorAbsent",
    "FailoverIPNoLeader",
    "FailoverIPReplicaMissing",
}


@pytest.fixture(autouse=True)
def _promtool(pytestconfig: pytest.Config) -> None:
    need_programs(pytestconfig, ["promtool"], "prometheus")


def test_every_alert_fires_and_stays_silent_in_its_stories(tmp_path: Path) -> None:
    assert complaints(tmp_path, told_to_promtool(TOLD)) == ""


def test_every_alert_has_a_story_that_fires_and_one_that_does_not() -> None:
    for wanted in (True, False):
        told = {one.alert for one in TOLD if (one.labels is not None) is wanted}
        assert told == set(names())


def test_what_is_ordinary_wakes_nobody(tmp_path: Path) -> None:
    told = [
        silent(title, story, alert, at)
        for title, story in ORDINARY.items()
        for alert in names()
        for at in range(0, int(length(story)), 60)
    ]
    assert complaints(tmp_path, told_to_promtool(told)) == ""


def test_without_its_patience_every_alert_is_heard_in_a_story_that_should_be_silent(
    tmp_path: Path,
) -> None:
    """So each `for` is there for a reason, and the silent stories are near misses."""
    patient = {rule["alert"] for rule in alerts() if "for" in rule}
    hasty = [path.name for path in MADE]
    for plain in MADE:
        text = re.sub(r"^ +for: \w+\n", "", plain.read_text(), flags=re.MULTILINE)
        (tmp_path / plain.name).write_text(text)
    told = [one for one in TOLD if one.labels is None]
    failures = complaints(tmp_path, told_to_promtool(told), [tmp_path / name for name in hasty])
    assert set(re.findall(r"alertname: ?(\w+)", failures)) == patient


@pytest.mark.parametrize("through", [through_a_lost_scrape, through_a_hand_over])
def test_neither_a_lost_scrape_nor_a_change_of_leader_begins_the_waiting_anew(
    tmp_path: Path, through: Callable[[Story], Story]
) -> None:
    told = [
        fires(one.title, through(one.story), one.alert, one.at, one.labels)
        for one in TOLD
        if one.labels is not None and one.alert not in OF_THE_REPLICAS
    ]
    assert {one.alert for one in told} == set(names()) - OF_THE_REPLICAS
    assert complaints(tmp_path, told_to_promtool(told)) == ""


def length(story: Story) -> float:
    return sum(seconds for seconds, _ in story)
