"""A kopf operator on the embedded server: it sees what is, what changes, and outlives a 410."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable, Iterator
from typing import Any

import kopf
from tests.controlplane.cluster import FAILOVER_IPS
from tests.controlplane.rest import Api
from tests.controlplane.waiting import eventually
from tests.kube_contract.conftest import Embedded
from tests.kube_contract.documents import NODES, WEB, failover_ip, node

from failoverip.simulator.kubernetes import Key
from failoverip.simulator.kubernetes.resources import NODES as NODE_TYPE

# How long kopf keeps a watch before it opens the next one, from the version it has reached.
WATCH_SECONDS = 1


class Operator:
    """What the handlers saw: (plural, type, name); type None for an object that was listed.

    kopf ends every later task of its loop when it stops, so it has a thread and a loop of its own.
    """

    def __init__(self, server: str) -> None:
        self._server = server
        self._seen: list[tuple[str, str | None, str]] = []
        self._stop = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()), name="kopf")

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        self._thread.join()

    def sees(self, *event: object) -> None:
        """Wait for an event."""
        eventually(lambda: event in self._seen, f"kopf sees {event}")

    async def _run(self) -> None:
        tasks = await kopf.spawn_tasks(
            registry=self._registry(), clusterwide=True, standalone=True, stop_flag=self._stop
        )
        await kopf.run_tasks(tasks)

    def _registry(self) -> kopf.OperatorRegistry:
        registry = kopf.OperatorRegistry()

        @kopf.on.login(registry=registry)
        async def login(**_: Any) -> kopf.ConnectionInfo:
            return kopf.ConnectionInfo(server=self._server)

        @kopf.on.startup(registry=registry)
        async def configure(settings: kopf.OperatorSettings, **_: Any) -> None:
            settings.posting.enabled = False
            settings.scanning.disabled = True
            settings.watching.server_timeout = WATCH_SECONDS

        for group, version, plural in (
            ("", "v1", "nodes"),
            ("failoverip.io", "v1alpha1", "failoverips"),
        ):
            watch = kopf.on.event(group, version, plural, registry=registry, id=f"see-{plural}")
            watch(self._see(plural))
        return registry

    def _see(self, plural: str) -> Callable[..., Any]:
        async def see(type: str | None, name: str, **_: Any) -> None:  # noqa: A002  # kopf's name
            self._seen.append((plural, type, name))

        return see


@contextlib.contextmanager
def operating(api: Api) -> Iterator[Operator]:
    operator = Operator(api.server)
    operator.start()
    try:
        yield operator
    finally:
        operator.stop()


def test_kopf_sees_what_exists_and_what_changes(embedded: Embedded) -> None:
    api = embedded.api
    api.create(NODES, node("listed"))
    api.create(FAILOVER_IPS, failover_ip())
    with operating(api) as operator:
        operator.sees("nodes", None, "listed")
        operator.sees("failoverips", None, "web")
        api.create(NODES, node("added"))
        operator.sees("nodes", "ADDED", "added")
        api.patch(WEB, {"spec": {"mode": "Paused"}})
        operator.sees("failoverips", "MODIFIED", "web")
        api.delete(WEB)
        operator.sees("failoverips", "DELETED", "web")


def test_kopf_writes_nothing_to_what_it_only_watches(embedded: Embedded) -> None:
    before = embedded.api.create(NODES, node("listed"))
    with operating(embedded.api) as operator:
        operator.sees("nodes", None, "listed")
    assert embedded.api.get(f"{NODES}/listed") == before


def test_kopf_lists_again_after_a_410_and_goes_on(embedded: Embedded) -> None:
    api, store = embedded.api, embedded.store

    def forget_a_change() -> None:
        # In one step: the open watch has not yet told the change when its history is forgotten.
        store.create(Key(NODE_TYPE, "", "missed"), node("missed"))
        store.compact()

    api.create(NODES, node("listed"))
    with operating(api) as operator:
        operator.sees("nodes", None, "listed")
        api.create(NODES, node("told"))
        operator.sees("nodes", "ADDED", "told")
        embedded.loop.call(forget_a_change)
        operator.sees("nodes", None, "missed")
        api.create(NODES, node("later"))
        operator.sees("nodes", "ADDED", "later")
