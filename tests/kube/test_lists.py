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
        "/api/v1/nodes?limit=100",
        "/api/v1/nodes?limit=100&continue=more",
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


def versioned(uid: str, version: str, **spec: Any) -> dict[str, Any]:
    return {"metadata": {"name": "a", "uid": uid, "resourceVersion": version}, "spec": spec}


async def test_an_object_that_did_not_change_is_not_read_anew_at_each_list(
    server: ScriptedServer, kubernetes: Kubernetes
) -> None:
    """A status of a thousand resources took half a second of each list."""
    server.behave = lambda _: page([versioned("u", "7")])
    (first,) = await kubernetes.list_nodes(PATIENT)
    (second,) = await kubernetes.list_nodes(PATIENT)
    assert second is first


@pytest.mark.parametrize("changed", [versioned("u", "8", unschedulable=True), versioned("v", "7")])
async def test_another_version_or_another_object_of_the_name_is_read(
    server: ScriptedServer, kubernetes: Kubernetes, changed: dict[str, Any]
) -> None:
    server.behave = lambda _: page([versioned("u", "7")])
    (first,) = await kubernetes.list_nodes(PATIENT)
    server.behave = lambda _: page([changed])
    (second,) = await kubernetes.list_nodes(PATIENT)
    assert second != first
    assert second.uid == changed["metadata"]["uid"]
