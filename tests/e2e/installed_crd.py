"""The CRD of this checkout on a real API server."""

from __future__ import annotations

from pathlib import Path

from tests.controlplane.cluster import FAILOVER_IPS, Cluster
from tests.controlplane.rest import ApiError
from tests.controlplane.waiting import eventually

MANIFESTS = Path(__file__).resolve().parents[2] / "manifests"
CRD_FILE = MANIFESTS / "crd" / "failoverips.yaml"
CRD_NAME = "crd/failoverips.failoverip.io"


def install_crd(cluster: Cluster) -> None:
    """Apply the CRD; return once the API server serves the resource with its schema."""
    cluster.kubectl("apply", "-f", str(CRD_FILE))
    # Not by `kubectl wait`, which fails on a CRD that has no condition yet.
    eventually(lambda: _served(cluster), "FailoverIPs are served")
    # The schema is published some time after the resource is served.
    eventually(lambda: _explained(cluster), "kubectl explain knows FailoverIPs")


def _served(cluster: Cluster) -> bool:
    try:
        cluster.admin.list(FAILOVER_IPS)
    except ApiError:
        # 404, then 429 while the server makes room for the new kind.
        return False
    return True


def _explained(cluster: Cluster) -> bool:
    return cluster.kubectl("explain", "failoverips", check=False).returncode == 0
