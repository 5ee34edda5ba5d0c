"""The files of this repository, as its tests look at them."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

# What a page sets in code type.
CODE = re.compile(r"`([^`\n]+)`")
ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "controller" / "failoverip"
AGENTS = ROOT / "ocf-compat" / "failoverip_ocf"
# What the make targets and tools leave behind, and what belongs to git.
_MADE = re.compile(
    r"\.git|\.venv|\.bench|\..*_cache|\.hypothesis|__pycache__|build|dist|.*\.egg-info"
)


def texts() -> Iterator[tuple[Path, str]]:
    """Every text file of the checkout with its content."""
    for path in _files(ROOT):
        try:
            yield path, path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue


def _files(directory: Path) -> Iterator[Path]:
    for path in sorted(directory.iterdir()):
        if _MADE.fullmatch(path.name):
            continue
        if path.is_dir():
            yield from _files(path)
        elif path.is_file():
            yield path


def pages() -> list[Path]:
    """The Markdown pages."""
    return [path for path in _files(ROOT) if path.suffix == ".md"]


def prose(page: Path) -> str:
    """A page without its code blocks."""
    text = page.read_text(encoding="utf-8")
    return re.sub(r"^```.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL)


def modules() -> list[Path]:
    """The Python files of the product."""
    return [path for top in (PACKAGE, AGENTS) for path in _files(top) if path.suffix == ".py"]


def named(path: Path) -> str:
    """A path as the docs write it."""
    return path.relative_to(ROOT).as_posix()


def module_name(path: Path) -> str:
    """`failoverip.core.decide` of its file."""
    top = AGENTS if path.is_relative_to(AGENTS) else PACKAGE
    return ".".join(path.relative_to(top.parent).with_suffix("").parts)


def syntax(path: Path) -> ast.Module:
    """A Python file, parsed."""
    return ast.parse(path.read_text(encoding="utf-8"))
