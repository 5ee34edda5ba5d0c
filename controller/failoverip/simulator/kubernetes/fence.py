"""The fence: each CEL rule at the root of the FailoverIP's CRD as one Python predicate.

A predicate takes the stored object and the one that would replace it, and says whether the rule
holds (design 5). Which rules apply, their messages and their field paths come from the CRD that
was applied: a CRD without a rule leaves that part of the fence open, as on a real API server.
A test holds the text of each rule to the text that its predicate was written against.

Lists with `x-kubernetes-list-type` set or map compare without regard to order, as CEL does there.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeAlias

from failoverip.simulator.kubernetes.resources import JsonObject

Rule: TypeAlias = Callable[[JsonObject, JsonObject], bool]

FENCED_KIND = "FailoverIP"


def violations(
    schema: Mapping[str, Any], old: JsonObject, new: JsonObject
) -> Iterator[tuple[str, str]]:
    """Field path and message of each rule of the schema's root that the update breaks."""
    for validation in schema.get("x-kubernetes-validations") or ():
        rule = RULES[rule_name(validation["message"])]
        if not rule(old, new):
            path = str(validation.get("fieldPath", "<nil>")).removeprefix(".")
            yield path, validation["message"]


def unknown_rules(schema: Mapping[str, Any]) -> list[str]:
    """The messages of the root's rules for which there is no predicate."""
    validations = schema.get("x-kubernetes-validations") or ()
    messages = [str(validation.get("message", validation["rule"])) for validation in validations]
    return [message for message in messages if rule_name(message) not in RULES]


def rule_name(message: str) -> str:
    """`F2` of `F2 another leader has claimed ...`."""
    return message.partition(" ")[0]


def fence_is_kept(old: JsonObject, new: JsonObject) -> bool:
    """F1: once there, status.fence stays."""
    return _part(old, "fence") is None or _part(new, "fence") is not None


def claim_raises_epoch_by_one(old: JsonObject, new: JsonObject) -> bool:
    """F2: same epoch and holder, or the next epoch."""
    before, after = _part(old, "fence"), _part(new, "fence")
    if before is None or after is None:
        return True
    if after.get("epoch") == before["epoch"] and after.get("holder") == before["holder"]:
        return True
    return bool(after.get("epoch") == before["epoch"] + 1)


def intent_is_of_present_epoch(old: JsonObject, new: JsonObject) -> bool:
    """F3: an intent is written under the present epoch, or left exactly as it is."""
    intent, fence = _part(new, "intent"), _part(new, "fence")
    if intent is None:
        return True
    if fence is not None and intent.get("epoch") == fence.get("epoch"):
        return True
    before = _part(old, "intent")
    return before is not None and _same_intent(intent, before)


def intent_ends_with_its_outcome(old: JsonObject, new: JsonObject) -> bool:
    """F4: an open intent stays, or lastMove names it under the present epoch."""
    before, intent = _part(old, "intent"), _part(new, "intent")
    if before is None or (intent is not None and intent.get("id") == before["id"]):
        return True
    fence, outcome = _part(new, "fence"), _part(new, "lastMove")
    if fence is None or outcome is None:
        return False
    return bool(outcome.get("id") == before["id"] and outcome.get("epoch") == fence.get("epoch"))


def one_intent_per_write(old: JsonObject, new: JsonObject) -> bool:
    """F4b: an intent is not replaced by another in one write."""
    before, intent = _part(old, "intent"), _part(new, "intent")
    return before is None or intent is None or intent.get("id") == before["id"]


def recorded_intent_is_closed(old: JsonObject, new: JsonObject) -> bool:  # noqa: ARG001  # as the others
    """F5: an open intent has no outcome yet."""
    intent, outcome = _part(new, "intent"), _part(new, "lastMove")
    return intent is None or outcome is None or intent.get("id") != outcome.get("id")


def intent_is_fixed(old: JsonObject, new: JsonObject) -> bool:
    """F6: target, routes, cause and start stay; attempts never fall."""
    before, intent = _part(old, "intent"), _part(new, "intent")
    if before is None or intent is None or intent.get("id") != before["id"]:
        return True
    fixed = ("node", "nodeUID", "serverNumber", "cause", "startedAt")
    return (
        all(intent.get(name) == before.get(name) for name in fixed)
        and _unordered(intent.get("routes")) == _unordered(before.get("routes"))
        and intent.get("attempts", 0) >= before["attempts"]
    )


def outcome_is_of_open_intent(old: JsonObject, new: JsonObject) -> bool:
    """F7: lastMove stays, or becomes the outcome of the open intent; it is never dropped."""
    before, outcome = _part(old, "lastMove"), _part(new, "lastMove")
    if outcome is None:
        return before is None
    intent = _part(old, "intent")
    return outcome == before or (intent is not None and outcome.get("id") == intent["id"])


def addresses_are_fixed(old: JsonObject, new: JsonObject) -> bool:
    """F8: spec.addresses stay while an intent is open."""
    if _part(old, "intent") is None:
        return True
    before, after = ((document.get("spec") or {}).get("addresses") for document in (old, new))
    return _unordered(before) == _unordered(after)


RULES: Mapping[str, Rule] = {
    "F1": fence_is_kept,
    "F2": claim_raises_epoch_by_one,
    "F3": intent_is_of_present_epoch,
    "F4": intent_ends_with_its_outcome,
    "F4b": one_intent_per_write,
    "F5": recorded_intent_is_closed,
    "F6": intent_is_fixed,
    "F7": outcome_is_of_open_intent,
    "F8": addresses_are_fixed,
}


def _part(document: JsonObject, name: str) -> JsonObject | None:
    part: JsonObject | None = (document.get("status") or {}).get(name)
    return part


def _same_intent(one: JsonObject, other: JsonObject) -> bool:
    first, second = (
        intent | {"routes": _unordered(intent.get("routes"))} for intent in (one, other)
    )
    return first == second


def _unordered(items: Any) -> list[str]:
    return sorted(json.dumps(item, sort_keys=True) for item in items or ())
