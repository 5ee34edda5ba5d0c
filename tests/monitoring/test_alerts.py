"""Each alert fires when it should and stays silent when it should not, in `promtool test rules`."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import pytest
import yaml
from tests.monitoring.generated import MADE
from tests.monitoring.rules import Json, alerts, annotations_of, groups, names, severity_of
from tests.monitoring.series import STEP_SECONDS, Story, written
from tests.monitoring.stories import (
    ORDINARY,
    TOLD,
    Told,
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
    assert promtool(tmp_path, TOLD) == ""


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
    assert promtool(tmp_path, told) == ""


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
    failures = promtool(tmp_path, told, [tmp_path / name for name in hasty])
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
    assert promtool(tmp_path, told) == ""


def length(story: Story) -> float:
    return sum(seconds for seconds, _ in story)


def promtool(directory: Path, told: Iterable[Told], files: Sequence[Path] = ()) -> str:
    """What promtool complains about, empty when all is as told."""
    if not files:
        files = [directory / plain.name for plain in MADE]
        for plain, path in zip(MADE, files, strict=True):
            shutil.copyfile(plain, path)
    stories: dict[str, list[Told]] = {}
    for one in told:
        stories.setdefault(repr(one.story), []).append(one)
    document = {
        "rule_files": [path.name for path in files],
        "evaluation_interval": f"{STEP_SECONDS}s",
        "group_eval_order": [group["name"] for group in groups()],
        "tests": [promtool_test(of_story) for of_story in stories.values()],
    }
    path = directory / "stories.yml"
    path.write_text(yaml.safe_dump(document, width=10_000))
    done = subprocess.run(
        ["promtool", "test", "rules", path.name],
        cwd=directory,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    return "" if done.returncode == 0 else done.stdout + done.stderr


def promtool_test(told: Sequence[Told]) -> Json:
    """One test of promtool: a story, and what is told of it."""
    return {
        "name": ", ".join(sorted({one.title for one in told})),
        "interval": f"{STEP_SECONDS}s",
        "input_series": written(told[0].story),
        "alert_rule_test": [
            {"alertname": one.alert, "eval_time": f"{one.at:g}s", "exp_alerts": expected(one)}
            for one in told
        ],
    }


def expected(told: Told) -> list[Json]:
    """The alerts that promtool must see, with all their labels and annotations."""
    if told.labels is None:
        return []
    labels = {**told.labels, "severity": severity_of(told.alert)}
    return [{"exp_labels": labels, "exp_annotations": annotations_of(told.alert, labels)}]
