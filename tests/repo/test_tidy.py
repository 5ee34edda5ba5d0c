"""The rules of CONTRIBUTING.md that no linter knows."""

from __future__ import annotations

import ast

from tests.repo.files import PACKAGE, module_name, modules, named, syntax, texts

MAX_LINES_OF_A_MODULE = 400
MAX_LINES_OF_A_FUNCTION = 70
# Put together here, so that this file does not hold them.
PACKAGE_HOSTS = tuple(
    ".".join(parts)
    for parts in (
        ("pypi", "org"),
        ("pypi", "python", "org"),
        ("pythonhosted", "org"),
        ("proxy", "golang", "org"),
        ("sum", "golang", "org"),
        ("registry", "npmjs"),
        ("crates", "io"),
    )
)
# They need a package that the rest of theirs must not import (see the packages' docstrings).
TRANSPORTS = {"failoverip.robot.client", "failoverip.robot.blocking"}


def test_every_module_is_short() -> None:
    lines = {named(path): path.read_text(encoding="utf-8").count("\n") for path in modules()}
    assert {name: n for name, n in lines.items() if n > MAX_LINES_OF_A_MODULE} == {}


def test_every_function_is_short() -> None:
    lines = {
        f"{named(path)}:{node.name}": (node.end_lineno or 0) - node.lineno + 1
        for path in modules()
        for node in ast.walk(syntax(path))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }
    assert {name: n for name, n in lines.items() if n > MAX_LINES_OF_A_FUNCTION} == {}


def test_every_module_and_package_says_its_job() -> None:
    assert [named(path) for path in modules() if not ast.get_docstring(syntax(path))] == []


def test_every_folder_with_code_is_a_package() -> None:
    folders = {path.parent for path in modules()}
    assert [named(folder) for folder in folders if not (folder / "__init__.py").exists()] == []


def test_what_one_package_takes_of_another_stands_in_its_init() -> None:
    hidden = [
        f"{named(path)}: {name} of {taken.module}"
        for path in modules()
        for taken in ast.walk(syntax(path))
        if isinstance(taken, ast.ImportFrom) and _is_foreign(module_name(path), taken.module)
        for name in sorted({alias.name for alias in taken.names} - _public(taken.module or ""))
    ]
    assert hidden == []


def test_no_module_takes_a_private_name_of_another() -> None:
    private = [
        f"{named(path)}: {alias.name} of {node.module}"
        for path in modules()
        for node in ast.walk(syntax(path))
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
        if alias.name.startswith("_") and not alias.name.endswith("__")
    ]
    assert private == []


def test_no_file_names_a_host_of_a_package_registry() -> None:
    found = [named(path) for path, text in texts() if any(host in text for host in PACKAGE_HOSTS)]
    assert found == []


def _is_foreign(module: str, taken: str | None) -> bool:
    """Whether `taken` belongs to another package of ours that lists its public names."""
    if not taken or not taken.startswith("failoverip.") or taken in TRANSPORTS:
        return False
    return _package(taken) != _package(module) and bool(_exported(_package(taken)))


def _package(module: str) -> str:
    """`failoverip.kube` of `failoverip.kube.codec.lease`."""
    return ".".join(module.split(".")[:2])


def _public(module: str) -> set[str]:
    """The public names of the package that this module is in, and of the package that it is."""
    return _exported(_package(module)) | _exported(module)


def _exported(package: str) -> set[str]:
    """What a package's `__init__` imports for others; empty for a module."""
    init = PACKAGE.parent.joinpath(*package.split("."), "__init__.py")
    if not init.exists():
        return set()
    imports = [node for node in syntax(init).body if isinstance(node, ast.ImportFrom)]
    return {alias.asname or alias.name for node in imports for alias in node.names}
