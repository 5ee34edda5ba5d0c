"""Each refusal of the API server as the exception that says what to do about it."""

from __future__ import annotations

import pytest
from tests.kube.scripted_server import Reply, ScriptedServer, refusal

from failoverip.kube import (
    Conflict,
    Expired,
    Forbidden,
    Invalid,
    KubeClient,
    KubeError,
    NotFound,
    OutcomeUnknown,
    PermanentError,
    RetryableError,
    ServerError,
    Throttled,
    Unauthorized,
)

PATIENT = 60.0
# As kube-apiserver 1.36 words them.
NO_NODES = (
    'nodes is forbidden: User "system:serviceaccount:x:y" cannot list resource "nodes" in API '
    'group "" at the cluster scope'
)
NO_STATUS = (
    'failoverips.failoverip.io "a" is forbidden: User "u" cannot update resource '
    '"failoverips/status" in API group "failoverip.io" at the cluster scope'
)
NO_SECRET = (
    'secrets "robot" is forbidden: User "u" cannot get resource "secrets" in API group "" in the '
    'namespace "failoverip"'
)
STALE_LEADER = (
    'FailoverIP.failoverip.io "a" is invalid: [status: Invalid value: "object": F2 another leader '
    "has claimed this resource: a claim raises the epoch by one, <nil>: Invalid value: null: some "
    "validation rules were not checked]"
)
OTHER_RULE = 'FailoverIP.failoverip.io "F2" is invalid: status.intent: Invalid value: "F2": F4 no'


@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        (refusal(400, "BadRequest", "the body is odd"), PermanentError),
        (refusal(401, "Unauthorized", "Unauthorized"), Unauthorized),
        (refusal(403, "Forbidden", NO_NODES), Forbidden),
        (refusal(404, "NotFound", 'failoverips "a" not found', "a"), NotFound),
        (Reply(404, "404 page not found\n"), NotFound),
        (refusal(409, "Conflict", "the object has been modified"), Conflict),
        (refusal(409, "AlreadyExists", 'leases "a" already exists'), Conflict),
        (refusal(410, "Expired", "the continue token is too old"), Expired),
        (refusal(422, "Invalid", STALE_LEADER), Invalid),
        (refusal(429, "TooManyRequests", "too many requests"), Throttled),
        (Reply(429, "slow down"), Throttled),
        (Reply(401, "who are you"), Unauthorized),
    ],
)
@pytest.mark.parametrize("method", ["GET", "PUT"])
async def test_a_refusal_is_the_same_exception_for_a_read_and_a_write(
    server: ScriptedServer, client: KubeClient, method: str, reply: Reply, expected: type[KubeError]
) -> None:
    server.behave = lambda _: reply
    with pytest.raises(KubeError) as raised:
        await client.request(method, "/x", body={}, timeout_seconds=PATIENT)
    assert type(raised.value) is expected
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    "reply",
    [
        refusal(500, "InternalError", "etcdserver: request timed out"),
        refusal(503, "ServiceUnavailable", "not yet"),
        refusal(504, "Timeout", "request did not complete within the allotted time"),
        Reply(502, "<html>Bad Gateway</html>"),
        Reply(404, "<html>a proxy's 404</html>"),
        Reply(403, "<html>a proxy's 403</html>"),
        Reply(409, "{}"),
    ],
)
async def test_a_failure_or_a_stranger_tells_nothing_about_what_was_done(
    server: ScriptedServer, client: KubeClient, reply: Reply
) -> None:
    server.behave = lambda _: reply
    with pytest.raises(ServerError):
        await client.request("GET", "/x", timeout_seconds=PATIENT)
    with pytest.raises(OutcomeUnknown):
        await client.request("PUT", "/x", body={}, timeout_seconds=PATIENT)
    assert [seen.method for seen in server.seen] == ["GET", "PUT"]


@pytest.mark.parametrize(
    ("message", "verb", "resource", "text"),
    [
        (NO_NODES, "list", "nodes", "list nodes: grant it"),
        (
            NO_STATUS,
            "update",
            "failoverips.failoverip.io/status",
            "update failoverips.failoverip.io/status: grant it",
        ),
        (NO_SECRET, "get", "secrets", "get secrets in namespace failoverip: grant it"),
        ("because I say so", "", "", "because I say so"),
    ],
)
async def test_a_missing_right_names_verb_and_resource(
    server: ScriptedServer, client: KubeClient, message: str, verb: str, resource: str, text: str
) -> None:
    server.behave = lambda _: refusal(403, "Forbidden", message)
    with pytest.raises(Forbidden) as raised:
        await client.request("GET", "/x", timeout_seconds=PATIENT)
    assert (raised.value.verb, raised.value.resource) == (verb, resource)
    assert str(raised.value).endswith(text)


@pytest.mark.parametrize(("message", "fenced"), [(STALE_LEADER, True), (OTHER_RULE, False)])
async def test_a_refusal_by_the_fence_is_told_from_one_by_another_rule(
    server: ScriptedServer, client: KubeClient, message: str, fenced: bool
) -> None:
    server.behave = lambda _: refusal(422, "Invalid", message)
    with pytest.raises(Invalid) as raised:
        await client.request("PUT", "/x", body={}, timeout_seconds=PATIENT)
    assert raised.value.is_fence_refusal is fenced
    assert str(raised.value) == message


@pytest.mark.parametrize(
    ("header", "seconds"), [("7", 7.0), ("Wed, 21 Oct 2026 07:28:00 GMT", None), ("-1", None)]
)
async def test_a_throttled_request_tells_when_to_come_back_if_it_was_told(
    server: ScriptedServer, client: KubeClient, header: str, seconds: float | None
) -> None:
    server.behave = lambda _: Reply(429, "", (("Retry-After", header),))
    with pytest.raises(Throttled) as raised:
        await client.request("GET", "/x", timeout_seconds=PATIENT)
    assert raised.value.retry_after_seconds == seconds
    assert len(server.seen) == 1


def test_nothing_is_both_retryable_and_permanent() -> None:
    assert not issubclass(OutcomeUnknown, RetryableError | PermanentError)
    assert not issubclass(ServerError, PermanentError)
