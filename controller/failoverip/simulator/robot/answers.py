"""What Robot answers, as bytes: envelopes and error bodies of hetzner-api 1 to 3."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

HTML = "text/html; charset=utf-8"
JSON = "application/json"


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP answer. `cut_at`: the connection ends after so many bytes of the body."""

    status: int
    body: bytes = b""
    content_type: str = JSON
    code: str | None = None  # Robot's error code, for the journal
    cut_at: int | None = None


@dataclass(frozen=True, slots=True)
class ConnectionLost:
    """No answer. `opened` False: the connection was refused, so nothing was received."""

    opened: bool = True


Reply = Answer | ConnectionLost


def ok(value: object) -> Answer:
    """200 with a JSON body."""
    return Answer(200, json.dumps(value).encode())


def refusal(status: int, code: str, message: str, **extra: Any) -> Answer:
    """Robot's error envelope; `extra` are the keys that some codes add."""
    error = {"status": status, "code": code, "message": message, **extra}
    return Answer(status, json.dumps({"error": error}).encode(), code=code)


def page(status: int, title: str) -> Answer:
    """An HTML page, as an intermediary sends it."""
    body = f"<!DOCTYPE html><html><head><title>{title}</title></head><body>{title}</body></html>"
    return Answer(status, body.encode(), HTML)


def empty(status: int) -> Answer:
    """An answer without a body."""
    return Answer(status, b"", HTML)


def truncated(answer: Answer) -> Answer:
    """The same answer, cut in the middle of its body."""
    return Answer(
        answer.status,
        answer.body,
        answer.content_type,
        answer.code,
        cut_at=len(answer.body) // 2,
    )


def invalid_input(*, missing: list[str] | None = None, invalid: list[str] | None = None) -> Answer:
    """400 INVALID_INPUT; both keys are always there, null or names."""
    return refusal(400, "INVALID_INPUT", "invalid input", missing=missing, invalid=invalid)


def rate_limited(limit_key: str, limit: int, interval_seconds: float) -> Answer:
    """403 RATE_LIMIT_EXCEEDED; the key of the limit is documented and observed differently."""
    extra = {limit_key: limit, "interval": int(interval_seconds)}
    return refusal(403, "RATE_LIMIT_EXCEEDED", "rate limit exceeded", **extra)


UNAUTHORIZED = refusal(401, "UNAUTHORIZED", "Unauthorized")
FORBIDDEN_PAGE = page(403, "403 Forbidden")
NOT_FOUND = refusal(404, "NOT_FOUND", "Not Found")
SERVER_NOT_FOUND = refusal(404, "SERVER_NOT_FOUND", "server not found")
NEW_SERVER_NOT_FOUND = refusal(404, "FAILOVER_NEW_SERVER_NOT_FOUND", "The new server was not found")
ALREADY_ROUTED = refusal(
    409, "FAILOVER_ALREADY_ROUTED", "The failover ip is already routed to the selected server"
)
LOCKED = refusal(409, "FAILOVER_LOCKED", "The failover ip can not be set up due to an active lock.")
FAILED = refusal(500, "FAILOVER_FAILED", "The failover ip could not be routed")
NOT_COMPLETE = refusal(500, "FAILOVER_NOT_COMPLETE", "The failover ip could not be routed")


def maintenance(body: str) -> Answer:
    """503 with an `html`, `json` or `empty` body: the format is not documented."""
    if body == "json":
        return refusal(503, "MAINTENANCE", "Robot is under maintenance")
    return page(503, "503 Service Unavailable") if body == "html" else empty(503)
