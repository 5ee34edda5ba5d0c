"""Writes docs/reasons.md anew: `python -m tests.repo.reasons`, then read the diff."""

from __future__ import annotations

import re

from tests.repo.files import PACKAGE, ROOT

from failoverip.core.conditions import DEGRADED, STALLED
from failoverip.core.reasons import Reason

PAGE = ROOT / "docs" / "reasons.md"
SOURCE = PACKAGE / "core" / "reasons.py"

HEAD = """\
# Conditions and reasons

The same reasons stand in conditions, in Events, in log lines (key `reason`) and in metrics (labels
`reason` and `cause`).
The condition's message adds the address, the node and, where there is one, the fix.

| Condition | True means |
|---|---|
| `Ready` | every address is on one healthy node, and no switch is open |
| `Reconciling` | a switch is open |
| `Stalled` | a person must change something before the operator can go on |
| `Routed` | Robot routes every address to a node |
| `ProviderReachable` | Robot answers, and takes the credentials |
| `Degraded` | something is less than it should be, or a wanted move waits |

`Unknown` means that the operator cannot tell. All six are present from the first write on.

This page is made from `controller/failoverip/core/reasons.py`; `python -m tests.repo.reasons`
writes it.
"""

TABLE_HEAD = "| Reason | Says | Raises |\n|---|---|---|\n"

_SECTION = re.compile(r" {4}# -- (?P<title>.+)")
_MEMBER = re.compile(r" {4}(?P<name>[A-Z][A-Z_]+) = ")


def page() -> str:
    """The page as it should be."""
    parts = [HEAD]
    for title, reasons in sections():
        parts.append(
            f"\n## {title[0].upper()}{title[1:]}\n\n| Reason | Says | Raises |\n|---|---|---|\n"
        )
        parts += [f"| `{reason}` | {reason.text} | {_raises(reason)} |\n" for reason in reasons]
    return "".join(parts)


def sections() -> list[tuple[str, list[Reason]]]:
    """The reasons under the headings that their source gives them."""
    found: list[tuple[str, list[Reason]]] = []
    for line in SOURCE.read_text(encoding="utf-8").splitlines():
        if heading := _SECTION.fullmatch(line):
            found.append((heading["title"], []))
        elif (member := _MEMBER.match(line)) and found:
            found[-1][1].append(Reason[member["name"]])
    return found


def _raises(reason: Reason) -> str:
    degraded = DEGRADED | {Reason.API_SERVER_BEHIND_FAILOVER_IP}
    raised = [("`Stalled`", STALLED), ("`Degraded`", degraded)]
    return ", ".join(condition for condition, reasons in raised if reason in reasons)


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
