"""What the acts of a script do to the world. Each is a method of the act's name."""

from __future__ import annotations

from failoverip.simulator.world import places
from failoverip.simulator.world.acts_people import PeopleActs
from failoverip.simulator.world.acts_replicas import ReplicaActs
from failoverip.simulator.world.acts_robot import RobotActs
from failoverip.simulator.world.coverage import reasons_in
from failoverip.simulator.world.links import Json, Link
from failoverip.simulator.world.script import Act
from failoverip.simulator.world.stagehand import resource_document

__all__ = ["Actors", "resource_document"]

# The CRD allows no more.
MOST_MOVES = 10


class Actors(PeopleActs, ReplicaActs, RobotActs):
    """Those who act: nature, people, other clients."""

    def perform(self, act: Act) -> None:
        """Do it now; nothing where its object is gone."""
        self.play(act.kind, dict(act.values))

    def end_all(self, *, keeps_limits: bool = False) -> None:
        """All troubles end; dead nodes stay dead. Limits of the hour are raised, or stay."""
        world = self._world
        self.is_over = True
        if not keeps_limits:
            self._raise_limits()
        self._end_troubles()
        self.api_link, world.api_is_down = Link.FINE, False
        world.link(Link.FINE)
        world.cut_until.clear()
        world.robot.machine.clear_faults()
        world.robot.wake()
        for replica in world.replicas:
            if replica.namespace != places.NAMESPACE:
                replica.terminate()
        for name in self._script.replicas:
            if name not in self.running:
                self.bring(name)
        for replica in self.running.values():
            replica.calm()

    def _raise_limits(self) -> None:
        """As whoever reads that an hour's limit holds the addresses, and wants no such wait."""
        for document in self._world.get(places.FIPS)["items"]:
            spec: Json = {"safety": {"maxMovesPerHour": MOST_MOVES}}
            if "Contested" in reasons_in(document.get("status")):
                spec["drift"] = "Report"
            self._world.patch(f"{places.FIPS}/{document['metadata']['name']}", {"spec": spec})
