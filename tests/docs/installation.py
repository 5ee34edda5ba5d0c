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
from tests.docs.pod_logs import PodLogs
from tests.docs.pods import PodRunner
from tests.docs.shell import Shell, shell
from tests.e2e.canaries import leaks, plant
from tests.e2e.installation import (
    PASSWORD,
    USER,
    Installation,
    Simulator,
    is_true,
    server_ip,
)
from tests.repo.commands import Block
from tests.repo.files import ROOT

SERVERS = {"node-1": 321, "node-2": 322, "node-3": 323}
MANIFESTS = str(ROOT / "manifests")
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

    def __init__(
        self, home: Installation, nodes: dict[str, Kubelet], pods: PodRunner, person: Shell
    ) -> None:
        self.home = home
        self.nodes = nodes
        self.pods = pods
        self.person = person

    def do(self, block: Block) -> str:
        """Run a block and let the operator come to rest."""
        if block.language == "yaml":
            said = self.home.cluster.kubectl("apply", "-f", "-", stdin=block.text).stdout
        else:
            said = self.person.run(block)
        self.rest(str(block))
        return said

    def rest(self, what: str) -> None:
        """Wait until every resource is Ready, with no switch open and no request unanswered."""
        eventually(lambda: all(at_rest(one) for one in self._resources()), f"{what}: all at rest")

    def _resources(self) -> list[Json]:
        if self.home.cluster.kubectl("get", "failoverips", check=False).returncode:
            return []
        return self.home.cluster.admin.list(FAILOVER_IPS)


def at_rest(resource: Json) -> bool:
    """Whether the operator has seen it as it is, and has nothing left to do."""
    status: Json = resource.get("status", {})
    wish = resource["metadata"].get("annotations", {}).get("failoverip.io/switch-to", "")
    observed = status.get("observedGeneration") == resource["metadata"]["generation"]
    answered = wish in ("", status.get("switchRequest", {}).get("value"))
    return observed and answered and is_true(status, "Ready") and "intent" not in status


@contextmanager
def new_cluster(
    control_plane: ControlPlane, kubelet: KubeletFactory, directory: Path
) -> Iterator[Story]:
    """Three nodes, Robot, a checkout with the README's files; nothing is installed yet."""
    remove(control_plane)
    checkout = directory / "checkout"
    checkout.mkdir()
    (checkout / "manifests").symlink_to(MANIFESTS)
    (checkout / "robot-username").write_text(USER)
    (checkout / "robot-password").write_text(PASSWORD)
    keys = control_plane.keys
    with ExitStack() as stack:
        simulator = Simulator(directory, world())
        stack.callback(simulator.close)
        home = Installation(control_plane, directory, simulator, robot_url=simulator.url)
        nodes = {name: kubelet(name, server_ip(number)) for name, number in SERVERS.items()}
        logs = stack.enter_context(PodLogs(keys.serving_certificate, keys.serving_key))
        pods = PodRunner(home, nodes, logs)
        pods.start()
        stack.callback(pods.stop)
        # While nodes run that end its pods.
        stack.callback(remove, control_plane)
        person = stack.enter_context(shell(checkout, environment(control_plane, directory)))
        plant(USER, PASSWORD)
        yield Story(home, nodes, pods, person)
        assert leaks([*home.pages(), *home.texts()]) == []


def remove(cluster: Cluster) -> None:
    """What the manifests make, and the pods, whoever left them."""
    cluster.kubectl("delete", "-k", MANIFESTS, "--ignore-not-found", "--wait", "--timeout=60s")


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
