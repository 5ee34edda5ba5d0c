"""A root with Debian's Python and the package under test, and nothing else of ours."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

# What the machine lends; everything below /usr/lib that is not named is not there.
_LENT = ["/usr/bin", "/usr/lib64", "/lib64", "/lib", "/bin", "/dev", "/proc"]
_SCRIPT = """
root=$1; shift
for place in "$@"; do
  test "$place" = -- && break
  mount --rbind "$place" "$root$place"
done
while test "$1" != --; do shift; done
shift
exec chroot "$root" "$@"
"""


class MinimalRoot:
    """A directory that programs run in by `chroot`; each call has mounts of its own."""

    def __init__(self, directory: Path, packages: Sequence[Path]) -> None:
        self.path = directory
        for place in ("tmp", "run", "etc", "usr/lib", "usr/sbin", "usr/share", "var/lib/dpkg/info"):
            (directory / place).mkdir(parents=True)
        (directory / "sbin").symlink_to("usr/sbin")
        # dpkg insists on them, and the packages under test need neither.
        for program in ("ldconfig", "start-stop-daemon"):
            (directory / "usr/sbin" / program).symlink_to("/usr/bin/true")
        # dpkg's own list of packages, which knows none, and what byte-compiles.
        for place in ("updates", "triggers"):
            (directory / "var/lib/dpkg" / place).mkdir()
        (directory / "var/lib/dpkg/status").touch()
        shutil.copytree("/usr/share/python3", directory / "usr/share/python3")
        self._lent: list[Path] = []
        places = [Path(place) for place in _LENT]
        for pattern in ("python3.*", "*-linux-gnu"):
            places += Path("/usr/lib").glob(pattern)
        for lent in places:
            inside = directory / lent.relative_to("/")
            if lent.is_symlink():
                inside.symlink_to(lent.readlink())
            elif lent.is_dir():
                inside.mkdir(parents=True)
                self._lent.append(lent)
        self._install(packages)

    def _install(self, packages: Sequence[Path]) -> None:
        for package in packages:
            shutil.copy(package, self.path / "tmp")
        files = [f"/tmp/{package.name}" for package in packages]  # noqa: S108  # in the root
        path = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin"}
        # What they depend on is lent, and dpkg does not know of it.
        done = self.run(["dpkg", "--force-depends", "--install", *files], path)
        assert done.returncode == 0, done.stdout + done.stderr

    def run(
        self, command: Sequence[str], environment: Mapping[str, str]
    ) -> subprocess.CompletedProcess[str]:
        """Run it in the root, with that environment and no other."""
        lent = map(str, self._lent)
        return subprocess.run(
            ["unshare", "--mount", "sh", "-ec", _SCRIPT, "sh", str(self.path), *lent, "--",
             "env", "-i", *(f"{key}={value}" for key, value in environment.items()), *command],
            capture_output=True, text=True, timeout=300, check=False,
        )  # fmt: skip


def can_mount() -> bool:
    """Whether this process may mount in a namespace of its own."""
    if sys.platform != "linux":
        return False
    tried = ["unshare", "--mount", "sh", "-c", "mount --rbind /usr/bin /mnt"]
    return subprocess.run(tried, capture_output=True, check=False).returncode == 0
