"""Every way in which Robot, or something before it, says no or nothing (hetzner-api 3)."""

from __future__ import annotations

import pytest
from tests.robot.bodies import ADDRESS, body, error, failover

from failoverip.core.provider import (
    AlreadyRouted,
    CannotTell,
    Fault,
    Locked,
    NotExecuted,
    OutcomeUnknown,
    Refused,
    Switched,
)
from failoverip.robot import protocol
from failoverip.robot.objects import MAX_BODY_BYTES

HTML = b"<!DOCTYPE html><html><body>Maintenance</body></html>"
RATE_LIMIT = {"interval": 3600, "max_request": 50}

# status, body, fault, interval; a read and a switch meet all of these alike.
FAULTS: dict[str, tuple[int, bytes, Fault, float | None]] = {
    "401 as observed": (401, error(401, "UNAUTHORIZED"), Fault.CREDENTIALS_REFUSED, None),
    "401 without a code": (401, HTML, Fault.CREDENTIALS_REFUSED, None),
    "401 empty": (401, b"", Fault.CREDENTIALS_REFUSED, None),
    "the code without its status": (
        403, error(401, "UNAUTHORIZED"), Fault.CREDENTIALS_REFUSED, None,
    ),
    "rate limit, max_request": (
        403, error(403, "RATE_LIMIT_EXCEEDED", **RATE_LIMIT), Fault.RATE_LIMITED, 3600.0,
    ),
    "rate limit, max_requests": (
        403, error(403, "RATE_LIMIT_EXCEEDED", max_requests=9, interval=60),
        Fault.RATE_LIMITED, 60.0,
    ),
    "rate limit, neither": (403, error(403, "RATE_LIMIT_EXCEEDED"), Fault.RATE_LIMITED, None),
    "rate limit, interval null": (
        403, error(403, "RATE_LIMIT_EXCEEDED", interval=None), Fault.RATE_LIMITED, None,
    ),
    "rate limit, interval negative": (
        403, error(403, "RATE_LIMIT_EXCEEDED", interval=-1), Fault.RATE_LIMITED, None,
    ),
    "rate limit, interval without end": (
        403, b'{"error":{"code":"RATE_LIMIT_EXCEEDED","interval":1e999}}', Fault.RATE_LIMITED, None,
    ),
    "rate limit, interval no number": (
        403, b'{"error":{"code":"RATE_LIMIT_EXCEEDED","interval":NaN}}', Fault.RATE_LIMITED, None,
    ),
    "rate limit with another status": (
        429, error(429, "RATE_LIMIT_EXCEEDED", **RATE_LIMIT), Fault.RATE_LIMITED, 3600.0,
    ),
    "403 bare": (403, HTML, Fault.FORBIDDEN, None),
    "403 empty": (403, b"", Fault.FORBIDDEN, None),
    "403 with another code": (403, error(403, "FORBIDDEN"), Fault.FORBIDDEN, None),
    "500 failed": (500, error(500, "FAILOVER_FAILED"), Fault.SERVER_ERROR, None),
    "500 not complete": (500, error(500, "FAILOVER_NOT_COMPLETE"), Fault.SERVER_ERROR, None),
    "500 internal": (500, error(500, "INTERNAL_ERROR"), Fault.SERVER_ERROR, None),
    "not complete with another status": (
        409, error(409, "FAILOVER_NOT_COMPLETE"), Fault.SERVER_ERROR, None,
    ),
    "500 HTML": (500, HTML, Fault.SERVER_ERROR, None),
    "502 HTML": (502, HTML, Fault.SERVER_ERROR, None),
    "504 empty": (504, b"", Fault.SERVER_ERROR, None),
    "500 with a fact": (500, body(failover()), Fault.SERVER_ERROR, None),
    "503 HTML": (503, HTML, Fault.MAINTENANCE, None),
    "503 JSON": (503, error(503, "MAINTENANCE"), Fault.MAINTENANCE, None),
    "503 empty": (503, b"", Fault.MAINTENANCE, None),
    "409 conflict": (409, error(409, "CONFLICT"), Fault.GARBLED, None),
    "409 without a code": (409, HTML, Fault.GARBLED, None),
    "302": (302, b"", Fault.GARBLED, None),
    "201 is for new things": (201, body(failover()), Fault.GARBLED, None),
    "204": (204, b"", Fault.GARBLED, None),
    "200 HTML": (200, HTML, Fault.GARBLED, None),
    "200 empty": (200, b"", Fault.GARBLED, None),
    "200 blank": (200, b" \r\n", Fault.GARBLED, None),
    "200 truncated list": (200, body([failover()])[:-1], Fault.GARBLED, None),
    "200 truncated object": (200, body(failover())[:-10], Fault.GARBLED, None),
    "200 null": (200, b"null", Fault.GARBLED, None),
    "200 not UTF-8": (200, b'{"failover":"\xff"}', Fault.GARBLED, None),
    "200 nested without end": (200, b"[" * 100_000, Fault.GARBLED, None),
    "200 a number without end": (200, b"9" * 10_000, Fault.GARBLED, None),
    "200 too long": (200, b"[" + b" " * MAX_BODY_BYTES + b"]", Fault.GARBLED, None),
    "error beside a fact": (
        200, body(failover() | {"error": {"code": "X"}}), Fault.GARBLED, None,
    ),
    "error no object": (400, body({"error": "INVALID_INPUT"}), Fault.GARBLED, None),
    "error without a code": (400, body({"error": {"status": 400}}), Fault.GARBLED, None),
    "error code no code": (400, body({"error": {"code": "not a code"}}), Fault.GARBLED, None),
}  # fmt: skip


@pytest.mark.parametrize(("status", "raw", "fault", "interval"), FAULTS.values(), ids=FAULTS.keys())
class TestFaults:
    def test_a_list_cannot_tell(
        self, status: int, raw: bytes, fault: Fault, interval: float | None
    ) -> None:
        for answer in (protocol.routes_answer(status, raw), protocol.servers_answer(status, raw)):
            assert isinstance(answer, CannotTell)
            assert (answer.fault, answer.retry_after_seconds) == (fault, interval)
            assert len(answer.detail.splitlines()) == 1

    def test_a_switch_is_not_executed_only_where_that_is_certain(
        self, status: int, raw: bytes, fault: Fault, interval: float | None
    ) -> None:
        answer = protocol.switch_answer(ADDRESS, status, raw)
        certain = fault in {Fault.RATE_LIMITED, Fault.CREDENTIALS_REFUSED}
        assert isinstance(answer, NotExecuted if certain else OutcomeUnknown)
        assert (answer.reason.fault, answer.reason.retry_after_seconds) == (fault, interval)


class TestSwitch:
    @pytest.mark.parametrize("status", [409, 400, 500, 200])
    def test_the_code_decides_not_the_status(self, status: int) -> None:
        def switch(code: str) -> object:
            return protocol.switch_answer(ADDRESS, status, error(status, code))

        assert switch("FAILOVER_ALREADY_ROUTED") == AlreadyRouted()
        assert switch("FAILOVER_LOCKED") == Locked()
        refused = switch("FAILOVER_NEW_SERVER_NOT_FOUND")
        assert isinstance(refused, Refused)
        assert refused.code == "FAILOVER_NEW_SERVER_NOT_FOUND"

    def test_an_address_that_the_login_does_not_see_is_refused(self) -> None:
        answer = protocol.switch_answer(ADDRESS, 404, error(404, "NOT_FOUND"))
        assert answer == Refused("NOT_FOUND", "HTTP 404 NOT_FOUND")

    def test_invalid_input_names_the_parameters(self) -> None:
        raw = error(400, "INVALID_INPUT", missing=None, invalid=["active_server_ip"])
        answer = protocol.switch_answer(ADDRESS, 400, raw)
        detail = "HTTP 400 INVALID_INPUT, invalid: active_server_ip"
        assert answer == Refused("INVALID_INPUT", detail)

    def test_an_answer_about_another_address_tells_nothing(self) -> None:
        answer = protocol.switch_answer(ADDRESS, 200, body(failover(ip="203.0.113.11")))
        assert isinstance(answer, OutcomeUnknown)

    def test_an_early_200_is_not_settled(self) -> None:
        answer = protocol.switch_answer(ADDRESS, 200, body(failover(status="processing")))
        assert isinstance(answer, Switched)
        assert answer.route.ready is False

    @pytest.mark.parametrize("fault", [Fault.TIMEOUT, Fault.CONNECTION_LOST, Fault.UNREACHABLE])
    def test_only_before_the_first_byte_a_fault_means_not_executed(self, fault: Fault) -> None:
        reason = CannotTell(fault, "why")
        before = protocol.switch_fault(fault, "why", first_byte_left=False)
        after = protocol.switch_fault(fault, "why", first_byte_left=True)
        assert (before, after) == (NotExecuted(reason), OutcomeUnknown(reason))


CANARY = "canary-7f3a"


@pytest.mark.parametrize(
    "raw",
    [
        f"<html>{CANARY}</html>".encode(),
        body({"error": {"code": CANARY}}),
        error(400, "INVALID_INPUT", message=CANARY, invalid=[CANARY, f"{CANARY}\n"]),
        error(403, "RATE_LIMIT_EXCEEDED", max_request=CANARY, interval=CANARY),
        body([failover(ip=CANARY)]),
        body(failover(active_server_ip=CANARY)),
    ],
)
@pytest.mark.parametrize("status", [200, 400, 403])
def test_nothing_that_an_intermediary_echoes_gets_into_a_detail(status: int, raw: bytes) -> None:
    assert CANARY not in repr(protocol.routes_answer(status, raw))
    assert CANARY not in repr(protocol.switch_answer(ADDRESS, status, raw))
