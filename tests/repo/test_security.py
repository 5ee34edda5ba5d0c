"""docs/security.md names tests, and they exist."""

from __future__ import annotations

import re

from tests.repo.files import CODE, ROOT

PAGE = (ROOT / "docs" / "security.md").read_text(encoding="utf-8")
# A test, or one of a class.
DEFINED = re.compile(r"^ *(?:async )?def (test_\w+)", re.MULTILINE)


def defined() -> set[str]:
    """The names of all tests."""
    files = (ROOT / "tests").rglob("*.py")
    return {name for path in files for name in DEFINED.findall(path.read_text(encoding="utf-8"))}


def test_every_test_that_the_threat_model_names_exists() -> None:
    told = {word for word in CODE.findall(PAGE) if word.startswith("test_")}
    assert told
    assert told - defined() == set()


def test_every_measure_of_the_threat_model_names_a_test() -> None:
    tables = re.findall(r"\| Measure \| Shown by \|\n\|---\|---\|\n((?:\|.*\n)+)", PAGE)
    rows = [row for table in tables for row in table.splitlines()]
    assert rows
    assert [row for row in rows if "`test_" not in row.split(" | ")[-1]] == []
