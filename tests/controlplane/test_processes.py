"""No process of the rig outlives the run that started it."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from tests.controlplane.build import MODULE
from tests.controlplane.processes import Process, ReservedPort
from tests.controlplane.waiting import eventually

STARTER = """
import sys, time
from pathlib import Path
from tests.controlplane.processes import Process
child = Process(["/bin/sleep", "600"], Path(sys.argv[1]))
child.start()
print(child.pid, flush=True)
time.sleep(600)
"""


def is_gone(pid: int) -> bool:
    """Ended, reaped or not."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except FileNotFoundError:
        return True
    return stat.rpartition(")")[2].split()[0] == "Z"


def test_children_die_with_a_test_run_that_is_killed(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", STARTER, str(tmp_path / "log")],
        cwd=MODULE.parent.parent,
        stdout=subprocess.PIPE,
        text=True,
    ) as starter:
        assert starter.stdout is not None
        pid = int(starter.stdout.readline())
        assert not is_gone(pid)
        starter.send_signal(signal.SIGKILL)
    eventually(lambda: is_gone(pid), "the child is gone")


def test_a_frozen_process_can_be_killed(tmp_path: Path) -> None:
    process = Process(["/bin/sleep", "600"], tmp_path / "log")
    process.start()
    process.freeze()
    assert process.running
    process.kill()
    assert process.returncode == -signal.SIGKILL


def test_what_a_program_says_is_in_its_log(tmp_path: Path) -> None:
    process = Process(["/bin/sh", "-c", "echo out; echo err >&2; exit 3"], tmp_path / "log")
    process.start()
    assert process.wait() == 3
    assert process.log_tail().splitlines() == ["out", "err"]


def test_a_reserved_port_refuses_until_a_server_shares_it() -> None:
    port = ReservedPort()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port.number))
    with socket.socket() as server:
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        server.bind(("127.0.0.1", port.number))
        server.listen()
        socket.create_connection(("127.0.0.1", port.number)).close()
    port.release()
