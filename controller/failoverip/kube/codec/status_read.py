"""`status` to values, for whoever wrote it: this version, an older or a newer one, a user.

* Unknown fields are ignored.
* `fence`, `intent`, `lastMove` and `switchRequest` guard an action. When one of them is present
  and cannot be read (an unknown word included) that is told as a problem: "no intent" and "not
  answered" would be answers that we do not have. Nor can such a status be replaced by a write that
  lacks them: rules F1, F4 and F7 of the CRD refuse it.
* The reason of an answered switch request is only told: an unknown one reads as SwitchRequested.
* Everything else is told again by the next pass: an entry of a list that cannot be read is left
  out, a single value reads as absent.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from failoverip.core.addresses import TargetAddress, canonical, parse_failover_address
from failoverip.core.reasons import Reason
from failoverip.core.resource import (
    AddressStatus,
    CandidateStatus,
    Cause,
    Condition,
    Fence,
    Intent,
    IntentRoute,
    LastMove,
    Move,
    MoveResult,
    RequestAnswer,
    RouteState,
    Status,
)
from failoverip.kube.codec.wire import Field, Json, UnreadableError

T = TypeVar("T")

ACCEPTED = "Accepted"
REFUSED = "Refused"


def status_from(item: Json | None) -> tuple[Status, str | None]:
    """What can be read of `status` (None when it has none), and what is wrong with it.

    The second value names the first guarding field that cannot be read; nothing may be decided
    on such a status. It is None when all of them can.
    """
    status = Field(item, "status")
    problems: list[str] = []
    try:
        status.mapping()
    except UnreadableError as error:
        return Status(), str(error)
    read = _read(status, problems)
    return read, problems[0] if problems else None


def _read(status: Field, problems: list[str]) -> Status:
    return Status(
        observed_generation=_or(status["observedGeneration"], Field.integer, 0),
        fence=_guard(status["fence"], _fence, problems),
        conditions=_readable(status["conditions"], _condition),
        active_node=_or(status["activeNode"], Field.text, ""),
        active_node_uid=_or(status["activeNodeUID"], Field.text, ""),
        active_server=_or(status["activeServer"], Field.integer, None),
        addresses=_readable(status["addresses"], _address),
        candidates=_readable(status["candidates"], _candidate),
        candidate_count=_or(status["candidateCount"], Field.integer, 0),
        eligible_count=_or(status["eligibleCount"], Field.integer, 0),
        intent=_guard(status["intent"], _intent, problems),
        last_move=_guard(status["lastMove"], _last_move, problems),
        moves=_readable(status["moves"], _move),
        switch_request=_guard(status["switchRequest"], _switch_request, problems),
    )


def _fence(fence: Field) -> Fence:
    return Fence(fence["epoch"].integer(), fence["holder"].text(), fence["lease"].text(""))


def _intent(intent: Field) -> Intent:
    cause = intent["cause"]
    if not intent["routes"].items():
        raise intent["routes"].unreadable("a list with at least one route")
    return Intent(
        id=intent["id"].text(),
        epoch=intent["epoch"].integer(),
        node=intent["node"].text(),
        node_uid=intent["nodeUID"].text(""),
        server_number=intent["serverNumber"].integer(),
        routes=tuple(_route(route) for route in intent["routes"].items()),
        cause=Cause(
            cause["reason"].member(Reason), cause["node"].text(""), cause["nodeUID"].text("")
        ),
        attempts=intent["attempts"].integer(),
        started_at=intent["startedAt"].time(),
        detected_at=intent["detectedAt"].time(),
        posted_at=intent["postedAt"].optional(Field.time),
    )


def _route(route: Field) -> IntentRoute:
    return IntentRoute(
        route["address"].parsed(parse_failover_address, "an address"), _target(route["to"])
    )


def _target(field: Field) -> TargetAddress:
    return TargetAddress(field.parsed(canonical, "an address"))


def _last_move(move: Field) -> LastMove:
    return LastMove(move["id"].text(), move["epoch"].integer(), move["result"].member(MoveResult))


def _switch_request(request: Field) -> RequestAnswer:
    answer = request["answer"].text()
    if answer not in (ACCEPTED, REFUSED):
        raise request["answer"].unreadable(f"one of {ACCEPTED}, {REFUSED}")
    return RequestAnswer(
        value=request["value"].text(),
        accepted=answer == ACCEPTED,
        reason=_or(request["reason"], lambda field: field.member(Reason), Reason.SWITCH_REQUESTED),
        message=_or(request["message"], Field.text, ""),
        answered_at=request["answeredAt"].time(),
    )


def _condition(condition: Field) -> Condition:
    return Condition(
        type=condition["type"].text(),
        status=condition["status"].text(),
        reason=condition["reason"].member(Reason),
        message=condition["message"].text(""),
        since=condition["lastTransitionTime"].time(),
        observed_generation=condition["observedGeneration"].integer(0),
    )


def _address(entry: Field) -> AddressStatus:
    return AddressStatus(
        address=entry["address"].parsed(parse_failover_address, "an address"),
        state=entry["state"].member(RouteState),
        active_server_ip=entry["activeServerIP"].optional(_target),
        node=entry["node"].text(""),
        node_uid=entry["nodeUID"].text(""),
    )


def _candidate(entry: Field) -> CandidateStatus:
    return CandidateStatus(
        node=entry["node"].text(),
        server_number=entry["server"].optional(Field.integer),
        verdict=entry["eligible"].boolean(),
        reason=entry["reason"].member(Reason),
    )


def _move(move: Field) -> Move:
    return Move(
        id=move["id"].text(),
        cause=move["cause"].member(Reason),
        source=move["from"].text(""),
        node=move["node"].text(),
        server_number=move["serverNumber"].integer(),
        result=move["result"].member(MoveResult),
        reason=move["reason"].member(Reason),
        attempts=move["attempts"].integer(),
        detected_at=move["detectedAt"].time(),
        ended_at=move["endedAt"].time(),
        posted_at=move["postedAt"].optional(Field.time),
        confirmed_at=move["confirmedAt"].optional(Field.time),
    )


def _guard(field: Field, read: Callable[[Field], T], problems: list[str]) -> T | None:
    """What `read` finds; what is wrong goes to `problems`."""
    try:
        return field.optional(read)
    except UnreadableError as error:
        problems.append(str(error))
        return None


def _or(field: Field, read: Callable[[Field], T], default: T) -> T:
    """What `read` finds, `default` when the field is absent or cannot be read."""
    if field.is_absent:
        return default
    try:
        return read(field)
    except UnreadableError:
        return default


def _readable(field: Field, read: Callable[[Field], T]) -> tuple[T, ...]:
    """Those entries of a list that can be read."""
    found = []
    entries: list[Field] = _or(field, Field.items, [])
    for entry in entries:
        try:
            found.append(read(entry))
        except UnreadableError:
            continue
    return tuple(found)
