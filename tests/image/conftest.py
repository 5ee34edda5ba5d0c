"""The image, built twice from one commit, once for all workers of a test run."""

from __future__ import annotations

import fcntl
import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path

import pytest
from tests.controlplane.build import cache_directory
from tests.e2e.conftest import installation, nodes
from tests.image.base import debian_base
from tests.image.building import CANARY, STRAY_FILES, Image, Storage, copy_checkout, make_image, run
from tests.support.machine import need_programs, not_here, say

__all__ = ["installation", "nodes"]


@dataclass(frozen=True)
class Built:
    """Two images of one commit; of the first its root file system, and its layers in one file."""

    first: Image
    second: Image
    root: Path
    layers: Path


@pytest.fixture(scope="session")
def built(
    pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory, worker_id: str
) -> Built:
    """Builds at the first use in a run; the other workers wait for it."""
    need_programs(
        pytestconfig, ("buildah", "debootstrap", "unshare", "git"), "buildah debootstrap git"
    )
    if os.geteuid() != 0:
        not_here(pytestconfig, "the image test lays out file systems: run it as root")
    own = tmp_path_factory.getbasetemp()
    directory = (own if worker_id == "master" else own.parent) / "image"
    directory.mkdir(exist_ok=True)
    done = directory / "built.json"
    with (directory / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not done.exists():
            base = debian_base(cache_directory(), lambda line: say(pytestconfig, line))
            made = _build_twice(directory, base)
            done.write_text(json.dumps(asdict(made), default=str))
    told = json.loads(done.read_text())
    first, second = Image(**told["first"]), Image(**told["second"])
    return Built(first, second, Path(told["root"]), Path(told["layers"]))


def _build_twice(directory: Path, base: Path) -> Built:
    """From two folders with two umasks, the second without what lies about in the first."""
    storage = Storage(directory)
    storage.import_base(base)
    first, second = directory / "first", directory / "second"
    copy_checkout(first)
    run(["sh", "-c", f"umask 077 && git clone --quiet {first} {second}"], {})
    for name in STRAY_FILES:
        (first / name).write_text(CANARY)
    # pip must get its settings: this one changes nothing, and must not be left behind.
    canaries = {"ROBOT_PASSWORD": CANARY, "PIP_TRUSTED_HOST": f"{CANARY}.invalid"}
    images = (
        make_image(storage, first, "failoverip:first", **canaries),
        make_image(storage, second, "failoverip:second"),
    )
    layers = directory / "layers.tar"
    storage.buildah("push", "--quiet", "failoverip:first", f"docker-archive:{layers}")
    return Built(*images, storage.root_of("failoverip:first"), layers)
