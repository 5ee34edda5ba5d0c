"""The state machine behind the API: objects, one revision, and what each write does to them.

Synchronous and deterministic: time and uids come from outside, nothing waits. A write either
raises an ApiError and changes nothing, or changes one object and moves the revision by one.
A document that is stored is a value: it is handed out as it is, and nobody changes it. A write
makes a new one, which shares what stays the same.
It does no schema validation, pruning, authentication or authorisation; it fills in a CRD's
defaults and holds the rules that were passed to it (the fence).
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from failoverip.core.timestamps import whole_seconds
from failoverip.simulator.kubernetes import fence, strategies
from failoverip.simulator.kubernetes.documents import with_defaults
from failoverip.simulator.kubernetes.errors import (
    AlreadyExistsError,
    ApiError,
    ConflictError,
    InvalidError,
    NotFoundError,
    path_not_found,
    version_too_large,
)
from failoverip.simulator.kubernetes.history import History, WatchEvent
from failoverip.simulator.kubernetes.resources import (
    BUILT_IN,
    CORE_EVENTS,
    CRDS,
    EVENTS,
    NAMESPACES,
    JsonObject,
    Key,
    ResourceType,
    schema_of_crd,
    types_of_crd,
)
from failoverip.simulator.kubernetes.selectors import Predicate, Selection, predicate

FIRST_NAMESPACES = ("default", "kube-node-lease", "kube-public", "kube-system")
Change: TypeAlias = Callable[[JsonObject], JsonObject]


@dataclass(frozen=True, slots=True)
class Preconditions:
    """What must hold for a deletion; None asks for nothing."""

    uid: str | None = None
    resource_version: str | None = None


def counted_uids() -> Callable[[], str]:
    """Uids from a counter: unique in one store, the same in every run."""
    counter = itertools.count(1)
    return lambda: f"00000000-0000-4000-8000-{next(counter):012x}"


class Store:
    """All objects. `wall_seconds` is POSIX time, for timestamps only."""

    def __init__(
        self,
        wall_seconds: Callable[[], float],
        new_uid: Callable[[], str] | None = None,
        history_limit: int = 10_000,
    ) -> None:
        self._wall_seconds = wall_seconds
        self._new_uid = new_uid or counted_uids()
        self._history = History(history_limit)
        self._objects: dict[tuple[str, str, str], JsonObject] = {}
        self._types: dict[tuple[str, str, str], ResourceType] = {}
        self._observers: list[Callable[[], None]] = []
        self._revision = 1
        for resource in BUILT_IN:
            self._serve(resource)
        for name in FIRST_NAMESPACES:
            self.create(Key(NAMESPACES, "", name), {"metadata": {"name": name}})

    # What is served

    @property
    def revision(self) -> int:
        """The resourceVersion of the last change."""
        return self._revision

    @property
    def resource_types(self) -> tuple[ResourceType, ...]:
        """Every resource that is served now."""
        return tuple(self._types.values())

    def resource(self, group: str, version: str, plural: str) -> ResourceType:
        """The resource at a path; 404 when nothing serves it."""
        try:
            return self._types[group, version, plural]
        except KeyError:
            raise path_not_found() from None

    def observe(self, observer: Callable[[], None]) -> Callable[[], None]:
        """Call `observer` after each change; the answer ends that."""
        self._observers.append(observer)
        return lambda: self._observers.remove(observer)

    # Reads

    def get(self, key: Key) -> JsonObject:
        """One object; NotFoundError when there is none."""
        return self._stored(key)

    def uid(self, key: Key) -> str | None:
        """The uid of one object, None when there is none."""
        document = self._objects.get(self._place(key))
        return None if document is None else str(document["metadata"]["uid"])

    def select(
        self, resource: ResourceType, selection: Selection, not_older_than: int = 0
    ) -> list[JsonObject]:
        """The selected objects by namespace and name, as of the present revision.

        504 when `not_older_than` is a revision that has not happened.
        """
        if not_older_than > self._revision:
            raise version_too_large(not_older_than, self._revision)
        selected, kept = predicate(resource, selection), _kept_as(resource)
        places = sorted(place for place in self._objects if place[0] == kept)
        documents = (self._objects[place] for place in places)
        return [document for document in documents if selected(document)]

    def changes(self, resource: ResourceType, selected: Predicate, since: int) -> list[WatchEvent]:
        """The selected changes after revision `since`; GoneError when they are forgotten."""
        return self._history.since(since, _kept_as(resource), selected)

    def compact(self) -> None:
        """Forget all history: every watch that is not up to date meets 410 Gone."""
        self._history.compact(self._revision)

    # Writes

    def create(self, key: Key, document: JsonObject, *, dry_run: bool = False) -> JsonObject:
        """A new object. NotFoundError without its namespace, AlreadyExistsError if it exists."""
        strategies.check_address(key, document)
        self._require_namespace(key)
        if self._place(key) in self._objects:
            raise AlreadyExistsError(key)
        return self._add(key, strategies.created(key, document, self._birth()), dry_run=dry_run)

    def replace(
        self, key: Key, document: JsonObject, subresource: str = "", *, dry_run: bool = False
    ) -> JsonObject:
        """PUT: the whole object, or the whole status."""
        strategies.check_address(key, document)
        if self._place(key) not in self._objects and key.resource.creates_on_update:
            self._require_namespace(key)
            new = strategies.put_in_place(key, document, self._birth())
            return self._add(key, new, dry_run=dry_run)
        return self._update(key, document, subresource, dry_run=dry_run)

    def patch(
        self, key: Key, change: Change, subresource: str = "", *, dry_run: bool = False
    ) -> JsonObject:
        """The object as `change` makes it from the stored one."""
        document = change(self.get(key))
        strategies.check_address(key, document)
        return self._update(key, document, subresource, dry_run=dry_run)

    def delete(
        self, key: Key, preconditions: Preconditions | None = None, *, dry_run: bool = False
    ) -> JsonObject | None:
        """Delete, or mark as being deleted while finalizers remain.

        The answer is the object that remains, None when it is gone.
        """
        old = self._stored(key)
        _check_deletion(key, old, preconditions or Preconditions())
        finalizers = old["metadata"].get("finalizers")
        if dry_run:
            return self.get(key) if finalizers else None
        if not finalizers:
            self._remove(key)
            return None
        if "deletionTimestamp" not in old["metadata"]:
            self._mark_deleted(key, old)
        if key.resource is CRDS:
            return self._delete_instances(key)
        return self.get(key)

    # Within

    def _place(self, key: Key) -> tuple[str, str, str]:
        return _kept_as(key.resource), key.namespace, key.name

    def _stored(self, key: Key) -> JsonObject:
        try:
            return self._objects[self._place(key)]
        except KeyError:
            raise NotFoundError(key) from None

    def _birth(self) -> strategies.Birth:
        return strategies.Birth(self._new_uid(), self._timestamp())

    def _timestamp(self) -> str:
        return whole_seconds(self._wall_seconds())

    def _serve(self, resource: ResourceType) -> None:
        self._types[resource.group, resource.version, resource.plural] = resource
        self._history.begin(_kept_as(resource), self._revision)

    def _require_namespace(self, key: Key) -> None:
        if not key.resource.namespaced:
            return
        namespace = self._stored(Key(NAMESPACES, "", key.namespace))
        if "deletionTimestamp" in namespace["metadata"]:
            raise ApiError(403, "Forbidden", f"namespace {key.namespace} is being terminated")

    def _add(self, key: Key, new: JsonObject, *, dry_run: bool) -> JsonObject:
        new = self._defaulted(key.resource, new)
        self._refuse_unknown_rules(key, new)
        if dry_run:
            return new
        return self._write(key, None, new)

    def _update(
        self, key: Key, document: JsonObject, subresource: str, *, dry_run: bool
    ) -> JsonObject:
        old = self._stored(key)
        new = strategies.updated(key, old, document, subresource)
        new = self._defaulted(key.resource, new)
        self._hold_fence(key, old, new)
        self._refuse_unknown_rules(key, new)
        if new == old or dry_run:
            return new
        if "deletionTimestamp" in old["metadata"] and not new["metadata"].get("finalizers"):
            self._objects[self._place(key)] = new
            self._remove(key)
            return new
        written = self._write(key, old, new)
        if key.resource is CRDS:
            self._register(written)
        return written

    def _schema(self, resource: ResourceType) -> JsonObject:
        """The schema of a custom resource; a built-in one has none here."""
        crd = self._objects.get((CRDS.full_name, "", resource.full_name))
        return {} if crd is None else schema_of_crd(crd, resource.version)

    def _defaulted(self, resource: ResourceType, document: JsonObject) -> JsonObject:
        filled: JsonObject = with_defaults(document, self._schema(resource))
        return filled

    def _hold_fence(self, key: Key, old: JsonObject, new: JsonObject) -> None:
        if key.resource.kind != fence.FENCED_KIND or new == old:
            return
        broken = list(fence.violations(self._schema(key.resource), old, new))
        if broken:
            raise InvalidError(
                key, [(path, f"Invalid value: {message}") for path, message in broken]
            )

    def _write(self, key: Key, old: JsonObject | None, new: JsonObject) -> JsonObject:
        self._revision += 1
        new = new | {"metadata": new["metadata"] | {"resourceVersion": str(self._revision)}}
        self._objects[self._place(key)] = new
        self._history.record(self._revision, _kept_as(key.resource), old, new)
        if key.resource is CRDS and old is None:
            self._register(new)
        self._tell()
        return new

    def _register(self, crd: JsonObject) -> None:
        for resource in types_of_crd(crd):
            self._serve(resource)

    def _refuse_unknown_rules(self, key: Key, crd: JsonObject) -> None:
        """Better no CRD than one whose fence is not held."""
        if key.resource is not CRDS or crd["spec"]["names"]["kind"] != fence.FENCED_KIND:
            return
        for version in crd["spec"]["versions"]:
            for message in fence.unknown_rules(schema_of_crd(crd, version["name"])):
                text = f"Invalid value: the embedded API has no predicate for the rule: {message}"
                raise InvalidError(key, [("spec.versions", text)])

    def _mark_deleted(self, key: Key, old: JsonObject) -> None:
        metadata = old["metadata"] | {
            "deletionTimestamp": self._timestamp(),
            "deletionGracePeriodSeconds": 0,
        }
        if "generation" in metadata:
            metadata["generation"] += 1
        self._write(key, old, old | {"metadata": metadata})

    def _remove(self, key: Key) -> None:
        old = self._objects.pop(self._place(key))
        self._revision += 1
        self._history.record(self._revision, _kept_as(key.resource), old, None)
        self._tell()
        if key.resource is NAMESPACES:
            self._empty_namespace(key.name)
        if key.resource.custom:
            self._finish_crd(key.resource.full_name)

    def _empty_namespace(self, namespace: str) -> None:
        """What was in it goes with it, at once: no controller runs here that would do it later."""
        for place in [place for place in self._objects if place[1] == namespace]:
            old = self._objects.pop(place)
            self._revision += 1
            self._history.record(self._revision, place[0], old, None)
        self._tell()

    def _delete_instances(self, key: Key) -> JsonObject | None:
        """A CRD goes when the last of its objects has gone."""
        for resource in types_of_crd(self._stored(key)):
            for document in self.select(resource, Selection()):
                metadata = document["metadata"]
                self.delete(Key(resource, metadata.get("namespace", ""), metadata["name"]))
        self._finish_crd(key.name)
        return self._objects.get(self._place(key))

    def _finish_crd(self, name: str) -> None:
        place = (CRDS.full_name, "", name)
        crd = self._objects.get(place)
        if crd is None or "deletionTimestamp" not in crd["metadata"]:
            return
        if any(other[0] == name for other in self._objects):
            return
        for resource in types_of_crd(crd):
            del self._types[resource.group, resource.version, resource.plural]
        self._history.end(name)
        self._remove(Key(CRDS, "", name))

    def _tell(self) -> None:
        for observer in tuple(self._observers):
            observer()


def _kept_as(resource: ResourceType) -> str:
    """The name under which objects are kept: versions share one, both groups of Events too."""
    return EVENTS.full_name if resource is CORE_EVENTS else resource.full_name


def _check_deletion(key: Key, old: JsonObject, preconditions: Preconditions) -> None:
    metadata = old["metadata"]
    if preconditions.uid not in (None, metadata["uid"]):
        why = (
            f"the UID in the precondition ({preconditions.uid}) does not match the UID in record "
            f"({metadata['uid']}). The object might have been deleted and then recreated"
        )
        raise ConflictError(key, why)
    if preconditions.resource_version not in (None, metadata["resourceVersion"]):
        why = (
            f"the ResourceVersion in the precondition ({preconditions.resource_version}) does not "
            f"match the ResourceVersion in record ({metadata['resourceVersion']}). "
            "The object might have been modified"
        )
        raise ConflictError(key, why)
