"""What a machine must have for a test: said loudly where it lacks it; in CI it is a failure."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import NoReturn

import pytest

# `.ci/run` installs what stands there.
DEBIAN_PACKAGES = Path(__file__).resolve().parents[2] / "requirements" / "debian-packages"


def not_here(config: pytest.Config, reason: str) -> NoReturn:
    """Skip with one line that is seen, or fail when FAILOVERIP_E2E_REQUIRED is set."""
    say(config, f"*** {reason} ***")
    if os.environ.get("FAILOVERIP_E2E_REQUIRED", "") not in ("", "0"):
        pytest.fail(f"FAILOVERIP_E2E_REQUIRED is set: {reason}", pytrace=False)
    pytest.skip(reason)


def need_programs(config: pytest.Config, programs: Iterable[str], packages: str) -> None:
    """`not_here` unless all programs are in PATH; `packages` is what apt-get would install."""
    path = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/sbin"])
    missing = [program for program in programs if shutil.which(program, path=path) is None]
    if missing:
        not_here(config, f"no {', '.join(missing)}: apt-get install {packages}")


def say(config: pytest.Config, line: str) -> None:
    """Tell the person who waits, also while pytest captures the output."""
    capture = config.pluginmanager.getplugin("capturemanager")
    with capture.global_and_fixture_disabled():
        writer = config.get_terminal_writer()
        writer.line()
        writer.line(line, yellow=True, bold=True)
        writer.flush()
