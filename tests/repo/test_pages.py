"""The Markdown pages: links lead somewhere, commands exist, lines are short."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from tests.repo.files import CODE, ROOT, named, pages, prose

MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
TARGETS = set(re.findall(r"^([a-z0-9-]+):", MAKEFILE, re.MULTILINE))
LINK = re.compile(r"\[[^\]]*\]\((?P<target>[^)\s]+)\)")


def anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as the usual renderers make them."""
    headings = re.findall(r"^#+ (.+)$", prose(page), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", text.lower()).replace(" ", "-") for text in headings}


@pytest.mark.parametrize("page", pages(), ids=named)
def test_every_link_to_a_file_leads_somewhere(page: Path) -> None:
    for found in LINK.finditer(CODE.sub("", prose(page))):
        path, _, anchor = found["target"].partition("#")
        if re.match(r"[a-z]+:", path):
            continue
        target = page.parent / path if path else page
        assert target.exists(), f"{named(page)} links to {path}"
        assert not anchor or anchor in anchors(target), f"{named(page)} links to {found['target']}"


@pytest.mark.parametrize("page", pages(), ids=named)
def test_lines_of_prose_have_at_most_120_characters(page: Path) -> None:
    lines = page.read_text(encoding="utf-8").splitlines()
    assert [line for line in lines if len(line) > 120 and not line.startswith("|")] == []


@pytest.mark.parametrize("page", pages(), ids=named)
def test_every_make_target_that_a_page_names_exists(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert set(re.findall(r"(?:`|^)make ([a-z0-9-]+)", text, re.MULTILINE)) <= TARGETS


@pytest.mark.parametrize("page", pages(), ids=named)
def test_every_path_of_the_repository_that_a_page_names_exists(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    paths = re.findall(r"(?<![\w./-])(?:controller|docs|manifests|tests)/[\w./-]*\w", text)
    assert [path for path in paths if not (ROOT / path).exists()] == []


def test_the_readme_tells_the_two_commands() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert {"demo", "test"} <= set(re.findall(r"^make ([a-z0-9-]+)", text, re.MULTILINE))
