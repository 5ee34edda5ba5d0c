"""What changed, in order: the bounded memory that watches resume from."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from enum import StrEnum

from failoverip.simulator.kubernetes.errors import GoneError
from failoverip.simulator.kubernetes.resources import JsonObject
from failoverip.simulator.kubernetes.selectors import Predicate


class ChangeType(StrEnum):
    """The types of a watch event."""

    ADDED = "ADDED"
    MODIFIED = "MODIFIED"
    DELETED = "DELETED"
    BOOKMARK = "BOOKMARK"
    ERROR = "ERROR"


@dataclass(frozen=True, slots=True)
class WatchEvent:
    """One line of a watch: what happened, and the object after it."""

    type: ChangeType
    object: JsonObject


@dataclass(frozen=True, slots=True)
class _Change:
    revision: int
    resource: str
    before: JsonObject | None
    after: JsonObject | None


class History:
    """The last `limit` changes of all resources."""

    def __init__(self, limit: int) -> None:
        self._changes: deque[_Change] = deque()
        self._limit = limit
        # Per resource: the revision at which it began to be served.
        self._begun: dict[str, int] = {}
        # Per resource: the revision of its last change.
        self._changed: dict[str, int] = {}
        self._compacted = 0

    def begin(self, resource: str, revision: int) -> None:
        """A resource begins: nothing of it is known from before `revision`."""
        self._begun.setdefault(resource, revision)

    def end(self, resource: str) -> None:
        """A resource is served no more."""
        self._begun.pop(resource, None)

    def record(
        self, revision: int, resource: str, before: JsonObject | None, after: JsonObject | None
    ) -> None:
        """Remember one change; the oldest falls out when there are too many."""
        self._changes.append(_Change(revision, resource, before, after))
        self._changed[resource] = revision
        if len(self._changes) > self._limit:
            self._compacted = self._changes.popleft().revision

    def compact(self, revision: int) -> None:
        """Forget everything up to `revision`, as etcd's compaction does."""
        self._compacted = max(self._compacted, revision)
        while self._changes and self._changes[0].revision <= revision:
            self._changes.popleft()

    def since(self, revision: int, resource: str, selected: Predicate) -> list[WatchEvent]:
        """The selected changes after `revision`. GoneError when some of them are forgotten."""
        oldest = max(self._compacted, self._begun.get(resource, 0))
        if revision < oldest:
            raise GoneError(revision, oldest)
        if self._changed.get(resource, 0) <= revision:
            return []
        changes: list[_Change] = []
        for change in reversed(self._changes):
            if change.revision <= revision:
                break
            if change.resource == resource:
                changes.append(change)
        events = (_event(change, selected) for change in reversed(changes))
        return [event for event in events if event is not None]


def _event(change: _Change, selected: Predicate) -> WatchEvent | None:
    """How a watch with a selector sees the change: leaving the selection is a deletion."""
    was = change.before is not None and selected(change.before)
    if change.after is not None and selected(change.after):
        return WatchEvent(ChangeType.MODIFIED if was else ChangeType.ADDED, change.after)
    if not was or change.before is None:
        return None
    metadata = change.before["metadata"] | {"resourceVersion": str(change.revision)}
    return WatchEvent(ChangeType.DELETED, change.before | {"metadata": metadata})
