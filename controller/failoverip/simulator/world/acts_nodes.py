"""What happens to nodes."""

from __future__ import annotations

from failoverip.simulator.kubernetes import Kubelet, PretendNode, ready_condition
from failoverip.simulator.world import places
from failoverip.simulator.world.stagehand import Stagehand, attempt

# Somebody waits for a clean-up that keeps a Node there while it is being deleted.
_FINALIZER = "example.com/clean-up"


class NodeActs(Stagehand):
    """Power, networks, and Node objects."""

    def _power_off(self, node: str) -> None:
        self._world.kubelets[node].power_off()

    def _power_on(self, node: str) -> None:
        self._world.kubelets[node].power_on()

    def _flap(self, node: str, seconds: float) -> None:
        self._power_off(node)
        self._later(seconds, lambda: self._power_on(node))

    def _cut_active(self, resource: int, seconds: float) -> None:
        """The node that has the address."""
        node = self.node_of(resource)
        if node is not None:
            self._cut_node(node, seconds)

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

    def _delete_node_slowly(self, node: str, seconds: float) -> None:
        """Its object stays for as long as a finalizer holds it; its kubelet goes on beating."""
        path = f"{places.NODES}/{node}"
        self._world.patch(path, {"metadata": {"finalizers": [_FINALIZER]}})
        self._world.delete(path)
        self._later(seconds, lambda: self._world.patch(path, {"metadata": {"finalizers": None}}))

    def _remake_node(self, node: str, server: int) -> None:
        """Deleted, and there again under its name on a server."""
        self._remake(node, places.server_ipv4(server))

    def _privatise_node(self, node: str, seconds: float) -> None:
        """Made anew with an address that is no server's, until somebody annotates it."""
        before = self._world.get(f"{places.NODES}/{node}")
        server = places.server_of_node(before)
        # One that was made so before waits for its annotation still.
        number = str(server) if server is not None else self._mapped.get(node)
        self._remake(node, places.PRIVATE_IPV4)
        if number is not None:
            self._mapped[node] = number
            self._later(seconds, lambda: self._map_rightly(node))

    def _annotate(self, node: str, server: str | None) -> None:
        annotations = {"failoverip.io/server": server}
        self._world.patch(f"{places.NODES}/{node}", {"metadata": {"annotations": annotations}})

    def _map_rightly(self, node: str) -> None:
        self._annotate(node, self._mapped.get(node))

    def _remake(self, node: str, address: str) -> None:
        self._mapped.pop(node, None)
        self._world.kubelets[node].power_off()
        if node in self._world.names(places.NODES):
            attempt(lambda: self._world.delete(f"{places.NODES}/{node}"))
        pretend = PretendNode(node, address, labels={"world": "yes"})
        self._world.kubelets[node] = Kubelet(self._world.store, pretend, self._world.clock)
