"""What the image is built upon here: a Debian of debootstrap's, which needs no image registry.

Made once, into the cache beside the control plane's programs: the same packages that Debian's slim
image has.
"""

from __future__ import annotations

import fcntl
import hashlib
import platform
import shutil
import subprocess
from pathlib import Path

from tests.controlplane.build import Progress

SUITE = "trixie"
# As Debian's own slim image leaves them out.
LEFT_OUT = (
    "var/cache/apt",
    "var/lib/apt/lists",
    "usr/share/doc",
    "usr/share/locale",
    "usr/share/man",
)


def debian_base(cache: Path, progress: Progress) -> Path:
    """A tar archive of the root file system, from the cache or made now (about a minute)."""
    key = hashlib.sha256(f"{SUITE} {LEFT_OUT} {platform.machine()}".encode()).hexdigest()[:16]
    target = cache / "image-base" / f"{SUITE}-{key}.tar"
    target.parent.mkdir(parents=True, exist_ok=True)
    with target.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not target.exists():
            progress(f"making a Debian {SUITE} to build the image upon (about a minute, once)")
            _make(target)
    return target


def _make(target: Path) -> None:
    root, partial = target.with_suffix(".root"), target.with_suffix(".partial")
    shutil.rmtree(root, ignore_errors=True)
    _run(["debootstrap", "--variant=minbase", SUITE, str(root), *_mirror()])
    for name in LEFT_OUT:
        for path in (root / name).iterdir():
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    _run(["tar", "--create", "--file", str(partial), "--directory", str(root), "."])
    partial.rename(target)
    shutil.rmtree(root)


def _mirror() -> list[str]:
    """The first mirror that this machine's apt uses; none: debootstrap's own default."""
    listed = subprocess.run(
        ["apt-get", "indextargets", "--format", "$(REPO_URI)"],
        capture_output=True,
        text=True,
        check=False,
    )
    return [uri for uri in listed.stdout.split() if uri.rstrip("/").endswith("/debian")][:1]


def _run(argv: list[str]) -> None:
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise AssertionError(f"{argv[0]}: {(done.stdout + done.stderr)[-1000:]}")
