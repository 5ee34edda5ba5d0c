"""The timeline on a terminal and off it, and the table of the resource."""

from __future__ import annotations

import datetime as dt
import io
from typing import Any

import pytest
import yaml
from tests.e2e.installed_crd import CRD_FILE

from failoverip.simulator.demo.screen import Screen
from failoverip.simulator.demo.table import HEADERS, row, table
from failoverip.simulator.demo.timeline import Timeline, bar


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


def told(stream: io.StringIO, environ: dict[str, str]) -> str:
    """What a short story with a live line prints."""
    screen = Screen(stream, environ)
    timeline = Timeline(screen)
    timeline.begin(100.0)
    timeline.act("one", "1. It begins")
    timeline.step("apply", "a thing", 100.5)
    screen.live("  waiting ... 1.0 s")
    timeline.step("Ready", "it is", 102.0)
    return stream.getvalue()


PLAIN = """
1. It begins
   0.50 s   +0.50 s  apply       a thing
   2.00 s   +1.50 s  Ready       it is
"""


def test_off_a_terminal_the_timeline_is_plain_lines() -> None:
    assert told(io.StringIO(), {}) == PLAIN


def test_a_terminal_shows_what_goes_on_and_takes_it_away_again() -> None:
    shown = told(Terminal(), {"NO_COLOR": "1"})
    assert shown.replace("\r\x1b[K  waiting ... 1.0 s\r\x1b[K", "") == PLAIN
    assert shown != PLAIN


@pytest.mark.parametrize(
    ("environ", "coloured"),
    [({}, True), ({"NO_COLOR": ""}, True), ({"NO_COLOR": "1"}, False), ({"TERM": "dumb"}, False)],
)
def test_colours_are_for_terminals_without_no_color(
    environ: dict[str, str], coloured: bool
) -> None:
    assert ("\x1b[1m" in told(Terminal(), environ)) is coloured


def test_a_dumb_terminal_gets_plain_lines() -> None:
    assert told(Terminal(), {"TERM": "dumb"}) == PLAIN


def test_a_step_is_never_earlier_than_the_one_before_it() -> None:
    """Times of two watches, or of a watch and the journal, may be crossed by milliseconds."""
    timeline = Timeline(Screen(io.StringIO(), {}))
    timeline.begin(100.0)
    timeline.step("intent", "seen late", 101.0)
    timeline.step("POST", "in the journal", 100.9)
    assert [step.took_seconds for step in timeline.steps] == [1.0, 0.0]


@pytest.mark.parametrize(("passed", "full"), [(0.0, 0), (2.5, 12), (5.0, 24), (9.0, 24), (-1.0, 0)])
def test_the_bar_is_full_when_the_time_has_passed_and_never_longer(
    passed: float, full: int
) -> None:
    shown = bar("Robot switches", passed, 5.0)
    assert f"[{'#' * full}{'.' * (24 - full)}]" in shown


def test_the_table_has_the_columns_that_kubectl_shows() -> None:
    (version,) = yaml.safe_load(CRD_FILE.read_text())["spec"]["versions"]
    columns = [c["name"] for c in version["additionalPrinterColumns"] if not c.get("priority")]
    assert ("NAME", *(name.upper() for name in columns)) == HEADERS


NOW = dt.datetime(2026, 1, 1, 12, 3, 20, tzinfo=dt.UTC)
RESOURCE: dict[str, Any] = {
    "metadata": {"name": "web", "creationTimestamp": "2026-01-01T12:00:00Z"},
    "spec": {"addresses": ["203.0.113.10"], "mode": "Active"},
}


def test_a_resource_without_a_status_has_empty_cells() -> None:
    assert row(RESOURCE, NOW) == (
        *("web", '["203.0.113.10"]', "", "", "<unknown>", "", "Active", "3m20s"),
    )


def test_a_resource_is_a_row_below_the_headers() -> None:
    ready = {
        "type": "Ready",
        "status": "True",
        "reason": "OnHealthyNode",
        "lastTransitionTime": "2026-01-01T12:03:08Z",
    }
    status = {"activeNode": "node-a", "conditions": [ready]}
    assert table(row({**RESOURCE, "status": status}, NOW)) == [
        "NAME   ADDRESSES          NODE     READY   SINCE   REASON          MODE     AGE",
        'web    ["203.0.113.10"]   node-a   True    12s     OnHealthyNode   Active   3m20s',
    ]
