"""The image that `make image` builds: what is in it, what is not, and that it runs."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest
from tests.controlplane.kubelet import Kubelet
from tests.controlplane.waiting import eventually
from tests.e2e.installation import ADDRESS, Installation, server_ip
from tests.e2e.replica_pair import readiness
from tests.image.building import CANARY, ROOT, STRAY_FILES
from tests.image.conftest import Built
from tests.image.pod import CONTAINER, POD, ContainerReplica, in_container

pytestmark = pytest.mark.e2e

BUILD_TOOLS = re.compile(r"(gcc|cc|g\+\+|c\+\+|ld|as|make|cargo|rustc|go|pip[\d.]*|dpkg-source)")


def test_two_builds_of_one_commit_have_the_same_layers(built: Built) -> None:
    assert built.first.layers[-1] == built.second.layers[-1]
    assert len(built.first.layers) == 3


def test_it_runs_as_the_user_of_the_deployment_and_says_what_it_is(built: Built) -> None:
    config, security = built.first.config, POD["securityContext"]
    assert config["User"] == f"{security['runAsUser']}:{security['runAsGroup']}"
    assert config["Entrypoint"] == ["failoverip"]
    label = "org.opencontainers.image."
    labels = {
        name.removeprefix(label): value
        for name, value in config["Labels"].items()
        if name.startswith(label)
    }
    assert labels["title"] == "failoverip"
    assert labels["version"] == CONTAINER["image"].partition(":")[2]
    assert re.fullmatch(r"[0-9a-f]{40}", labels["revision"])


def test_neither_pip_nor_a_build_tool_is_in_it(built: Built) -> None:
    files = list(_files(built.root))
    assert [f for f in files if BUILD_TOOLS.fullmatch(f.name) and f.parent.name == "bin"] == []
    assert [f for f in files if {"pip", "ensurepip", "setuptools"} & set(f.parts)] == []


def test_no_secret_of_the_builder_is_in_it(built: Built) -> None:
    assert CANARY not in built.first.everything
    assert CANARY not in built.first.output
    names = {Path(name).name for name in STRAY_FILES} - {"__init__.py"}
    assert [path for path in _files(built.root) if path.name in names] == []
    # The layers themselves: what one of them holds and the next one removes is in no root.
    layers = built.layers.read_bytes()
    assert b"class Watches" in layers, "the layers are not compressed: a search finds something"
    assert CANARY.encode() not in layers


def test_every_module_is_in_it_compiled_and_what_is_recorded_is_there(built: Built) -> None:
    (site,) = built.root.glob("opt/failoverip/lib/python3*/site-packages")
    mine = {path.relative_to(site) for path in (site / "failoverip").rglob("*.py")}
    there = {
        path.relative_to(ROOT / "controller")
        for path in (ROOT / "controller" / "failoverip").rglob("*.py")
    }
    assert mine == there
    sources = list(site.rglob("*.py"))
    compiled = {path.name.partition(".")[0] for path in site.rglob("*.pyc")}
    assert {path.stem for path in sources} - compiled == set()
    lines = next(site.glob("kubernetes-*.dist-info/RECORD")).read_text().splitlines()
    recorded = [line.partition(",")[0] for line in lines]
    assert len(recorded) > 50
    assert [name for name in recorded if not (site / name).exists()] == []


def test_its_root_file_system_is_read_only_for_the_operator(built: Built, tmp_path: Path) -> None:
    program = "open('/tmp/written', 'w')"
    argv = in_container(built.first, built.root, tmp_path, ["/usr/bin/python3", "-c", program])

    done = subprocess.run(argv, capture_output=True, text=True, check=False)

    assert "Read-only file system: '/tmp/written'" in done.stderr
    # With the guard off, anybody may write there.
    (built.root / "tmp" / "written").touch()
    assert os.access(built.root / "tmp", os.W_OK)


def test_the_operator_out_of_its_image_moves_an_address_and_hands_over(
    built: Built, installation: Installation, nodes: dict[str, Kubelet]
) -> None:
    for name in ("one", "two"):
        ContainerReplica(installation, name, built.first, built.root)
    installation.apply()
    installation.until_ready("node-a")

    nodes["node-a"].power_off()
    status = installation.until_ready("node-b")

    assert installation.simulator.routes()[ADDRESS] == server_ip(322)
    assert len(installation.simulator.posts()) == 1
    assert status["lastMove"]["result"] == "Confirmed"

    leader, standby = installation.leader(), installation.standby()
    assert leader.stop() == 0
    eventually(lambda: readiness(standby) == "leader", "the other replica leads")
    installation.until(lambda s: s["fence"]["epoch"] > status["fence"]["epoch"], "and claims")
    assert leader.said("lease released", released=True)
    assert standby.stop() == 0


def _files(root: Path) -> list[Path]:
    found = []
    for directory, _, names in os.walk(root):
        found += [Path(directory) / name for name in names]
    return [path for path in found if path.is_file() and not path.is_symlink()]
