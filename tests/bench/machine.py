"""What the kernel says of a process, and of the machine the figures are made on."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from pathlib import Path
from typing import Any

MIB_IN_KIB = 1024
_TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")
# What an operator process imports of others' packages, and no line of ours.
_BARE = """
import httpx, kopf, kubernetes.aio, prometheus_client, sys
print("imported", flush=True)
sys.stdin.read()
"""


def resident_mib(pid: int) -> float:
    """The resident set of a process, in MiB."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / MIB_IN_KIB
    raise ProcessLookupError(f"process {pid} has no resident set: it has ended")


def cpu_seconds(pid: int) -> float:
    """User and system time of a process so far."""
    # The second field is the program's name in brackets, which may hold blanks.
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    user_ticks, system_ticks = int(fields[11]), int(fields[12])
    return (user_ticks + system_ticks) / _TICKS_PER_SECOND


def bare_imports_mib() -> float:
    """The resident set of a Python that imported the operator's packages and does nothing."""
    with subprocess.Popen(
        [sys.executable, "-c", _BARE], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as bare:
        assert bare.stdout is not None
        bare.stdout.readline()
        return resident_mib(bare.pid)


def conditions() -> dict[str, Any]:
    """The machine and how busy it is now: a busy one makes every figure worse."""
    return {
        "cores": os.cpu_count(),
        "load_average": os.getloadavg(),
        "python": platform.python_version(),
        "machine": platform.machine(),
        "kernel": platform.release(),
    }
