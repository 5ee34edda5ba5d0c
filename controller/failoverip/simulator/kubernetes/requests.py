"""A request as a value, and what its path and query ask for."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import yaml

from failoverip.simulator.kubernetes.errors import ApiError, BadRequestError, path_not_found
from failoverip.simulator.kubernetes.resources import JsonObject
from failoverip.simulator.kubernetes.selectors import Selection

_RESOURCE_PATH = re.compile(
    r"^/(?:api|apis/(?P<group>[^/]+))/(?P<version>[^/]+)"
    r"(?:/namespaces/(?P<namespace>[^/]+)(?=/))?"
    r"/(?P<plural>[^/]+)(?:/(?P<name>[^/]+)(?:/(?P<subresource>[^/]+))?)?$"
)
# `/api/v1/namespaces/NAME/status` is about the namespace, not about a resource in it.
_NAMESPACE_PATH = re.compile(r"^/api/v1/namespaces/(?P<name>[^/]+)/(?P<subresource>status)$")


@dataclass(frozen=True, slots=True)
class Request:
    """An HTTP request, already read. Header names are lower case."""

    method: str
    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class Target:
    """The object or collection that a path names; absent parts are empty."""

    group: str
    version: str
    namespace: str
    plural: str
    name: str
    subresource: str


# Clients ask for the same few paths again and again.
@lru_cache(maxsize=1024)
def target(path: str) -> Target:
    """What a resource path names; 404 when it is no such path."""
    if match := _NAMESPACE_PATH.match(path):
        return Target("", "v1", "", "namespaces", match["name"], match["subresource"])
    match = _RESOURCE_PATH.match(path)
    if match is None:
        raise path_not_found()
    return Target(**{name: value or "" for name, value in match.groupdict().items()})


def body(request: Request) -> Any:
    """The body as JSON; as YAML where its type says so. BadRequestError when it cannot be read."""
    try:
        return json.loads(request.body)
    except ValueError as error:
        if "yaml" not in request.headers.get("content-type", ""):
            raise BadRequestError(f"the body of the request is not JSON: {error}") from error
    try:
        return yaml.safe_load(request.body)
    except yaml.YAMLError as error:
        raise BadRequestError(f"the body of the request is not YAML: {error}") from error


def document(request: Request) -> JsonObject:
    """The body as an object."""
    value = body(request)
    if not isinstance(value, dict):
        raise BadRequestError("the body of the request is not an object")
    return value


def selection(request: Request, namespace: str) -> Selection:
    """Namespace and selectors of a list or watch."""
    query = request.query
    return Selection(namespace, query.get("labelSelector", ""), query.get("fieldSelector", ""))


def is_dry_run(request: Request) -> bool:
    """Whether nothing may be kept. 422 for a directive other than All."""
    directive = request.query.get("dryRun", "")
    if directive not in ("", "All"):
        message = f'dryRun: Unsupported value: ["{directive}"]: supported values: "All"'
        raise ApiError(422, "Invalid", message)
    return directive == "All"


def revision(request: Request) -> int:
    """The resourceVersion asked for; 0 when any will do."""
    text = request.query.get("resourceVersion", "") or "0"
    if not text.isdecimal():
        raise BadRequestError(f'resourceVersion: Invalid value: "{text}": invalid syntax', 500, "")
    return int(text)


def flag(request: Request, name: str) -> bool:
    """A boolean of the query, `true` or `1`."""
    return request.query.get(name, "").lower() in ("true", "1")
