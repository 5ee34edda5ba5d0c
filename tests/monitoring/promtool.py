"""Plays stories to `promtool test rules`."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterable, Sequence
from pathlib import Path

import yaml
from tests.monitoring.generated import MADE
from tests.monitoring.rules import Json, annotations_of, groups, severity_of
from tests.monitoring.series import STEP_SECONDS, written
from tests.monitoring.stories import Told


def complaints(directory: Path, tests: Sequence[Json], files: Sequence[Path] = ()) -> str:
    """What promtool finds wrong, empty when all is as told. `files`: other rules than ours."""
    if not files:
        files = [directory / plain.name for plain in MADE]
        for plain, path in zip(MADE, files, strict=True):
            shutil.copyfile(plain, path)
    document = {
        "rule_files": [path.name for path in files],
        "evaluation_interval": f"{STEP_SECONDS}s",
        "group_eval_order": [group["name"] for group in groups()],
        "tests": list(tests),
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


def told_to_promtool(told: Iterable[Told]) -> list[Json]:
    """One test of promtool for each story, with all that is told of it."""
    stories: dict[str, list[Told]] = {}
    for one in told:
        stories.setdefault(repr(one.story), []).append(one)
    return [
        {
            "name": ", ".join(sorted({one.title for one in same})),
            "interval": f"{STEP_SECONDS}s",
            "input_series": written(same[0].story),
            "alert_rule_test": [
                alert_test(one.alert, one.at, [] if one.labels is None else [one.labels])
                for one in same
            ],
        }
        for same in stories.values()
    ]


def alert_test(alert: str, at: float, expected: Sequence[dict[str, str]]) -> Json:
    """That the alert fires at that time with these sets of labels, and with no others."""
    every = [{**labels, "severity": severity_of(alert)} for labels in expected]
    alerts = [{"exp_labels": one, "exp_annotations": annotations_of(alert, one)} for one in every]
    return {"alertname": alert, "eval_time": f"{at:g}s", "exp_alerts": alerts}
