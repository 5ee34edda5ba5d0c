"""Finding and building the control plane's programs; nothing is built here."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from tests.controlplane.build import (
    MODULE,
    NoToolchainError,
    RigError,
    build_directory,
    cache_directory,
    find_assets,
)

ROOT = MODULE.parent.parent


def programs(directory: Path, *names: str) -> Path:
    directory.mkdir()
    for name in names:
        (directory / name).touch(mode=0o755)
    return directory


def unheard(line: str) -> None:
    raise AssertionError(f"nothing should be built, but: {line}")


def test_kubebuilder_assets_win_and_may_lack_the_controller_manager(tmp_path: Path) -> None:
    given = programs(tmp_path / "bin", "etcd", "kube-apiserver", "kubectl")
    assets = find_assets(unheard, {"KUBEBUILDER_ASSETS": str(given)})
    assert assets.etcd == given / "etcd"
    assert assets.kube_controller_manager is None


def test_kubebuilder_assets_without_a_needed_program_name_it(tmp_path: Path) -> None:
    given = programs(tmp_path / "bin", "etcd", "kubectl")
    with pytest.raises(RigError, match="has no executable kube-apiserver"):
        find_assets(unheard, {"KUBEBUILDER_ASSETS": str(given)})


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({"FAILOVERIP_CACHE": "/own", "XDG_CACHE_HOME": "/xdg"}, Path("/own")),
        ({"XDG_CACHE_HOME": "/xdg"}, Path("/xdg/failoverip")),
        ({}, Path.home() / ".cache/failoverip"),
    ],
)
def test_the_cache_is_outside_the_checkout_and_movable(
    environ: dict[str, str], expected: Path
) -> None:
    assert cache_directory(environ) == expected


def test_what_was_built_before_needs_no_toolchain(tmp_path: Path) -> None:
    built = build_directory(tmp_path)
    built.parent.mkdir()
    programs(built, "etcd", "kube-apiserver", "kubectl", "kube-controller-manager")
    assets = find_assets(unheard, {"FAILOVERIP_CACHE": str(tmp_path), "PATH": str(tmp_path)})
    assert assets.kube_controller_manager == built / "kube-controller-manager"


def test_without_a_toolchain_the_message_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(
        NoToolchainError, match=r"install Go .* or set KUBEBUILDER_ASSETS"
    ) as caught:
        find_assets(unheard, {"FAILOVERIP_CACHE": str(tmp_path), "PATH": str(tmp_path)})
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(("required", "code", "outcome"), [("", 0, "skipped"), ("1", 1, "error")])
def test_without_a_toolchain_tests_skip_loudly_unless_they_are_required(
    tmp_path: Path, required: str, code: int, outcome: str
) -> None:
    options = ["-p", "no:cacheprovider", "--color=no", "-k", "kubectl_is_as_new"]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *options, "tests/controlplane/test_rig.py"],
        cwd=ROOT,
        env={
            **{key: value for key, value in os.environ.items() if key != "KUBEBUILDER_ASSETS"},
            "PATH": str(tmp_path),
            "FAILOVERIP_CACHE": str(tmp_path),
            "FAILOVERIP_E2E_REQUIRED": required,
        },
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == code, done.stdout
    assert "*** no real control plane: the Go toolchain is missing" in done.stdout
    assert f"1 {outcome}" in done.stdout
