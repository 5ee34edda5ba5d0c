"""Lists: whole or an error, within their time."""

from __future__ import annotations

from typing import Any

import pytest
from tests.kube.scripted_server import Reply, ScriptedServer, Seen, refusal

from failoverip.kube import (
    ApiUnreachable,
    Expired,
    Kubernetes,
    ServerError,
)

PATIENT = 60.0


def page(items: list[dict[str, Any]], token: str = "") -> Reply:
    return Reply(body={"metadata": {"continue": token}, "items": items})


def node(name: str) -> dict[str, Any]:
    return {"metadata": {"name": name, "uid": f"u-{name}"}}


async def test_a_list_is_read_to_its_last_page(
    server: ScriptedServer, kubernetes: Kubernetes
) -> None:
    server.behave = lambda seen: (
        page([node("b")]) if "continue=more" in seen.path else page([node("a")], "more")
    )
    nodes = await kubernetes.list_nodes(PATIENT)
    assert [one.name for one in nodes] == ["a", "b"]
    assert [seen.path for seen in server.seen] == [
        "/api/v1/nodes?limit=500",
        "/api/v1/nodes?limit=500&continue=more",
    ]


async def test_a_list_that_expires_half_way_is_begun_again(
    server: ScriptedServer, kubernetes: Kubernetes
) -> None:
    def behave(seen: Seen) -> Reply:
        if "continue=old" in seen.path:
            return refusal(410, "Expired", "too old")
        return page([node("a")], "old" if len(server.seen) == 1 else "")

    server.behave = behave
    assert [one.name for one in await kubernetes.list_nodes(PATIENT)] == ["a"]


async def test_a_list_that_always_expires_ends(
    server: ScriptedServer, kubernetes: Kubernetes
) -> None:
    server.behave = lambda _: refusal(410, "Expired", "too old")
    with pytest.raises(Expired):
        await kubernetes.list_nodes(PATIENT)
    assert len(server.seen) == 3


async def test_the_time_limit_holds_for_all_pages_together(
    server: ScriptedServer, kubernetes: Kubernetes
) -> None:
    server.behave = lambda _: page([], "more")
    with pytest.raises(ApiUnreachable):
        await kubernetes.list_nodes(0.5)


async def test_heartbeats_come_from_the_namespace_of_the_kubelets(
    server: ScriptedServer, kubernetes: Kubernetes
) -> None:
    server.behave = lambda _: page([{"metadata": {"name": "a"}, "spec": {"renewTime": "t"}}])
    (heartbeat,) = await kubernetes.list_heartbeats(PATIENT)
    assert (heartbeat.node, heartbeat.renewed) == ("a", "t")
    assert "/namespaces/kube-node-lease/leases?" in server.seen[0].path


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"kind": "Status"},
        {"items": []},
        {"metadata": {}},
        {"metadata": {}, "items": {}},
        {"metadata": {}, "items": ["a"]},
        {"metadata": {}, "items": [{}]},
    ],
)
async def test_what_is_no_list_is_never_an_empty_one(
    server: ScriptedServer, kubernetes: Kubernetes, body: dict[str, Any]
) -> None:
    """An empty list of nodes says that every node is deleted."""
    server.behave = lambda _: Reply(body=body)
    with pytest.raises(ServerError):
        await kubernetes.list_nodes(PATIENT)


async def test_a_list_without_items_is_empty_when_it_says_so(
    server: ScriptedServer, kubernetes: Kubernetes
) -> None:
    """Go writes an empty slice as null."""
    server.behave = lambda _: Reply(body={"metadata": {}, "items": None})
    assert await kubernetes.list_failoverips(PATIENT) == ()
