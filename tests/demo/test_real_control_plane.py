"""The same demo on the real control plane."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.controlplane.build import Assets
from tests.demo.outcome import assert_went_well
from tests.demo.performance import performing

pytestmark = pytest.mark.e2e


def test_the_demo_goes_well_on_the_real_control_plane_and_leaves_nothing(
    assets: Assets, tmp_path: Path
) -> None:
    if assets.kube_controller_manager is None:
        pytest.skip("KUBEBUILDER_ASSETS has no kube-controller-manager")
    with performing(tmp_path, "--control-plane", "real", "--json") as demo:
        assert demo.exit_code() == 0, demo.err
        assert_went_well(json.loads(demo.out), "real")
        assert list(demo.temporary.iterdir()) == []
