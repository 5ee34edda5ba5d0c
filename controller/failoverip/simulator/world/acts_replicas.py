"""What happens to replicas, and to their ways to the API server and to Robot."""

from __future__ import annotations

from functools import partial

from failoverip.simulator.world import places
from failoverip.simulator.world.links import Link
from failoverip.simulator.world.replica import Replica
from failoverip.simulator.world.script import Value
from failoverip.simulator.world.stagehand import Aim, OldView, Stagehand

# How long the last kubelet takes after the API server is back.
_RETURN_SECONDS = 10.0
# After so many failed rounds a switch is given up.
_ROUNDS = 6


class ReplicaActs(Stagehand):
    """Processes die, freeze and lose sight; links go one by one."""

    def bring(self, name: str) -> None:
        """Start a replica."""
        replica = self._start(name, places.NAMESPACE)
        replica.api.link = self.api_link
        if name in self.old_views:
            replica.api.recalled = self.old_views[name].recall
        replica.reached = lambda boundary: self.reach(name, boundary)
        self.running[name] = replica

    def _kill(self, replica: str, boundaries: int, back_after_seconds: float) -> None:
        victim = self.running.get(replica)
        if victim is not None:
            victim.after(boundaries, lambda: self._die(replica, victim, back_after_seconds))

    def _die(self, name: str, victim: Replica, back_after_seconds: float) -> None:
        if self.is_over or self.running.get(name) is not victim:
            return
        victim.kill()
        del self.running[name]
        self._later(back_after_seconds, lambda: self._come_back(name))

    def _terminate(self, replica: str, back_after_seconds: float) -> None:
        victim = self.running.pop(replica, None)
        if victim is not None:
            victim.terminate()
            self._later(back_after_seconds, lambda: self._come_back(replica))

    def _come_back(self, name: str) -> None:
        if name not in self.running:
            self.bring(name)

    def _freeze(self, replica: str, boundaries: int, seconds: float) -> None:
        victim = self.running.get(replica)
        if victim is not None:
            victim.after(boundaries, lambda: None if self.is_over else victim.freeze(seconds))

    def _step_wall(self, replica: str, seconds: float) -> None:
        victim = self.running.get(replica)
        if victim is not None:
            victim.clock.step_wall(seconds)

    # -- at a stage of a switch

    def _at_stage(self, stage: str, then: str, **values: Value) -> None:
        """Do `then` when a replica next comes to this stage, whichever it is."""
        self._aims.append(Aim(stage, then, values))

    def reach(self, name: str, boundary: str) -> bool:
        """A replica passes a boundary; whether something happens just there."""
        aim = next((each for each in self._aims if boundary.startswith(each.stage)), None)
        victim = self.running.get(name)
        if aim is None or victim is None or self.is_over:
            return False
        self._aims.remove(aim)
        if aim.then == "kill":
            self._die(name, victim, float(str(aim.values["back_after_seconds"])))
        elif aim.then == "freeze":
            victim.freeze(float(str(aim.values["seconds"])))
        elif aim.then == "late_post":
            victim.way.late_seconds = float(str(aim.values["seconds"]))
        else:
            self.play(aim.then, aim.values)
        return True

    def _poison(self, resource: int, node: str, fault: str, back_after_seconds: float) -> None:
        """Robot's answers to a requested switch are of a kind that whoever reads them dies of."""
        self._world.fault(
            kind=fault, methods=["POST"], count=_ROUNDS, address=places.IPV4[resource]
        )
        dies = {"back_after_seconds": back_after_seconds}
        stage = f"after the answer for {places.IPV4[resource]}"
        self._aims.extend(Aim(stage, "kill", dies) for _ in range(_ROUNDS))
        self.play("switch_to", {"resource": resource, "node": node, "again": 1000})

    # -- links

    def _cut_robot(self, replica: str, seconds: float) -> None:
        self._cut_links(replica, "r", "r", seconds, 0.0)

    def _late_post(self, replica: str, seconds: float) -> None:
        victim = self.running.get(replica)
        if victim is not None:
            victim.way.late_seconds = seconds

    def _cut_links(
        self, replica: str, cut: str, heal: str, seconds: float, apart_seconds: float
    ) -> None:
        """The API server, Robot and the watches go one by one, and return in another order."""
        victim = self.running.get(replica)
        if victim is None:
            return
        for index, letter in enumerate(cut):
            self._later(index * apart_seconds, partial(self._link, victim, letter, is_cut=True))
        for index, letter in enumerate(heal):
            after_seconds = seconds + (len(cut) + index) * apart_seconds
            self._later(after_seconds, partial(self._link, victim, letter, is_cut=False))

    def _link(self, victim: Replica, letter: str, *, is_cut: bool) -> None:
        """`a`, `r` or `w`: the API server, Robot, the watches."""
        if letter == "a":
            victim.api.link = Link.HANGS if is_cut else self.api_link
        elif letter == "r":
            victim.way.is_cut = is_cut
        else:
            victim.watch_is_lost = is_cut

    # -- the API server

    def _api_down(self, seconds: float, link: str) -> None:
        self.api_link, self._world.api_is_down = Link[link], True
        self._world.link(self.api_link)
        self._later(seconds, self._api_up)

    def _api_up(self) -> None:
        self.api_link, self._world.api_is_down = Link.FINE, False
        self._world.link(Link.FINE)
        self._come_back_one_by_one()

    def _come_back_one_by_one(self) -> None:
        """After an outage kubelets beat again within 10 s, each at its own time."""
        now, count = self._world.clock.now(), len(self._world.kubelets)
        for index, name in enumerate(sorted(self._world.kubelets)):
            at = now + _RETURN_SECONDS * ((index + self._script.seed) % count) / count
            self._world.cut_until[name] = max(at, self._world.cut_until.get(name, 0.0))

    def _api_link(self, replica: str, seconds: float, link: str) -> None:
        victim = self.running.get(replica)
        if victim is not None and self.api_link is Link.FINE:
            victim.api.link = Link[link]
            self._later(seconds, lambda: setattr(victim.api, "link", self.api_link))

    def _api_slow(self, replica: str, seconds: float, latency_seconds: float) -> None:
        victim = self.running.get(replica)
        if victim is not None:
            victim.api.latency_seconds = latency_seconds
            self._later(seconds, lambda: setattr(victim.api, "latency_seconds", 0.01))

    def _stale(
        self, replica: str, age_seconds: float, seconds: float, every: int, restarted: bool
    ) -> None:
        """A server that fell behind answers each `every`-th list, `age_seconds` from now on."""
        view = OldView(self._world, every)

        def begin() -> None:
            if self.is_over:
                return
            self.old_views[replica] = view
            victim = self.running.get(replica)
            if victim is not None:
                victim.api.recalled = view.recall
            if victim is not None and restarted:
                self._die(replica, victim, 1.0)

        def end() -> None:
            if self.old_views.get(replica) is view:
                del self.old_views[replica]
                if replica in self.running:
                    self.running[replica].api.recalled = lambda _: None

        self._later(age_seconds, begin)
        self._later(age_seconds + seconds, end)

    def _watch_lost(self, replica: str, seconds: float) -> None:
        self._cut_links(replica, "w", "w", seconds, 0.0)

    def _watch_hangs(self, replica: str, seconds: float, compacted: bool) -> None:
        """Its connections hang; what happened meanwhile comes later, or is forgotten by then."""
        victim = self.running.get(replica)
        if victim is None:
            return
        victim.watch_hangs = True

        def end() -> None:
            if compacted:
                self._world.store.compact()
            victim.watch_hangs = False
            victim.hear()

        self._later(seconds, end)

    def _watch_disordered(self, replica: str, seconds: float, spread_seconds: float) -> None:
        """Events of different objects arrive late, in no order."""
        victim = self.running.get(replica)
        if victim is not None:
            victim.watch_spread_seconds = spread_seconds
            self._later(seconds, lambda: setattr(victim, "watch_spread_seconds", 0.0))

    def _compact(self) -> None:
        self._world.store.compact()

    def _forget_ledger(self) -> None:
        self.login_was_forgotten = True
        self.ledger_lost_at.append(self._world.clock.now())

    def _delete_lease(self) -> None:
        self._forget_ledger()
        self._world.delete(places.LEASE_PATH)

    def _lose_ledger(self) -> None:
        self._forget_ledger()
        self._world.patch(places.LEASE_PATH, {"metadata": {"annotations": None}})

    def _lose_ledger_for_good(self, back_after_seconds: float) -> None:
        """While no process is left that could write it again."""
        for name, victim in list(self.running.items()):
            self._die(name, victim, back_after_seconds)
        self._lose_ledger()
