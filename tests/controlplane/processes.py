"""Child processes of the rig: logged to a file, frozen and thawed, and never left behind.

A child dies with the thread that started it (PR_SET_PDEATHSIG), even when the test run is killed.
So start a process from the main thread, or from a thread that outlives the child.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

# Runs between fork and exec of the program: preexec_fn would run in a copy of a process with
# threads, and setpriv is not on every machine. 1 is PR_SET_PDEATHSIG.
_LAUNCHER = """
import ctypes, os, signal, sys
ctypes.CDLL(None).prctl(1, signal.SIGKILL)
if os.getppid() != int(sys.argv[1]):
    sys.exit(1)
os.execv(sys.argv[2], sys.argv[2:])
"""


class Process:
    """One program, run at most once at a time. stdout and stderr are appended to `log`."""

    def __init__(
        self,
        argv: Sequence[str | Path],
        log: Path,
        environ: Mapping[str, str] | None = None,
    ) -> None:
        self.argv = [str(part) for part in argv]
        self.log = log
        self._environ = environ
        self._child: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start the program; it must not be running."""
        if self.running:
            raise RuntimeError(f"{self.argv[0]} runs already")
        launcher = [sys.executable, "-I", "-S", "-c", _LAUNCHER, str(os.getpid())]
        with self.log.open("ab") as log:
            self._child = subprocess.Popen(
                [*launcher, *self.argv],
                env=self._environ,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                # Ctrl-C goes to the test run alone, which then stops us in order.
                start_new_session=True,
            )

    @property
    def pid(self) -> int:
        """The process id; RuntimeError before the first start."""
        return self._started.pid

    @property
    def running(self) -> bool:
        """Whether the program has been started and has not ended (a frozen one runs)."""
        return self._child is not None and self._child.poll() is None

    @property
    def returncode(self) -> int | None:
        """The exit code, negative for a signal; None while it runs."""
        return self._started.poll()

    def send_signal(self, number: signal.Signals) -> None:
        """Send a signal; nothing happens when the program has ended."""
        self._started.send_signal(number)

    def freeze(self) -> None:
        """SIGSTOP: connections stay open, nothing answers."""
        self.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """SIGCONT."""
        self.send_signal(signal.SIGCONT)

    def kill(self) -> None:
        """SIGKILL, and wait for the end; also when frozen, ended or never started."""
        if self._child is None:
            return
        self._child.kill()
        self._child.wait()

    def wait(self, deadline_seconds: float = 60.0) -> int:
        """The exit code, once it has ended; subprocess.TimeoutExpired."""
        return self._started.wait(deadline_seconds)

    def log_tail(self, lines: int = 30) -> str:
        """The last lines of the log, for a failure's message."""
        if not self.log.exists():
            return ""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])

    @property
    def _started(self) -> subprocess.Popen[bytes]:
        if self._child is None:
            raise RuntimeError(f"{self.argv[0]} was never started")
        return self._child


class ReservedPort:
    """A loopback port that stays ours while a server comes and goes.

    A socket is bound to it with SO_REUSEPORT and never listens: the kernel gives the port to nobody
    else, and a server that sets SO_REUSEPORT too can listen on it. Without a server, refused.
    """

    def __init__(self) -> None:
        self._socket = socket.socket()
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        self._socket.bind(("127.0.0.1", 0))
        self.number: int = self._socket.getsockname()[1]

    def release(self) -> None:
        """Give the port back."""
        self._socket.close()
