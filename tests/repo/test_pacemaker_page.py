"""docs/pacemaker.md says what the agents do: reasons, limits, metrics."""

from __future__ import annotations

import ast
import re

from tests.repo.files import AGENTS, CODE, PACKAGE, ROOT, syntax

from failoverip_ocf.decide import pace_seconds, reads_share
from failoverip_ocf.textfile import HELP

TEXT = (ROOT / "docs" / "pacemaker.md").read_text(encoding="utf-8")
GAP = "…"
# What the agents hand a reason to.
TELLERS = {
    "BusyError", "CannotTell", "Failed", "ForeignLineError", "LoginError", "Look", "NoServerError",
    "Outcome", "SecretFileError", "UnsignedAnswerError", "UpdateFailed", "Verdict",
}  # fmt: skip
# Told with one of the reasons above, and plain enough: what the user's own shell would say.
PLAIN = {"…: …", "… (…)", "routed here", "routed to …"}
SOURCES = [
    *sorted(AGENTS.rglob("*.py")),
    *(PACKAGE / "robot" / name for name in ("blocking.py", "protocol.py", "objects.py")),
]


def section(title: str) -> str:
    return TEXT.partition(f"## {title}\n")[2].partition("\n## ")[0]


def documented() -> set[str]:
    rows = re.findall(
        r"^\| (`.+?) \| [\d, any]+ \|", section("What an exit reason means"), re.MULTILINE
    )
    return {reason for row in rows for reason in CODE.findall(row)} - {"ip", "server", "script"}


def template(node: ast.expr) -> str | None:
    """A string of the code as the page writes it; None for anything else."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        return "".join(template(part) or GAP for part in node.values)
    return None


def strings() -> set[str]:
    """Every string of the agents and of what tells them about Robot."""
    nodes = (node for path in SOURCES for node in ast.walk(syntax(path)))
    found = (template(node) for node in nodes if isinstance(node, ast.JoinedStr | ast.Constant))
    return {text for text in found if text}


def told() -> set[str]:
    """What is handed on as a reason, in words."""
    found = set()
    for path in AGENTS.rglob("*.py"):
        for node in ast.walk(syntax(path)):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name | ast.Attribute):
                name = node.func.id if isinstance(node.func, ast.Name) else node.func.attr
                if name in TELLERS:
                    found |= {template(argument) for argument in node.args}
    return {text for text in found if text and " " in text and text not in PLAIN}


def fits(reason: str, text: str) -> bool:
    """Whether the pieces of a documented reason stand in a text, in their order."""
    pieces = [re.escape(piece.strip()) for piece in reason.split(GAP) if piece.strip(" :;")]
    return bool(pieces) and re.search(".*".join(pieces), text, re.DOTALL) is not None


def test_every_reason_of_the_page_is_told_by_the_code() -> None:
    known = strings()
    assert documented()
    assert [one for one in sorted(documented()) if not any(fits(one, t) for t in known)] == []


def test_every_reason_of_the_code_stands_in_the_page() -> None:
    known = documented()
    assert [text for text in sorted(told()) if not any(fits(one, text) for one in known)] == []


def test_the_limits_of_the_page_are_those_of_the_code() -> None:
    rows = re.findall(r"^\| (\d+) \| (\d+) \| (\d+) s \|$", section("Limits"), re.MULTILINE)
    assert rows
    for nodes, reads, seconds in rows:
        share = reads_share(int(nodes))
        assert (share, round(pace_seconds(share))) == (int(reads), int(seconds))


def test_the_metrics_of_the_page_are_those_of_the_agent() -> None:
    assert set(re.findall(r"^\| `(failoverip_ocf_\w+)` \|", TEXT, re.MULTILINE)) == set(HELP)
