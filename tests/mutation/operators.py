"""What may be changed at one node of a syntax tree."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass

COMPARISONS: Mapping[type[ast.cmpop], tuple[type[ast.cmpop], ...]] = {
    ast.Lt: (ast.LtE, ast.GtE),
    ast.LtE: (ast.Lt, ast.Gt),
    ast.Gt: (ast.GtE, ast.LtE),
    ast.GtE: (ast.Gt, ast.Lt),
    ast.Eq: (ast.NotEq,),
    ast.NotEq: (ast.Eq,),
    ast.Is: (ast.IsNot,),
    ast.IsNot: (ast.Is,),
    ast.In: (ast.NotIn,),
    ast.NotIn: (ast.In,),
}
ARITHMETIC: Mapping[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Div,
    ast.Div: ast.Mult,
    ast.Pow: ast.Mult,
}
FUNCTIONS = {"min": "max", "max": "min", "any": "all", "all": "any", "sorted": "list"}
FUNCTIONS |= {"floor": "ceil", "ceil": "floor"}


@dataclass(frozen=True)
class Change:
    """Another node in the place of one, and how a person would say it."""

    text: str
    node: ast.AST


def changes(node: ast.AST, parent: ast.AST) -> Iterator[Change]:
    """Everything that may stand in the place of the node."""
    match node:
        case ast.Compare():
            yield from _compare(node)
        case ast.BoolOp():
            yield from _bool(node)
        case ast.UnaryOp(op=ast.Not() | ast.USub(), operand=operand):
            yield _instead(node, operand)
        case ast.BinOp():
            yield from _binary(node)
        case ast.Constant():
            yield from _constant(node, parent)
        case ast.Call():
            yield from _call(node)
        case ast.Set() | ast.List() | ast.Tuple() | ast.Dict():
            yield from _elements(node)
        case ast.comprehension():
            yield from _filters(node)
        case ast.If() | ast.IfExp() | ast.While():
            yield from _condition(node)
        case ast.stmt():
            yield from _statement(node)


def _compare(node: ast.Compare) -> Iterator[Change]:
    for index, op in enumerate(node.ops):
        for other in COMPARISONS[type(op)]:
            new = deepcopy(node)
            new.ops[index] = other()
            yield _instead(node, new)


def _bool(node: ast.BoolOp) -> Iterator[Change]:
    other = ast.Or() if isinstance(node.op, ast.And) else ast.And()
    yield _instead(node, ast.BoolOp(other, node.values))
    for index, value in enumerate(node.values):
        rest = node.values[:index] + node.values[index + 1 :]
        new = rest[0] if len(rest) == 1 else ast.BoolOp(node.op, rest)
        yield Change(f"{_short(node)} without {ast.unparse(value)}", new)


def _binary(node: ast.BinOp) -> Iterator[Change]:
    other = ARITHMETIC.get(type(node.op))
    if other is not None:
        yield _instead(node, ast.BinOp(node.left, other(), node.right))
    if isinstance(node.op, ast.BitOr):
        yield _instead(node, node.left)
        yield _instead(node, node.right)


def _constant(node: ast.Constant, parent: ast.AST) -> Iterator[Change]:
    value = node.value
    around = f" in {parent.arg}=" if isinstance(parent, ast.keyword) else f" in {_short(parent)}"
    others: list[int | float | str] = []
    if isinstance(value, bool):
        others = [not value]
    elif isinstance(value, int | float):
        others = [value + 1, value - 1]
    elif value == "-inf":
        others = ["inf"]
    for other in others:
        yield Change(f"{value!r} -> {other!r}{around}", ast.Constant(other))


def _call(node: ast.Call) -> Iterator[Change]:
    name = _name(node.func)
    if name in FUNCTIONS:
        new = deepcopy(node)
        if isinstance(new.func, ast.Attribute):
            new.func.attr = FUNCTIONS[name]
        else:
            new.func = ast.Name(FUNCTIONS[name], ast.Load())
        if name == "sorted":
            new.keywords = []
        yield _instead(node, new)
    for index, keyword in enumerate(node.keywords):
        if keyword.arg is not None:
            new = deepcopy(node)
            del new.keywords[index]
            yield Change(f"{name}() without {keyword.arg}={_short(keyword.value)}", new)


def _name(func: ast.expr) -> str:
    match func:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
    return ""


def _elements(node: ast.Set | ast.List | ast.Tuple | ast.Dict) -> Iterator[Change]:
    if isinstance(node, ast.Dict):
        for index, key in enumerate(node.keys):
            new = deepcopy(node)
            del new.keys[index], new.values[index]
            gone = ast.unparse(key) if key is not None else f"**{ast.unparse(node.values[index])}"
            yield Change(f"a table without {gone}", new)
        return
    if not isinstance(getattr(node, "ctx", ast.Load()), ast.Load):
        return
    for index, item in enumerate(node.elts):
        rest = deepcopy(node)
        del rest.elts[index]
        yield Change(f"{_short(node)} without {_short(item)}", rest)


def _filters(node: ast.comprehension) -> Iterator[Change]:
    for index, test in enumerate(node.ifs):
        new = deepcopy(node)
        del new.ifs[index]
        yield Change(f"all for {ast.unparse(node.target)}, without if {ast.unparse(test)}", new)


def _condition(node: ast.If | ast.IfExp | ast.While) -> Iterator[Change]:
    for forced in (True, False):
        if isinstance(node, ast.While) and forced:
            continue
        new = deepcopy(node)
        new.test = ast.Constant(forced)
        yield Change(f"if {ast.unparse(node.test)} -> if {forced}", new)


def _statement(node: ast.stmt) -> Iterator[Change]:
    match node:
        case ast.Return(value=ast.Constant(value=None | False)) | ast.Return(value=None):
            return
        case ast.Return(value=ast.expr() as value):
            yield Change(f"return {_short(value)} -> return None", ast.Return(ast.Constant(None)))
        case ast.Expr(value=ast.Constant()):
            return
        case ast.Expr() | ast.Raise() | ast.AugAssign() | ast.Delete() | ast.Continue():
            yield Change(f"without {_short(node)}", ast.Pass())
        case ast.Assign(targets=[ast.Subscript() | ast.Attribute()]):
            yield Change(f"without {_short(node)}", ast.Pass())


def _instead(node: ast.AST, new: ast.AST) -> Change:
    return Change(f"{ast.unparse(node)} -> {ast.unparse(new)}", new)


def _short(node: ast.AST) -> str:
    """At most 60 characters of the code."""
    text = " ".join(ast.unparse(node).split())
    return text if len(text) <= 60 else f"{text[:57]}..."
