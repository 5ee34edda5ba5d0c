"""Another Debian for the nodes, in a directory of the cache: `make pacemaker RELEASE=trixie`.

Made once by debootstrap with this machine's own choice of mirror, by package names only.
`python -m tests.pacemaker.debian RELEASE` makes it and prints its directory.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from tests.controlplane.build import cache_directory

PACKAGES = (
    "pacemaker",
    "corosync",
    "pacemaker-cli-utils",
    "resource-agents",
    "python3",
    "iproute2",
    "dnsmasq-base",
    "pcs",
    "crmsh",
)


class NoDebianError(Exception):
    """The other Debian cannot be made here; the message says why."""


def release() -> str | None:
    """The other Debian that is wanted; None: the machine's own."""
    return os.environ.get("RELEASE") or None


def root(name: str) -> Path:
    """The directory of a release, made if need be. NoDebianError."""
    if not re.fullmatch(r"[a-z]+", name):
        raise NoDebianError(f"RELEASE={name} is no name of a Debian release")
    place = cache_directory() / "debian"
    digest = hashlib.sha256(" ".join(PACKAGES).encode()).hexdigest()[:8]
    made = place / f"{name}-{digest}"
    place.mkdir(parents=True, exist_ok=True)
    with (place / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (made / "complete").exists():
            _make(name, made)
    return made


def _make(name: str, made: Path) -> None:
    if os.geteuid() != 0:
        raise NoDebianError(
            f"Debian {name} is made once, by root: python -m tests.pacemaker.debian"
        )
    if shutil.which("debootstrap") is None:
        raise NoDebianError("no debootstrap: apt-get install debootstrap")
    shutil.rmtree(made, ignore_errors=True)
    _run("debootstrap", "--variant=minbase", name, str(made), _mirror())
    # No program of it starts a server, here or ever.
    policy = made / "usr/sbin/policy-rc.d"
    policy.write_text("#!/bin/sh\nexit 101\n")
    policy.chmod(0o755)
    _run("chroot", str(made), "apt-get", "update")
    _run("chroot", str(made), "apt-get", "install", "-y", "--no-install-recommends", *PACKAGES)
    (made / "complete").touch()


def _mirror() -> str:
    """The first archive that this machine's apt uses."""
    known = _run("apt-get", "indextargets", "--format", "$(SITE)", "Created-By: Packages")
    if not known.split():
        raise NoDebianError("apt knows no archive: apt-get update")
    return known.split()[0]


def _proxy() -> str:
    """What this machine's apt goes through, if anything."""
    argv = ["apt-config", "--format", "%v", "dump", "Acquire::http::Proxy"]
    return subprocess.run(argv, capture_output=True, text=True, check=False).stdout.strip()


def _run(*argv: str) -> str:
    environ = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    if proxy := _proxy():
        environ |= {"http_proxy": proxy, "https_proxy": proxy}
    done = subprocess.run(
        argv, env=environ, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        tail = "\n".join((done.stdout + done.stderr).splitlines()[-5:])
        raise NoDebianError(f"{argv[0]} ended with {done.returncode}:\n{tail}")
    return done.stdout


if __name__ == "__main__":
    print(root(sys.argv[1]))
