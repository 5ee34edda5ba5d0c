"""The four patch formats, each a pure function of a document and a patch.

Strategic merge knows only the lists that Nodes and their neighbours need (`_MERGE_KEYS`); any
other list is replaced as a whole. Server-side apply tracks what each manager applied last, so that
a field it drops is removed; it does not detect conflicts between managers.
"""

from __future__ import annotations

from typing import Any

import jsonpatch

from failoverip.simulator.kubernetes.documents import copy
from failoverip.simulator.kubernetes.errors import BadRequestError, patch_refused
from failoverip.simulator.kubernetes.resources import JsonObject

# The lists of maps that merge by a key (the Kubernetes API's patchMergeKey).
_MERGE_KEYS = {
    "conditions": "type",
    "addresses": "type",
    "ownerReferences": "uid",
    "imagePullSecrets": "name",
    "secrets": "name",
}
# The lists of plain values that merge as sets.
_SETS = {"finalizers"}


def json_patch(document: JsonObject, operations: Any) -> JsonObject:
    """RFC 6902. ApiError 422 when a `test` fails or a path does not exist."""
    if not isinstance(operations, list):
        raise BadRequestError("a JSON patch is a list of operations")
    try:
        patched: JsonObject = jsonpatch.apply_patch(document, operations, in_place=False)
    except (jsonpatch.JsonPatchException, jsonpatch.JsonPointerException) as error:
        raise patch_refused() from error
    return patched


def merge_patch(document: Any, patch: Any) -> Any:
    """RFC 7386: null removes, maps merge, anything else replaces."""
    if not isinstance(patch, dict):
        return copy(patch)
    merged = dict(document) if isinstance(document, dict) else {}
    for name, value in patch.items():
        if value is None:
            merged.pop(name, None)
        else:
            merged[name] = merge_patch(merged.get(name), value)
    return merged


def strategic_merge_patch(document: Any, patch: Any) -> Any:
    """As `merge_patch`, but some lists merge by key; `$patch: delete|replace` is understood."""
    if not isinstance(patch, dict):
        return copy(patch)
    if patch.get("$patch") == "replace":
        return {name: copy(value) for name, value in patch.items() if name != "$patch"}
    merged = dict(document) if isinstance(document, dict) else {}
    for name, value in patch.items():
        if name.startswith("$setElementOrder/"):
            continue
        if name.startswith("$deleteFromPrimitiveList/"):
            target = name.partition("/")[2]
            merged[target] = [item for item in merged.get(target) or [] if item not in value]
        elif name.startswith("$retainKeys"):
            merged = {key: item for key, item in merged.items() if key in value}
        elif value is None:
            merged.pop(name, None)
        elif isinstance(value, list):
            merged[name] = _merge_list(name, merged.get(name) or [], value)
        else:
            merged[name] = strategic_merge_patch(merged.get(name), value)
    return merged


def _merge_list(name: str, current: list[Any], patch: list[Any]) -> list[Any]:
    if name in _SETS:
        return current + [item for item in patch if item not in current]
    key = _MERGE_KEYS.get(name)
    if key is None or not all(isinstance(item, dict) for item in [*current, *patch]):
        return copy(patch)  # type: ignore[no-any-return]  # a copy of a list is a list
    if any(item.get("$patch") == "replace" for item in patch):
        return [copy(item) for item in patch if "$patch" not in item]
    merged = list(current)
    for item in patch:
        place = next((i for i, old in enumerate(merged) if old.get(key) == item.get(key)), None)
        if item.get("$patch") == "delete":
            merged = [old for old in merged if old.get(key) != item.get(key)]
        elif place is None:
            merged.append(copy(item))
        else:
            merged[place] = strategic_merge_patch(merged[place], item)
    return merged


def apply_patch(document: JsonObject, applied: JsonObject, applied_before: JsonObject) -> Any:
    """Server-side apply: what the manager applied before and no longer does is removed."""
    return strategic_merge_patch(_without(document, applied_before, applied), applied)


def _without(document: Any, before: Any, now: Any) -> Any:
    """The document without the leaves that stand in `before` and not in `now`."""
    if not isinstance(document, dict) or not isinstance(before, dict):
        return document
    now = now if isinstance(now, dict) else {}
    kept = {}
    for name, value in document.items():
        if name not in before or name in now:
            kept[name] = _without(value, before.get(name), now.get(name))
        elif isinstance(value, dict):
            rest = _without(value, before[name], {})
            if rest:
                kept[name] = rest
    return kept
