"""`make image`: build the image of this checkout with docker, podman or buildah.

What the build sees: the tracked files only, as they are now, and of these what .dockerignore
allows. pip in the build reaches the package index as pip does here: its settings and certificates
go in as build secrets, which leave nothing in a layer.

Exit code 2, and one line, when the image cannot be built here.
"""

from __future__ import annotations

import argparse
import ast
import os
import shutil
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

ROOT = Path(__file__).resolve().parents[1]
TOOLS = ("docker", "podman", "buildah")
# How pip reaches an index. Paths of this machine are none of the build's business.
PIP_SETTINGS = (
    "index-url",
    "extra-index-url",
    "no-index",
    "trusted-host",
    "proxy",
    "timeout",
    "default-timeout",
    "retries",
)
CA_VARIABLES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")


class CannotBuildError(Exception):
    """The image cannot be built here; one line that says why and what to do."""


@dataclass(frozen=True)
class Commit:
    """What the image is made of: its labels, and the time of everything in our layer."""

    version: str
    revision: str
    source: str
    time: int


def find_tool(wanted: str | None) -> str:
    """The first tool that works here: docker only when a daemon answers. CannotBuildError."""
    for tool in [wanted] if wanted else TOOLS:
        if shutil.which(tool) and _succeeds([tool, "info"]):
            return tool
    if wanted:
        raise CannotBuildError(f"{wanted} does not work here (`{wanted} info` fails)")
    raise CannotBuildError(
        "no docker with a daemon that answers, no podman and no buildah works here: "
        "install one of them (apt-get install buildah)"
    )


def read_commit(root: Path, source: str | None) -> Commit:
    """Of the checkout; without git, of the files as they are."""
    version = tomllib.loads((root / "pyproject.toml").read_text())["project"]["version"]
    revision = _git(root, "rev-parse", "HEAD")
    if revision and _git(root, "status", "--porcelain", "--untracked-files=no"):
        revision += "-dirty"
    origin = source if source is not None else _git(root, "remote", "get-url", "origin")
    time = _git(root, "log", "-1", "--format=%ct")
    return Commit(version, revision or "unknown", public_url(origin), int(time or 0))


def public_url(url: str) -> str:
    """A web address without user and password; empty for any other place."""
    parts = urlsplit(url.strip())
    if parts.scheme not in ("http", "https") or not parts.hostname:
        return ""
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))


def pip_settings(listing: str) -> dict[str, str]:
    """What `pip config list` prints, as settings by name; the environment comes last and wins."""
    settings = {}
    lines = [line for line in listing.splitlines() if "=" in line]
    for line in sorted(lines, key=lambda line: line.startswith(":env:")):
        name, _, value = line.partition("=")
        settings[name.rpartition(".")[2]] = str(ast.literal_eval(value))
    return settings


def command(
    tool: str, tag: str, base: str | None, commit: Commit, secrets: Mapping[str, Path]
) -> list[str]:
    """The tool's command line but for the folder. A secret is named, never quoted."""
    arguments = {
        "VERSION": commit.version,
        "REVISION": commit.revision,
        "SOURCE": commit.source,
        "SOURCE_DATE_EPOCH": str(commit.time),
        **({"BASE": base} if base else {}),
    }
    argv = [tool, "build", "--tag", tag]
    for name, value in arguments.items():
        argv += ["--build-arg", f"{name}={value}"]
    for name, path in secrets.items():
        argv += ["--secret", f"id={name},src={path}"]
    if tool != "docker":
        # The same time for each file of the layer: the same digest for the same commit.
        argv += ["--timestamp", str(commit.time)]
    return argv


def build(arguments: argparse.Namespace) -> int:
    """Build it; the tool's exit code. CannotBuildError before it starts."""
    tool = find_tool(arguments.tool)
    commit = read_commit(ROOT, arguments.source)
    tag = arguments.tag or f"failoverip:{commit.version}"
    with tempfile.TemporaryDirectory(prefix="failoverip-image-") as directory:
        secrets = _write_secrets(Path(directory))
        context = Path(directory) / "context"
        _stage(ROOT, context)
        argv = [*command(tool, tag, arguments.base, commit, secrets), str(context)]
        environ = {**os.environ, "DOCKER_BUILDKIT": "1"}
        code = subprocess.run(argv, env=environ, check=False).returncode
    if code == 0:
        print(f"{tag}: built with {tool}")
    return code


def _write_secrets(directory: Path) -> dict[str, Path]:
    listing = subprocess.run(
        [sys.executable, "-m", "pip", "config", "list"], capture_output=True, text=True, check=False
    ).stdout
    settings = pip_settings(listing)
    lines = [
        # An indented line goes on with the value: several, one below the other.
        f"{name} = " + "\n    ".join(settings[name].split())
        for name in PIP_SETTINGS
        if name in settings
    ]
    written = {"pip.conf": directory / "pip.conf"}
    written["pip.conf"].touch(mode=0o600)
    written["pip.conf"].write_text("\n".join(["[global]", *lines, ""]))
    authorities = [settings.get("cert"), *(os.environ.get(name) for name in CA_VARIABLES)]
    for path in (Path(name) for name in authorities if name):
        if path.is_file():
            written["pip-ca.pem"] = Path(shutil.copy(path, directory / "pip-ca.pem"))
            break
    return written


def _stage(root: Path, context: Path) -> None:
    """Copy the tracked files; all files where there is no git, as in an unpacked archive."""
    tracked = _git(root, "ls-files", "-z")
    if not tracked:
        shutil.copytree(root, context, symlinks=True)
        return
    for name in filter(None, tracked.split("\0")):
        if (root / name).is_file():
            (context / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(root / name, context / name)


def _git(root: Path, *arguments: str) -> str:
    if not (root / ".git").exists() or not shutil.which("git"):
        return ""
    argv = ["git", "-C", str(root), *arguments]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    return done.stdout.strip() if done.returncode == 0 else ""


def _succeeds(argv: Sequence[str]) -> bool:
    return subprocess.run(argv, capture_output=True, check=False).returncode == 0


def main(argv: Sequence[str] | None = None) -> int:
    """Run what the flags ask for."""
    parser = argparse.ArgumentParser(prog="make image", description="Build the operator's image.")
    parser.add_argument("--tag", help="name of the image (failoverip:VERSION)")
    parser.add_argument("--base", help="the image to build upon (as the Dockerfile says)")
    parser.add_argument("--source", help="label: where the source code is (git's origin)")
    parser.add_argument("--tool", choices=TOOLS, help="build with this one (the first that works)")
    try:
        return build(parser.parse_args(argv))
    except CannotBuildError as error:
        print(f"make image: {error}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
