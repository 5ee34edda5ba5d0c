"""The rules files as values."""

from __future__ import annotations

import re
from typing import Any

import yaml
from tests.monitoring.generated import MADE

Json = dict[str, Any]


def groups() -> list[Json]:
    """The groups of all plain files."""
    return [group for plain in MADE for group in yaml.safe_load(plain.read_text())["groups"]]


def alerts() -> list[Json]:
    """All alerts."""
    return [rule for group in groups() for rule in group["rules"] if "alert" in rule]


def records() -> list[Json]:
    """All recording rules."""
    return [rule for group in groups() for rule in group["rules"] if "record" in rule]


def names() -> list[str]:
    """The names of all alerts."""
    return [rule["alert"] for rule in alerts()]


def annotations_of(alert: str, labels: Json) -> Json:
    """What Prometheus makes of an alert's annotations with these labels."""
    (rule,) = (rule for rule in alerts() if rule["alert"] == alert)
    return {
        key: re.sub(r"{{ \$labels\.(\w+) }}", lambda found: labels.get(found[1], ""), text)
        for key, text in rule["annotations"].items()
    }


def severity_of(alert: str) -> str:
    """An alert's label."""
    (rule,) = (rule for rule in alerts() if rule["alert"] == alert)
    severity: str = rule["labels"]["severity"]
    return severity
