"""A new process image in place of this one."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import NoReturn

_STANDARD_STREAMS = 2


def reexecute() -> NoReturn:
    """Start this program anew: same process id, arguments and environment, nothing in memory.

    A process that lost its lease starts over as a candidate. To exit instead would let the kubelet
    wait longer after each loss (crash-loop back-off), until no replica is left that could lead.
    OSError when the system refuses; then everything is as before.
    """
    sys.stdout.flush()
    sys.stderr.flush()
    _close_on_exec()
    os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])  # noqa: S606  no shell wanted


def _close_on_exec() -> None:
    """Python's own files close by themselves; those of C libraries and of a parent may not."""
    for entry in list(_descriptors().iterdir()):
        descriptor = int(entry.name)
        if descriptor <= _STANDARD_STREAMS:
            continue
        try:
            os.set_inheritable(descriptor, False)
        except OSError:
            # The one that listed the folder is closed already.
            continue


def _descriptors() -> Path:
    linux = Path("/proc/self/fd")
    return linux if linux.is_dir() else Path("/dev/fd")
