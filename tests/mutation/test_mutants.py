"""Which faults are made, and that each is what a person would make by hand."""

from __future__ import annotations

import ast
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from tests.mutation.__main__ import CORE, STAGES, Score, complaints
from tests.mutation.listed import listed
from tests.mutation.mutants import Mutant, parse, read
from tests.mutation.running import Result

ROOT = CORE.parents[2]


def made(text: str) -> list[str]:
    """The text with each change, on one line each."""
    found = []
    for index in range(len(parse("m", text).mutants)):
        source = parse("m", text)
        source.mutants[index].apply()
        found.append(ast.unparse(source.tree))
    return found


@pytest.mark.parametrize(
    ("text", "changed"),
    [
        ("a < b", {"a <= b", "a >= b"}),
        ("a is not b", {"a is b"}),
        ("a in b", {"a not in b"}),
        ("a and b", {"a or b", "a", "b"}),
        ("not a", {"a"}),
        ("a - b", {"a + b"}),
        ("x = 5", {"x = 6", "x = 4"}),
        ("x = True", {"x = False"}),
        ("max(a)", {"min(a)"}),
        ("all(a)", {"any(a)"}),
        ("sorted(a, key=k)", {"list(a)", "sorted(a)"}),
        ("f(a, b=c)", {"f(a)"}),
        ("x = {a, b}", {"x = {a}", "x = {b}"}),
        ("x = {a: b}", {"x = {}"}),
        ("x = [a for a in b if c]", {"x = [a for a in b]"}),
    ],
)
def test_an_expression_is_changed_in_each_way(text: str, changed: set[str]) -> None:
    assert changed <= set(made(text))


@pytest.mark.parametrize(
    ("body", "changed"),
    [
        ("if a:\n        return b", "if True:\n        return b"),
        ("if a:\n        return b", "if False:\n        return b"),
        ("if a:\n        return b", "if a:\n        return None"),
        ("raise a", "pass"),
        ("del a[0]", "pass"),
        ("a[0] = b", "pass"),
    ],
)
def test_a_statement_is_left_out_or_decided(body: str, changed: str) -> None:
    assert f"def f():\n    {changed}" in made(f"def f():\n    {body}")


@pytest.mark.parametrize(
    "text",
    [
        "'a word'",
        "x = f'{a + 1} words'",
        "def f(a: int | None) -> int | None:\n    ...",
        "Alias = Callable[[int], int]",
        "@decorator(frozen=True)\nclass A:\n    ...",
    ],
)
def test_words_and_types_stay(text: str) -> None:
    assert parse("m", text).mutants == ()


def test_equal_changes_of_one_function_are_numbered() -> None:
    first, second = parse("m", "def f():\n    not a\n    not a").mutants[1::2]
    assert (first.function, first.number, second.number) == ("f", 1, 2)


def test_a_change_is_named_without_its_line() -> None:
    """Else the list of the equivalent ones would be wrong after each edit above them."""
    text = "class A:\n    def f(self):\n        return self.a < 5"
    here = {mutant.key for mutant in parse("m", text).mutants}
    assert here == {mutant.key for mutant in parse("m", f"import a\n\n{text}").mutants}
    assert ("m", "A.f", "self.a < 5 -> self.a <= 5", 1) in here


@pytest.mark.parametrize("module", STAGES)
def test_each_module_can_be_changed_and_each_change_compiles(module: str) -> None:
    mutants: tuple[Mutant, ...] = read(CORE / f"{module}.py").mutants
    assert len(mutants) > 30
    assert len({mutant.key for mutant in mutants}) == len(mutants)
    for index in range(0, len(mutants), 100):
        source = read(CORE / f"{module}.py")
        source.mutants[index].apply()
        compile(source.tree, module, "exec")


IN_ORDER = """
import sys
from tests.mutation.__main__ import STAGES, make_ready
from tests.mutation.killing import PACKAGE, prepare

prepare(list(STAGES.values()))
for name, stage in STAGES.items():
    make_ready(name, stage)
    if f"{PACKAGE}.{name}" in sys.modules:
        sys.exit(f"{name} was imported before it was changed")
"""


def test_no_module_is_imported_before_it_is_changed() -> None:
    """Regression: a run of several ended with an error where memory did not come first."""
    run = subprocess.run(
        [sys.executable, "-c", IN_ORDER], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert (run.returncode, run.stderr) == (0, "")


def test_each_listed_mutant_is_one_of_the_code_of_today() -> None:
    known = {mutant.key for name in STAGES for mutant in read(CORE / f"{name}.py").mutants}
    assert [key for key in listed() if key not in known] == []


def scored(killed: int, survived: int, known: int = 0) -> Score:
    """Of a module of so many mutants; the first `known` survivors are listed."""
    mutants = parse("m", "\n".join(["not a"] * (killed + survived))).mutants[: killed + survived]
    results = [Result(mutant, "tests") for mutant in mutants[:killed]]
    results += [Result(mutant, "") for mutant in mutants[killed:]]
    return Score("m", results, {mutant.key for mutant in mutants[killed : killed + known]})


def test_the_score_is_of_those_that_can_be_killed() -> None:
    assert scored(3, 1).share == 0.75
    assert scored(3, 2, known=1).share == 0.75
    assert str(scored(19, 2, known=1)).startswith("m            19 of   20 killed   95.0%")


def test_below_the_goal_is_an_error() -> None:
    assert complaints(scored(19, 1)) == []
    assert complaints(scored(18, 2)) == ["  below 95%"]


def test_one_that_is_listed_and_killed_is_an_error_of_its_module_alone() -> None:
    score = scored(20, 0)
    killed, other = score.results[0].mutant.key, ("other", "f", "not a -> a", 1)
    stale = replace(score, known={killed, other})
    assert complaints(stale) == [
        f"  listed as equivalent, but it does not survive: {' '.join(map(str, killed))}"
    ]


@pytest.mark.parametrize("why", ["", "why: '  '", "why: because, word: unknown"])
def test_a_listed_one_wants_a_reason_and_no_other_word(tmp_path: Path, why: str) -> None:
    path = tmp_path / "equivalent.yaml"
    path.write_text(f"m:\n- {{in: f, change: not a -> a, {why}}}\n", encoding="utf-8")
    with pytest.raises(ValueError, match="wants in, change and why"):
        listed(path)
