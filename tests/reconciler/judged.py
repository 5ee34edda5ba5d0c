"""The judge of the simulated worlds, beside a world of these tests."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from tests.reconciler.world import FIPS, World

from failoverip.core.invariants import Broken, Facts, Invariant, find_broken
from failoverip.simulator.world.judge import Judge
from failoverip.simulator.world.peace import wrong
from failoverip.simulator.world.replica import Replica
from failoverip.simulator.world.sight import Sight


class Judged:
    """Sees each change of the API from now on, and what the followed replicas ask of Robot.

    `changed` is called after each change of a FailoverIP.
    """

    def __init__(self, world: World, changed: Callable[[], object] = lambda: None) -> None:
        self._world = world
        self._changed = changed
        self._judge = Judge()
        self._sight = Sight(world.api, self._judge)
        self._followed: list[str] = []
        world.store.observe(self._see)
        self._see()

    def follow(self, replica: Replica) -> None:
        """Judge what this replica sends, and what its own last look refuses."""
        name = replica.name
        self._followed.append(name)

        def first_byte(address: str, target: str) -> None:
            self._judge.first_byte(self._world.clock.now(), name, address, target)

        def check(facts: Facts, judged: Mapping[str, Invariant]) -> Broken | None:
            broken = find_broken(facts, judged)
            if broken is not None:
                self._judge.refused(self._world.clock.now(), name, broken.message)
            return broken

        replica.way.on_first_byte = first_byte
        replica.find_broken = check

    def is_at_rest(self, name: str, node: str) -> bool:
        """Whether the resource is Ready on this node, with no switch open."""
        status = self._judge.facts.resources[name].status
        ready = [c["status"] for c in status.get("conditions", []) if c["type"] == "Ready"]
        return status.get("activeNode") == node and "intent" not in status and ready == ["True"]

    def found(self, *addresses: str) -> list[str]:
        """What was broken so far; and, for these addresses, what should be otherwise by now."""
        world = self._world
        now, nodes = world.clock.now(), self._judge.facts.nodes
        self._judge.requests(world.robot.machine.journal.entries, frozenset(self._followed))
        routes = {address: world.route(address) for address in addresses}
        late = wrong(now, world.get(FIPS)["items"], nodes, routes)
        return [*map(str, self._judge.breaches), *(f"I8 broken: {found.text}" for found in late)]

    def _see(self) -> None:
        for document in self._sight.see(self._world.clock.now()):
            if document["kind"] == "FailoverIP":
                self._changed()
