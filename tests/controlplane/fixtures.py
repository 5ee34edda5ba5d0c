"""Fixtures of the real control plane, a pytest plugin of `tests/conftest.py`.

Without the means to run it, tests skip with one line, or fail when FAILOVERIP_E2E_REQUIRED is set.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Protocol

import pytest
from tests.controlplane.build import Assets, RigError, find_assets
from tests.controlplane.cluster import Cluster, ExistingCluster
from tests.controlplane.controlplane import (
    ControlPlane,
    ControlPlaneOptions,
    start_control_plane,
)
from tests.controlplane.gatekeeper import Gatekeeper
from tests.controlplane.kubelet import (
    DEFAULT_BEAT_SECONDS,
    FAST_BEAT_SECONDS,
    Kubelet,
    PretendNode,
)
from tests.controlplane.rest import Api
from tests.controlplane.servers import FAST_TIMINGS, NodeTimings
from tests.controlplane.tcp_proxy import TcpProxy
from tests.support.machine import not_here, say
from tests.support.used_rights import keep_requests


class ControlPlaneFactory(Protocol):
    """Starts a control plane with the options given; see ControlPlaneOptions."""

    def __call__(
        self, timings: NodeTimings | None = FAST_TIMINGS, leader_elect: bool = True
    ) -> ControlPlane: ...


class TcpProxyFactory(Protocol):
    """Starts a byte-level proxy; see TcpProxy."""

    def __call__(self, upstream: str, source: str | None = None) -> TcpProxy: ...


class KubeletFactory(Protocol):
    """Starts the kubelet of a node; see PretendNode."""

    def __call__(
        self,
        name: str,
        address: str,
        *,
        beat_seconds: float = FAST_BEAT_SECONDS,
        labels: Mapping[str, str] | None = None,
        annotations: Mapping[str, str] | None = None,
        provider_id: str = "",
        api: Api | None = None,
    ) -> Kubelet: ...


class GatekeeperFactory(Protocol):
    """Starts a gatekeeper before the first API server, or before the URL given."""

    def __call__(self, upstream: str | None = None) -> Gatekeeper: ...


@pytest.fixture(scope="session")
def assets(pytestconfig: pytest.Config) -> Assets:
    """The programs of the control plane, built if they are not in the cache."""
    try:
        return find_assets(lambda line: say(pytestconfig, line))
    except RigError as error:
        not_here(pytestconfig, str(error))


@pytest.fixture(scope="session")
def shared_cluster(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Cluster]:
    """One cluster for the whole run: an existing one if asked for, else a control plane."""
    directory = tmp_path_factory.mktemp("cluster")
    if os.environ.get("USE_EXISTING_CLUSTER") == "true":
        cluster = _existing_cluster(request.config, directory)
        yield cluster
        cluster.close()
        return
    plane = start_control_plane(request.getfixturevalue("assets"), directory)
    yield plane
    plane.stop()
    keep_requests(request.config, directory)


@pytest.fixture
def cluster(shared_cluster: Cluster) -> Iterator[Cluster]:
    """A Kubernetes API without nodes, FailoverIPs and Leases; cleaned after each test."""
    yield shared_cluster
    if isinstance(shared_cluster, ControlPlane):
        shared_cluster.restore()
    shared_cluster.clean()


@pytest.fixture
def control_plane(cluster: Cluster, pytestconfig: pytest.Config) -> ControlPlane:
    """The same, for tests that need nodes to turn NotReady or that disturb the control plane."""
    if not isinstance(cluster, ControlPlane):
        pytest.skip("needs a control plane of its own, and USE_EXISTING_CLUSTER is set")
    if not cluster.has_controller_manager:
        not_here(pytestconfig, "KUBEBUILDER_ASSETS has no kube-controller-manager")
    return cluster


@pytest.fixture
def new_control_plane(
    assets: Assets, tmp_path_factory: pytest.TempPathFactory, pytestconfig: pytest.Config
) -> Iterator[ControlPlaneFactory]:
    """Starts further control planes: `new_control_plane(timings=None, leader_elect=False)`."""
    with ExitStack() as stack:

        def start(
            timings: NodeTimings | None = FAST_TIMINGS, leader_elect: bool = True
        ) -> ControlPlane:
            options = ControlPlaneOptions(timings, leader_elect)
            directory = tmp_path_factory.mktemp("plane")
            plane = start_control_plane(assets, directory, options)
            stack.callback(keep_requests, pytestconfig, directory)
            stack.callback(plane.stop)
            return plane

        yield start


@pytest.fixture
def kubelet(cluster: Cluster) -> Iterator[KubeletFactory]:
    """Starts kubelets: `kubelet("node-1", "192.0.2.1")`; see PretendNode for what else it takes."""
    with ExitStack() as stack:
        patient_for_a_beat = cluster.api(timeout_seconds=DEFAULT_BEAT_SECONDS)

        def start(
            name: str,
            address: str,
            *,
            beat_seconds: float = FAST_BEAT_SECONDS,
            labels: Mapping[str, str] | None = None,
            annotations: Mapping[str, str] | None = None,
            provider_id: str = "",
            api: Api | None = None,
        ) -> Kubelet:
            node = PretendNode(name, address, labels or {}, annotations or {}, provider_id)
            one = Kubelet(api or patient_for_a_beat, node, beat_seconds)
            one.start()
            stack.callback(one.stop)
            return one

        yield start


@pytest.fixture
def tcp_proxy() -> Iterator[TcpProxyFactory]:
    """Starts byte-level proxies: `tcp_proxy(api_server.url)`."""
    with ExitStack() as stack:

        def start(upstream: str, source: str | None = None) -> TcpProxy:
            return stack.enter_context(TcpProxy(upstream, source))

        yield start


@pytest.fixture
def gatekeeper(control_plane: ControlPlane) -> Iterator[GatekeeperFactory]:
    """Starts request-level proxies to the first API server, or to the URL given."""
    with ExitStack() as stack:

        def start(upstream: str | None = None) -> Gatekeeper:
            url = upstream or control_plane.api_server.url
            return stack.enter_context(Gatekeeper(url, control_plane.ca))

        yield start


def _existing_cluster(config: pytest.Config, directory: Path) -> ExistingCluster:
    kubeconfig = os.environ.get("KUBECONFIG")
    if not kubeconfig:
        not_here(config, "USE_EXISTING_CLUSTER=true needs KUBECONFIG")
    given = os.environ.get("KUBEBUILDER_ASSETS")
    kubectl = shutil.which("kubectl", path=given) if given else shutil.which("kubectl")
    if kubectl is None:
        not_here(config, "USE_EXISTING_CLUSTER=true needs kubectl in PATH")
    try:
        return ExistingCluster(Path(kubectl), Path(kubeconfig), directory)
    except RigError as error:
        not_here(config, str(error))
