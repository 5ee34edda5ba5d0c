"""What the acts of an aimed world do: at a stage of a switch, to whoever passes it."""

from __future__ import annotations

from collections.abc import Callable

from failoverip.simulator.world import places
from failoverip.simulator.world.acts import Actors
from failoverip.simulator.world.links import Link
from failoverip.simulator.world.replica import Replica
from failoverip.simulator.world.stagehand import safety

_LISTS = ("list nodes", "list heartbeats")


class AimedActors(Actors):
    """Those who act, and those who wait for their moment."""

    def _strike(self, stage: str, deed: str, seconds: float) -> None:
        """Do it to the first process that passes the stage."""
        done: list[str] = []
        for name, victim in self.running.items():

            def act(name: str = name, victim: Replica = victim) -> None:
                if not done and not self.is_over and self.running.get(name) is victim:
                    done.append(name)
                    deeds: dict[str, Callable[[], None]] = {
                        "freeze": lambda: victim.freeze(seconds),
                        "kill": lambda: self._die(name, victim, seconds),
                        "terminate": lambda: self._terminate(name, seconds),
                        "delay": lambda: setattr(victim.way, "late_seconds", seconds),
                        "cut_robot": lambda: self._cut_robot(name, seconds),
                        "power_on": lambda: self._power_on("node-a"),
                        "prefer": self._prefer_another,
                        "blink": lambda: self._blink(victim),
                    }
                    deeds[deed]()

            victim.also_at(stage, act)

    def _prefer_another(self) -> None:
        self._patch_resource(0, {"spec": {"preferredNodes": ["node-c"]}})

    def _blink(self, victim: Replica) -> None:
        """Robot shows the first address nowhere until this read is over."""
        address = places.IPV4[0]
        before = self._world.robot.machine.route(address)
        self._world.move(address, None)
        victim.also_at("after reading /failover", lambda: self._world.move(address, before))

    def _lists_hang(self, seconds: float) -> None:
        for replica in self.running.values():
            replica.api.faults |= dict.fromkeys(_LISTS, Link.HANGS)
            self._later(seconds, replica.api.faults.clear)

    def _safety(self, resource: int, most_moves: int, hold_down: int) -> None:
        self._patch_resource(resource, {"spec": {"safety": safety(most_moves, hold_down)}})

    def _end_leader(self, back_after_seconds: float) -> None:
        for name, replica in list(self.running.items()):
            if replica.leads:
                self._terminate(name, back_after_seconds)

    def _other_password(self, seconds: float) -> None:
        user = {"name": places.USER, "password": places.SECOND_PASSWORD}
        self._world.robot.machine.change_password(user)
        before = user | {"password": places.PASSWORD}
        self._later(seconds, lambda: self._world.robot.machine.change_password(before))

    def _twin_elsewhere(self, resource: int, node: str) -> None:
        labels = {"metadata": {"labels": {"twin": "yes"}}}
        self._world.patch(f"{places.NODES}/{node}", labels)
        self._twin(resource, 60.0, nodeSelector={"twin": "yes"})
