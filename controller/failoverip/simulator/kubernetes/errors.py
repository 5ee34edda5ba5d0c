"""What the API refuses, and the Status object that says so.

    ApiError                any refusal; `code` is the HTTP status
    |-- NotFoundError       404: no such object (or no such path: `path_not_found`)
    |-- AlreadyExistsError  409: created before
    |-- ConflictError       409: a stale resourceVersion or a precondition that does not hold
    |-- GoneError           410: the history no longer reaches back that far
    |-- InvalidError        422: a rule, such as one of the fence's, refuses the object
    `-- BadRequestError     400: the request itself is wrong

Texts and codes as kube-apiserver 1.36 words them.
"""

from __future__ import annotations

from typing import Any

from failoverip.simulator.kubernetes.resources import Key, ResourceType

MODIFIED = (
    "the object has been modified; please apply your changes to the latest version and try again"
)


class ApiError(Exception):
    """A refusal. `status` is the `Status` object that goes to the client."""

    def __init__(
        self, code: int, reason: str, message: str, details: dict[str, Any] | None = None
    ) -> None:
        super().__init__(message)
        self.code = code
        self.status: dict[str, Any] = {
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": {},
            "status": "Failure",
            "message": message,
            "reason": reason,
            "details": details or {},
            "code": code,
        }


def _named(key: Key, *, kind: str | None = None) -> dict[str, Any]:
    details = {"name": key.name, "group": key.resource.group, "kind": kind or key.resource.plural}
    return {field: value for field, value in details.items() if value}


class NotFoundError(ApiError):
    """404: no such object."""

    def __init__(self, key: Key) -> None:
        message = f'{key.resource.full_name} "{key.name}" not found'
        super().__init__(404, "NotFound", message, _named(key))


class AlreadyExistsError(ApiError):
    """409: an object of this name was created before."""

    def __init__(self, key: Key) -> None:
        message = f'{key.resource.full_name} "{key.name}" already exists'
        super().__init__(409, "AlreadyExists", message, _named(key))


class ConflictError(ApiError):
    """409: what the caller last read is not what is stored."""

    def __init__(self, key: Key, why: str = MODIFIED) -> None:
        message = f'Operation cannot be fulfilled on {key.resource.full_name} "{key.name}": {why}'
        super().__init__(409, "Conflict", message, _named(key))


class GoneError(ApiError):
    """410: changes since `revision` are no longer kept; list again."""

    def __init__(self, revision: int, oldest: int) -> None:
        message = f"too old resource version: {revision} ({oldest})"
        super().__init__(410, "Expired", message)


class InvalidError(ApiError):
    """422: the object as it would be stored breaks a rule. `causes`: (field, what is wrong)."""

    def __init__(self, key: Key, causes: list[tuple[str, str]], reason: str = "FieldValueInvalid"):
        kind = ".".join(filter(None, (key.resource.kind, key.resource.group)))
        lines = [f"{field}: {message}" for field, message in causes]
        listed = lines[0] if len(lines) == 1 else f"[{', '.join(lines)}]"
        details = _named(key, kind=key.resource.kind) | {
            "causes": [
                {"reason": reason, "message": message, "field": field} for field, message in causes
            ]
        }
        super().__init__(422, "Invalid", f'{kind} "{key.name}" is invalid: {listed}', details)


class BadRequestError(ApiError):
    """The request itself is wrong; nothing was looked up."""

    def __init__(self, message: str, code: int = 400, reason: str = "BadRequest") -> None:
        super().__init__(code, reason, message)


def path_not_found() -> ApiError:
    """404 for a path that no resource serves."""
    message = "the server could not find the requested resource"
    return ApiError(404, "NotFound", message)


def method_not_allowed() -> ApiError:
    """405 for a verb that the resource lacks."""
    message = "the server does not allow this method on the requested resource"
    return ApiError(405, "MethodNotAllowed", message)


def patch_refused() -> ApiError:
    """422 for a JSON patch whose test fails or whose path does not exist."""
    message = "the server rejected our request due to an error in our request"
    return ApiError(422, "Invalid", message)


def version_too_large(asked: int, current: int) -> ApiError:
    """504 for a list at a resourceVersion that has not happened."""
    message = f"Timeout: Too large resource version: {asked}, current: {current}"
    details: dict[str, Any] = {"retryAfterSeconds": 1}
    details["causes"] = [
        {"reason": "ResourceVersionTooLarge", "message": "Too large resource version"}
    ]
    return ApiError(504, "Timeout", message, details)


def unsupported_patch(resource: ResourceType) -> ApiError:
    """415 for a patch format that the resource does not take."""
    accepted = ["application/json-patch+json", "application/merge-patch+json"]
    if not resource.custom:
        accepted.append("application/strategic-merge-patch+json")
    accepted.append("application/apply-patch+yaml")
    message = (
        "the body of the request was in an unknown format - accepted media types include: "
        + ", ".join(accepted)
    )
    return ApiError(415, "UnsupportedMediaType", message)
