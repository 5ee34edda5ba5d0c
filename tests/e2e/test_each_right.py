"""Without any one of its rights the operator cannot do its work, and says which one it lacks."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.controlplane.kubelet import Kubelet
from tests.controlplane.waiting import eventually
from tests.e2e.installation import ADDRESS, BRISK, Installation, told
from tests.e2e.installed_crd import MANIFESTS
from tests.e2e.lacks import LACKS, SILENT, allowed, loses_its_lease, naming, says, take_away
from tests.manifests.grants import Grant, grants

pytestmark = pytest.mark.e2e

RBAC = MANIFESTS / "rbac"
CONFIG_MAPS = "/api/v1/namespaces/kube-public/configmaps"
GRANTS = grants()


@pytest.mark.parametrize("grant", [g for g in GRANTS if str(g) != SILENT], ids=str)
def test_without_this_right_the_operator_names_it_and_cannot_do_its_work(
    installation: Installation, brisk_nodes: dict[str, Kubelet], grant: Grant
) -> None:
    cluster, harm = installation.cluster, LACKS[str(grant)]
    take_away(cluster, grant)
    eventually(lambda: not allowed(cluster, grant), "the right is gone")
    installation.apply()
    replica = installation.start_replica("one", flags=BRISK)

    eventually(lambda: harm(installation), harm.__name__)
    eventually(lambda: says(replica, naming(grant)), f"the log says: {naming(grant)}")

    cluster.kubectl("apply", "-k", str(RBAC))
    eventually(lambda: allowed(cluster, grant), "the right is back")
    installation.until_ready("node-a")
    # That a lease was lost stays in the log.
    eventually(lambda: harm is loses_its_lease or not harm(installation), "the harm has ended")
    assert installation.simulator.posts() == []


@pytest.fixture
def announced(installation: Installation) -> Iterator[None]:
    """The cluster announces its API server under the failover address, as kubeadm would."""
    server = f"clusters: [{{name: '', cluster: {{server: 'https://{ADDRESS}:6443'}}}}]"
    config_map = {"metadata": {"name": "cluster-info"}, "data": {"kubeconfig": server}}
    installation.cluster.admin.create(CONFIG_MAPS, config_map)
    yield
    installation.cluster.admin.delete(f"{CONFIG_MAPS}/cluster-info")


def test_without_the_right_to_read_cluster_info_it_cannot_warn_of_the_api_server_behind_the_address(
    installation: Installation, announced: None, brisk_nodes: dict[str, Kubelet]
) -> None:
    cluster = installation.cluster
    (grant,) = [grant for grant in GRANTS if str(grant) == SILENT]
    take_away(cluster, grant)
    eventually(lambda: not allowed(cluster, grant), "the right is gone")
    installation.apply()
    first = installation.start_replica("one", flags=BRISK)
    installation.until_ready("node-a")
    assert LACKS[SILENT](installation)

    cluster.kubectl("apply", "-k", str(RBAC))
    eventually(lambda: allowed(cluster, grant), "the right is back")
    first.stop()
    installation.start_replica("two", flags=BRISK)
    warning = ("True", "ApiServerBehindFailoverIP")
    installation.until(lambda status: told(status, "Degraded") == warning, "it warns")
