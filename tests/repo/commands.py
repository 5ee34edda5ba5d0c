"""The shell commands that the pages show, and the mark on each block that says what runs it.

A block's info string holds one of these after the language, as in ```` ```sh run=cluster ````; the
renderers show none of it. A block of YAML with `run` is applied.

    run=KIND             every block of that kind is run by its runner, in the order of the page
    by=FILE              that file (or FILE::TEST) runs the same commands
    untested="REASON"    nothing can run it here, and why

`until="WORDS"` beside `run` belongs to a command that does not end: the next block begins once it
has printed these words.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from tests.repo.files import ROOT, named, pages

SHELLS = ("sh", "bash", "shell", "console")
MARKS = ("run", "by", "untested", "until")
# What runs the blocks of a kind. A new kind needs a runner that calls `blocks("KIND")`.
RUNNERS = {
    "make": "tests/repo/test_make_targets.py",
    "netns": "tests/docs/test_in_a_network_namespace.py",
    "pacemaker": "tests/pacemaker/test_pages.py",
    "pacemaker-crm": "tests/pacemaker/test_pages.py",
    "pacemaker-2011": "tests/pacemaker/test_pages.py",
    "venv": "tests/docs/test_in_a_venv.py",
    "new-cluster": "tests/docs/test_on_a_cluster.py",
    "cluster": "tests/docs/test_on_a_cluster.py",
    "operations": "tests/docs/test_operations.py",
}

_BLOCK = re.compile(
    r"^(?P<indent> *)```(?P<info>[^`\n]*)\n(?P<body>.*?)^ *```$", re.MULTILINE | re.DOTALL
)


@dataclass(frozen=True)
class Block:
    """One fenced block: `marks` by key, and the heading that it stands under."""

    page: Path
    line: int
    section: str
    language: str
    marks: dict[str, str]
    text: str

    def __str__(self) -> str:
        return f"{named(self.page)}:{self.line}"

    @property
    def is_shell(self) -> bool:
        """Whether a person is to type it."""
        return self.language in SHELLS


@cache
def fenced(page: Path) -> list[Block]:
    """Every fenced block of a page."""
    text = page.read_text(encoding="utf-8")
    return [_block(page, text, found) for found in _BLOCK.finditer(text)]


def shown(page: Path) -> list[Block]:
    """The blocks of a page that hold shell commands, or something that is run all the same."""
    return [block for block in fenced(page) if block.is_shell or "run" in block.marks]


def blocks(kind: str, among: Sequence[Path] = ()) -> list[Block]:
    """All blocks with `run=kind`, page by page."""
    found = [block for page in among or pages() for block in shown(page)]
    return [block for block in found if block.marks.get("run") == kind]


def pages_with(kind: str) -> list[Path]:
    """The pages that have such blocks."""
    return sorted({block.page for block in blocks(kind)})


def _block(page: Path, text: str, found: re.Match[str]) -> Block:
    before = text[: found.start()]
    headings = re.findall(r"^#+ (.+)$", _BLOCK.sub("", before), re.MULTILINE)
    language, *words = shlex.split(found["info"]) or [""]
    marks = {key: value for key, _, value in (word.partition("=") for word in words)}
    body = "".join(
        line.removeprefix(found["indent"]) for line in found["body"].splitlines(keepends=True)
    )
    return Block(
        page, before.count("\n") + 1, headings[-1] if headings else "", language, marks, body
    )


def missing(reference: str) -> str:
    """What a `by=` names and does not exist; empty when all of it does."""
    path, _, test = reference.partition("::")
    if not (ROOT / path).exists():
        return path
    if test and f"def {test}(" not in (ROOT / path).read_text(encoding="utf-8"):
        return reference
    return ""
