"""The manual pages say what the programs do."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest
from tests.ocf.man_pages import AGENTS, MAN, page, path
from tests.support.machine import need_programs

from failoverip_ocf.helper import parser

HELPER = MAN / "hetzner-failover-ip.8"


@pytest.mark.parametrize("agent", AGENTS)
def test_the_page_of_an_agent_is_that_of_its_meta_data(agent: str) -> None:
    """Else run `python -m tests.ocf.man_pages`."""
    assert path(agent).read_text(encoding="utf-8") == page(agent)


def test_the_page_of_the_helper_has_its_options() -> None:
    text = HELPER.read_text(encoding="utf-8").replace("\\-", "-")
    told = set(re.findall(r"^\.BI? (-[-a-z]+)", text, re.MULTILINE))
    options = {text for text in parser().format_help().split() if re.fullmatch(r"--?[a-z-]+", text)}
    assert told == options - {"-h", "--help"}


@pytest.mark.parametrize("file", sorted(MAN.glob("*.[78]")), ids=lambda file: file.name)
def test_the_pages_are_clean(pytestconfig: pytest.Config, file: Path) -> None:
    need_programs(pytestconfig, ["man"], "man-db")
    shown = subprocess.run(
        ["man", "--warnings", "-l", str(file)],
        env={"PATH": "/usr/bin:/bin", "MANROFFOPT": "-ww", "LC_ALL": "C.UTF-8", "MANWIDTH": "100"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert shown.stderr == ""
