"""HTTP answers of the API server to values or exceptions. Pure."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from failoverip.kube.errors import (
    Conflict,
    Expired,
    Forbidden,
    Invalid,
    KubeError,
    NotFound,
    OutcomeUnknown,
    PermanentError,
    ServerError,
    Throttled,
    Unauthorized,
)

Json = dict[str, Any]

# A refusal may quote the whole object.
_MESSAGE_LIMIT = 2000

_FORBIDDEN = re.compile(
    r'cannot (?P<verb>\S+) resource "(?P<resource>[^"]+)" in API group "(?P<group>[^"]*)"'
    r'(?: in the namespace "(?P<namespace>[^"]+)")?'
)


@dataclass(frozen=True, slots=True)
class Answer:
    """One HTTP answer: status, whole body, and the Retry-After header or an empty text."""

    status: int
    body: bytes
    retry_after: str = ""


def read_answer(method: str, path: str, answer: Answer) -> Json:
    """The object in `answer`; the KubeError that fits when there is none."""
    request = f"{method} {path}"
    if answer.status >= HTTPStatus.MULTIPLE_CHOICES:
        raise _refusal(method, request, answer)
    found = _parse_object(answer.body)
    if found is None:
        raise _no_object(method, f"{request}: the answer {answer.status} is no JSON object")
    return found


def _refusal(method: str, request: str, answer: Answer) -> KubeError:
    status_object = _parse_object(answer.body)
    if status_object is None or status_object.get("kind") != "Status":
        return _stranger(method, request, answer)
    message = str(status_object.get("message") or answer.status)[:_MESSAGE_LIMIT]
    if answer.status == HTTPStatus.NOT_FOUND:
        return NotFound(f"{request}: {message}", _missing_name(status_object))
    if answer.status == HTTPStatus.FORBIDDEN:
        return _forbidden(request, message)
    if answer.status == HTTPStatus.UNPROCESSABLE_ENTITY:
        return Invalid(message)
    return _by_status(method, f"{request}: {message}", answer)


def _stranger(method: str, request: str, answer: Answer) -> KubeError:
    """An error without a Status object: kube-apiserver's plain 404, or a proxy before it."""
    text = f"{request}: HTTP {answer.status} without a Kubernetes Status"
    if answer.status == HTTPStatus.NOT_FOUND and answer.body.startswith(b"404 page not found"):
        return NotFound(f"{request}: the API server serves no such resource")
    if answer.status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.TOO_MANY_REQUESTS):
        return _by_status(method, text, answer)
    return _no_object(method, text)


def _by_status(method: str, text: str, answer: Answer) -> KubeError:
    if answer.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return _no_object(method, f"{text} (HTTP {answer.status})")
    if answer.status == HTTPStatus.TOO_MANY_REQUESTS:
        return Throttled(text, _seconds(answer.retry_after))
    if answer.status == HTTPStatus.UNAUTHORIZED:
        return Unauthorized(f"{text}: the API server does not accept the token or certificate")
    if answer.status == HTTPStatus.CONFLICT:
        return Conflict(text)
    if answer.status == HTTPStatus.GONE:
        return Expired(text)
    return PermanentError(f"{text} (HTTP {answer.status})")


def _no_object(method: str, text: str) -> KubeError:
    return ServerError(text) if method == "GET" else OutcomeUnknown(text)


def _forbidden(request: str, message: str) -> Forbidden:
    match = _FORBIDDEN.search(message)
    if match is None:
        return Forbidden(f"{request}: {message}")
    name, slash, part = match["resource"].partition("/")
    resource = (f"{name}.{match['group']}" if match["group"] else name) + slash + part
    where = f" in namespace {match['namespace']}" if match["namespace"] else ""
    text = f"RBAC does not let this ServiceAccount {match['verb']} {resource}{where}: grant it"
    return Forbidden(text, match["verb"], resource)


def _missing_name(status_object: Json) -> str:
    details = status_object.get("details")
    return str(details.get("name") or "") if isinstance(details, dict) else ""


def _parse_object(body: bytes) -> Json | None:
    try:
        found = json.loads(body)
    except ValueError:
        return None
    return found if isinstance(found, dict) else None


def _seconds(text: str) -> float | None:
    return float(text) if text.isascii() and text.isdigit() else None
