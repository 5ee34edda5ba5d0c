"""What is worth an Event: the steps of a move, at most four, and changes for worse or better."""

from __future__ import annotations

from dataclasses import dataclass

from failoverip.core.decision import (
    AdoptIntent,
    Attempt,
    CloseIntent,
    Decision,
    OpenIntent,
    RefuseRequest,
)
from failoverip.core.reasons import Reason
from failoverip.core.resource import Intent, MoveResult, Status

TOLD_CONDITIONS = ("Stalled", "Degraded", "ProviderReachable")


@dataclass(frozen=True, slots=True)
class Note:
    """One Event about a FailoverIP; `node` is the related one, or empty."""

    warning: bool
    reason: Reason
    action: str
    message: str
    node: str = ""


def notes_of(before: Status, after: Status, decision: Decision) -> tuple[Note, ...]:
    """The Events of one pass, from what was recorded before and after it."""
    match decision.action:
        case OpenIntent(intent=intent):
            source = f" from {intent.cause.node}" if intent.cause.node else ""
            message = f"moving {_addresses(intent)}{source} to {intent.node}: {decision.message}"
            planned = intent.cause.reason in (Reason.SWITCH_REQUESTED, Reason.FAILBACK)
            return (Note(not planned, intent.cause.reason, "Switch", message, intent.node),)
        case Attempt(intent=intent):
            if intent.attempts > 1:
                return ()
            return (Note(False, decision.reason, "Switch", decision.message, intent.node),)
        case AdoptIntent(intent=intent):
            return _adopted(before, intent, decision)
        case CloseIntent(intent=intent, result=result):
            message = f"{_addresses(intent)}: {decision.message}"
            failed = result is not MoveResult.CONFIRMED
            return (Note(failed, decision.reason, "Switch", message, intent.node),)
        case RefuseRequest():
            return (Note(True, decision.reason, "AnswerRequest", decision.message),)
        case _:
            return _changes(before, after)


def note_of_second_installation(decision: Decision) -> Note:
    """The only word about a resource that another installation holds: its status is theirs."""
    return Note(True, decision.reason, "Claim", decision.message)


def _adopted(before: Status, intent: Intent, decision: Decision) -> tuple[Note, ...]:
    """Only the first adoption is told: a move has at most four Events."""
    opened_under = intent.id.partition("-")[0]
    first = before.intent is not None and str(before.intent.epoch) == opened_under
    note = Note(False, decision.reason, "Switch", decision.message, intent.node)
    return (note,) if first else ()


def _addresses(intent: Intent) -> str:
    return ", ".join(route.address.text for route in intent.routes)


def _changes(before: Status, after: Status) -> tuple[Note, ...]:
    """One Event for the first of the telling conditions that changed."""
    recorded = {condition.type: condition for condition in before.conditions}
    for now in after.conditions:
        if now.type not in TOLD_CONDITIONS:
            continue
        then = recorded.get(now.type)
        good = "True" if now.type == "ProviderReachable" else "False"
        was_good = then is None or then.status in (good, "Unknown")
        if now.status == "Unknown" or (now.status == good and was_good):
            continue
        if then is not None and (then.status, then.reason) == (now.status, now.reason):
            continue
        message = now.message or f"{now.type} no longer: {then.reason if then else ''}"
        return (Note(now.status != good, now.reason, "Observe", message),)
    return ()
