"""Builds the control plane's programs, once, into a cache outside the checkout.

`python -m tests.controlplane.build` builds what is missing and prints the directory.

Exceptions:

    RigError                 the rig cannot run here; one line that says why and what to do
    ├── NoToolchainError     no Go, and nothing built before
    └── BuildError           Go refused
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import platform
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

MODULE = Path(__file__).resolve().parent
ENVIRONMENT = {"CGO_ENABLED": "0", "GOFLAGS": "-mod=readonly", "GOWORK": "off"}

Progress = Callable[[str], None]


class RigError(Exception):
    """The rig cannot run here. The message is one line: why, and what to do."""


class NoToolchainError(RigError):
    """There is no Go toolchain, and the programs were not built before."""


class BuildError(RigError):
    """Go could not build a program."""


@dataclass(frozen=True)
class Program:
    """One main package. `pace` is what to expect on two cores with nothing cached."""

    name: str
    package: str
    pace: str


PROGRAMS = (
    Program("etcd", "go.etcd.io/etcd/server/v3", "about 1 minute"),
    Program("kube-apiserver", "k8s.io/kubernetes/cmd/kube-apiserver", "about 3 minutes"),
    Program(
        "kube-controller-manager",
        "k8s.io/kubernetes/cmd/kube-controller-manager",
        "about 1 minute",
    ),
    Program("kubectl", "k8s.io/kubernetes/cmd/kubectl", "about half a minute"),
)


@dataclass(frozen=True)
class Assets:
    """Where the programs are. envtest's assets lack kube-controller-manager: then it is None."""

    etcd: Path
    kube_apiserver: Path
    kubectl: Path
    kube_controller_manager: Path | None


def find_assets(progress: Progress, environ: Mapping[str, str] = os.environ) -> Assets:
    """The programs: those in `KUBEBUILDER_ASSETS` if set, else from the cache, built if needed.

    Raises RigError.
    """
    given = environ.get("KUBEBUILDER_ASSETS")
    cache = cache_directory(environ)
    directory = Path(given) if given else ensure_built(cache, progress, environ=environ)
    assets = Assets(
        etcd=directory / "etcd",
        kube_apiserver=directory / "kube-apiserver",
        kubectl=directory / "kubectl",
        kube_controller_manager=directory / "kube-controller-manager",
    )
    for path in (assets.etcd, assets.kube_apiserver, assets.kubectl):
        if not os.access(path, os.X_OK):
            raise RigError(f"KUBEBUILDER_ASSETS={directory} has no executable {path.name}")
    if not (directory / "kube-controller-manager").exists():
        return Assets(assets.etcd, assets.kube_apiserver, assets.kubectl, None)
    return assets


def cache_directory(environ: Mapping[str, str] = os.environ) -> Path:
    """`FAILOVERIP_CACHE`, or `failoverip` in the user's cache directory."""
    if own := environ.get("FAILOVERIP_CACHE"):
        return Path(own).absolute()
    if shared := environ.get("XDG_CACHE_HOME"):
        return Path(shared) / "failoverip"
    return Path.home() / ".cache" / "failoverip"


def build_directory(cache: Path) -> Path:
    """Where the programs of the present go.mod, go.sum and flags belong, built or not."""
    digest = hashlib.sha256()
    for name in ("go.mod", "go.sum"):
        digest.update((MODULE / name).read_bytes())
    packages = [(program.name, program.package) for program in PROGRAMS]
    digest.update(repr((_go_flags(), sorted(ENVIRONMENT.items()), packages)).encode())
    digest.update(f"{sys.platform}/{platform.machine()}".encode())
    return cache / "controlplane" / digest.hexdigest()[:16]


def ensure_built(
    cache: Path,
    progress: Progress,
    programs: tuple[Program, ...] = PROGRAMS,
    environ: Mapping[str, str] = os.environ,
) -> Path:
    """The directory that holds `programs`; builds them when it is not there.

    The directory appears at once and whole, and two runs do not build at the same time.
    Raises RigError.
    """
    target = build_directory(cache)
    if target.is_dir():
        return target
    if shutil.which("go", path=environ.get("PATH", os.defpath)) is None:
        raise NoToolchainError(
            "no real control plane: the Go toolchain is missing; install Go 1.26 or newer, "
            "or set KUBEBUILDER_ASSETS to a directory with etcd, kube-apiserver, "
            "kube-controller-manager and kubectl"
        )
    target.parent.mkdir(parents=True, exist_ok=True)
    with locked(target.with_suffix(".lock"), progress):
        if not target.is_dir():
            _build_all(target, programs, progress, environ)
    return target


def _build_all(
    target: Path,
    programs: tuple[Program, ...],
    progress: Progress,
    environ: Mapping[str, str],
) -> None:
    # Beside the target, since a rename is atomic only within one file system.
    partial = target.with_suffix(".partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir()
    for program in programs:
        progress(f"building {program.name} ({program.pace}, once)")
        _build(program, partial, environ)
    partial.rename(target)
    progress(f"built into {target}")


def _build(program: Program, directory: Path, environ: Mapping[str, str]) -> None:
    command = ["go", "build", *_go_flags(), "-o", str(directory / program.name), program.package]
    done = subprocess.run(
        command,
        cwd=MODULE,
        env={**environ, **ENVIRONMENT},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise BuildError(f"go could not build {program.name}: {done.stderr.strip()[-2000:]}")


def _go_flags() -> list[str]:
    version = _kubernetes_version()
    major, minor, _ = version.removeprefix("v").split(".", 2)
    symbols = {"gitVersion": version, "gitMajor": major, "gitMinor": minor}
    stamps = [f"-X k8s.io/component-base/version.{key}={value}" for key, value in symbols.items()]
    return ["-trimpath", "-ldflags", " ".join(["-s", "-w", *stamps])]


def _kubernetes_version() -> str:
    text = (MODULE / "go.mod").read_text()
    found = re.search(r"^\s*k8s\.io/kubernetes (v\S+)", text, re.MULTILINE)
    if found is None:
        raise RigError(f"{MODULE / 'go.mod'} does not require k8s.io/kubernetes")
    return found[1]


@contextmanager
def locked(path: Path, progress: Progress) -> Iterator[None]:
    """Only one run at a time builds what this file stands for."""
    with path.open("w") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            progress("another run builds the same: waiting for it")
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def main() -> int:
    """Build what is missing, print the directory; 2 when that cannot be done."""
    try:
        assets = find_assets(lambda line: print(line, file=sys.stderr, flush=True))
    except RigError as error:
        print(error, file=sys.stderr)
        return 2
    print(assets.etcd.parent)
    return 0


if __name__ == "__main__":
    sys.exit(main())
