"""etcd, kube-apiserver and kube-controller-manager as processes: flags, and when they are ready."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import httpx
from tests.controlplane.audit import LOG_SUFFIX, write_policy
from tests.controlplane.build import RigError
from tests.controlplane.certificates import KeyFiles
from tests.controlplane.processes import Process, ReservedPort
from tests.controlplane.rest import Api, ApiError
from tests.controlplane.waiting import DeadlineError, eventually

READY_DEADLINE_SECONDS = 120.0
RESTART_PAUSE_SECONDS = 1.0

# What the tests need of a cluster's own housekeeping: nodes turn NotReady, a deleted node's
# heartbeat Lease goes with it, namespaces end, each gets its default ServiceAccount, ClusterRoles
# labelled for view, edit and admin add to these, and a Deployment gets its pods.
CONTROLLERS = (
    "node-lifecycle-controller",
    "garbage-collector-controller",
    "namespace-controller",
    "serviceaccount-controller",
    "deployment-controller",
    "replicaset-controller",
    "disruption-controller",
    "clusterrole-aggregation-controller",
)


@dataclass(frozen=True)
class NodeTimings:
    """kube-controller-manager's node monitor, in whole seconds."""

    monitor_period_seconds: int
    monitor_grace_period_seconds: int

    def flags(self) -> list[str]:
        """As command line flags."""
        return [
            f"--node-monitor-period={self.monitor_period_seconds}s",
            f"--node-monitor-grace-period={self.monitor_grace_period_seconds}s",
        ]


# A node that beats every 2 s is Unknown 6 to 9 s after its last beat.
FAST_TIMINGS = NodeTimings(monitor_period_seconds=1, monitor_grace_period_seconds=8)


class Etcd:
    """One etcd without fsync: its data need not outlive the machine."""

    def __init__(self, program: Path, directory: Path) -> None:
        self._client_port, self._peer_port = ReservedPort(), ReservedPort()
        self.url = f"http://127.0.0.1:{self._client_port.number}"
        peer = f"http://127.0.0.1:{self._peer_port.number}"
        argv: list[str | Path] = [
            program,
            f"--data-dir={directory / 'etcd'}",
            f"--listen-client-urls={self.url}",
            f"--advertise-client-urls={self.url}",
            f"--listen-peer-urls={peer}",
            f"--initial-advertise-peer-urls={peer}",
            f"--initial-cluster=default={peer}",
            "--socket-reuse-port",
            "--unsafe-no-fsync",
            "--log-level=warn",
        ]
        self.process = Process(argv, directory / "etcd.log")

    def start(self) -> None:
        """Start it; the API server waits for it by itself."""
        self.process.start()

    def stop(self) -> None:
        """Kill it and give the ports back."""
        self.process.kill()
        self._client_port.release()
        self._peer_port.release()


class ApiServer:
    """One kube-apiserver. Its port stays its own over restarts."""

    def __init__(
        self, program: Path, name: str, directory: Path, etcd_url: str, keys: KeyFiles, tokens: Path
    ) -> None:
        self.name = name
        self._port = ReservedPort()
        self.url = f"https://127.0.0.1:{self._port.number}"
        argv: list[str | Path] = [
            program,
            f"--etcd-servers={etcd_url}",
            f"--secure-port={self._port.number}",
            "--permit-port-sharing",
            "--bind-address=127.0.0.1",
            "--advertise-address=127.0.0.1",
            "--endpoint-reconciler-type=none",
            f"--tls-cert-file={keys.serving_certificate}",
            f"--tls-private-key-file={keys.serving_key}",
            "--service-cluster-ip-range=10.0.0.0/24",
            "--service-account-issuer=https://localhost",
            f"--service-account-key-file={keys.service_account_key}",
            f"--service-account-signing-key-file={keys.service_account_key}",
            "--authorization-mode=RBAC",
            f"--token-auth-file={tokens}",
            "--disable-admission-plugins=ServiceAccount",
            # As kubeadm starts it: what is privileged is left to pod security.
            "--allow-privileged",
            f"--audit-policy-file={write_policy(directory)}",
            f"--audit-log-path={directory / name}{LOG_SUFFIX}",
        ]
        self.process = Process(argv, directory / f"{name}.log")

    def start(self) -> None:
        """Start it without waiting; see `wait_ready`."""
        self.process.start()

    def wait_ready(self, api: Api, deadline_seconds: float = READY_DEADLINE_SECONDS) -> None:
        """Return once /readyz says ok; RigError with the log's end when it ends or is late."""
        try:
            eventually(lambda: self._is_ready(api), f"{self.name} is ready", deadline_seconds, 0.1)
        except DeadlineError as error:
            raise RigError(f"{error}\n{self.process.log_tail()}") from error

    def freeze(self) -> None:
        """SIGSTOP: connections are accepted by the kernel, nothing answers."""
        self.process.freeze()

    def thaw(self) -> None:
        """SIGCONT."""
        self.process.thaw()

    def kill(self) -> None:
        """SIGKILL: connections end, new ones are refused until `start`."""
        self.process.kill()

    def stop(self) -> None:
        """Kill it for good and give the port back."""
        self.process.kill()
        self._port.release()

    def _is_ready(self, api: Api) -> bool:
        if not self.process.running:
            raise RigError(
                f"{self.name} ended with {self.process.returncode}\n{self.process.log_tail()}"
            )
        try:
            return api.text("/readyz") == "ok"
        except (ApiError, httpx.TransportError):
            return False


class ControllerManager:
    """kube-controller-manager, started again whenever it ends, as a static pod would be.

    With leader election it exits when the API server freezes, and a new one waits out the Lease of
    the old.
    """

    def __init__(
        self,
        program: Path,
        directory: Path,
        kubeconfig: Path,
        timings: NodeTimings | None,
        leader_elect: bool,
    ) -> None:
        argv: list[str | Path] = [
            program,
            f"--kubeconfig={kubeconfig}",
            f"--controllers={','.join(CONTROLLERS)}",
            f"--leader-elect={str(leader_elect).lower()}",
            "--secure-port=0",
            *(timings.flags() if timings else ()),
        ]
        self.process = Process(argv, directory / "kube-controller-manager.log")
        self.starts = 0
        self._stopping = threading.Event()
        # A daemon, so that it outlives the main thread: its end would end the child.
        self._supervisor = threading.Thread(target=self._supervise, daemon=True, name="kcm")

    def start(self) -> None:
        """Start it, and its supervisor."""
        self._supervisor.start()
        eventually(lambda: self.starts > 0, "kube-controller-manager was started")

    def restart(self) -> None:
        """SIGKILL it; the supervisor starts the next."""
        starts = self.starts
        self.process.kill()
        eventually(lambda: self.starts > starts, "kube-controller-manager was started again")

    def stop(self) -> None:
        """Kill it for good."""
        self._stopping.set()
        while self._supervisor.is_alive():
            self.process.kill()
            self._supervisor.join(0.05)

    def _supervise(self) -> None:
        while not self._stopping.is_set():
            self.process.start()
            self.starts += 1
            self.process.wait(deadline_seconds=threading.TIMEOUT_MAX)
            self._stopping.wait(RESTART_PAUSE_SECONDS)


def write_token_file(path: Path, users: Sequence[tuple[str, str, str]]) -> Path:
    """A file for --token-auth-file of (token, user, group)."""
    path.touch(mode=0o600)
    path.write_text("".join(f'{token},{user},{user},"{group}"\n' for token, user, group in users))
    return path
