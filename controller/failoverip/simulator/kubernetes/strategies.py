"""What the server itself writes into an object when it is created or updated.

Pure: documents in, a new document out, ApiError when the write is refused. The rules are those
of kube-apiserver's registry, as far as the contract suite holds them against it.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass

from failoverip.simulator.kubernetes.documents import copy
from failoverip.simulator.kubernetes.errors import (
    ApiError,
    BadRequestError,
    ConflictError,
    InvalidError,
)
from failoverip.simulator.kubernetes.resources import (
    CRDS,
    NAMESPACES,
    NODES,
    SECRETS,
    JsonObject,
    Key,
    ResourceType,
)

CRD_FINALIZER = "customresourcecleanup.apiextensions.k8s.io"

# Only the server writes these.
_SERVER_OWNED = (
    "uid",
    "creationTimestamp",
    "deletionTimestamp",
    "deletionGracePeriodSeconds",
    "generation",
    "selfLink",
)


@dataclass(frozen=True, slots=True)
class Birth:
    """What a new object gets from the server's surroundings."""

    uid: str
    timestamp: str  # RFC 3339, whole seconds


def check_address(key: Key, document: JsonObject) -> None:
    """The body must agree with the path on kind, name and namespace."""
    resource = key.resource
    kind = document.get("kind", resource.kind)
    if resource.custom and ("kind" not in document or "apiVersion" not in document):
        raise BadRequestError(
            f"the object provided is unrecognized (must be of type {resource.kind}): "
            "couldn't get version/kind"
        )
    if kind != resource.kind and resource.custom:
        raise InvalidError(key, [("kind", f'Invalid value: "{kind}": must be {resource.kind}')])
    if kind != resource.kind:
        raise BadRequestError(f"{kind} cannot be handled as a {resource.kind}")
    metadata = document.get("metadata")
    if not isinstance(metadata, dict):
        raise BadRequestError("metadata is missing or not a map")
    if metadata.get("namespace", key.namespace) != key.namespace:
        raise BadRequestError(
            "the namespace of the provided object does not match the namespace sent on the request"
        )
    name = metadata.get("name", key.name)
    if name != key.name:
        raise BadRequestError(
            f"the name of the object ({name}) does not match the name on the URL ({key.name})"
        )


def created(key: Key, document: JsonObject, birth: Birth) -> JsonObject:
    """A new object, without its resourceVersion."""
    if document["metadata"].get("resourceVersion"):
        # kube-apiserver answers 500 here, without a reason.
        raise ApiError(500, "", "resourceVersion should not be set on objects to be created")
    return _born(key, document, birth)


def put_in_place(key: Key, document: JsonObject, birth: Birth) -> JsonObject:
    """A new object made by a PUT; its resourceVersion, of an object now gone, does not matter."""
    return _born(key, document, birth)


def _born(key: Key, document: JsonObject, birth: Birth) -> JsonObject:
    document = copy(document)
    metadata = {
        name: value
        for name, value in document["metadata"].items()
        if name not in _SERVER_OWNED and name not in ("resourceVersion", "managedFields")
    }
    metadata |= {"name": key.name, "uid": birth.uid, "creationTimestamp": birth.timestamp}
    if key.namespace:
        metadata["namespace"] = key.namespace
    if key.resource.has_generation:
        metadata["generation"] = 1
    new = _shaped(key.resource, document, metadata)
    if key.resource.custom:
        # The status of a custom resource is written through its subresource only.
        return {n: v for n, v in new.items() if n != "status" or not key.resource.has_status}
    return _built_in_birth(key, new, birth)


def _built_in_birth(key: Key, new: JsonObject, birth: Birth) -> JsonObject:
    if key.resource is NODES:
        new = {"spec": {}, "status": {}} | new
    if key.resource is NAMESPACES:
        labels = new["metadata"].setdefault("labels", {})
        labels["kubernetes.io/metadata.name"] = key.name
        new["spec"] = {"finalizers": ["kubernetes"]}
        new["status"] = {"phase": "Active"}
    if key.resource is CRDS:
        return _established(new, birth)
    return new


def _shaped(resource: ResourceType, document: JsonObject, metadata: JsonObject) -> JsonObject:
    rest = {
        name: value
        for name, value in document.items()
        if name not in ("apiVersion", "kind", "metadata")
    }
    if resource is SECRETS:
        rest = _sealed(rest)
    return {
        "kind": resource.kind,
        "apiVersion": resource.api_version,
        "metadata": {n: v for n, v in metadata.items() if v not in (None, {}, [])},
        **rest,
    }


def _sealed(secret: JsonObject) -> JsonObject:
    """`stringData` is written into `data`; a Secret without a type is Opaque."""
    texts: Mapping[str, str] = secret.pop("stringData", None) or {}
    if texts:
        encoded = {name: base64.b64encode(text.encode()).decode() for name, text in texts.items()}
        secret["data"] = (secret.get("data") or {}) | encoded
    secret.setdefault("type", "Opaque")
    return secret


def _established(crd: JsonObject, birth: Birth) -> JsonObject:
    names = crd["spec"]["names"]
    names.setdefault("singular", names["kind"].lower())
    names.setdefault("listKind", f"{names['kind']}List")
    crd["metadata"]["finalizers"] = [CRD_FINALIZER]
    reasons = {"NamesAccepted": "NoConflicts", "Established": "InitialNamesAccepted"}
    messages = {
        "NamesAccepted": "no conflicts found",
        "Established": "the initial names have been accepted",
    }
    crd["status"] = {
        "conditions": [
            {
                "type": type_,
                "status": "True",
                "lastTransitionTime": birth.timestamp,
                "reason": reason,
                "message": messages[type_],
            }
            for type_, reason in reasons.items()
        ],
        "acceptedNames": copy(names),
        "storedVersions": [v["name"] for v in crd["spec"]["versions"] if v.get("storage")],
    }
    return crd


def updated(key: Key, old: JsonObject, document: JsonObject, subresource: str) -> JsonObject:
    """The object after an update, with the old resourceVersion still in it."""
    sent = document["metadata"]
    _check_preconditions(key, old, sent)
    writes_status = subresource == "status"
    if writes_status and key.resource.custom:
        metadata = old["metadata"]
    else:
        metadata = {n: v for n, v in sent.items() if n != "managedFields"}
        metadata = metadata | {n: old["metadata"].get(n) for n in ("name", *_SERVER_OWNED)}
        metadata["namespace"] = key.namespace or None
        metadata["resourceVersion"] = old["metadata"]["resourceVersion"]
    new = _shaped(key.resource, document, metadata)
    if key.resource.has_status:
        new = _isolated(new, old, writes_status=writes_status)
    if key.resource.has_generation and _desired(new) != _desired(old):
        new["metadata"]["generation"] = old["metadata"]["generation"] + 1
    _check_finalizers(key, old, new)
    return new


def _check_preconditions(key: Key, old: JsonObject, sent: JsonObject) -> None:
    uid, present = sent.get("uid"), old["metadata"]["uid"]
    if uid and uid != present:
        why = f"Precondition failed: UID in precondition: {uid}, UID in object meta: {present}"
        raise ConflictError(key, why)
    version = sent.get("resourceVersion")
    if not version and not key.resource.unconditional_update:
        cause = ("metadata.resourceVersion", "Invalid value: 0: must be specified for an update")
        raise InvalidError(key, [cause])
    if version and version != old["metadata"]["resourceVersion"]:
        raise ConflictError(key)


def _isolated(new: JsonObject, old: JsonObject, *, writes_status: bool) -> JsonObject:
    """Status and the rest are written apart: each write keeps the other half as it was."""
    status_from, rest_from = (new, old) if writes_status else (old, new)
    merged = {n: v for n, v in rest_from.items() if n not in ("metadata", "status")}
    merged["metadata"] = new["metadata"]
    if "status" in status_from:
        merged["status"] = status_from["status"]
    return merged


def _desired(document: JsonObject) -> JsonObject:
    return {n: v for n, v in document.items() if n not in ("metadata", "status")}


def _check_finalizers(key: Key, old: JsonObject, new: JsonObject) -> None:
    if "deletionTimestamp" not in old["metadata"]:
        return
    before = old["metadata"].get("finalizers") or []
    added = [f for f in new["metadata"].get("finalizers") or [] if f not in before]
    if added:
        quoted = ", ".join(f'"{name}"' for name in added)
        message = (
            "Forbidden: no new finalizers can be added if the object is being deleted, "
            f"found new finalizers []string{{{quoted}}}"
        )
        raise InvalidError(key, [("metadata.finalizers", message)], "FieldValueForbidden")
