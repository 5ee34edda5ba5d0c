"""The table of guards in docs/safety.md, made from the code."""

from __future__ import annotations

from pathlib import Path

from tests.repo.files import ROOT
from tests.repo.reference.tables import code, table

from failoverip.simulator.world.guards import GUARDS, Guard

PAGE = ROOT / "docs" / "safety.md"
BEGIN, END = "<!-- guards: make reference -->\n", "<!-- end of guards -->\n"
HEAD = (
    "GUARD",
    "What is left out",
    "Left out with it: what backs it up",
    "Run-time check left out",
    "Profile",
    "Harm that the judge finds",
    "Within seeds",
)


def with_table(text: str) -> str:
    """The page with its table as it should be."""
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}{table(HEAD, map(_row, GUARDS.items()))}{END}{after}"


def write(path: Path = PAGE) -> None:
    """Write the table anew."""
    path.write_text(with_table(path.read_text(encoding="utf-8")), encoding="utf-8")


def _row(item: tuple[str, Guard]) -> tuple[str, ...]:
    name, guard = item
    return (
        code(name),
        guard.text,
        ", ".join(map(code, guard.backups)) or "-",
        ", ".join(sorted(guard.checks)) or "-",
        code(guard.profile),
        guard.harm,
        str(guard.seeds),
    )
