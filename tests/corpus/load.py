"""Cases out of the files of `stories/`: words with the line they stand in.

A file has `story` (a sentence), `base` (what all its cases begin with) and `cases`. A case has its
name under `case`, then what differs from the base, then one line `expect`, which `make corpus`
writes. A mapping is merged with that of the base, and this one's with `NOTHING_WRONG`; anything
else replaces it, and an empty word takes it away.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import yaml

STORIES = Path(__file__).parent / "stories"
Value: TypeAlias = "str | list[Value] | dict[str, Value]"


class CorpusError(ValueError):
    """`FILE:LINE: what is wrong`, for the person who wrote it."""


@dataclass(frozen=True)
class Said:
    """What stands behind one key of a case, and its line."""

    value: Value
    line: int


# Nodes a, b and c live and the address is at a.
NOTHING_WRONG = {
    "nodes": Said({"a": "healthy", "b": "healthy", "c": "healthy"}, 1),
    "route": Said({"203.0.113.10": "a"}, 1),
}


@dataclass(frozen=True)
class Case:
    """`expect_line` is where the expectation stands or should; `expected` its text, if any."""

    path: Path
    line: int
    name: str
    said: Mapping[str, Said]
    expected: str
    expect_line: int

    @property
    def place(self) -> str:
        """For messages: the file and the line."""
        return f"{self.path.name}:{self.line}"


def stories() -> list[Path]:
    """The files, in the order in which they are read."""
    return sorted(STORIES.glob("*.yaml"))


def load_all() -> list[Case]:
    """Every case of the corpus."""
    return [case for path in stories() for case in load(path)]


def load(path: Path) -> list[Case]:
    """The cases of one file. Raises CorpusError."""
    text = path.read_text(encoding="utf-8")
    try:
        root = yaml.compose(text, Loader=yaml.BaseLoader)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise CorpusError(f"{path.name}:{line}: {error.problem}") from error
    top = _entries(root, path)
    unknown = sorted(set(top) - {"story", "base", "cases"})
    if unknown or "cases" not in top:
        raise CorpusError(f"{path.name}:1: wants story, base and cases; has {', '.join(top)}")
    base = _over(NOTHING_WRONG, _said(top["base"], path) if "base" in top else {})
    listed = top["cases"]
    if not isinstance(listed, yaml.SequenceNode):
        raise CorpusError(f"{path.name}:{_line(listed)}: cases is a list")
    return [_case(node, path, base, text.splitlines()) for node in listed.value]


def _case(node: yaml.Node, path: Path, base: Mapping[str, Said], lines: list[str]) -> Case:
    entries = _entries(node, path)
    name = entries.pop("case", None)
    if name is None or not isinstance(name.value, str):
        raise CorpusError(f"{path.name}:{_line(node)}: the case has no name")
    expect = entries.pop("expect", None)
    said = _over(base, {key: Said(_value(n, path), _line(n)) for key, n in entries.items()})
    last = max(_last_line(item) for item in (name, *entries.values()))
    if expect is not None and (_line(expect) != _last_line(expect) or _line(expect) <= last):
        raise CorpusError(f"{path.name}:{_line(expect)}: expect is one line, the last of its case")
    return Case(
        path,
        _line(name),
        name.value,
        said,
        lines[_line(expect) - 1] if expect is not None else "",
        _line(expect) if expect is not None else last + 1,
    )


def _over(base: Mapping[str, Said], own: Mapping[str, Said]) -> dict[str, Said]:
    said = dict(base)
    for key, mine in own.items():
        under = base[key].value if key in base else None
        said[key] = Said(_merged(under, mine.value), mine.line)
    return said


def _merged(under: Value | None, over: Value) -> Value:
    if isinstance(under, dict) and isinstance(over, dict):
        return under | {key: _merged(under.get(key), value) for key, value in over.items()}
    return over


def _said(node: yaml.Node, path: Path) -> dict[str, Said]:
    entries = _entries(node, path)
    return {key: Said(_value(item, path), _line(item)) for key, item in entries.items()}


def _entries(node: yaml.Node | None, path: Path) -> dict[str, yaml.Node]:
    if not isinstance(node, yaml.MappingNode):
        raise CorpusError(f"{path.name}:{_line(node)}: a mapping is wanted here")
    found: dict[str, yaml.Node] = {}
    for key, value in node.value:
        if key.value in found:
            raise CorpusError(f"{path.name}:{_line(key)}: {key.value} stands here twice")
        found[key.value] = value
    return found


def _value(node: yaml.Node, path: Path) -> Value:
    if isinstance(node, yaml.SequenceNode):
        return [_value(item, path) for item in node.value]
    if isinstance(node, yaml.MappingNode):
        return {key: _value(item, path) for key, item in _entries(node, path).items()}
    return str(node.value)


def _line(node: yaml.Node | None) -> int:
    return 1 if node is None else int(node.start_mark.line) + 1


def _last_line(node: yaml.Node) -> int:
    """The end of a block is only known where the next one begins: so look at what it holds."""
    if not isinstance(node, yaml.CollectionNode) or node.flow_style:
        return int(node.end_mark.line) + 1
    parts = [part for pair in node.value for part in (pair if isinstance(pair, tuple) else (pair,))]
    return max(_last_line(part) for part in parts)
