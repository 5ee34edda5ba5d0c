"""`make image` on copies of this checkout, with buildah and a storage of their own."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
BASE = "localhost/failoverip-test-base"
# Stands where a password may: in the builder's environment, in pip's settings, in stray files.
CANARY = "canary-of-the-build-7d41"
STRAY_FILES = (
    ".env",
    "robot-password",
    "controller/failoverip/core/my_settings.py",
    "controller/failoverip/simulator/robot/notes.txt",
    "manifests/rbac/my-secret.yaml",
    "container/.netrc",
)
BUILD_DEADLINE_SECONDS = 900
IDENTITY = {
    f"GIT_{who}_{key}": "test" for who in ("AUTHOR", "COMMITTER") for key in ("NAME", "EMAIL")
}


class Storage:
    """Where buildah keeps what it makes: no daemon, no registry, nothing outside `directory`."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        configuration = directory / "storage.conf"
        configuration.write_text(
            f'[storage]\ndriver = "vfs"\ngraphroot = "{directory}/graph"\n'
            f'runroot = "{directory}/run"\n'
        )
        self.environ = {
            "CONTAINERS_STORAGE_CONF": str(configuration),
            "BUILDAH_ISOLATION": "chroot",
        }

    def buildah(self, *arguments: str) -> str:
        """What buildah prints; AssertionError with its message when it fails."""
        return run(["buildah", *arguments], self.environ).strip()

    def import_base(self, archive: Path) -> None:
        """Make the image BASE of a root file system."""
        container = self.buildah("from", "scratch")
        self.buildah("add", "--quiet", container, str(archive), "/")
        self.buildah("commit", "--quiet", "--rm", container, BASE)

    def root_of(self, image: str) -> Path:
        """The root file system of an image, laid out."""
        return Path(self.buildah("mount", self.buildah("from", "--pull-never", image)))


@dataclass(frozen=True)
class Image:
    """One built image. `root` is its root file system, where it was laid out."""

    name: str
    layers: list[str]
    config: dict[str, Any]
    everything: str
    output: str


def make_image(storage: Storage, checkout: Path, name: str, **environ: str) -> Image:
    """`make image` in a checkout, with what is told of the image afterwards."""
    output = run(
        ["make", "image", f"BASE={BASE}", f"IMAGE={name}", "IMAGE_FLAGS=--tool buildah"],
        {**storage.environ, **environ},
        checkout,
    )
    everything = storage.buildah("inspect", name)
    told = json.loads(everything)
    layers = [layer["digest"] for layer in json.loads(told["Manifest"])["layers"]]
    return Image(name, layers, told["OCIv1"]["config"], everything, output)


def copy_checkout(target: Path) -> None:
    """The tracked files of this checkout, as they are now, as one commit."""
    names = run(["git", "ls-files", "-z"], {}, ROOT)
    for name in filter(None, names.split("\0")):
        if (ROOT / name).is_file():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, target / name)
    for command in (["init", "--quiet"], ["add", "--all"], ["commit", "--quiet", "-m", "all"]):
        run(["git", *command], IDENTITY, target)


def run(argv: list[str], environ: Mapping[str, str], directory: Path | None = None) -> str:
    """What a program prints to stdout; AssertionError with what it said when it fails."""
    done = subprocess.run(
        argv,
        env={**os.environ, **environ},
        cwd=directory,
        capture_output=True,
        text=True,
        timeout=BUILD_DEADLINE_SECONDS,
        check=False,
    )
    if done.returncode != 0:
        raise AssertionError(f"{' '.join(argv)}: {(done.stdout + done.stderr)[-3000:]}")
    return done.stdout
