"""Small faults that somebody might make in a module: each a `Mutant` of its syntax tree.

What changes: comparisons, `and` and `or`, `not`, arithmetic, numbers, True and False, the condition
of an `if`, `min` and `max`, `any` and `all`, `sorted`; and what is left out: an operand, a filter,
a statement, a value that is returned, an element of a table, a keyword argument.
Words, annotations, decorators and what stands in an f-string stay: no decision depends on them.
"""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Callable, Iterator
from copy import deepcopy
from dataclasses import dataclass, field, replace
from pathlib import Path

from tests.mutation.operators import Change, changes

# The types of a module, not its behaviour.
NO_BEHAVIOUR = {"annotation", "returns", "decorator_list", "type_params"}


@dataclass(frozen=True)
class Mutant:
    """`apply` changes the tree that all mutants of a module share: call it in a forked process.

    `number` counts equal changes of one function, from 1.
    """

    module: str
    function: str
    change: str
    number: int
    line: int
    apply: Callable[[], None] = field(compare=False, repr=False)

    @property
    def key(self) -> tuple[str, str, str, int]:
        """What names it as long as the code around it stays."""
        return self.module, self.function, self.change, self.number

    def __str__(self) -> str:
        number = f" #{self.number}" if self.number > 1 else ""
        return f"{self.module}:{self.line} {self.function}: {self.change}{number}"


@dataclass(frozen=True)
class Source:
    """A module with its mutants, all on one tree."""

    name: str
    path: Path
    tree: ast.Module
    mutants: tuple[Mutant, ...]


def read(path: Path) -> Source:
    """The module of this file and each of its mutants."""
    return parse(path.stem, path.read_text(encoding="utf-8"), path)


def parse(name: str, text: str, path: Path = Path("given")) -> Source:
    """The same of a text."""
    tree = ast.parse(text)
    seen: Counter[tuple[str, str]] = Counter()
    mutants = []
    for mutant in _below(tree, name, ""):
        seen[mutant.function, mutant.change] += 1
        mutants.append(replace(mutant, number=seen[mutant.function, mutant.change]))
    return Source(name, path, tree, tuple(mutants))


def _below(node: ast.AST, module: str, function: str) -> Iterator[Mutant]:
    """The mutants of everything that the node holds."""
    for name, value in ast.iter_fields(node):
        if name in NO_BEHAVIOUR:
            continue
        if isinstance(value, list):
            for index, item in enumerate(value):
                if isinstance(item, ast.AST):
                    put = _into_list(value, index)
                    yield from _at(item, node, put, module, function)
        elif isinstance(value, ast.AST):
            yield from _at(value, node, _into_field(node, name), module, function)


def _at(
    node: ast.AST, parent: ast.AST, put: Callable[[ast.AST], None], module: str, function: str
) -> Iterator[Mutant]:
    if isinstance(node, ast.JoinedStr) or _is_type(node, parent):
        return
    for change in changes(node, parent):
        line = getattr(node, "lineno", getattr(parent, "lineno", 0))
        yield Mutant(module, function, change.text, 1, line, _putting(put, node, change))
    inner = function
    if isinstance(node, ast.FunctionDef | ast.ClassDef):
        inner = f"{function}.{node.name}" if function else node.name
    yield from _below(node, module, inner)


def _is_type(node: ast.AST, parent: ast.AST) -> bool:
    """The value of an alias such as `Check = Callable[...]`."""
    alias = isinstance(parent, ast.Assign) and isinstance(node, ast.Subscript)
    return alias and isinstance(node, ast.Subscript) and isinstance(node.value, ast.Name)


def _putting(put: Callable[[ast.AST], None], node: ast.AST, change: Change) -> Callable[[], None]:
    def apply() -> None:
        new = ast.copy_location(deepcopy(change.node), node)
        put(ast.fix_missing_locations(new))

    return apply


def _into_list(items: list[ast.AST], index: int) -> Callable[[ast.AST], None]:
    def put(new: ast.AST) -> None:
        items[index] = new

    return put


def _into_field(node: ast.AST, name: str) -> Callable[[ast.AST], None]:
    def put(new: ast.AST) -> None:
        setattr(node, name, new)

    return put
