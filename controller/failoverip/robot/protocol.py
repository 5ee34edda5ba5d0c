"""Robot's wire format, pure: requests to bytes, answers to values. No I/O, no package.

Robot's `code` decides, not the HTTP status (hetzner-api 3); the status counts only where no code
came. Whatever is not understood whole is `CannotTell`: half an answer is no fact.

What a POST's answer means for the route::

    200 object               Switched
    FAILOVER_ALREADY_ROUTED  AlreadyRouted   nothing executed, the route is there
    FAILOVER_LOCKED          Locked          nothing executed, another switch runs
    INVALID_INPUT, NOT_FOUND, FAILOVER_NEW_SERVER_NOT_FOUND
                             Refused         a definitive no
    RATE_LIMIT_EXCEEDED, 401, never sent
                             NotExecuted     may be sent again
    everything else          OutcomeUnknown  read before anything else

"Everything else" holds a bare 403 and a 503 too. The fact sheet only infers that a maintenance
page means an untouched route, and an intermediary can answer 503 after Robot took the request. To
be wrong here costs one read; to be wrong the other way could end in two switches.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar
from urllib.parse import urlencode

from failoverip.core.addresses import AddressKey, TargetAddress
from failoverip.core.provider import (
    AlreadyRouted,
    CannotTell,
    Fault,
    Locked,
    NotExecuted,
    OutcomeUnknown,
    Refused,
    RoutesAnswer,
    ServersAnswer,
    SwitchAnswer,
    Switched,
)
from failoverip.robot.objects import (
    MalformedAnswerError,
    json_document,
    parse_route,
    parse_routes,
    parse_servers,
)

# Shapes of what is shown of an answer: it stays one short line, and nothing that an intermediary
# may have echoed, such as a header of ours, gets into it.
_CODE = re.compile(r"[A-Z][A-Z0-9_]{0,63}")
_NAME = re.compile(r"[a-z][a-z0-9_]{0,31}")
# A longer interval than a day is not the hourly limit of hetzner-api 4.
_MAX_INTERVAL_SECONDS = 86400
# The last one is documented for other calls than these.
_SERVER_ERROR_CODES = frozenset({"FAILOVER_FAILED", "FAILOVER_NOT_COMPLETE", "INTERNAL_ERROR"})

_Fact = TypeVar("_Fact")


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """One request below the base URL. The transport adds Host and Authorization."""

    method: str
    path: str
    headers: tuple[tuple[str, str], ...]
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class _Refusal:
    """An error answer: `code` empty where none could be read, `detail` one line for people."""

    status: int
    code: str
    detail: str
    interval_seconds: float | None = None


# Identity: a compressed body could hide its size, and a garbled one would look like another fault.
_READ_HEADERS = (("Accept", "application/json"), ("Accept-Encoding", "identity"))


def list_routes() -> HttpRequest:
    """Every failover address of the account, in one read (hetzner-api 2)."""
    return HttpRequest("GET", "/failover", _READ_HEADERS)


def list_servers() -> HttpRequest:
    """Every server of the account, in one read (hetzner-api 6)."""
    return HttpRequest("GET", "/server", _READ_HEADERS)


def switch_route(address: AddressKey, target: TargetAddress) -> HttpRequest:
    """Route `address` to `target`. Colons stand unescaped in the path (hetzner-api 2)."""
    headers = (
        *_READ_HEADERS,
        ("Content-Type", "application/x-www-form-urlencoded"),
        # The connection serves this request only: Robot need not keep it.
        ("Connection", "close"),
    )
    body = urlencode({"active_server_ip": target}).encode("ascii")
    return HttpRequest("POST", f"/failover/{address}", headers, body)


def is_told_by_status(status: int) -> bool:
    """Whether the status is the whole answer: a login failed also where the body of a 401 is cut.

    Its code is observed, not documented (hetzner-api 3), and nothing hangs on it.
    """
    return status == 401


def routes_answer(status: int, body: bytes) -> RoutesAnswer:
    """What `list_routes` told. 404 NOT_FOUND means that the account has none (hetzner-api 5.1)."""
    return _list_answer(status, body, parse_routes, none_code="NOT_FOUND")


def servers_answer(status: int, body: bytes) -> ServersAnswer:
    """What `list_servers` told. 404 SERVER_NOT_FOUND means that the account has none."""
    return _list_answer(status, body, parse_servers, none_code="SERVER_NOT_FOUND")


def switch_answer(address: AddressKey, status: int, body: bytes) -> SwitchAnswer:
    """What `switch_route` of `address` told; the table above is the rule."""
    try:
        document = json_document(body)
        refusal = _refusal(status, document)
        if refusal is not None:
            return _refused_switch(refusal)
        route = parse_route(document)
    except MalformedAnswerError as malformed:
        return _refused_switch(_bare_refusal(status, str(malformed)))
    if route.address != address:
        # Not the answer to this request: it tells nothing about this address.
        reason = CannotTell(Fault.GARBLED, f"HTTP {status}: answer about another address")
        return OutcomeUnknown(reason)
    return Switched(route)


def switch_fault(fault: Fault, detail: str, *, first_byte_left: bool) -> SwitchAnswer:
    """A POST without an answer: once its first byte left, nobody knows what became of it."""
    reason = CannotTell(fault, detail)
    return OutcomeUnknown(reason) if first_byte_left else NotExecuted(reason)


def _list_answer(
    status: int,
    body: bytes,
    parse: Callable[[object], tuple[_Fact, ...]],
    none_code: str,
) -> tuple[_Fact, ...] | CannotTell:
    try:
        document = json_document(body)
        refusal = _refusal(status, document)
        if refusal is None:
            return parse(document)
    except MalformedAnswerError as malformed:
        return _cannot_tell(_bare_refusal(status, str(malformed)))
    return () if refusal.code == none_code else _cannot_tell(refusal)


def _refused_switch(refusal: _Refusal) -> SwitchAnswer:
    match refusal.code:
        case "FAILOVER_ALREADY_ROUTED":
            return AlreadyRouted()
        case "FAILOVER_LOCKED":
            return Locked()
        case "INVALID_INPUT" | "NOT_FOUND" | "FAILOVER_NEW_SERVER_NOT_FOUND":
            return Refused(refusal.code, refusal.detail)
    reason = _cannot_tell(refusal)
    if reason.fault in {Fault.RATE_LIMITED, Fault.CREDENTIALS_REFUSED}:
        return NotExecuted(reason)
    return OutcomeUnknown(reason)


def _cannot_tell(refusal: _Refusal) -> CannotTell:
    return CannotTell(_fault(refusal), refusal.detail, refusal.interval_seconds)


def _fault(refusal: _Refusal) -> Fault:
    if refusal.code == "RATE_LIMIT_EXCEEDED":
        return Fault.RATE_LIMITED
    if refusal.code == "UNAUTHORIZED" or is_told_by_status(refusal.status):
        return Fault.CREDENTIALS_REFUSED
    if refusal.status == 403:
        return Fault.FORBIDDEN
    if refusal.status == 503:
        return Fault.MAINTENANCE
    if refusal.code in _SERVER_ERROR_CODES or 500 <= refusal.status <= 599:
        return Fault.SERVER_ERROR
    return Fault.GARBLED


def _refusal(status: int, document: object) -> _Refusal | None:
    """The error that an answer holds, None for an answer to be read as a fact."""
    if isinstance(document, dict) and "error" in document:
        return _error(status, document["error"])
    # 201 is for newly created things (hetzner-api 1); a switch creates none.
    if status != 200:
        raise MalformedAnswerError("an answer without an error code")
    return None


def _error(status: int, error: object) -> _Refusal:
    if not isinstance(error, dict):
        raise MalformedAnswerError("an error of an unknown shape")
    code = error.get("code")
    if not isinstance(code, str) or not _CODE.fullmatch(code):
        raise MalformedAnswerError("an error without a code")
    detail = f"HTTP {status} {code}"
    if code == "RATE_LIMIT_EXCEEDED":
        # The documented name of the limit is singular, the live one plural (hetzner-api 3).
        limit = error.get("max_request", error.get("max_requests"))
        if type(limit) is int and 0 <= limit < 10**6:
            detail += f": the limit is {limit} requests"
        return _Refusal(status, code, detail, _interval_seconds(error.get("interval")))
    for key in ("missing", "invalid"):
        if names := _parameter_names(error.get(key)):
            detail += f", {key}: {', '.join(names)}"
    return _Refusal(status, code, detail)


def _interval_seconds(value: object) -> float | None:
    # bool is an int to Python; NaN and the infinite fail the comparison.
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if 0 < value <= _MAX_INTERVAL_SECONDS else None


def _parameter_names(value: object) -> list[str]:
    """The parameter names that INVALID_INPUT lists; text of any other kind is not shown."""
    if not isinstance(value, list):
        return []
    return [name for name in value[:4] if isinstance(name, str) and _NAME.fullmatch(name)]


def _bare_refusal(status: int, why: str) -> _Refusal:
    detail = f"HTTP {status}" if is_told_by_status(status) else f"HTTP {status}: {why}"
    return _Refusal(status, "", detail)
