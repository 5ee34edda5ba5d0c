"""Annotations, conditions, reasons and Events."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tests.repo.files import PACKAGE
from tests.repo.reference.tables import code, table
from tests.support.observations import an_intent

from failoverip.core import conditions
from failoverip.core.conditions import DEGRADED, STALLED
from failoverip.core.decision import (
    Action,
    AdoptIntent,
    Attempt,
    CloseIntent,
    Decision,
    Hold,
    OpenIntent,
    RefuseRequest,
)
from failoverip.core.events import (
    TOLD_CONDITIONS,
    Note,
    note_of_second_installation,
    notes_of,
)
from failoverip.core.reasons import Reason
from failoverip.core.resource import (
    SERVER_ANNOTATION,
    SWITCH_TO_ANNOTATION,
    Cause,
    Condition,
    MoveResult,
    Status,
)
from failoverip.reconciler.ledgers import LEDGER_ANNOTATION

# On what, who sets it, what it says.
ANNOTATIONS = {
    SERVER_ANNOTATION: (
        "a node",
        "you",
        "The node's server: its number in Robot, or its main address.",
    ),
    SWITCH_TO_ANNOTATION: (
        "a FailoverIP",
        "you",
        "Move the addresses to this node. Each value is answered once; `NODE@anything` asks anew.",
    ),
    LEDGER_ANNOTATION: (
        "the Lease",
        "the operator",
        "Requests to Robot and failed logins of the last hour, as ages. Leave it.",
    ),
}
REASONS = """\
## Reasons

The same reasons stand in conditions, in Events, in log lines (key `reason`) and in metrics
(labels `reason` and `cause`). The message beside a reason adds the address, the node
and, where there is one, the fix.
"""
SOURCE = PACKAGE / "core" / "reasons.py"
_SECTION = re.compile(r" {4}# -- (?P<title>.+)")
_MEMBER = re.compile(r" {4}(?P<name>[A-Z][A-Z_]+) = ")
_CONDITION = re.compile(r"^(?P<name>[A-Z]\w+) {2,}(?P<text>.+)$", re.MULTILINE)


def sections() -> list[str]:
    """All of them."""
    rows = [(code(name), *told) for name, told in ANNOTATIONS.items()]
    return [
        f"## Annotations\n\n{table(('Annotation', 'On', 'Set by', 'Says'), rows)}",
        _conditions(),
        REASONS,
        *(_reasons(title, reasons) for title, reasons in reason_sections()),
        _events(),
    ]


def _conditions() -> str:
    rows = [(code(name), text) for name, text in told_conditions().items()]
    return (
        f"## Conditions\n\n{table(('Condition', 'True means'), rows)}\n"
        "`Unknown` means that the operator cannot tell. All are present from the first write on.\n"
    )


def told_conditions() -> dict[str, str]:
    """The conditions as their module's docstring lists them."""
    return {found["name"]: found["text"] for found in _CONDITION.finditer(conditions.__doc__ or "")}


def _reasons(title: str, reasons: list[Reason]) -> str:
    rows = [(code(reason), reason.text, _raises(reason)) for reason in reasons]
    heading = f"### {title[0].upper()}{title[1:]}"
    return f"{heading}\n\n{table(('Reason', 'Says', 'Raises'), rows)}"


def reason_sections() -> list[tuple[str, list[Reason]]]:
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


# -- Events: what the code itself makes of each decision


def _events() -> str:
    rows = [
        (when, code("Warning" if note.warning else "Normal"), code(note.action), reasons)
        for (when, note), reasons in _grouped().items()
    ]
    return (
        "## Events\n\nEvents about a FailoverIP are in the namespace `default`, since it is"
        " cluster-scoped.\nA move has at most four.\n\n"
        f"{table(('When', 'Type', 'Action', 'Reasons'), rows)}"
    )


def _grouped() -> dict[tuple[str, Note], str]:
    """Rows by occasion and kind, with the reasons that share them."""
    found: dict[tuple[str, Note], list[str]] = {}
    for when, note in _noted():
        kind = Note(note.warning, Reason.ATTEMPT, note.action, "")
        found.setdefault((when, kind), []).append(code(note.reason))
    return {key: ", ".join(dict.fromkeys(reasons)) for key, reasons in found.items()}


def _noted() -> Iterator[tuple[str, Note]]:
    by_title = dict(reason_sections())
    intent = an_intent()
    for reason in by_title["why a move is wanted"]:
        opened = an_intent(cause=Cause(reason, "node-1", "uid"))
        yield from _told("a switch is decided", OpenIntent(opened), reason)
    yield from _told("Robot is asked the first time", Attempt(intent, ()), Reason.ATTEMPT)
    before = Status(intent=intent)
    for note in notes_of(before, before, _decision(AdoptIntent(intent), Reason.ADOPTED)):
        yield "a new leader takes it over", note
    for reason in by_title["how a switch ended"]:
        results = {result.value: result for result in MoveResult}
        result = results.get(reason.value, MoveResult.ABANDONED)
        yield from _told("a switch ends", CloseIntent(intent, result, False), reason)
    for reason in by_title["answers to a requested switch"]:
        yield from _told("a requested switch is refused", RefuseRequest("node-1"), reason)
    for name in TOLD_CONDITIONS:
        yield from _told_condition(name)
    refused = _decision(Hold(), Reason.SECOND_INSTALLATION)
    yield "another installation holds the resource", note_of_second_installation(refused)


def _told(when: str, action: Action, reason: Reason) -> Iterator[tuple[str, Note]]:
    for note in notes_of(Status(), Status(), _decision(action, reason)):
        yield when, note


def _told_condition(name: str) -> Iterator[tuple[str, Note]]:
    """A condition that turns bad for each reason that it can have, and good again."""
    bad, good = ("False", "True") if name == "ProviderReachable" else ("True", "False")
    of_robot = dict(reason_sections())["Robot cannot tell, or says no"]
    reasons = {"Stalled": STALLED, "Degraded": DEGRADED, "ProviderReachable": set(of_robot)}[name]
    well = _with(name, good, Reason.ON_HEALTHY_NODE)
    for reason in (reason for reason in Reason if reason in reasons):
        ill = _with(name, bad, reason)
        for note in notes_of(well, ill, _decision(Hold(), reason)):
            yield f"`{name}` turns {bad}", note
        for note in notes_of(ill, well, _decision(Hold(), Reason.ON_HEALTHY_NODE)):
            yield f"`{name}` turns {good} again", note


def _with(name: str, status: str, reason: Reason) -> Status:
    return Status(conditions=(Condition(name, status, reason, "", 0.0),))


def _decision(action: Action, reason: Reason) -> Decision:
    return Decision(action, reason, "", 0.0)
