"""The version before this one, out of git: what an upgrade starts from, and a downgrade ends at."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
from tests.support.machine import not_here

ROOT = Path(__file__).resolve().parents[2]
# What an installation is made of: two versions differ when one of these does.
PARTS = ("controller", "manifests/crd")
# Another commit to come from: `FAILOVERIP_TEST_UPGRADE_FROM=v0.1.0 make e2e ...`.
FROM = "FAILOVERIP_TEST_UPGRADE_FROM"


def previous_version(config: pytest.Config, directory: Path) -> Path:
    """The parts of the last commit whose parts differ from this checkout's, below `directory`."""
    commit = os.environ.get(FROM) or _previous_commit()
    archive = _git("archive", commit, *PARTS) if commit else None
    if archive is None:
        not_here(config, "no git history with a version before this one: fetch it whole")
    subprocess.run(["tar", "-x", "-C", directory], input=archive, check=True)
    return directory


def _previous_commit() -> str:
    """Empty when git does not know one."""
    if _git("diff", "--quiet", "HEAD", "--", *PARTS) is None:
        return "HEAD"
    last = _git("rev-list", "-1", "HEAD", "--", *PARTS)
    return f"{last.decode().strip()}^" if last else ""


def _git(*words: str) -> bytes | None:
    """What git says, None when it refuses or is not there."""
    try:
        done = subprocess.run(["git", *words], cwd=ROOT, capture_output=True, check=False)
    except FileNotFoundError:
        return None
    return done.stdout if done.returncode == 0 else None
