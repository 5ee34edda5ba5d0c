"""What is decided, as the one line that a person reviews; and a message for each reason.

`off NODE` is the source that the cause names, `Attempt N` the N-th round of requests, `unsettled` a
close while a request may still take effect. Nothing behind the reason: decide again at once.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

import yaml
from tests.corpus.build import build
from tests.corpus.load import Case, load, load_all, stories
from tests.support.observations import NOW

from failoverip.core.decide import decide
from failoverip.core.decision import (
    Action,
    AdoptIntent,
    Attempt,
    CloseIntent,
    Decision,
    OpenIntent,
    Refresh,
    RefuseRequest,
)

MESSAGES = Path(__file__).parent / "messages.yaml"
HEAD = "# One message for each reason, of its first case. Written by `make corpus`.\n"


def expectation(decision: Decision) -> str:
    """The line `expect` of a case."""
    said = [f"action: {_action(decision.action)}", f"reason: {decision.reason}"]
    if decision.recheck_after_seconds:
        said.append(f"again_seconds: {decision.recheck_after_seconds:g}")
    if decision.read_routes_at is not None:
        said.append(f"read_routes_seconds: {decision.read_routes_at - NOW:g}")
    return f"  expect: {{{', '.join(said)}}}"


def _action(action: Action) -> str:
    name = type(action).__name__
    match action:
        case Refresh():
            read = {"lists": action.lists, "routes": action.routes}
            return f"{name} of {_and(what for what, stale in read.items() if stale)}"
        case OpenIntent():
            cause = action.intent.cause
            source = f" off {cause.node}" if cause.node else ""
            routes = _and(route.address.text for route in action.intent.routes)
            return f"{name} of {routes}{source} to {action.intent.node}"
        case Attempt():
            return f"{name} {action.intent.attempts} for {_and(action.addresses)}"
        case AdoptIntent():
            return f"{name} under epoch {action.intent.epoch}"
        case CloseIntent():
            return f"{name} as {action.result}{' unsettled' if action.unsettled else ''}"
        case RefuseRequest():
            return f"{name} of {action.value}"
    return name


def _and(words: Iterable[str]) -> str:
    return " and ".join(words)


def messages(cases: Iterable[Case]) -> Mapping[str, str]:
    """By reason, of the first case that has it."""
    found: dict[str, str] = {}
    for case in cases:
        decision = decide(build(case))
        found.setdefault(str(decision.reason), decision.message)
    return dict(sorted(found.items()))


def rendered(found: Mapping[str, str]) -> str:
    """The file of the messages."""
    return HEAD + yaml.safe_dump(dict(found), width=1000, allow_unicode=True)


def renewed(path: Path) -> str:
    """The text of a story with its expectations written anew; all else stays as it is."""
    lines = path.read_text(encoding="utf-8").splitlines()
    for case in reversed(load(path)):
        at = case.expect_line - 1
        lines[at : at + bool(case.expected)] = [expectation(decide(build(case)))]
    return "\n".join(lines) + "\n"


def write_all() -> None:
    """Write every expectation and the messages."""
    for path in stories():
        path.write_text(renewed(path), encoding="utf-8")
    MESSAGES.write_text(rendered(messages(load_all())), encoding="utf-8")
