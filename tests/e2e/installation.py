"""An installation as a user has it: CRD, RBAC, Secret, Robot, operator replicas, nodes.

Each replica runs as a process with the token of the operator's ServiceAccount and no other right.
Periods are shortened by `TIME_SCALE`; the election's are client-go's proportions.
"""

from __future__ import annotations

import json
import os
import re
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
from tests.controlplane.cluster import FAILOVER_IPS, LEASES, Cluster, namespaced_leases
from tests.controlplane.controlplane import ControlPlane
from tests.controlplane.processes import Process
from tests.controlplane.rest import ApiError, Json
from tests.controlplane.waiting import eventually
from tests.e2e.canaries import leaks, plant, process_texts
from tests.e2e.installed_crd import MANIFESTS, install_crd
from tests.support.robot_admin import RobotAdmin

NAMESPACE = "failoverip-system"
SERVICE_ACCOUNT = "failoverip-operator"
LEASE = "failoverip-operator"
PROGRAM = ("-m", "failoverip")
USER, PASSWORD = "#ws+canary-user", "canary-password-5f2a"
ADDRESS = "203.0.113.10"
ADDRESS_V6 = "2001:db8:fff1::/64"
TIME_SCALE = 0.3
# Periods of a tenth, where a story spans several of them, and heartbeats that fit them.
BRISK = ("--time-scale", "0.1")
BRISK_BEAT_SECONDS = 0.5
# Seconds of a switch at the simulator: long enough to act in its middle.
SWITCH_SECONDS = 3.0
# Switches of a Robot that says `ready`, so that one read confirms, and that is quick.
PROMPT: dict[str, Any] = {"status_field": "present", "switch_seconds": 1.0}


def server_ip(number: int) -> str:
    """The main IPv4 of server 321, 322, ..."""
    return f"192.0.2.{number - 310}"


def world_toml(servers: Sequence[int] = (321, 322, 323), extra: str = "", **switches: Any) -> str:
    """A Robot world: servers, one IPv4 and one IPv6 failover address routed to the first."""
    parts = [f'[[users]]\nname = "{USER}"\npassword = "{PASSWORD}"\n']
    parts += [
        f'[[servers]]\nnumber = {number}\nname = "s{number}"\nipv4 = "{server_ip(number)}"\n'
        f'ipv6_net = "2001:db8:a:{number}::"\n'
        for number in servers
    ]
    parts += [
        f'[[failovers]]\nip = "{ip}"\nserver_number = {servers[0]}\nactive = {servers[0]}\n'
        for ip in (ADDRESS, ADDRESS_V6.partition("/")[0])
    ]
    settings = {"switch_seconds": SWITCH_SECONDS, **switches}
    lines = "".join(f"{key} = {json.dumps(value)}\n" for key, value in settings.items())
    return "\n".join(parts) + extra + "\n[switches]\n" + lines


class Simulator(RobotAdmin):
    """The Robot simulator as a process, and its admin port."""

    def __init__(self, directory: Path, world: str, flags: Sequence[str] = ()) -> None:
        path = directory / "world.toml"
        path.write_text(world)
        log = directory / "robot.log"
        argv = [sys.executable, "-m", "failoverip", "robot-simulator", "--world", str(path)]
        argv += ["--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0", *flags]
        self.process = Process(argv, log, os.environ)
        self.process.start()
        found = eventually(
            lambda: (
                re.findall(r"(?:listening|admin) on (\S+)", self.process.log_tail())[1:2]
                and re.findall(r"(?:listening|admin) on (\S+)", self.process.log_tail())
            ),
            "the simulator listens",
        )
        self.url, admin_url = found
        super().__init__(httpx.Client(base_url=admin_url, timeout=30))

    def close(self) -> None:
        """Stop the process."""
        super().close()
        self.process.kill()


class Replica:
    """One operator process. `server` is a proxy's URL in place of the API server's.

    `code` is a directory with another version of the package than this checkout's, `program` what
    the interpreter runs in place of the module.
    """

    def __init__(
        self,
        home: Installation,
        name: str,
        server: str | None,
        flags: Sequence[str],
        code: Path | None = None,
        program: Sequence[str] = PROGRAM,
    ) -> None:
        kubeconfig = home.cluster.service_account_kubeconfig(
            home.namespace, SERVICE_ACCOUNT, server
        )
        self.name = name
        argv = [sys.executable, *program, "operator", "--kubeconfig", str(kubeconfig)]
        argv += ["--namespace", home.namespace, "--identity", name]
        argv += [*operator_flags(home), *flags]
        environ = {k: v for k, v in os.environ.items() if k != "KUBECONFIG"}
        environ |= {"PYTHONPATH": str(code)} if code else {}
        self.process = Process(argv, home.directory / f"{name}.log", environ)
        self.process.start()
        # Command line and environment as they were before each end.
        self.shown: list[tuple[str, str]] = []

    def log(self) -> list[Json]:
        """Its log, a document a line."""
        lines = self.process.log.read_text(errors="replace").splitlines()
        return [json.loads(line) for line in lines if line.startswith("{")]

    def said(self, message: str, **values: Any) -> list[Json]:
        """The log lines with this message and these values."""
        return [
            line
            for line in self.log()
            if line.get("message") == message
            and all(line.get(key) == value for key, value in values.items())
        ]

    @property
    def starts(self) -> int:
        """How often it began: once, and once more after each lost lease."""
        return len(self.said("operator started"))

    @property
    def url(self) -> str:
        """Of its pages."""
        line = eventually(lambda: self.said("operator started"), f"{self.name} starts")[-1]
        return f"http://{line['listen']}"

    def page(self, path: str) -> httpx.Response:
        """One of its pages."""
        return httpx.get(self.url + path, timeout=30)

    def texts(self) -> Iterator[tuple[str, str]]:
        """What it said, and showed as a process, by place."""
        yield self.process.log.name, self.process.log.read_text(errors="replace")
        self._show()
        yield from self.shown

    def pages(self) -> Iterator[tuple[str, str]]:
        """Its pages as they are; nothing of one that does not answer."""
        with suppress(httpx.TransportError):
            for line in self.said("operator started")[-1:]:
                for path in ("/metrics", "/readyz", "/healthz"):
                    page = httpx.get(f"http://{line['listen']}{path}", timeout=2)
                    yield f"{self.name} {path}", page.text

    def stop(self) -> int:
        """SIGTERM, and its exit code."""
        self._show()
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait()

    def kill(self) -> None:
        """SIGKILL."""
        self._show()
        self.process.kill()

    def _show(self) -> None:
        if self.process.running:
            self.shown += process_texts(self.process.pid)


@dataclass
class Installation:
    """One namespace with an operator in it."""

    cluster: Cluster
    directory: Path
    simulator: Simulator
    namespace: str = NAMESPACE
    robot_url: str = ""
    robot_ca: Path | None = None
    replicas: list[Replica] = field(default_factory=list)

    def start_replica(
        self,
        name: str,
        *,
        server: str | None = None,
        flags: Sequence[str] = (),
        code: Path | None = None,
        program: Sequence[str] = PROGRAM,
    ) -> Replica:
        """Start one more operator process."""
        replica = Replica(self, name, server, flags, code, program)
        self.replicas.append(replica)
        return replica

    def apply(self, name: str = "web", **spec: Any) -> Json:
        """Create a FailoverIP."""
        return self.cluster.admin.create(FAILOVER_IPS, failoverip(name, **spec))

    def patch(self, name: str, patch: Json) -> Json:
        """Merge-patch a FailoverIP."""
        return self.cluster.admin.patch(f"{FAILOVER_IPS}/{name}", patch)

    def resource(self, name: str = "web") -> Json:
        """The FailoverIP as it is stored."""
        return self.cluster.admin.get(f"{FAILOVER_IPS}/{name}")

    def status(self, name: str = "web") -> Json:
        """Its status, empty while there is none."""
        status: Json = self.resource(name).get("status", {})
        return status

    def condition(self, kind: str, name: str = "web") -> Json:
        """One of its conditions, empty while there is none."""
        conditions: list[Json] = self.status(name).get("conditions", [])
        return next((c for c in conditions if c["type"] == kind), {})

    def until(self, met: Callable[[Json], object], what: str, name: str = "web") -> Json:
        """Wait until the status is as wanted; the status then."""
        try:
            eventually(lambda: met(self.status(name)), what)
        except AssertionError as error:
            raise AssertionError(f"{error}\n{self.story(name)}") from None
        return self.status(name)

    def until_ready(self, node: str, name: str = "web") -> Json:
        """Wait until the resource is Ready on this node."""
        return self.until(
            lambda status: status.get("activeNode") == node and is_true(status, "Ready"),
            f"{name} is Ready on {node}",
            name,
        )

    def holder(self) -> str:
        """Who holds the Lease, empty when nobody does."""
        lease = self.cluster.admin.find(f"{namespaced_leases(self.namespace)}/{LEASE}")
        return "" if lease is None else lease["spec"].get("holderIdentity", "")

    def leader(self) -> Replica:
        """The replica that leads, once one does."""
        return eventually(self._leading, "a replica leads")

    def standby(self) -> Replica:
        """A running replica that does not lead."""
        leader = self.leader()
        return next(r for r in self.replicas if r is not leader and r.process.running)

    def _leading(self) -> Replica | None:
        holder = self.holder()
        return next(
            (r for r in self.replicas if r.process.running and holder.startswith(f"{r.name}_")),
            None,
        )

    def events(self, name: str = "web") -> list[Json]:
        """The Events about a resource, oldest first."""
        path = "/apis/events.k8s.io/v1/namespaces/default/events"
        found = [e for e in self.cluster.admin.list(path) if e["regarding"]["name"] == name]
        return sorted(found, key=lambda event: event["eventTime"])

    def end(self) -> None:
        """Kill every replica."""
        for replica in self.replicas:
            replica.kill()

    def end_without_leaks(self) -> None:
        """Kill every replica; no secret is where it must not be."""
        pages = self.pages()
        self.end()
        assert leaks([*pages, *self.texts()]) == []

    def pages(self) -> list[tuple[str, str]]:
        """The pages of the replicas that run, by place."""
        return [text for r in self.replicas if r.process.running for text in r.pages()]

    def texts(self) -> Iterator[tuple[str, str]]:
        """What the replicas said, and every object that an operator can write, by place."""
        for replica in self.replicas:
            yield from replica.texts()
        if isinstance(self.cluster, ControlPlane):
            self.cluster.restore()
        for path in (FAILOVER_IPS, LEASES, "/apis/events.k8s.io/v1/events"):
            # The CRD may be gone.
            with suppress(ApiError):
                yield path, json.dumps(self.cluster.admin.list(path))

    def story(self, name: str) -> str:
        """What a person needs to understand a failure."""
        logs = "\n".join(f"--- {r.name}\n{r.process.log_tail(40)}" for r in self.replicas)
        found = self.cluster.admin.find(f"{FAILOVER_IPS}/{name}") or {}
        status = json.dumps(found.get("status", {}), indent=1)
        journal = "\n".join(json.dumps(entry) for entry in self.simulator.journal()[-12:])
        return f"{status}\n{journal}\n{logs}"


def operator_flags(home: Installation) -> list[str]:
    """What every replica is told, wherever it runs: Robot, a free port, shortened periods."""
    argv = ["--robot-url", home.robot_url]
    argv += ["--robot-ca-file", str(home.robot_ca)] if home.robot_ca else []
    argv += ["--listen", "127.0.0.1:0", "--log-format", "json"]
    argv += ["--time-scale", str(TIME_SCALE), "--lease-duration-seconds", "6"]
    return [*argv, "--renew-deadline-seconds", "4", "--retry-period-seconds", "1"]


def failoverip(name: str = "web", **spec: Any) -> Json:
    """A FailoverIP document; one IPv4 address unless told otherwise."""
    return {
        "apiVersion": "failoverip.io/v1alpha1",
        "kind": "FailoverIP",
        "metadata": {"name": name},
        "spec": {"addresses": [ADDRESS], **spec},
    }


def is_true(status: Json, kind: str) -> bool:
    """Whether a condition of this status is True."""
    conditions = status.get("conditions", [])
    return any(c["type"] == kind and c["status"] == "True" for c in conditions)


def told(status: Json, kind: str) -> tuple[str, str]:
    """Status and reason of a condition of this status, empty while there is none."""
    found = [(c["status"], c["reason"]) for c in status.get("conditions", []) if c["type"] == kind]
    return found[0] if found else ("", "")


@contextmanager
def installed(
    cluster: Cluster,
    directory: Path,
    world: str | None = None,
    robot_url: str | None = None,
    robot_tls: tuple[Path, Path] | None = None,
) -> Iterator[Installation]:
    """CRD, namespace, RBAC and Secret applied, Robot running, no replica yet.

    `robot_tls`: certificate and key with which Robot serves HTTPS.
    """
    install_crd(cluster)
    for part in ("namespace", "rbac"):
        cluster.kubectl("apply", "-k", str(MANIFESTS / part))
    write_secret(cluster, "robot-credentials", USER, PASSWORD)
    certificate, key = robot_tls or (None, None)
    tls = ["--tls-cert", str(certificate), "--tls-key", str(key)] if certificate else []
    simulator = Simulator(directory, world or world_toml(), tls)
    home = Installation(
        cluster,
        directory,
        simulator,
        robot_url=robot_url or simulator.url,
        robot_ca=certificate,
    )
    try:
        yield home
        home.end_without_leaks()
    finally:
        home.end()
        simulator.close()


def write_secret(
    cluster: Cluster,
    name: str,
    user: str | None,
    password: str | None,
    namespace: str = NAMESPACE,
) -> None:
    """Create or replace a Secret with credentials; None leaves the key out."""
    data = {"username": user, "password": password}
    plant(user, password)
    document: Json = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": name, "namespace": namespace},
        "stringData": {key: value for key, value in data.items() if value is not None},
    }
    path = f"/api/v1/namespaces/{namespace}/secrets"
    if cluster.admin.find(f"{path}/{name}") is None:
        cluster.admin.create(path, document)
    else:
        cluster.admin.replace(f"{path}/{name}", document)
