"""PID 1 of a node: makes its private directories, waits for its cable, starts the cluster, reaps.

Runs with the machine's Python and nothing else: `python3 -I -S node_init.py PLAN`, where PLAN is
the JSON of `NodePlan`. Its namespaces (mount, net, uts, ipc, pid) exist already.
"""

from __future__ import annotations

import ctypes
import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

MS_BIND, MS_REC, MS_PRIVATE, MS_RDONLY, MS_REMOUNT = 4096, 16384, 1 << 18, 1, 32
PROVIDERS = "usr/lib/ocf/resource.d"
# Private to a node and kept over its power cycles.
KEPT = ("var/lib/pacemaker", "var/lib/corosync", "var/log", "etc/corosync", "etc/pacemaker")
_LIBC = ctypes.CDLL(None, use_errno=True)


@dataclass(frozen=True)
class NodePlan:
    """What a node is told. Paths are the machine's."""

    name: str
    address: str  # with prefix length
    root: str  # the file system that the node runs: "/" or a Debian in a directory
    state: str  # a directory with one for each of KEPT
    shared: str  # appears as /run/lab
    checkout: str  # appears as /run/checkout, read-only
    providers: dict[str, str]  # OCF provider: its directory


def main(plan: NodePlan) -> None:
    """Be the node until killed."""
    socket.sethostname(plan.name)
    _mount(None, "/", flags=MS_REC | MS_PRIVATE)
    root = Path(plan.root)
    if plan.root != "/":
        _enter_directory_tree(root)
    _private_directories(plan, root)
    _hide_site_packages(plan, root)
    for name in ("dev/shm", "tmp"):
        _mount("tmpfs", root / name, "tmpfs", "mode=1777")
    if plan.root != "/":
        os.chroot(root)
    os.chdir("/")
    _plug_in(plan.address)
    _start_cluster()
    _reap()


def _mount(
    source: str | Path | None,
    target: str | Path,
    kind: str | None = None,
    options: str | None = None,
    flags: int = 0,
) -> None:
    words = [None if word is None else os.fsencode(word) for word in (source, target, kind)]
    data = None if options is None else options.encode()
    if _LIBC.mount(words[0], words[1], words[2], flags, data) != 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code), str(target))


def _enter_directory_tree(root: Path) -> None:
    # chroot and nsenter want a mount point.
    _mount(root, root, flags=MS_BIND)
    for name in ("proc", "dev", "sys"):
        _mount(f"/{name}", root / name, flags=MS_BIND | MS_REC)


def _private_directories(plan: NodePlan, root: Path) -> None:
    for name in KEPT:
        _mount(Path(plan.state, name), root / name, flags=MS_BIND)
    run = root / "run"
    _mount("tmpfs", run, "tmpfs", "mode=755")
    for name in ("lock", "resource-agents", "lab", "checkout", "ocf"):
        (run / name).mkdir()
    for name in ("lock", "resource-agents"):
        (run / name).chmod(0o1777)
    _mount(plan.shared, run / "lab", flags=MS_BIND)
    _mount(plan.checkout, run / "checkout", flags=MS_BIND)
    _mount(None, run / "checkout", flags=MS_BIND | MS_REMOUNT | MS_RDONLY)
    # A copy of the provider directory, so that nothing is made below the machine's /usr. By bind
    # mounts and not links: agents reach their library by links relative to their own place.
    providers = root / PROVIDERS
    _mount(providers, run / "ocf", flags=MS_BIND)
    _mount("tmpfs", providers, "tmpfs", "mode=755")
    own = {path.name: path for path in (run / "ocf").iterdir()}
    own |= {name: Path(path) for name, path in plan.providers.items()}
    for name, path in own.items():
        (providers / name).mkdir()
        _mount(path, providers / name, flags=MS_BIND)


def _hide_site_packages(plan: NodePlan, root: Path) -> None:
    """The checkout's package, where a Debian package's would be: of the node's own Python only."""
    for packages in (root / "usr/local/lib").glob("python3.*/dist-packages"):
        _mount("tmpfs", packages, "tmpfs", "mode=755")
        (packages / "failoverip").mkdir()
        _mount(Path(plan.checkout, "controller/failoverip"), packages / "failoverip", flags=MS_BIND)


def _plug_in(address: str) -> None:
    """Wait for our end of the cable, which the switch pushes in as eth0."""
    _run("ip", "link", "set", "lo", "up")
    _until(_has_cable, "the cable is there")
    _run("ip", "addr", "add", address, "dev", "eth0")
    _run("ip", "link", "set", "eth0", "up")


def _has_cable() -> bool:
    # Not of /sys: that shows the interfaces of the namespace in which it was mounted.
    with Path("/proc/net/dev").open() as table:
        return any(line.strip().startswith("eth0:") for line in table)


def _start_cluster() -> None:
    shutil.chown("/var/lib/pacemaker", "hacluster", "haclient")
    _daemon("corosync", "-f")
    _until(lambda: _run("corosync-cfgtool", "-s", check=False), "corosync answers")
    _daemon("pacemakerd")


def _daemon(*argv: str) -> None:
    with Path(f"/var/log/{argv[0]}.out").open("ab") as log:
        subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log)


def _run(*argv: str, check: bool = True) -> bool:
    quiet = subprocess.DEVNULL
    said = None if check else quiet
    done = subprocess.run(argv, stdin=quiet, stdout=quiet, stderr=said, check=False)
    if check and done.returncode != 0:
        raise SystemExit(f"{' '.join(argv)}: exit code {done.returncode}")
    return done.returncode == 0


def _until(condition: Callable[[], object], what: str, deadline_seconds: float = 60) -> None:
    end = time.monotonic() + deadline_seconds
    while not condition():
        if time.monotonic() > end:
            raise SystemExit(f"not within {deadline_seconds:g} s: {what}")
        time.sleep(0.05)


def _reap() -> None:
    while True:
        try:
            os.wait()
        except ChildProcessError:
            time.sleep(0.2)


if __name__ == "__main__":
    main(NodePlan(**json.loads(sys.argv[1])))
