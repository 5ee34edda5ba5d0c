"""docs/architecture.md ends in a table of components and their files, and it is right."""

from __future__ import annotations

import re
from pathlib import Path

from tests.repo.files import CODE, PACKAGE, ROOT, modules, named

TEXT = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")


def rows() -> set[Path]:
    """What the table names; a folder stands for all that is in it."""
    section = TEXT.partition("## Component to file")[2]
    cells = re.findall(r"^\| .+ \| (.+) \|$", section, re.MULTILINE)
    names = CODE.findall("\n".join(cells))
    outside = ("manifests/", "ocf-compat/", "tests/")
    return {(ROOT if name.startswith(outside) else PACKAGE) / name for name in names}


def test_the_page_ends_in_the_table() -> None:
    assert rows()
    assert TEXT.rstrip().endswith("|")


def test_every_file_of_the_table_exists() -> None:
    assert [named(path) for path in sorted(rows()) if not path.exists()] == []


def test_the_table_covers_every_module() -> None:
    known = rows()
    assert [named(path) for path in modules() if not known & {path, *path.parents}] == []
