"""What the acts of a script do to the world. Each is a method of the act's name."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from urllib.parse import quote

from failoverip.simulator import robot as simulated
from failoverip.simulator.kubernetes import Kubelet, PretendNode, ready_condition
from failoverip.simulator.world import places
from failoverip.simulator.world.links import Json, Link
from failoverip.simulator.world.processes import outside
from failoverip.simulator.world.replica import Replica
from failoverip.simulator.world.script import Act, Script
from failoverip.simulator.world.world import RefusedError, World

# A stranger's own address: its failed logins and locks are not the operator's.
_STRANGER = "198.51.100.77"
# How long the last kubelet takes after the API server is back.
_RETURN_SECONDS = 10.0


class Actors:
    """Those who act: nature, people, other clients. `start` makes a replica of this name."""

    def __init__(self, world: World, script: Script, start: Callable[[str], Replica]) -> None:
        self._world = world
        self._script = script
        self._start = start
        # Replicas that run, by name; one that was killed is not there until it is back.
        self.running: dict[str, Replica] = {}
        self.api_link = Link.FINE
        self.is_over = False
        # What ends a trouble that was begun.
        self._ends: dict[asyncio.Task[None], Callable[[], object]] = {}

    def perform(self, act: Act) -> None:
        """Do it now; nothing where its object is gone."""
        values = dict(act.values)
        _try(lambda: getattr(self, f"_{act.kind}")(**values))

    def bring(self, name: str) -> None:
        """Start a replica."""
        replica = self._start(name)
        replica.api.link = self.api_link
        self.running[name] = replica

    def end_all(self) -> None:
        """All troubles end; dead nodes stay dead."""
        world = self._world
        self.is_over = True
        ends, self._ends = self._ends, {}
        for task, act in ends.items():
            task.cancel()
            _try(act)
        self.api_link, world.api_is_down = Link.FINE, False
        world.link(Link.FINE)
        world.cut_until.clear()
        world.robot.machine.clear_faults()
        world.robot.wake()
        for name in self._script.replicas:
            if name not in self.running:
                self.bring(name)
        for replica in self.running.values():
            replica.api.latency_seconds = 0.01
            replica.watch_is_lost = replica.way.is_cut = False
            replica.way.late_seconds = 0.0

    # -- nodes

    def _power_off(self, node: str) -> None:
        self._world.kubelets[node].power_off()

    def _power_on(self, node: str) -> None:
        self._world.kubelets[node].power_on()

    def _flap(self, node: str, seconds: float) -> None:
        self._power_off(node)
        self._later(seconds, lambda: self._power_on(node))

    def _cut_node(self, node: str, seconds: float) -> None:
        self._world.cut_until[node] = self._world.clock.now() + seconds

    def _cut_all(self, seconds: float, stagger_seconds: float) -> None:
        now = self._world.clock.now()
        for index, name in enumerate(self._world.kubelets):
            share = index / len(self._world.kubelets)
            self._world.cut_until[name] = now + seconds + stagger_seconds * share

    def _kubelet_not_ready(self, node: str, seconds: float) -> None:
        # The kubelet says so itself, and goes on beating; at its next look it says Ready again.
        ready = ready_condition(self._world.clock.wall())
        said = ready | {"status": "False", "reason": "KubeletNotReady", "message": "in the world"}
        self._world.ask(
            "PATCH",
            f"{places.NODES}/{node}/status",
            {"status": {"conditions": [said]}},
            {"content-type": "application/strategic-merge-patch+json"},
        )
        self._world.cut_until[node] = self._world.clock.now() + seconds

    def _delete_node(self, node: str) -> None:
        self._world.kubelets[node].power_off()
        self._world.delete(f"{places.NODES}/{node}")

    def _remake_node(self, node: str, server: int) -> None:
        self._world.kubelets[node].power_off()
        if node in self._world.names(places.NODES):
            self._world.delete(f"{places.NODES}/{node}")
        pretend = PretendNode(node, places.server_ipv4(server), labels={"world": "yes"})
        self._world.kubelets[node] = Kubelet(self._world.store, pretend, self._world.clock)

    # -- people

    def _cordon(self, node: str) -> None:
        self._world.cordon(node)

    def _uncordon(self, node: str) -> None:
        self._world.cordon(node, on=False)

    def _selector(self, node: str) -> None:
        labels = self._world.get(f"{places.NODES}/{node}")["metadata"].get("labels", {})
        value = None if "world" in labels else "yes"
        self._world.patch(f"{places.NODES}/{node}", {"metadata": {"labels": {"world": value}}})

    def _map_wrongly(self, node: str, server: int) -> None:
        annotations = {"failoverip.io/server": str(server)}
        path = f"{places.NODES}/{node}"
        self._world.patch(path, {"metadata": {"annotations": annotations}})
        self._later(
            120.0,
            lambda: self._world.patch(
                path, {"metadata": {"annotations": dict.fromkeys(annotations)}}
            ),
        )

    def _switch_to(self, resource: int, node: str, again: int) -> None:
        annotations = {"failoverip.io/switch-to": f"{node}@{again}"}
        self._patch_resource(resource, {"metadata": {"annotations": annotations}})

    def _mode(self, resource: int, mode: str) -> None:
        self._patch_resource(resource, {"spec": {"mode": mode}})

    def _drift_policy(self, resource: int, drift: str) -> None:
        self._patch_resource(resource, {"spec": {"drift": drift}})

    def _addresses(self, resource: int) -> None:
        path = f"{places.FIPS}/{resource_name(resource)}"
        now = self._world.get(path)["spec"]["addresses"]
        self._world.patch(path, {"spec": {"addresses": addresses(resource, len(now) == 1)}})

    def _create(self, resource: int) -> None:
        self._world.create(places.FIPS, resource_document(self._script, resource))

    def _delete(self, resource: int) -> None:
        path = f"{places.FIPS}/{resource_name(resource)}"
        self._world.delete(path)
        self._later(60.0, lambda: self._create(resource))

    def _overlap(self, resource: int) -> None:
        document = resource_document(self._script, resource)
        document["metadata"]["name"] = f"{resource_name(resource)}-twin"
        self._world.create(places.FIPS, document)
        self._later(
            200.0, lambda: self._world.delete(f"{places.FIPS}/{document['metadata']['name']}")
        )

    def _rotate_secret(self) -> None:
        password = places.SECOND_PASSWORD
        self._world.robot.machine.change_password({"name": places.USER, "password": password})
        self._later(
            30.0,
            lambda: self._world.write_secret(
                places.SECRET, places.USER, password, places.NAMESPACE
            ),
        )

    # -- replicas and their ways

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

    def _cut_robot(self, replica: str, seconds: float) -> None:
        victim = self.running.get(replica)
        if victim is not None:
            victim.way.is_cut = True
            self._later(seconds, lambda: setattr(victim.way, "is_cut", False))

    def _step_wall(self, replica: str, seconds: float) -> None:
        victim = self.running.get(replica)
        if victim is not None:
            victim.clock.step_wall(seconds)

    def _late_post(self, replica: str, seconds: float) -> None:
        victim = self.running.get(replica)
        if victim is not None:
            victim.way.late_seconds = seconds

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

    def _watch_lost(self, replica: str, seconds: float) -> None:
        victim = self.running.get(replica)
        if victim is not None:
            victim.watch_is_lost = True
            self._later(seconds, lambda: setattr(victim, "watch_is_lost", False))

    def _compact(self) -> None:
        self._world.store.compact()

    def _delete_lease(self) -> None:
        self._world.delete(places.LEASE_PATH)

    def _lose_ledger(self) -> None:
        self._world.patch(places.LEASE_PATH, {"metadata": {"annotations": None}})

    # -- Robot and who else uses it

    def _robot_down(self, seconds: float) -> None:
        self._world.fault(kind="down", for_seconds=seconds)

    def _robot_fault(self, fault: str, seconds: float) -> None:
        self._world.fault(kind=fault, for_seconds=seconds)

    def _robot_slow(self, seconds: float, slow_seconds: float) -> None:
        self._world.fault(kind="slow", seconds=slow_seconds, for_seconds=seconds)

    def _robot_write(self, fault: str, count: int, resource: int) -> None:
        address = places.IPV4[resource]
        extra = {"executed": True} if fault in ("reset", "gateway_timeout", "hang") else {}
        self._world.fault(kind=fault, methods=["POST"], count=count, address=address, **extra)

    def _stranger(self, resource: int, server: int | None) -> None:
        address = places.IPV4[resource]
        target = None if server is None else places.target_of(server, address)
        self._world.move(address, target)

    def _second_cluster(self, resource: int, server: int | None) -> None:
        """Another client of the account asks for a switch, as this operator would."""
        address = places.IPV4[resource]
        target = places.target_of(server or places.FOREIGN_SERVERS[0], address)
        request = simulated.Request(
            "POST",
            f"/failover/{quote(address)}",
            _STRANGER,
            places.USER,
            places.PASSWORD,
            {"active_server_ip": target},
        )
        self._world.robot.begin(request)

    def _unauthorized(self, count: int) -> None:
        self._world.fault(kind="unauthorized", count=count)

    def _later(self, seconds: float, act: Callable[[], object]) -> None:
        async def wait() -> None:
            await asyncio.sleep(seconds)
            del self._ends[task]
            _try(act)

        task = outside(wait())
        self._ends[task] = act

    def _patch_resource(self, resource: int, patch: Json) -> None:
        self._world.patch(f"{places.FIPS}/{resource_name(resource)}", patch)


def _try(act: Callable[[], object]) -> None:
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
        },
    }
