"""docs/reference.md is what the code and the CRD say, and leaves nothing out."""

from __future__ import annotations

import ast
import re

from tests.repo.files import PACKAGE, modules, named, syntax
from tests.repo.reference import PAGE, guards, page
from tests.repo.reference.metrics import families
from tests.repo.reference.words import ANNOTATIONS, reason_sections, told_conditions

from failoverip.core.reasons import Reason
from failoverip.metrics import Metrics


def test_the_reference_is_what_the_code_and_the_crd_say() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "run: make reference"


def test_the_table_of_guards_is_what_the_code_says() -> None:
    text = guards.PAGE.read_text(encoding="utf-8")
    assert guards.BEGIN in text
    assert text == guards.with_table(text), "run: make reference"


def test_the_reference_has_every_reason_once() -> None:
    listed = [reason for _, reasons in reason_sections() for reason in reasons]
    assert sorted(listed) == sorted(Reason)


def test_the_reference_has_the_six_conditions() -> None:
    """The docstring that it reads lists those that are rendered."""
    source = (PACKAGE / "core" / "conditions.py").read_text(encoding="utf-8")
    told = re.search(r"told = \{(.*?)\n    \}", source, re.DOTALL)
    assert told
    assert set(re.findall(r'"(\w+)": _', told[1])) == set(told_conditions())


def test_the_reference_has_every_annotation() -> None:
    literals = {
        node.value
        for path in modules()
        if "simulator" not in path.parts
        for node in ast.walk(syntax(path))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    spelled = {text for text in literals if re.fullmatch(r"failoverip\.io/[a-z-]+", text)}
    # The name under which the operator reports its Events.
    assert spelled - {"failoverip.io/operator"} == set(ANNOTATIONS)


def test_the_reference_has_every_metric_that_is_served() -> None:
    page = Metrics(lambda: 0.0, "0").page().decode()
    served = set(re.findall(r"^# HELP (failoverip_\w+)", page, re.MULTILINE))
    served -= {name for name in served if name.endswith("_created")}
    assert served == {name for name, *_ in families()}


def test_every_event_is_made_where_the_reference_looks() -> None:
    made = {
        named(path)
        for path in modules()
        for node in ast.walk(syntax(path))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Note"
    }
    assert made == {"controller/failoverip/core/events.py"}
