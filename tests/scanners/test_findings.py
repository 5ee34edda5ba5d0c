"""kube-score and checkov on all that the manifests make: no finding without its reason."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import pytest
import yaml
from tests.controlplane.build import Assets, Progress, RigError
from tests.e2e.overlays import OVERLAYS
from tests.manifests.documents import MANIFESTS, Json
from tests.scanners import tools
from tests.scanners.findings import Excuse, Finding, by_checkov, by_kube_score
from tests.support.machine import not_here, say

pytestmark = pytest.mark.e2e

DEPLOYMENT = "Deployment/failoverip-operator"
# What stays of kube-score's findings; checkov's are annotations of the objects, with their reasons.
ACCEPTED = {
    Finding(
        "kube-score", DEPLOYMENT, "container-resources", "operator: CPU limit is not set"
    ): "throttling would delay the renewal of the Lease",
    Finding(
        "kube-score",
        DEPLOYMENT,
        "container-image-pull-policy",
        "operator: ImagePullPolicy is not set to Always",
    ): "a restart must not need the registry, least of all in an outage",
    Finding(
        "kube-score",
        DEPLOYMENT,
        "pod-networkpolicy",
        "The pod does not have a matching egress NetworkPolicy",
    ): "one that is wrong about Robot or the API server would stop it at the worst moment",
    Finding(
        "kube-score", DEPLOYMENT, "deployment-replicas", "Deployment few replicas"
    ): "overlays/single-node: with one node a second replica has no place",
}
Found = tuple[set[Finding], set[Excuse]]
T = TypeVar("T")


def installed(config: pytest.Config, tool: Callable[[Progress], T]) -> T:
    """The scanner; a loud skip where it cannot be had."""
    try:
        return tool(lambda line: say(config, line))
    except RigError as error:
        not_here(config, str(error))


@pytest.fixture(scope="module")
def scan(pytestconfig: pytest.Config) -> Callable[[Path], Found]:
    """Both scanners on all files of a directory."""
    kube_score = installed(pytestconfig, tools.kube_score)
    checkov = installed(pytestconfig, tools.checkov)

    def found(directory: Path) -> Found:
        findings, excuses = by_checkov(checkov, directory)
        for file in directory.iterdir():
            findings |= by_kube_score(kube_score, file)
        return findings, excuses

    return found


@pytest.fixture(scope="module")
def made(assets: Assets, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What each overlay makes, and the examples, one file each."""
    directory = tmp_path_factory.mktemp("made")
    for number, overlay in enumerate(OVERLAYS):
        command = [str(assets.kubectl), "kustomize", overlay.folder]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        (directory / f"overlay-{number}.yaml").write_text(done.stdout)
    for example in (MANIFESTS / "examples").glob("*.yaml"):
        shutil.copy(example, directory)
    return directory


def test_every_finding_has_its_reason_and_every_reason_its_finding(
    scan: Callable[[Path], Found], made: Path
) -> None:
    findings, excuses = scan(made)
    assert findings == set(ACCEPTED)
    annotated = {
        tuple(value.split("=", 1))
        for path in made.iterdir()
        for one in yaml.safe_load_all(path.read_text())
        for key, value in one["metadata"].get("annotations", {}).items()
        if key.startswith("checkov.io/skip")
    }
    assert {(excuse.check, excuse.reason) for excuse in excuses} == annotated
    assert all(len(reason.split()) >= 4 for _, reason in annotated)


def test_the_scanners_see_what_is_taken_from_the_deployment(
    scan: Callable[[Path], Found], made: Path, tmp_path: Path
) -> None:
    """So that their silence means something."""
    objects = list(yaml.safe_load_all((made / "overlay-0.yaml").read_text()))
    kept = [one for one in objects if one["kind"] != "NetworkPolicy"]
    (deployment,) = [one for one in kept if one["kind"] == "Deployment"]
    weaken(deployment)
    (tmp_path / "weak.yaml").write_text(yaml.safe_dump_all(kept))

    found = {(finding.scanner, finding.check) for finding in scan(tmp_path)[0] - set(ACCEPTED)}
    assert found >= {
        ("checkov", "CKV_K8S_16"),  # privileged
        ("checkov", "CKV_K8S_22"),  # root file system
        ("checkov", "CKV2_K8S_6"),  # no network policy
        ("checkov", "CKV_K8S_8"),  # liveness
        ("kube-score", "container-security-context-privileged"),
        ("kube-score", "container-security-context-readonlyrootfilesystem"),
        ("kube-score", "pod-networkpolicy"),
        ("kube-score", "container-image-tag"),
    }


def weaken(deployment: Json) -> None:
    """Take away what both scanners look for."""
    # Reasons that would hide nothing here, and must not.
    deployment["metadata"]["annotations"] |= {"kube-score/ignore": "container-image-tag"}
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    container["securityContext"] = {"privileged": True, "readOnlyRootFilesystem": False}
    container["image"] = "failoverip:latest"
    del container["livenessProbe"]
