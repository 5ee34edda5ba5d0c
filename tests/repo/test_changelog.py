"""CHANGELOG.md keeps the form of Keep a Changelog."""

from __future__ import annotations

import re

from tests.repo.files import ROOT

KINDS = {"Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"}
LINES = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8").splitlines()


def headings(mark: str) -> list[str]:
    return [line.removeprefix(mark) for line in LINES if line.startswith(mark)]


def test_the_changelog_begins_with_what_is_not_released_yet() -> None:
    assert LINES[0] == "# Changelog"
    assert headings("## ")[0] == "[Unreleased]"


def test_every_release_of_the_changelog_has_a_version_and_a_date() -> None:
    form = re.compile(r"\[\d+\.\d+\.\d+\] - \d{4}-\d{2}-\d{2}")
    assert [text for text in headings("## ")[1:] if not form.fullmatch(text)] == []


def test_the_changelog_sorts_changes_by_kind() -> None:
    assert set(headings("### ")) <= KINDS
    assert headings("### ")


def test_every_change_of_the_changelog_is_an_item() -> None:
    below = "\n".join(LINES).partition("## [Unreleased]")[2].splitlines()
    odd = [line for line in below if line and not line.startswith(("## ", "### ", "* ", "  "))]
    assert odd == []
