"""The embedded server's doors: one port for each client, and a link that can be cut."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator

import httpx
import pytest

from failoverip.simulator.kubernetes import Door, Key, Store, running
from failoverip.simulator.kubernetes.resources import NODES

DEADLINE_SECONDS = 60.0
NODE_PATH = "/api/v1/nodes"


@pytest.fixture
def store() -> Store:
    return Store(time.time)


@pytest.fixture
async def doors(store: Store) -> AsyncIterator[list[Door]]:
    async with running(store, doors=2) as opened:
        yield opened


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(timeout=DEADLINE_SECONDS, trust_env=False) as one:
        yield one


async def create(client: httpx.AsyncClient, door: Door, name: str, seconds: float) -> None:
    body = {"metadata": {"name": name}}
    answer = await client.post(f"{door.url}{NODE_PATH}", json=body, timeout=seconds)
    assert answer.status_code == httpx.codes.CREATED


async def test_all_doors_lead_to_one_store(doors: list[Door], client: httpx.AsyncClient) -> None:
    await create(client, doors[0], "one", DEADLINE_SECONDS)
    answer = await client.get(f"{doors[1].url}{NODE_PATH}/one")
    assert answer.json()["metadata"]["name"] == "one"


async def test_a_cut_door_answers_nothing_while_the_others_go_on(
    doors: list[Door], client: httpx.AsyncClient
) -> None:
    doors[0].cut()
    with pytest.raises(httpx.ReadTimeout):
        await client.get(f"{doors[0].url}/readyz", timeout=0.2)
    assert (await client.get(f"{doors[1].url}/readyz")).text == "ok"
    doors[0].heal()
    assert (await client.get(f"{doors[0].url}/readyz")).text == "ok"


async def test_a_request_given_up_while_the_door_was_cut_is_never_executed(
    store: Store, doors: list[Door], client: httpx.AsyncClient
) -> None:
    doors[0].cut()
    with pytest.raises(httpx.ReadTimeout):
        await create(client, doors[0], "given-up", 0.2)
    await create(client, doors[1], "other", DEADLINE_SECONDS)
    doors[0].heal()
    await create(client, doors[0], "later", DEADLINE_SECONDS)
    assert store.uid(Key(NODES, "", "given-up")) is None


async def test_a_watch_is_silent_while_its_door_is_cut_and_then_goes_on(
    store: Store, doors: list[Door], client: httpx.AsyncClient
) -> None:
    query = {"watch": "true", "resourceVersion": str(store.revision)}
    async with client.stream("GET", f"{doors[0].url}{NODE_PATH}", params=query) as answer:
        lines = answer.aiter_lines()
        doors[0].cut()
        store.create(Key(NODES, "", "meanwhile"), {"metadata": {"name": "meanwhile"}})
        first = asyncio.ensure_future(anext(lines))
        # The other door has long answered when the cut one still says nothing.
        assert (await client.get(f"{doors[1].url}{NODE_PATH}/meanwhile")).is_success
        assert not first.done()
        doors[0].heal()
        event = json.loads(await asyncio.wait_for(first, DEADLINE_SECONDS))
    assert event["object"]["metadata"]["name"] == "meanwhile"


async def test_a_port_that_is_taken_is_an_error(store: Store, doors: list[Door]) -> None:
    port = int(doors[0].url.rpartition(":")[2])
    with pytest.raises(OSError, match="address already in use"):
        async with running(store, port=port):
            pass


async def test_closing_ends_open_watches() -> None:
    async with httpx.AsyncClient(timeout=DEADLINE_SECONDS, trust_env=False) as client:
        async with running(Store(time.time)) as (door,):
            request = client.build_request("GET", f"{door.url}{NODE_PATH}?watch=true")
            answer = await client.send(request, stream=True)
        assert [line async for line in answer.aiter_lines()] == []


async def test_a_watch_under_a_quiet_store_is_kept_alive_by_bookmarks(store: Store) -> None:
    async with (
        running(store, bookmark_seconds=0.05) as (door,),
        httpx.AsyncClient(timeout=DEADLINE_SECONDS, trust_env=False) as client,
    ):
        query = {"watch": "true", "allowWatchBookmarks": "true", "resourceVersion": "1"}
        url = f"{door.url}{NODE_PATH}"
        async with client.stream("GET", url, params=query) as answer:
            lines = answer.aiter_lines()
            kinds = [json.loads(await anext(lines))["type"] for _ in range(3)]
    assert kinds == ["BOOKMARK"] * 3
