"""`make deb`: the Debian packages of the Pacemaker agents, into `dist/`, or into the folder given.

Needs debhelper, dh-python and git, and no network. The same commit makes the same bytes: every
time in the packages is that of the commit, or SOURCE_DATE_EPOCH. What goes in is what the agents
import, found by following their imports: Debian's Python lacks the packages that the rest needs.
"""

from __future__ import annotations

import ast
import os
import shutil
import subprocess
import sys
import time
import tomllib
from collections.abc import Iterator
from email.utils import formatdate
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
OCF = ROOT / "ocf-compat"
# Where each of our packages is, below which its modules are named.
PACKAGES = {"failoverip": ROOT / "controller", "failoverip_ocf": OCF}
MAINTAINER = "failoverip maintainers <maintainers@failoverip.example>"
# Program in the checkout, place and name in the tree that debhelper installs from.
PROGRAMS = {
    "hetzner-failover-ip": "agents/hetzner-failover-ip",
    "update-dns": "agents/update-dns",
    "hetzner-failover-ip-helper": "helper/hetzner-failover-ip-helper",
}
NEEDED = {"dh": "debhelper", "dh_python3": "dh-python", "dpkg-buildpackage": "dpkg-dev"}


def main(dist: Path = ROOT / "dist", build: Path = ROOT / "build" / "deb") -> int:
    """Build; the exit code."""
    missing = [package for program, package in NEEDED.items() if shutil.which(program) is None]
    if missing:
        print(f"make deb: apt-get install {' '.join(missing)}", file=sys.stderr)
        return 2
    os.umask(0o022)
    epoch, version = _time_and_version()
    tree = build / f"failoverip-ocf-{version}"
    shutil.rmtree(build, ignore_errors=True)
    fill(tree)
    (tree / "debian" / "changelog").write_text(
        f"failoverip-ocf ({version}) unstable; urgency=medium\n\n"
        "  * The changes are in CHANGELOG.md of the source.\n\n"
        f" -- {MAINTAINER}  {formatdate(epoch)}\n"
    )
    environment = os.environ | {"SOURCE_DATE_EPOCH": str(epoch), "LC_ALL": "C.UTF-8", "TZ": "UTC"}
    built = subprocess.run(
        ["dpkg-buildpackage", "--build=binary", "--no-sign"],
        cwd=tree,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
    )
    if built.returncode:
        sys.stderr.buffer.write(built.stdout)
        return 1
    dist.mkdir(parents=True, exist_ok=True)
    for package in sorted(build.glob("*.deb")):
        print(shutil.copyfile(package, dist / package.name))
    return 0


def fill(tree: Path) -> None:
    """The tree that debhelper installs from."""
    shutil.copytree(OCF / "debian", tree / "debian")
    control = tree / "debian" / "control"
    control.write_text(control.read_text().replace("@MAINTAINER@", MAINTAINER))
    for module, file in closure().items():
        package = module.partition(".")[0]
        target = tree / file.relative_to(PACKAGES[package])
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file, target)
    for name, place in PROGRAMS.items():
        target = tree / place
        target.parent.mkdir(exist_ok=True)
        shutil.copy(OCF / name, target)
    shutil.copytree(OCF / "man", tree / "man")
    (tree / "examples").mkdir()
    shutil.copyfile(OCF / "credentials.example", tree / "examples" / "credentials")
    shutil.copyfile(ROOT / "docs" / "pacemaker.md", tree / "pacemaker.md")


def closure() -> dict[str, Path]:
    """Module to file: all of `failoverip_ocf`, and what that imports of us, wherever it does."""
    found: dict[str, Path] = {}
    open_ = sorted(
        ".".join(file.relative_to(OCF).with_suffix("").parts).removesuffix(".__init__")
        for file in (OCF / "failoverip_ocf").rglob("*.py")
    )
    while open_:
        module = open_.pop()
        file = _file(module)
        if file is None or module in found:
            continue
        found[module] = file
        open_ += _imports(module, file)
    return found


def _file(module: str) -> Path | None:
    top = PACKAGES.get(module.partition(".")[0])
    if top is None:
        return None
    path = top.joinpath(*module.split("."))
    candidates = (path / "__init__.py", path.with_suffix(".py"))
    return next((file for file in candidates if file.is_file()), None)


def _imports(module: str, file: Path) -> Iterator[str]:
    """What a module may import: the names, and the packages around itself and around them."""
    yield from _and_parents(module)
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield from _and_parents(alias.name)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from _and_parents(node.module)
            for alias in node.names:
                # A name of the package, or a module in it.
                yield f"{node.module}.{alias.name}"


def _and_parents(module: str) -> list[str]:
    parts = module.split(".")
    return [".".join(parts[:end]) for end in range(1, len(parts) + 1)]


def _time_and_version() -> tuple[int, str]:
    """The time of the commit, and a version that sorts below that of the release to come."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    commit = subprocess.run(
        ["git", "-C", str(ROOT), "log", "-1", "--abbrev=8", "--format=%ct %h"],
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    seconds, name = commit.stdout.split()
    epoch = int(os.environ.get("SOURCE_DATE_EPOCH") or seconds)
    return epoch, f"{project}~{time.strftime('%Y%m%d.%H%M%S', time.gmtime(epoch))}.{name}"


if __name__ == "__main__":
    sys.exit(main(*map(Path, sys.argv[1:])))
