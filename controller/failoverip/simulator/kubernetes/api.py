"""Requests to the store: HTTP semantics as a function, without sockets or tasks.

`Api.handle` answers a request at once; a watch is answered with a `Watch`, from which the caller
takes events whenever the store has changed.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from failoverip.simulator.kubernetes import discovery, events, patches, requests
from failoverip.simulator.kubernetes.documents import copy
from failoverip.simulator.kubernetes.errors import (
    ApiError,
    BadRequestError,
    GoneError,
    method_not_allowed,
    path_not_found,
    unsupported_patch,
)
from failoverip.simulator.kubernetes.history import ChangeType, WatchEvent
from failoverip.simulator.kubernetes.requests import Request, Target
from failoverip.simulator.kubernetes.resources import (
    CORE_EVENTS,
    CRDS,
    EVENTS,
    NAMESPACES,
    JsonObject,
    Key,
    ResourceType,
)
from failoverip.simulator.kubernetes.selectors import Selection, predicate
from failoverip.simulator.kubernetes.store import Preconditions, Store

_HEALTH = ("/healthz", "/livez", "/readyz")
_INITIAL_EVENTS_END = {"k8s.io/initial-events-end": "true"}


@dataclass(frozen=True, slots=True)
class Answer:
    """Status and JSON body; a `text` stands instead of the body on health pages."""

    code: int
    body: JsonObject = field(default_factory=dict)
    text: str = ""

    def encoded(self) -> tuple[str, bytes]:
        """Content type and bytes."""
        if self.text:
            return "text/plain", self.text.encode()
        return "application/json", json.dumps(self.body).encode()


class Watch:
    """A watch that has been accepted. `take` gives what happened since the last `take`."""

    def __init__(
        self, store: Store, resource: ResourceType, selection: Selection, since: int
    ) -> None:
        self._store = store
        self._resource = resource
        self._kept = _kept(resource)
        self._shown = partial(_shown, resource)
        self._selected = predicate(resource, selection)
        self._revision = since
        self._first: list[WatchEvent] = []
        self.ended = False

    def begin_with_all(self, *, bookmark: bool) -> None:
        """Start with what exists as ADDED events, closed by a bookmark if asked for."""
        self._revision = self._store.revision
        self._first = [
            WatchEvent(ChangeType.ADDED, self._shown(document))
            for document in self._store.select(self._kept, Selection())
            if self._is_selected(document)
        ]
        if bookmark:
            self._first.append(self.bookmark(_INITIAL_EVENTS_END))

    def take(self) -> list[WatchEvent]:
        """The new events; a single ERROR, and the end, when the history no longer reaches back."""
        taken, self._first = self._first, []
        try:
            changes = self._store.changes(self._kept, self._is_selected, self._revision)
        except GoneError as gone:
            self.ended = True
            return [*taken, WatchEvent(ChangeType.ERROR, gone.status)]
        self._revision = max(self._revision, self._store.revision)
        return [*taken, *[WatchEvent(event.type, self._shown(event.object)) for event in changes]]

    def _is_selected(self, document: JsonObject) -> bool:
        return self._selected(self._shown(document))

    def bookmark(self, annotations: dict[str, str] | None = None) -> WatchEvent:
        """How far the watch has come."""
        metadata: JsonObject = {"resourceVersion": str(self._revision)}
        if annotations:
            metadata["annotations"] = annotations
        head = {"kind": self._resource.kind, "apiVersion": self._resource.api_version}
        return WatchEvent(ChangeType.BOOKMARK, head | {"metadata": metadata})


class Api:
    """The HTTP face of one store."""

    def __init__(self, store: Store) -> None:
        self._store = store
        # What each manager applied last, by uid, subresource and manager: server-side apply.
        self._applied: dict[tuple[str, str, str], JsonObject] = {}

    def handle(self, request: Request) -> Answer | Watch:
        """The answer to a request; refusals are answers too."""
        try:
            return self._answer(request)
        except ApiError as error:
            return Answer(error.code, error.status)

    def _answer(self, request: Request) -> Answer | Watch:
        path = request.path.rstrip("/")
        if path in _HEALTH:
            return Answer(200, text="ok")
        if request.method == "GET" and discovery.may_be_page(path):
            document = discovery.page(path, self._store.resource_types)
            if document is not None:
                return Answer(200, document)
        target = requests.target(path)
        resource = self._store.resource(target.group, target.version, target.plural)
        if not target.name:
            return self._collection(request, target, resource)
        if resource.namespaced and not target.namespace:
            raise path_not_found()
        if target.subresource and not (target.subresource == "status" and resource.has_status):
            raise path_not_found()
        key = Key(resource, target.namespace, target.name)
        return self._object(request, key, target.subresource)

    def _collection(
        self, request: Request, target: Target, resource: ResourceType
    ) -> Answer | Watch:
        selection = requests.selection(request, target.namespace)
        if request.method == "GET" and requests.flag(request, "watch"):
            return self._watch(request, resource, selection)
        if request.method == "GET":
            return self._list(request, resource, selection)
        if request.method == "POST":
            return self._create(request, target, resource)
        if request.method == "DELETE" and resource not in (NAMESPACES, CRDS):
            return self._delete_collection(request, resource, selection)
        raise method_not_allowed()

    def _object(self, request: Request, key: Key, subresource: str) -> Answer:
        kept = _kept_key(key)
        if request.method == "GET":
            return Answer(200, _shown(key.resource, self._store.get(kept)))
        if request.method == "PUT":
            return self._replace(request, key, subresource)
        if request.method == "PATCH":
            return self._patch(request, key, subresource)
        if request.method == "DELETE" and not subresource:
            remaining = self._delete(request, key)
            return Answer(200, remaining)
        raise method_not_allowed()

    def _list(self, request: Request, resource: ResourceType, selection: Selection) -> Answer:
        selected = predicate(resource, selection)
        # A list is always of the present revision: `limit` and `continue` are not needed.
        everything = self._store.select(_kept(resource), Selection(), requests.revision(request))
        shown = (_shown(resource, document) for document in everything)
        body = {
            "kind": f"{resource.kind}List",
            "apiVersion": resource.api_version,
            "metadata": {"resourceVersion": str(self._store.revision)},
            "items": [document for document in shown if selected(document)],
        }
        return Answer(200, body)

    def _watch(self, request: Request, resource: ResourceType, selection: Selection) -> Watch:
        since = requests.revision(request)
        watch = Watch(self._store, resource, selection, since)
        initial = requests.flag(request, "sendInitialEvents")
        if initial or since == 0:
            watch.begin_with_all(bookmark=initial)
        return watch

    def _create(self, request: Request, target: Target, resource: ResourceType) -> Answer:
        if resource.namespaced and not target.namespace:
            raise method_not_allowed()
        document = requests.document(request)
        name = self._name_of(document, resource)
        key = Key(resource, target.namespace, name)
        dry_run = requests.is_dry_run(request)
        made = self._store.create(_kept_key(key), _kept_document(key, document), dry_run=dry_run)
        return Answer(201, _shown(resource, made))

    def _name_of(self, document: JsonObject, resource: ResourceType) -> str:
        metadata = document.get("metadata") or {}
        if name := metadata.get("name"):
            return str(name)
        if prefix := metadata.get("generateName"):
            return f"{prefix}{self._store.revision:05x}"
        message = "metadata.name: Required value: name or generateName is required"
        raise ApiError(422, "Invalid", f'{resource.kind} "" is invalid: {message}')

    def _replace(self, request: Request, key: Key, subresource: str) -> Answer:
        document = _kept_document(key, requests.document(request))
        kept, dry_run = _kept_key(key), requests.is_dry_run(request)
        before = self._store.uid(kept)
        made = self._store.replace(kept, document, subresource, dry_run=dry_run)
        return Answer(201 if before is None else 200, _shown(key.resource, made))

    def _patch(self, request: Request, key: Key, subresource: str) -> Answer:
        kind = request.headers.get("content-type", "").partition(";")[0].strip()
        dry_run = requests.is_dry_run(request)
        if kind == "application/apply-patch+yaml":
            return self._apply(request, key, subresource, dry_run=dry_run)
        change = _change(kind, key.resource, requests.body(request))
        made = self._store.patch(
            _kept_key(key), _through_view(key, change), subresource, dry_run=dry_run
        )
        return Answer(200, _shown(key.resource, made))

    def _apply(self, request: Request, key: Key, subresource: str, *, dry_run: bool) -> Answer:
        manager = request.query.get("fieldManager", "")
        if not manager:
            message = "fieldManager: Required value: is required for apply patch"
            raise ApiError(422, "Invalid", f'PatchOptions.meta.k8s.io "" is invalid: {message}')
        applied = requests.document(request)
        kept = _kept_key(key)
        uid = self._store.uid(kept)
        if uid is None:
            made = self._store.create(kept, _kept_document(key, applied), dry_run=dry_run)
        else:
            before = self._applied.get((uid, subresource, manager), {})
            change = partial(patches.apply_patch, applied=applied, applied_before=before)
            made = self._store.patch(kept, _through_view(key, change), subresource, dry_run=dry_run)
        if not dry_run:
            self._applied[made["metadata"]["uid"], subresource, manager] = copy(applied)
        return Answer(201 if uid is None else 200, _shown(key.resource, made))

    def _delete(self, request: Request, key: Key) -> JsonObject:
        options = requests.document(request) if request.body else {}
        wanted = options.get("preconditions") or {}
        preconditions = Preconditions(wanted.get("uid"), wanted.get("resourceVersion"))
        dry_run = requests.is_dry_run(request) or options.get("dryRun") == ["All"]
        kept = _kept_key(key)
        uid = self._store.get(kept)["metadata"]["uid"]
        remaining = self._store.delete(kept, preconditions, dry_run=dry_run)
        if remaining is not None:
            return _shown(key.resource, remaining)
        details = {
            "name": key.name,
            "group": key.resource.group,
            "kind": key.resource.plural,
            "uid": uid,
        }
        details = {name: value for name, value in details.items() if value}
        head = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success"}
        return head | {"details": details}

    def _delete_collection(
        self, request: Request, resource: ResourceType, selection: Selection
    ) -> Answer:
        answer = self._list(request, resource, selection)
        for document in answer.body["items"]:
            metadata = document["metadata"]
            key = Key(_kept(resource), metadata.get("namespace", ""), metadata["name"])
            self._store.delete(key, dry_run=requests.is_dry_run(request))
        return answer


def _change(kind: str, resource: ResourceType, body: Any) -> Callable[[JsonObject], JsonObject]:
    if kind == "application/json-patch+json":
        return partial(patches.json_patch, operations=body)
    if not isinstance(body, dict):
        raise BadRequestError("the body of the request is not an object")
    if kind == "application/merge-patch+json":
        return partial(patches.merge_patch, patch=body)
    if kind == "application/strategic-merge-patch+json" and not resource.custom:
        return partial(patches.strategic_merge_patch, patch=body)
    raise unsupported_patch(resource)


# Events are kept once and shown in two groups; everything else is kept as it is shown.


def _kept(resource: ResourceType) -> ResourceType:
    return EVENTS if resource is CORE_EVENTS else resource


def _kept_key(key: Key) -> Key:
    return Key(_kept(key.resource), key.namespace, key.name)


def _kept_document(key: Key, document: JsonObject) -> JsonObject:
    return events.from_core(document) if key.resource is CORE_EVENTS else document


def _shown(resource: ResourceType, document: JsonObject) -> JsonObject:
    if resource is CORE_EVENTS:
        return events.to_core(document)
    return document | {"apiVersion": resource.api_version}


def _through_view(
    key: Key, change: Callable[[JsonObject], JsonObject]
) -> Callable[[JsonObject], JsonObject]:
    if key.resource is not CORE_EVENTS:
        return change
    return lambda document: events.from_core(change(events.to_core(document)))
