"""The kubectl commands of the pages, run on the real control plane while the operator works."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.controlplane.controlplane import ControlPlane
from tests.controlplane.fixtures import KubeletFactory
from tests.docs.installation import new_cluster
from tests.repo.commands import blocks, pages_with
from tests.repo.files import ROOT

pytestmark = pytest.mark.e2e

README = ROOT / "README.md"


def test_from_the_readme_to_an_address_that_was_moved_once(
    control_plane: ControlPlane, kubelet: KubeletFactory, tmp_path: Path
) -> None:
    with new_cluster(control_plane, kubelet, tmp_path) as story:
        for block in blocks("new-cluster", [README]):
            story.do(block)
        status = story.home.until_ready("node-2")
        assert status["switchRequest"]["answer"] == "Accepted"
        assert [move["cause"] for move in status["moves"]] == ["SwitchRequested"]
        # Both addresses of the resource, each with one request.
        assert len(story.home.simulator.executed()) == 2


def test_only_the_readme_begins_with_nothing_installed() -> None:
    assert pages_with("new-cluster") == [README]


def test_the_commands_of_the_pages_work_on_a_cluster_that_was_set_up_by_the_readme(
    control_plane: ControlPlane, kubelet: KubeletFactory, tmp_path: Path
) -> None:
    """One after the other on one cluster: a page leaves it as it found it."""
    with new_cluster(control_plane, kubelet, tmp_path) as story:
        for block in blocks("new-cluster", [README]):
            story.do(block)
        for page in pages_with("cluster"):
            for block in blocks("cluster", [page]):
                story.do(block)
