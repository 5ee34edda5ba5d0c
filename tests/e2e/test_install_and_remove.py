"""The CRD comes late, in an old version, and goes; in the end everything is deleted."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
import yaml
from tests.controlplane.controlplane import ControlPlane
from tests.controlplane.fixtures import ControlPlaneFactory, KubeletFactory
from tests.controlplane.waiting import eventually
from tests.e2e.installation import NAMESPACE, Installation, Replica, installed, server_ip
from tests.e2e.installed_crd import CRD_FILE, CRD_NAME, MANIFESTS, install_crd

pytestmark = pytest.mark.e2e

NOT_INSTALLED = "the CRD failoverips.failoverip.io is not installed: kubectl apply -k manifests/crd"
TOO_OLD = "the CRD failoverips.failoverip.io is too old: kubectl apply -k manifests/crd"


def test_the_operator_waits_for_its_crd_survives_its_removal_and_all_of_it_can_be_deleted(
    new_control_plane: ControlPlaneFactory, kubelet: KubeletFactory, tmp_path: Path
) -> None:
    plane = new_control_plane()
    kubelet("node-a", server_ip(321), api=plane.api(timeout_seconds=10))
    with installed(plane, tmp_path) as installation:
        delete(plane, CRD_NAME)
        replica = installation.start_replica("one")
        eventually(lambda: replica.said("waiting", problem=NOT_INSTALLED), "it says: missing")
        apply_an_old_crd(plane)
        eventually(lambda: replica.said("waiting", problem=TOO_OLD), "it says: too old")
        works(installation, replica)

        delete(plane, CRD_NAME)
        eventually(lambda: replica.said("list failed"), "it says: gone")
        eventually(lambda: replica.said("watches failed"), "the watch of FailoverIPs failed")
        works(installation, replica)

        replica.stop()
        installation.apply("left", addresses=["203.0.113.20"])
        delete_everything(plane)
        assert installation.simulator.posts() == []


def works(installation: Installation, replica: Replica) -> None:
    """With the CRD applied and a resource created, the operator goes to work by itself."""
    install_crd(installation.cluster)
    installation.apply()
    installation.until_ready("node-a")
    assert replica.process.running


def apply_an_old_crd(plane: ControlPlane) -> None:
    """One from before the fence: no rule, and no field for it."""
    crd = yaml.safe_load(CRD_FILE.read_text())
    schema = crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    del schema["x-kubernetes-validations"]
    del schema["properties"]["status"]["properties"]["fence"]
    plane.kubectl("apply", "-f", "-", stdin=json.dumps(crd))


def delete_everything(plane: ControlPlane) -> None:
    """FailoverIPs first, as a careful user, then all that the manifests made."""
    delete(plane, "failoverips", "--all")
    delete(plane, "-k", str(MANIFESTS), "--ignore-not-found")
    left = plane.kubectl("get", f"namespace/{NAMESPACE}", CRD_NAME, check=False)
    assert left.returncode != 0
    assert left.stdout == ""


def delete(plane: ControlPlane, *what: str) -> subprocess.CompletedProcess[str]:
    """kubectl delete; AssertionError unless all of it is gone within a minute."""
    return plane.kubectl("delete", *what, "--wait", "--timeout=60s")
