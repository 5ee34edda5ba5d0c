"""The two servers that keep the contract: the embedded one, and the real one (`e2e`)."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
import yaml
from tests.controlplane.build import Assets
from tests.controlplane.cluster import Access, Cluster
from tests.controlplane.kubeconfig import kubeconfig_document, write_kubeconfig
from tests.controlplane.loop_thread import LoopThread
from tests.controlplane.rest import Api
from tests.e2e.installed_crd import CRD_FILE, install_crd
from tests.kube_contract.documents import CONFIG_MAPS, SECRETS

from failoverip.simulator.kubernetes import Store, running

CRDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
SERVERS = ("embedded", pytest.param("real", marks=pytest.mark.e2e))


@dataclass(frozen=True)
class Embedded:
    """The embedded server and what only it can do. Touch `store` through `loop` only."""

    api: Api
    store: Store
    loop: LoopThread


@pytest.fixture
def embedded() -> Iterator[Embedded]:
    """An embedded server of its own for each test, with the CRD applied."""
    loop = LoopThread("embedded-kubernetes")
    store = loop.call(lambda: Store(time.time))
    doors = running(store, bookmark_seconds=0.2)
    (door,) = loop.run(doors.__aenter__())
    api = Api(door.url)
    api.create(CRDS, yaml.safe_load(CRD_FILE.read_text()))
    yield Embedded(api, store, loop)
    api.close()
    loop.run(doors.__aexit__(None, None, None))
    loop.close()


@pytest.fixture(scope="session")
def real_cluster_with_crd(shared_cluster: Cluster) -> Cluster:
    install_crd(shared_cluster)
    return shared_cluster


@pytest.fixture(params=SERVERS)
def api(request: pytest.FixtureRequest) -> Iterator[Api]:
    """A client with every right of one of the two servers."""
    if request.param == "embedded":
        embedded: Embedded = request.getfixturevalue("embedded")
        yield embedded.api
        return
    request.getfixturevalue("real_cluster_with_crd")
    cluster: Cluster = request.getfixturevalue("cluster")
    yield cluster.admin
    # `cluster` cleans the rest; this ConfigMap is the control plane's own.
    cluster.admin.delete(CONFIG_MAPS, fieldSelector="metadata.name!=kube-root-ca.crt")
    cluster.admin.delete(SECRETS)


@pytest.fixture(params=SERVERS)
def kubectl_cluster(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Cluster]:
    """One of the two servers, with kubectl."""
    if request.param == "real":
        request.getfixturevalue("real_cluster_with_crd")
        yield request.getfixturevalue("cluster")
        return
    embedded: Embedded = request.getfixturevalue("embedded")
    assets: Assets = request.getfixturevalue("assets")
    directory = tmp_path_factory.mktemp("kubectl")
    server = embedded.api.server
    document = kubeconfig_document(server, "any", None, "default")
    kubeconfig = write_kubeconfig(directory / "kubeconfig", document)
    with contextlib.closing(
        Cluster(Access(server, None, None), assets.kubectl, kubeconfig, directory)
    ) as cluster:
        yield cluster
