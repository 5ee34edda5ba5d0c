"""Pretend nodes that run the operator's pods: each pod of the Deployment is a process.

This stands in for kube-scheduler (one pod to a node, as the anti-affinity asks), for the kubelets
(start, readiness, SIGTERM, restart) and for their logs, so that `kubectl rollout`, `kubectl drain`
and `kubectl logs` do what they do on a real cluster. An image is the directory that `images` names
for it, else `code`, else this checkout.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

import httpx
from tests.controlplane.cluster import NODES
from tests.controlplane.kubelet import Kubelet
from tests.controlplane.rest import STRATEGIC_PATCH, Api, ApiError, Json
from tests.docs.pod_logs import PodLogs
from tests.e2e.installation import NAMESPACE, Installation, Replica

PODS = f"/api/v1/namespaces/{NAMESPACE}/pods"
OURS = "app.kubernetes.io/name=failoverip"
LOOK_SECONDS = 0.2


class PodRunner:
    """Runs pods from `start` to `stop`, in a thread that outlives its processes."""

    def __init__(self, home: Installation, nodes: Mapping[str, Kubelet], logs: PodLogs) -> None:
        self.code: Path | None = None
        self.images: dict[str, Path] = {}
        self._home = home
        self._nodes = nodes
        self._logs = logs
        self._api: Api = home.cluster.api()
        self._running: dict[str, Replica] = {}
        self._ready: dict[str, bool] = {}
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="pods", daemon=True)
        self.failures: list[str] = []

    def start(self) -> None:
        """Tell the API server where the logs are, and begin."""
        for name in self._nodes:
            self._api.patch(f"{NODES}/{name}/status", self._logs.endpoint(), STRATEGIC_PATCH)
        self._thread.start()

    def stop(self) -> None:
        """Kill every pod and end the thread."""
        self._stopping.set()
        self._thread.join()
        for replica in self._running.values():
            replica.kill()

    def images_in_use(self) -> list[str]:
        """The image of each pod that there is."""
        pods = self._home.cluster.admin.list(PODS, labelSelector=OURS)
        return [pod["spec"]["containers"][0]["image"] for pod in pods]

    def places(self) -> dict[str, str]:
        """The node of each pod that there is."""
        pods = self._home.cluster.admin.list(PODS, labelSelector=OURS)
        return {pod["metadata"]["name"]: pod["spec"].get("nodeName", "") for pod in pods}

    def _run(self) -> None:
        while not self._stopping.wait(LOOK_SECONDS):
            try:
                self._pass()
            except (ApiError, httpx.TransportError) as error:
                # Somebody else wrote first, or the namespace went: the next pass sees it.
                self.failures.append(repr(error))

    def _pass(self) -> None:
        pods = {pod["metadata"]["name"]: pod for pod in self._api.list(PODS, labelSelector=OURS)}
        for name in sorted(self._running.keys() - pods.keys()):
            self._forget(name)
        for pod in pods.values():
            self._schedule(pod, pods)
        for name, pod in pods.items():
            node = self._nodes.get(pod["spec"].get("nodeName", ""))
            if node is not None:
                self._care(name, pod, node)

    def _schedule(self, pod: Json, pods: Mapping[str, Json]) -> None:
        """Give a pod the first node that takes one and has none."""
        if pod["spec"].get("nodeName") or "deletionTimestamp" in pod["metadata"]:
            return
        taken = {other["spec"].get("nodeName") for other in pods.values()}
        for node in self._api.list(NODES):
            name = node["metadata"]["name"]
            if name in taken or node["spec"].get("taints"):
                continue
            target = {"apiVersion": "v1", "kind": "Node", "name": name}
            binding = {"metadata": {"name": pod["metadata"]["name"]}, "target": target}
            self._api.create(f"{PODS}/{pod['metadata']['name']}/binding", binding)
            pod["spec"]["nodeName"] = name
            return

    def _care(self, name: str, pod: Json, node: Kubelet) -> None:
        """What the kubelet of the pod's node does with it now."""
        replica = self._running.get(name)
        if not node.powered:
            if replica is not None and replica.process.running:
                replica.kill()
            return
        if "deletionTimestamp" in pod["metadata"]:
            if replica is not None and replica.process.running:
                replica.stop()
            with suppress(ApiError):
                self._api.delete(f"{PODS}/{name}", gracePeriodSeconds="0")
            self._forget(name)
        elif replica is None:
            self._begin(name, pod)
        else:
            if not replica.process.running:
                replica.process.start()
            self._tell(name, ready=_is_ready(replica))

    def _begin(self, name: str, pod: Json) -> None:
        (container,) = pod["spec"]["containers"]
        code = self.images.get(container["image"], self.code)
        self._running[name] = self._home.start_replica(name, code=code)
        self._logs.files[name] = self._running[name].process.log
        self._tell(name, ready=False)

    def _tell(self, name: str, *, ready: bool) -> None:
        if self._ready.get(name) is ready:
            return
        state = "True" if ready else "False"
        conditions = [{"type": kind, "status": state} for kind in ("Ready", "ContainersReady")]
        change: Json = {"status": {"phase": "Running", "conditions": conditions}}
        self._api.patch(f"{PODS}/{name}/status", change, STRATEGIC_PATCH)
        self._ready[name] = ready

    def _forget(self, name: str) -> None:
        replica = self._running.pop(name, None)
        self._ready.pop(name, None)
        if replica is not None:
            replica.kill()


def _is_ready(replica: Replica) -> bool:
    """What the probe of the Deployment would find."""
    started = replica.said("operator started")
    if not started:
        return False
    try:
        page = httpx.get(f"http://{started[-1]['listen']}/readyz", timeout=5)
    except httpx.TransportError:
        return False
    return page.status_code == httpx.codes.OK
