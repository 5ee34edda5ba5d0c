"""The cluster of the pages: nodes, addresses, resource and files have the names that they use."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from tests.controlplane.cluster import FAILOVER_IPS, Cluster
from tests.controlplane.controlplane import ControlPlane
from tests.controlplane.fixtures import KubeletFactory
from tests.controlplane.kubelet import Kubelet
from tests.controlplane.rest import Json
from tests.controlplane.waiting import eventually
from tests.docs.shell import Shell, shell
from tests.e2e.installation import PASSWORD, USER, Installation, Simulator, is_true, server_ip
from tests.repo.commands import Block
from tests.repo.files import ROOT

SERVERS = {"node-1": 321, "node-2": 322, "node-3": 323}
SERVICE_ACCOUNT = "/api/v1/namespaces/failoverip-system/serviceaccounts/failoverip-operator"
# Robot as the pages know it: quick, and it says `ready`.
WORLD = f"""
[[users]]
name = "{USER}"
password = "{PASSWORD}"

[[failovers]]
ip = "203.0.113.10"
server_number = 321
active = 321

[[failovers]]
ip = "2001:db8:1:2::"
server_number = 321
active = 321

[switches]
switch_seconds = 1.0
status_field = "present"
"""


def world() -> str:
    """Robot's world with the servers of the nodes."""
    servers = [
        f'[[servers]]\nnumber = {number}\nname = "{name}"\nipv4 = "{server_ip(number)}"\n'
        f'ipv6_net = "2001:db8:a:{number}::"\n'
        for name, number in SERVERS.items()
    ]
    return "\n".join(servers) + WORLD


class Story:
    """A person at a shell, and the cluster that answers."""

    def __init__(self, home: Installation, nodes: dict[str, Kubelet], person: Shell) -> None:
        self.home = home
        self.nodes = nodes
        self.person = person

    def do(self, block: Block) -> str:
        """Run a block and let the operator come to rest."""
        if block.language == "yaml":
            said = self.home.cluster.kubectl("apply", "-f", "-", stdin=block.text).stdout
        else:
            said = self.person.run(block)
        self._serve()
        self.rest(str(block))
        return said

    def rest(self, what: str) -> None:
        """Wait until every resource is Ready, with no switch open and no request unanswered."""
        eventually(lambda: all(at_rest(one) for one in self._resources()), f"{what}: all at rest")

    def _resources(self) -> list[Json]:
        if self.home.cluster.kubectl("get", "failoverips", check=False).returncode:
            return []
        return self.home.cluster.admin.list(FAILOVER_IPS)

    def _serve(self) -> None:
        """The operator runs as soon as there is an identity for it."""
        if not self.home.replicas and self.home.cluster.admin.find(SERVICE_ACCOUNT):
            self.home.start_replica("one")
            self.home.start_replica("two")


def at_rest(resource: Json) -> bool:
    """Whether the operator has seen it as it is, and has nothing left to do."""
    status: Json = resource.get("status", {})
    wish = resource["metadata"].get("annotations", {}).get("failoverip.io/switch-to", "")
    observed = status.get("observedGeneration") == resource["metadata"]["generation"]
    answered = status.get("switchRequest", {}).get("value", "") == wish
    return observed and answered and is_true(status, "Ready") and "intent" not in status


@contextmanager
def new_cluster(
    control_plane: ControlPlane, kubelet: KubeletFactory, directory: Path
) -> Iterator[Story]:
    """Three nodes, Robot, a checkout with the README's files; nothing is installed yet."""
    control_plane.kubectl("delete", "-k", str(ROOT / "manifests"), "--ignore-not-found", "--wait")
    checkout = directory / "checkout"
    checkout.mkdir()
    (checkout / "manifests").symlink_to(ROOT / "manifests")
    (checkout / "robot-username").write_text(USER)
    (checkout / "robot-password").write_text(PASSWORD)
    with ExitStack() as stack:
        simulator = Simulator(directory, world())
        stack.callback(simulator.close)
        home = Installation(control_plane, directory, simulator, robot_url=simulator.url)
        nodes = {name: kubelet(name, server_ip(number)) for name, number in SERVERS.items()}
        person = stack.enter_context(shell(checkout, environment(control_plane, directory)))
        try:
            yield Story(home, nodes, person)
        finally:
            for replica in home.replicas:
                replica.kill()


def environment(cluster: Cluster, directory: Path) -> dict[str, str]:
    """kubectl as a user's shell has it: in PATH, with a kubeconfig that may do everything."""
    programs = directory / "bin"
    programs.mkdir()
    (programs / "kubectl").symlink_to(cluster.program)
    return {
        "PATH": f"{programs}:{os.environ['PATH']}",
        "HOME": str(directory),
        "KUBECONFIG": str(cluster.admin_kubeconfig),
    }
