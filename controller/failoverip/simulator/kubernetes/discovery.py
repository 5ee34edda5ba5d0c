"""What clients ask before they ask for objects: groups, resources, version, and schema stubs."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from failoverip.simulator.kubernetes.resources import JsonObject, ResourceType

# The version whose behaviour this API imitates.
GIT_VERSION = "v1.36.3"
_VERBS = ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"]
_STATUS_VERBS = ["get", "patch", "update"]


def may_be_page(path: str) -> bool:
    """Whether it is short enough: a page's path ends before the plural of a resource."""
    return path.startswith("/openapi/") or path.count("/") <= (
        3 if path.startswith("/apis/") else 2
    )


def page(path: str, resources: Iterable[ResourceType]) -> JsonObject | None:
    """The document at a discovery path, None when the path is none."""
    types = list(resources)
    fixed: dict[str, Callable[[], JsonObject]] = {
        "/version": _version,
        "/api": _core_versions,
        "/apis": lambda: _groups(types),
        "/openapi/v3": lambda: _schema_index(types),
    }
    if path in fixed:
        return fixed[path]()
    if path.startswith("/openapi/v3/"):
        return _schemas(path.removeprefix("/openapi/v3"), types)
    if path.count("/") == 2 and path.startswith("/apis/"):
        return next(
            (group for group in _groups(types)["groups"] if group["name"] == path[6:]), None
        )
    served = [resource for resource in types if resource.path == path]
    return _resources(served) if served else None


def _version() -> JsonObject:
    major, minor, _ = GIT_VERSION.removeprefix("v").split(".")
    return {"major": major, "minor": minor, "gitVersion": GIT_VERSION, "platform": "embedded"}


def _core_versions() -> JsonObject:
    return {"kind": "APIVersions", "versions": ["v1"], "serverAddressByClientCIDRs": []}


def _groups(types: list[ResourceType]) -> JsonObject:
    versions: dict[str, list[JsonObject]] = {}
    for resource in types:
        entry = {"groupVersion": resource.api_version, "version": resource.version}
        listed = versions.setdefault(resource.group, [])
        if entry not in listed:
            listed.append(entry)
    return {
        "kind": "APIGroupList",
        "apiVersion": "v1",
        "groups": [
            {"name": group, "versions": served, "preferredVersion": served[0]}
            for group, served in versions.items()
            if group
        ],
    }


def _resources(served: list[ResourceType]) -> JsonObject:
    entries: list[JsonObject] = []
    for resource in served:
        entry: JsonObject = {
            "name": resource.plural,
            "singularName": resource.singular,
            "namespaced": resource.namespaced,
            "kind": resource.kind,
            "verbs": _VERBS,
        }
        if resource.short_names:
            entry["shortNames"] = list(resource.short_names)
        if resource.categories:
            entry["categories"] = list(resource.categories)
        entries.append(entry)
        if resource.has_status:
            status = {"name": f"{resource.plural}/status", "singularName": ""}
            status |= {"namespaced": resource.namespaced, "kind": resource.kind}  # type: ignore[dict-item]  # JSON
            entries.append(status | {"verbs": _STATUS_VERBS})
    return {
        "kind": "APIResourceList",
        "apiVersion": "v1",
        "groupVersion": served[0].api_version,
        "resources": entries,
    }


def _schema_index(types: list[ResourceType]) -> JsonObject:
    paths = {resource.path.lstrip("/") for resource in types}
    return {"paths": {p: {"serverRelativeURL": f"/openapi/v3/{p}"} for p in sorted(paths)}}


def _schemas(path: str, types: list[ResourceType]) -> JsonObject | None:
    """Enough for kubectl to see that the server takes `fieldValidation`; no schema stands here."""
    served = [resource for resource in types if resource.path == path]
    if not served:
        return None
    paths: dict[str, Any] = {}
    schemas: dict[str, Any] = {}
    for resource in served:
        kind = {"group": resource.group, "version": resource.version, "kind": resource.kind}
        scope = "/namespaces/{namespace}" if resource.namespaced else ""
        parameters = [
            {"name": name, "in": "query", "schema": {"type": "string", "uniqueItems": True}}
            for name in ("dryRun", "fieldManager", "fieldValidation", "force")
        ]
        paths[f"{path}{scope}/{resource.plural}/{{name}}"] = {
            "patch": {"parameters": parameters, "x-kubernetes-group-version-kind": kind}
        }
        name = f"{resource.group or 'core'}.{resource.version}.{resource.kind}"
        schemas[name] = {"type": "object", "x-kubernetes-group-version-kind": [kind]}
    return {
        "openapi": "3.0.0",
        "info": {"title": "failoverip's embedded Kubernetes API", "version": GIT_VERSION},
        "paths": paths,
        "components": {"schemas": schemas},
    }
