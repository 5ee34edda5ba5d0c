"""What a defect shows when it strikes while a request, and so the login, is in hand."""

from __future__ import annotations

import traceback

import pytest
from tests.e2e.canaries import leaks
from tests.robot.loopback import serving
from tests.robot.robots import (
    ADDRESS,
    CREDENTIALS,
    TARGET,
    client_of,
    closed,
    maintenance,
    no_http,
    reset,
    robot,
    switch,
    truncated,
)

from failoverip.log import redact, register_secret

SECRETS = (CREDENTIALS.username, CREDENTIALS.password)


class DefectError(Exception):
    """What nobody foresaw."""


def defect() -> bool:
    """Strikes when the connection is open and the request is made."""
    raise DefectError("something is None")


async def struck() -> DefectError:
    """The error as it leaves the client."""
    async with serving(robot) as server, client_of(server.url) as client:
        with pytest.raises(DefectError) as caught:
            await client.switch(ADDRESS, TARGET, defect)
    return caught.value


def chain(error: BaseException) -> list[BaseException]:
    """The error and all that it followed from, suppressed or not."""
    found: list[BaseException] = []
    waiting: list[BaseException | None] = [error]
    while waiting:
        one = waiting.pop()
        if one is not None and one not in found:
            found.append(one)
            waiting += [one.__cause__, one.__context__]
    return found


@pytest.mark.parametrize("script", [robot, reset, truncated, no_http, closed, maintenance])
async def test_no_answer_to_a_spoilt_request_holds_the_login(script: object) -> None:
    async with serving(script) as server, client_of(server.url) as client:  # type: ignore[arg-type]  # a Script
        answers = [await client.read_routes(), await switch(client)]
    shown = [repr([answers, client, client.__dict__.get("_limits")]), str(answers)]
    assert leaks([("answer", text) for text in shown], SECRETS) == []


async def test_no_error_of_a_defect_holds_the_login_nor_does_its_traceback() -> None:
    error = await struck()
    shown = [text for one in chain(error) for text in (repr(one), str(one), repr(one.args))]
    shown += [note for one in chain(error) for note in getattr(one, "__notes__", [])]
    shown.append("".join(traceback.format_exception(error)))
    assert leaks([("error", text) for text in shown], SECRETS) == []


async def test_a_traceback_with_all_variables_is_safe_once_it_went_through_the_log() -> None:
    """Nothing of ours prints variables. Where something does, the log's filter is the guard: the
    frames below ours do hold the header.
    """
    error = await struck()
    with_variables = "".join(
        traceback.TracebackException.from_exception(error, capture_locals=True).format()
    )
    assert leaks([("unfiltered", with_variables)], SECRETS) != []
    for secret in SECRETS:
        register_secret(secret)
    assert leaks([("filtered", redact(with_variables))], SECRETS) == []
