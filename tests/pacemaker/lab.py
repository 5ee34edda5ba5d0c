"""A lab: a switch, the Robot simulator on it, and nodes with Corosync and Pacemaker.

Everything is in the namespaces of one `Space` and ends with it. Several labs run side by side and
know nothing of each other. Below the lab's directory:

    shared/    /run/lab in every node: the call log, the CA, credentials, which agent is which
    nodes/     what nodes write: a tmpfs that only the lab sees
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import httpx
from tests.controlplane.waiting import eventually
from tests.pacemaker import calls, cluster_files, crm_mon
from tests.pacemaker.calls import Call
from tests.pacemaker.namespaces import CommandError, Pid, Space, child_of, nsenter, run
from tests.simulator_robot.tls import self_signed
from tests.support.robot_admin import RobotAdmin

CHECKOUT = Path(__file__).resolve().parents[2]
HERE = Path(__file__).resolve().parent
AGENTS = HERE / "agents"
INIT = HERE / "node_init.py"

ROBOT_ADDRESS = "192.0.2.1"
ROBOT_URL = f"https://{ROBOT_ADDRESS}"
USER, PASSWORD = "#ws+lab", "canary-password-7d20"
# Of its own, so that neither agent uses up the other's requests.
USER_OF_2011 = "#ws+2011"
# The failover addresses. Both belong to the first server.
ADDRESS, OTHER_ADDRESS = "203.0.113.10", "203.0.113.11"
SWITCH_SECONDS = 0.5
FORM_SECONDS = 180.0
HOUR_SECONDS = 3700

# The providers of the agents under test. `lab` has Pacemaker's Dummy, logged like the others.
PROVIDERS = {
    "failoverip": ("hetzner-failover-ip", "update-dns"),
    "kumina": ("hetzner-failover-ip", "update-dns"),
    "lab": ("Dummy",),
}
OURS = "/run/checkout/ocf-compat/hetzner-failover-ip"
OUR_DNS = "/run/checkout/ocf-compat/update-dns"
TEXT_OF_2011 = "/run/checkout/tests/pacemaker/agents/agent-of-2011"
DUMMY = "/run/ocf/pacemaker/Dummy"


def node_address(number: int) -> str:
    """The main address of node `number` and of its server."""
    return f"192.0.2.{10 + number}"


def server_number(number: int) -> int:
    """The number of the server that node `number` is."""
    return 320 + number


class Node:
    """One machine of the cluster."""

    def __init__(self, lab: Lab, number: int) -> None:
        self.name = f"node{number}"
        self.number = number
        self.address = node_address(number)
        self._lab = lab
        self._init: Pid | None = None

    @property
    def running(self) -> bool:
        """Whether it has power."""
        return self._init is not None and self._init.running

    def boot(self) -> None:
        """Give it power. Returns when its first process runs and its cable is plugged in."""
        assert not self.running, f"{self.name} runs already"
        plan = {
            "name": self.name,
            "address": f"{self.address}/24",
            "root": str(self._lab.root),
            "state": str(self._lab.directory / "nodes" / self.name),
            "shared": str(self._lab.shared),
            "checkout": str(CHECKOUT),
            "providers": {
                name: str(self._lab.directory / "providers" / name) for name in PROVIDERS
            },
        }
        command = ["unshare", "--mount", "--net", "--uts", "--ipc", "--pid", "--fork"]
        command += ["--kill-child", "--mount-proc", "--", "/usr/bin/python3", "-I", "-S", str(INIT)]
        front = self._lab.space.start([*command, json.dumps(plan)], self.log)
        self._lab.children.append(front)
        # nsenter, unshare, init
        self._init = Pid(child_of(child_of(front.pid)))
        port = f"p{self.number}"
        cable = f"ip link del {port} 2>/dev/null; ip link add {port} type veth peer name eth0"
        cable += f" netns /proc/{self._number_inside()}/ns/net"
        cable += f" && ip link set {port} master br0 && ip link set {port} up"
        self._lab.space.run("sh", "-c", cable)

    @property
    def log(self) -> Path:
        """What its first process said."""
        return self._lab.directory / f"{self.name}.out"

    def power_off(self) -> None:
        """Power loss: every process of it is gone at once."""
        assert self._init is not None
        self._init.kill()
        self._init.close()
        self._init = None

    def cut(self) -> None:
        """Unplug its cable; it goes on running."""
        self._lab.space.run("ip", "link", "set", f"p{self.number}", "down")

    def separate(self) -> None:
        """No packet between it and other separated nodes; Robot stays in reach."""
        self._lab.space.run(
            "ip", "link", "set", f"p{self.number}", "type", "bridge_slave", "isolated", "on"
        )

    def plug(self) -> None:
        """Plug its cable in."""
        self._lab.space.run("ip", "link", "set", f"p{self.number}", "up")

    def argv(self, *command: str) -> list[str]:
        """The command that runs `command` in it."""
        assert self._init is not None, f"{self.name} is off"
        kinds = ("--mount", "--net", "--uts", "--ipc", "--pid", "--root", "--wd")
        return [*nsenter(self._init, *kinds), *command]

    def run(
        self, *command: str, deadline_seconds: float = 60, accept: tuple[int, ...] = (0,)
    ) -> str:
        """Run a command in it; its output. CommandError."""
        return run(self.argv(*command), deadline_seconds, accept)

    def memberships(self) -> int:
        """How many memberships Corosync has formed since it runs; one for each join and loss."""
        key = "stats.srp.operational_entered"
        return int(self.run("corosync-cmapctl", "-m", "stats", "-g", key).split()[-1])

    def shell(self, script: str, deadline_seconds: float = 60) -> str:
        """Run lines of shell in it; the first that fails ends them. CommandError."""
        return self.run("bash", "-euo", "pipefail", "-c", script, deadline_seconds=deadline_seconds)

    def status(self) -> crm_mon.ClusterStatus | None:
        """What it believes of the cluster; None while its cluster does not answer."""
        if not self.running:
            return None
        try:
            text = self.run("timeout", "20", "crm_mon", "-1", "-rfL", "--output-as=xml")
            return crm_mon.parse(text)
        except (CommandError, SyntaxError):
            return None

    def has_address(self, address: str) -> bool:
        """Whether the address is on its interface."""
        return self.running and f" {address}/" in self.run(
            "ip", "-o", "addr", "show", "dev", "eth0"
        )

    def tell(self, lines: int = 30) -> str:
        """The end of its logs, for a failure's message."""
        names = ("pacemaker/pacemaker.log", "corosync.out", "pacemakerd.out")
        paths = [
            str(self._lab.directory / "nodes" / self.name / "var/log" / name) for name in names
        ]
        said = self._lab.space.run("sh", "-c", f"tail -n {lines} {' '.join(paths)} 2>&1 || true")
        return f"--- {self.name} ({'on' if self.running else 'off'})\n{self.log.read_text()}{said}"

    def _number_inside(self) -> int:
        """The number of its first process, as the lab's first process counts."""
        assert self._init is not None
        status = Path(f"/proc/{self._init.number}/status").read_text()
        numbers = next(line for line in status.splitlines() if line.startswith("NSpid:")).split()
        return int(numbers[-2])


class Lab:
    """The cluster, Robot, and what they did."""

    def __init__(self, directory: Path, nodes: int, root: Path = Path("/")) -> None:
        self.directory = directory
        self.root = root
        self.shared = directory / "shared"
        self.nodes = [Node(self, number) for number in range(1, nodes + 1)]
        self.children: list[subprocess.Popen[bytes]] = []
        self._write_files()
        with ExitStack() as stack:
            self.space = Space(self._setup(), directory / "lab.out")
            stack.callback(self._end)
            self.robot = self._start_robot(stack)
            self._held = stack.pop_all()

    def close(self) -> None:
        """End everything in it."""
        self._held.close()

    def _end(self) -> None:
        self.space.close()
        for child in self.children:
            child.wait(30)

    def node(self, name: str) -> Node:
        """The node of this name."""
        return next(node for node in self.nodes if node.name == name)

    @property
    def running_nodes(self) -> list[Node]:
        """Those that have power."""
        return [node for node in self.nodes if node.running]

    def boot(self) -> None:
        """Power for all nodes; returns when they are one cluster with a coordinator."""
        for node in self.nodes:
            node.boot()
        self.until_formed()

    def until_formed(self) -> None:
        """Wait until every running node sees all running nodes, quorum and a coordinator."""
        self.until(self._formed, "the cluster forms", FORM_SECONDS)

    def _formed(self) -> bool:
        names = {node.name for node in self.running_nodes}
        for node in self.running_nodes:
            seen = node.status()
            if not (seen and seen.online == names and seen.with_quorum and seen.coordinator):
                return False
        return True

    def status(self) -> crm_mon.ClusterStatus | None:
        """What the first running node believes that is in a majority; else what the first does."""
        seen = (node.status() for node in self.running_nodes)
        first = next(seen)
        if first is not None and first.with_quorum:
            return first
        return next((other for other in seen if other and other.with_quorum), first)

    def calls(self, since: float = 0.0) -> list[Call]:
        """The agents' calls that began since then."""
        return [call for call in calls.read(self.shared / "calls") if call.began >= since]

    def until(
        self, condition: Callable[[], object], what: str, deadline_seconds: float = 90
    ) -> None:
        """Wait for a condition; a failure tells what every node said."""
        try:
            eventually(condition, what, deadline_seconds, poll_seconds=1.0)
        except AssertionError as error:
            raise AssertionError(f"{error}\n{self.tell()}") from None

    def an_hour_later(self) -> None:
        """All requests so far were made an hour ago, for Robot and for the nodes' ledgers."""
        ledger = "/run/resource-agents/failoverip/ledger"
        for node in self.running_nodes:
            # Its first line is when it was written; all else in it are ages.
            node.shell(
                f"test ! -e {ledger} || sed -i '1s/.*/echo $((& - {HOUR_SECONDS}))/e' {ledger}"
            )
        self.robot.advance(HOUR_SECONDS)

    def install(self, provider: str, name: str, agent: str, *nodes: Node) -> None:
        """Which program an agent's name is, on these nodes or on all."""
        for node in nodes or self.nodes:
            path = self.shared / "agents" / node.name / provider / name
            path.parent.mkdir(parents=True, exist_ok=True)
            new = path.with_suffix(".new")
            new.write_text(f"{agent}\n")
            new.rename(path)

    def tell(self) -> str:
        """What a person needs to understand a failure."""
        made = self.calls()
        journal = "\n".join(json.dumps(entry) for entry in self.robot.journal()[-20:])
        status = ""
        if self.running_nodes:
            try:
                status = self.running_nodes[0].run("crm_mon", "-1", "-rfA")
            except CommandError as error:
                status = str(error)
        story = calls.story(made, made[0].began if made else 0.0)
        nodes = "\n".join(node.tell() for node in self.nodes)
        return f"--- calls\n{story}\n--- robot\n{journal}\n--- crm_mon\n{status}\n{nodes}"

    def _write_files(self) -> None:
        self.shared.mkdir(parents=True)
        for provider, names in PROVIDERS.items():
            folder = self.directory / "providers" / provider
            folder.mkdir(parents=True)
            for name in names:
                shutil.copy(AGENTS / "logged", folder / name)
        self.install("lab", "Dummy", DUMMY)
        certificate, _ = self_signed(self.directory, ROBOT_ADDRESS)
        shutil.copy(certificate, self.shared / "ca.crt")
        self._write_credentials()
        (self.directory / "world.toml").write_text(self._world())
        addresses = {node.name: node.address for node in self.nodes}
        (self.directory / "corosync.conf").write_text(cluster_files.corosync_conf(addresses))
        (self.directory / "cib.xml").write_text(cluster_files.FIRST_CIB)
        (self.directory / "authkey").write_bytes(os.urandom(256))

    def _write_credentials(self) -> None:
        path = self.shared / "credentials"
        path.write_text(f"username={USER}\npassword={PASSWORD}\n")
        path.chmod(0o600)
        known = {"url": ROBOT_URL, "user": USER_OF_2011, "password": PASSWORD}
        (self.shared / "robot-of-2011.json").write_text(json.dumps(known))

    def _world(self) -> str:
        parts = [
            f'[[users]]\nname = "{user}"\npassword = "{PASSWORD}"\n'
            for user in (USER, USER_OF_2011)
        ]
        parts += [
            f'[[servers]]\nnumber = {server_number(node.number)}\nname = "{node.name}"\n'
            f'ipv4 = "{node.address}"\n'
            for node in self.nodes
        ]
        first = server_number(1)
        parts += [
            f'[[failovers]]\nip = "{address}"\nserver_number = {first}\nactive = {first}\n'
            for address in (ADDRESS, OTHER_ADDRESS)
        ]
        parts.append(f'[switches]\nswitch_seconds = {SWITCH_SECONDS}\nstatus_field = "present"\n')
        return "\n".join(parts)

    def _setup(self) -> str:
        """What the lab's first process does: the switch, and the nodes' own directories."""
        made = "\n".join(
            f"""
            d={self.directory}/nodes/{node.name}
            mkdir -p $d/var/lib/corosync $d/var/lib/pacemaker/{{blackbox,cib,cores,pengine}} \
              $d/etc/{{corosync,pacemaker}} $d/var/log/{{pacemaker,crmsh,pcsd}}
            cp {self.directory}/corosync.conf $d/etc/corosync/
            cp {self.directory}/authkey $d/etc/pacemaker/
            cp {self.directory}/cib.xml $d/var/lib/pacemaker/cib/
            chgrp $cluster $d/etc/pacemaker/authkey; chmod 640 $d/etc/pacemaker/authkey
            chown -R $user:$cluster $d/var/lib/pacemaker $d/var/log/pacemaker
            chmod 770 $d/var/log/pacemaker $d/var/lib/pacemaker/*
            chmod 600 $d/var/lib/pacemaker/cib/cib.xml
            """
            for node in self.nodes
        )
        return f"""
        user=$(sed -n 's/^hacluster:[^:]*:\\([0-9]*\\):.*/\\1/p' {self.root}/etc/passwd)
        cluster=$(sed -n 's/^haclient:[^:]*:\\([0-9]*\\):.*/\\1/p' {self.root}/etc/group)
        ip link set lo up
        ip link add br0 type bridge forward_delay 0 stp_state 0
        ip addr add {ROBOT_ADDRESS}/24 dev br0
        ip link set br0 up
        mkdir {self.directory}/nodes
        mount -t tmpfs -o mode=755 tmpfs {self.directory}/nodes
        {made}"""

    def _start_robot(self, stack: ExitStack) -> RobotAdmin:
        # A Unix socket's path has at most 107 characters, and pytest's directories are deep.
        place = stack.enter_context(tempfile.TemporaryDirectory(prefix="robot-"))
        socket = Path(place, "admin")
        log = self.directory / "robot.out"
        files = [self.directory / "world.toml", ROBOT_ADDRESS, self.directory / "tls.crt"]
        module = [sys.executable, "-m", "tests.pacemaker.robot_server"]
        start = ["env", "-C", str(CHECKOUT), *module, *map(str, files)]
        start += [str(self.directory / "tls.key"), str(socket)]
        server = self.space.start(start, log)
        self.children.append(server)

        def listens() -> bool:
            assert server.poll() is None, f"the simulator ended:\n{log.read_text()}"
            return socket.exists()

        eventually(listens, "the simulator listens")
        transport = httpx.HTTPTransport(uds=str(socket))
        robot = RobotAdmin(httpx.Client(base_url="http://admin", transport=transport, timeout=30))
        stack.callback(robot.close)
        return robot


@contextmanager
def running_lab(directory: Path, nodes: int = 3, root: Path = Path("/")) -> Iterator[Lab]:
    """A lab whose cluster has formed. A failure inside tells the whole story."""
    lab = Lab(directory, nodes, root)
    try:
        lab.boot()
        yield lab
    finally:
        lab.close()
