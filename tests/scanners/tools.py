"""The scanners of manifests, installed once into the cache that the control plane is built into.

`python -m tests.scanners.tools` installs what is missing. Neither asks anybody anything when it
runs. Raises RigError where they cannot be had here.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import venv
from collections.abc import Callable, Mapping
from pathlib import Path

from tests.controlplane.build import (
    ENVIRONMENT,
    BuildError,
    NoToolchainError,
    Progress,
    RigError,
    cache_directory,
    locked,
)

MODULE = Path(__file__).resolve().parent
KUBE_SCORE = "github.com/zegl/kube-score/cmd/kube-score"
CHECKOV_LOCK = MODULE.parents[1] / "requirements" / "checkov.lock"


def kube_score(progress: Progress, environ: Mapping[str, str] = os.environ) -> Path:
    """The program, of the version that go.mod names."""
    if shutil.which("go", path=environ.get("PATH", os.defpath)) is None:
        raise NoToolchainError("no kube-score: the Go toolchain is missing; install Go 1.26")
    made_of = b"".join((MODULE / name).read_bytes() for name in ("go.mod", "go.sum"))

    def build(directory: Path) -> None:
        command = ["go", "build", "-trimpath", "-o", str(directory / "kube-score"), KUBE_SCORE]
        _run(command, MODULE, {**environ, **ENVIRONMENT})

    place = _made("kube-score", made_of, build, "about 1 minute", progress, environ)
    return place / "kube-score"


def checkov(progress: Progress, environ: Mapping[str, str] = os.environ) -> list[str]:
    """The command, in an environment of its own with the packages of its lock file."""
    version = f"{sys.version_info.major}.{sys.version_info.minor}"

    def install(directory: Path) -> None:
        venv.create(directory, with_pip=True, symlinks=True)
        pip = [str(directory / "bin" / "python"), "-m", "pip", "install", "--quiet"]
        only_as_locked = ["--require-hashes", "--only-binary", ":all:", "-r", str(CHECKOV_LOCK)]
        _run([*pip, *only_as_locked], directory, environ)

    made_of = CHECKOV_LOCK.read_bytes() + version.encode()
    place = _made("checkov", made_of, install, "about 2 minutes", progress, environ)
    # Not bin/checkov, whose first line names the place where it was made.
    return [str(place / "bin" / "python"), "-m", "checkov.main"]


def _made(
    name: str,
    made_of: bytes,
    make: Callable[[Path], None],
    pace: str,
    progress: Progress,
    environ: Mapping[str, str],
) -> Path:
    """The directory for what `made_of` describes; it appears whole, and is made by one run."""
    digest = hashlib.sha256(made_of).hexdigest()[:16]
    target = cache_directory(environ) / "scanners" / f"{name}-{digest}"
    if target.is_dir():
        return target
    target.parent.mkdir(parents=True, exist_ok=True)
    with locked(target.with_suffix(".lock"), progress):
        if not target.is_dir():
            progress(f"installing {name} ({pace}, once)")
            partial = target.with_suffix(".partial")
            shutil.rmtree(partial, ignore_errors=True)
            partial.mkdir()
            make(partial)
            partial.rename(target)
    return target


def _run(command: list[str], directory: Path, environ: Mapping[str, str]) -> None:
    done = subprocess.run(
        command, cwd=directory, env=environ, capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        raise BuildError(f"{' '.join(command[:3])} failed: {done.stderr.strip()[-2000:]}")


def main() -> int:
    """Install what is missing; 2 when that cannot be done."""
    try:
        kube_score(_say)
        checkov(_say)
    except RigError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
