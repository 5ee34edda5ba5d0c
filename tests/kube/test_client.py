"""How requests reach the wire: once, bounded, on a connection that deserves trust."""

from __future__ import annotations

import asyncio
import logging
import socket
import traceback
from pathlib import Path

import pytest
from tests.kube.conftest import CANARY
from tests.kube.scripted_server import HangUp, Late, Reply, ScriptedServer, Silence

from failoverip.kube import (
    ApiUnreachable,
    KubeClient,
    KubeconfigFile,
    KubeError,
    OutcomeUnknown,
    ServerError,
)

# Long enough for a busy machine to answer, and what a test waits for when nothing answers.
PATIENT = 60.0
SHORT = 0.3

GOOD = Reply(body={"kind": "Good"})


async def test_an_answer_is_the_json_object_in_it(
    server: ScriptedServer, client: KubeClient
) -> None:
    server.behave = lambda _: GOOD
    answer = await client.request("GET", "/x", {"limit": "5", "a": "b c"}, timeout_seconds=PATIENT)
    assert answer == {"kind": "Good"}
    assert server.seen[0].path == "/x?limit=5&a=b+c"
    assert server.seen[0].headers["authorization"] == f"Bearer {CANARY}"


async def test_requests_share_a_kept_connection(server: ScriptedServer, client: KubeClient) -> None:
    for _ in range(3):
        await client.request("GET", "/x", timeout_seconds=PATIENT)
    assert [seen.connection for seen in server.seen] == [1, 1, 1]


async def test_after_a_time_out_the_next_request_goes_out_on_a_new_connection(
    server: ScriptedServer, client: KubeClient
) -> None:
    await client.request("GET", "/warm", timeout_seconds=PATIENT)
    server.behave = lambda _: Silence()
    with pytest.raises(ApiUnreachable, match="GET /slow: no answer in time"):
        await client.request("GET", "/slow", timeout_seconds=SHORT)
    server.behave = lambda _: GOOD
    await client.request("GET", "/again", timeout_seconds=PATIENT)
    assert [(seen.connection, seen.path) for seen in server.seen] == [
        (1, "/warm"),
        (1, "/slow"),
        (2, "/again"),
    ]


@pytest.mark.parametrize(("status", "connections"), [(500, [1, 2]), (503, [1, 2]), (404, [1, 1])])
async def test_after_a_failure_of_the_server_the_next_request_may_reach_another_one(
    server: ScriptedServer, client: KubeClient, status: int, connections: list[int]
) -> None:
    server.behave = lambda _: Reply(status, {"kind": "Status"})
    for _ in range(2):
        with pytest.raises(KubeError):
            await client.request("GET", "/x", timeout_seconds=PATIENT)
    assert [seen.connection for seen in server.seen] == connections


async def test_a_time_out_spoils_every_connection_kept_so_far(
    server: ScriptedServer, client: KubeClient
) -> None:
    """They may all lead to the API server that just died."""
    allowed = asyncio.Event()
    server.behave = lambda _: Late(GOOD, allowed)
    paths = ["/one", "/two"]
    warm = [
        asyncio.create_task(client.request("GET", path, timeout_seconds=PATIENT)) for path in paths
    ]
    for path in paths:
        await server.wait_for(path)
    allowed.set()
    await asyncio.gather(*warm)
    server.behave = lambda _: Silence()
    with pytest.raises(ApiUnreachable):
        await client.request("GET", "/dead", timeout_seconds=SHORT)
    server.behave = lambda _: GOOD
    for _ in range(2):
        await client.request("GET", "/later", timeout_seconds=PATIENT)
    kept = {seen.connection for seen in server.seen if seen.path in paths}
    later = {seen.connection for seen in server.seen if seen.path == "/later"}
    assert kept == {1, 2}
    assert later == {3}


async def test_a_request_under_way_survives_the_time_out_of_another(
    server: ScriptedServer, client: KubeClient
) -> None:
    allowed = asyncio.Event()
    server.behave = lambda seen: Silence() if seen.path == "/dead" else Late(GOOD, allowed)
    slow = asyncio.create_task(client.request("PUT", "/slow", body={}, timeout_seconds=PATIENT))
    await server.wait_for("/slow")
    with pytest.raises(ApiUnreachable):
        await client.request("GET", "/dead", timeout_seconds=SHORT)
    allowed.set()
    assert await slow == GOOD.body


async def test_a_cancelled_request_leaves_no_connection_behind_for_the_next(
    server: ScriptedServer, client: KubeClient
) -> None:
    server.behave = lambda _: Silence()
    task = asyncio.create_task(client.request("PUT", "/x", body={}, timeout_seconds=PATIENT))
    await server.wait_for("/x")
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    server.behave = lambda _: GOOD
    await client.request("GET", "/x", timeout_seconds=PATIENT)
    assert [seen.connection for seen in server.seen] == [1, 2]


@pytest.mark.parametrize("method", ["PUT", "POST", "PATCH", "DELETE"])
@pytest.mark.parametrize("behaviour", [HangUp(), Silence(), Reply(body={"a": "b"}, cut=3)])
@pytest.mark.parametrize("warm", [True, False], ids=["kept connection", "new connection"])
async def test_a_write_whose_answer_is_lost_has_an_unknown_outcome_and_is_sent_once(
    server: ScriptedServer,
    client: KubeClient,
    method: str,
    behaviour: Reply | Silence | HangUp,
    warm: bool,
) -> None:
    if warm:
        await client.request("GET", "/warm", timeout_seconds=PATIENT)
    server.behave = lambda _: behaviour
    seconds = SHORT if isinstance(behaviour, Silence) else PATIENT
    with pytest.raises(OutcomeUnknown):
        await client.request(method, "/x", body={"n": 1}, timeout_seconds=seconds)
    assert [seen.method for seen in server.seen if seen.path == "/x"] == [method]


@pytest.mark.parametrize("status", [301, 302, 307, 308])
async def test_a_redirect_is_not_followed(
    server: ScriptedServer, client: KubeClient, status: int
) -> None:
    server.behave = lambda _: Reply(status, "", (("Location", f"{server.url}/elsewhere"),))
    with pytest.raises(OutcomeUnknown, match=f"redirected .HTTP {status}."):
        await client.request("PUT", "/x", body={}, timeout_seconds=PATIENT)
    assert [seen.path for seen in server.seen] == ["/x"]


async def test_a_read_whose_answer_is_lost_is_unreachable_and_is_sent_once(
    server: ScriptedServer, client: KubeClient
) -> None:
    await client.request("GET", "/warm", timeout_seconds=PATIENT)
    server.behave = lambda _: HangUp()
    with pytest.raises(ApiUnreachable, match="GET /x: the connection broke"):
        await client.request("GET", "/x", timeout_seconds=PATIENT)
    assert [seen.path for seen in server.seen] == ["/warm", "/x"]


@pytest.mark.parametrize("method", ["GET", "PUT", "POST"])
async def test_where_nobody_listens_nothing_was_sent(method: str, tmp_path: Path) -> None:
    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))  # bound and not listening: refuses every connection
        path = tmp_path / "kubeconfig"
        path.write_text(_document(f"http://127.0.0.1:{reserved.getsockname()[1]}"))
        async with await KubeClient.open(KubeconfigFile(str(path))) as client:
            with pytest.raises(ApiUnreachable, match="Cannot connect"):
                await client.request(method, "/x", body={}, timeout_seconds=PATIENT)


@pytest.mark.parametrize("text", ["", "<html>", "[1]", '"text"', '{"half":'])
async def test_an_answer_that_is_no_object_is_no_answer(
    server: ScriptedServer, client: KubeClient, text: str
) -> None:
    server.behave = lambda _: Reply(200, text)
    with pytest.raises(ServerError):
        await client.request("GET", "/x", timeout_seconds=PATIENT)
    with pytest.raises(OutcomeUnknown):
        await client.request("PUT", "/x", body={}, timeout_seconds=PATIENT)


async def test_no_log_error_or_repr_shows_the_token(
    server: ScriptedServer, client: KubeClient, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    shown = [repr(client), repr(await client.connection_info())]
    garbled = Reply(headers=(("Content-Length", "x"),))
    for behaviour in (GOOD, HangUp(), Silence(), garbled, Reply(401), Reply(500, "<html>")):
        server.behave = lambda _, behaviour=behaviour: behaviour  # type: ignore[misc]  # bound per turn
        try:
            await client.request("PUT", "/x", body={}, timeout_seconds=1.0)
        except KubeError as error:
            shown += [repr(error), repr(error.__cause__), *traceback.format_exception(error)]
    assert CANARY in server.seen[0].headers["authorization"]
    assert CANARY not in "\n".join([*shown, caplog.text])


def _document(url: str) -> str:
    return (
        f"{{clusters: [{{name: c, cluster: {{server: '{url}'}}}}], users: [],"
        " contexts: [{name: x, context: {cluster: c}}], current-context: x}"
    )
