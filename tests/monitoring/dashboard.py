"""The dashboard as values."""

from __future__ import annotations

import json
import re
from typing import Any

from tests.monitoring.generated import MONITORING

Json = dict[str, Any]
FILE = MONITORING / "dashboard.json"
# What Grafana puts in place of its variables when everything is chosen.
VARIABLES = {"$job": ".*", "$failoverip": ".*", "$__rate_interval": "1m"}


def dashboard() -> Json:
    """The whole document."""
    document: Json = json.loads(FILE.read_text(encoding="utf-8"))
    return document


def panels() -> list[Json]:
    """The panels that show something."""
    return [panel for panel in dashboard()["panels"] if panel["type"] != "row"]


def queries() -> dict[str, str]:
    """Every query as Prometheus gets it, by panel and letter, and those of the variables."""
    found = {
        f"{panel['title']} {target['refId']}": _filled(target["expr"])
        for panel in panels()
        for target in panel["targets"]
    }
    for variable in dashboard()["templating"]["list"]:
        if variable["type"] == "query":
            inner = re.fullmatch(r"label_values\((.+), \w+\)", variable["definition"])
            assert inner is not None
            found[f"${variable['name']}"] = _filled(inner[1])
    return found


def _filled(expression: str) -> str:
    for name, value in VARIABLES.items():
        expression = expression.replace(name, value)
    return expression
