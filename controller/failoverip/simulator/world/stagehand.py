"""What all acts share: the world, who runs in it, and how a trouble that was begun ends."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from failoverip.simulator.kubernetes import Answer, Request
from failoverip.simulator.world import places
from failoverip.simulator.world.links import Json, Link
from failoverip.simulator.world.processes import outside
from failoverip.simulator.world.replica import Replica
from failoverip.simulator.world.script import USUAL_BRAKES, Script, Value
from failoverip.simulator.world.world import RefusedError, World

# Makes a replica of this name in this namespace.
Start = Callable[[str, str], Replica]


@dataclass(frozen=True, slots=True)
class Aim:
    """An act that waits until a replica comes to a stage: the beginning of a boundary's name."""

    stage: str
    then: str
    values: Mapping[str, Value]


class OldView:
    """Lists as an API server shows them that fell behind; each `every`-th request goes to it."""

    def __init__(self, world: World, every: int) -> None:
        self._lists: dict[str, Answer] = {}
        for path in (places.NODES, places.HEARTBEATS, places.FIPS):
            answer = world.api.handle(Request("GET", path))
            if isinstance(answer, Answer):
                self._lists[path] = answer
        self._every = every
        self._asked = 0

    def recall(self, request: Request) -> Answer | None:
        """What it answers; None where a server answers that did not fall behind."""
        old = self._lists.get(request.path) if request.method == "GET" else None
        self._asked += old is not None
        return old if self._asked % self._every == 0 else None


class Stagehand:
    """Knows the world. Acts of a subject are the methods of a class that is made from it."""

    def __init__(self, world: World, script: Script, start: Start) -> None:
        self._world = world
        self._script = script
        self._start = start
        # Replicas that run, by name; one that was killed is not there until it is back.
        self.running: dict[str, Replica] = {}
        self.api_link = Link.FINE
        self.is_over = False
        self._aims: list[Aim] = []
        # Whether nothing may be left that says which Secret once worked.
        self.login_was_forgotten = False
        # When nothing may have been left that says what was spent.
        self.ledger_lost_at: list[float] = []
        # Annotations that nodes need, because their address tells no server.
        self._mapped: dict[str, str] = {}
        # What the Secret should hold.
        self._password = places.PASSWORD
        # What an API server that fell behind shows to replicas, by their name: its lists.
        self.old_views: dict[str, OldView] = {}
        # What ends a trouble that was begun.
        self._ends: dict[asyncio.Task[None], Callable[[], object]] = {}

    def play(self, kind: str, values: Mapping[str, Value]) -> None:
        """Do an act of this kind; nothing where its object is gone."""
        attempt(lambda: getattr(self, f"_{kind}")(**values))

    def node_of(self, resource: int) -> str | None:
        """The node that Robot routes the first address of this resource to."""
        server = places.server_of(self._world.robot.machine.route(places.IPV4[resource]))
        for name in self._world.names(places.NODES):
            if places.server_of_node(self._world.get(f"{places.NODES}/{name}")) == server:
                return name
        return None

    def _later(self, seconds: float, act: Callable[[], object]) -> None:
        async def wait() -> None:
            await asyncio.sleep(seconds)
            del self._ends[task]
            attempt(act)

        task = outside(wait())
        self._ends[task] = act

    def _end_troubles(self) -> None:
        self._aims.clear()
        self.old_views.clear()
        ends, self._ends = self._ends, {}
        for task, act in ends.items():
            task.cancel()
            attempt(act)

    def _patch_resource(self, resource: int, patch: Json) -> None:
        self._world.patch(f"{places.FIPS}/{resource_name(resource)}", patch)


def attempt(act: Callable[[], object]) -> None:
    """What is asked of an object that is gone is not done."""
    try:
        act()
    except RefusedError:
        return


def resource_name(resource: int) -> str:
    """Of the script's resource of this number."""
    return f"web-{resource}"


def addresses(resource: int, grouped: bool) -> list[str]:
    """Its addresses, as a spec has them."""
    group = [f"{places.IPV6[resource]}/64"] if grouped else []
    return [places.IPV4[resource], *group]


def resource_document(script: Script, resource: int) -> Json:
    """The FailoverIP of this number, as people apply it."""
    return {
        "apiVersion": "failoverip.io/v1alpha1",
        "kind": "FailoverIP",
        "metadata": {"name": resource_name(resource)},
        "spec": {
            "addresses": addresses(resource, script.grouped[resource]),
            "nodeSelector": {"world": "yes"},
            "mode": "Active",
            "drift": "Enforce" if script.enforced[resource] else "Report",
            "safety": safety(*script.brakes[resource] if script.brakes else USUAL_BRAKES),
        },
    }


def safety(most_moves: int, hold_down_seconds: int) -> Json:
    """The brakes of a spec."""
    return {"maxMovesPerHour": most_moves, "holdDownSeconds": hold_down_seconds}
