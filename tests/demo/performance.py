"""`failoverip demo` as a process, and what it leaves behind."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.controlplane.waiting import eventually

# Half a minute on a quiet machine.
DEADLINE_SECONDS = 300.0

# A test run in the background of a shell ignores Ctrl-C, and so would all that it starts.
_HEED_CTRL_C = """
import os, signal, sys
signal.signal(signal.SIGINT, signal.SIG_DFL)
os.execv(sys.argv[1], sys.argv[1:])
"""
_LAUNCHER = (sys.executable, "-I", "-S", "-c", _HEED_CTRL_C)


class Performance:
    """A demo that runs; its temporary files are below `directory`."""

    def __init__(
        self, directory: Path, flags: Sequence[str], environ: dict[str, str] | None = None
    ) -> None:
        self.temporary = directory / "tmp"
        self.temporary.mkdir()
        self._out, self._err = directory / "out", directory / "err"
        inherited = {k: v for k, v in os.environ.items() if k not in ("KUBECONFIG", "NO_COLOR")}
        with self._out.open("wb") as out, self._err.open("wb") as err:
            self.process = subprocess.Popen(
                [*_LAUNCHER, sys.executable, "-W", "error", "-m", "failoverip", "demo", *flags],
                env={**inherited, **(environ or {}), "TMPDIR": str(self.temporary)},
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
            )

    @property
    def out(self) -> str:
        """stdout so far."""
        return self._out.read_text()

    @property
    def err(self) -> str:
        """stderr so far."""
        return self._err.read_text()

    def until_said(self, text: str) -> None:
        """Wait until stdout holds this text."""
        eventually(
            lambda: text in self.out or self._ended(text), f"it says {text!r}", DEADLINE_SECONDS
        )

    def exit_code(self) -> int:
        """Wait for its end."""
        return self.process.wait(DEADLINE_SECONDS)

    def logs(self) -> str:
        """What the replicas have said so far."""
        return "".join(log.read_text() for log in self.temporary.glob("*/*.log"))

    def children(self) -> list[int]:
        """The processes that it has started and that run."""
        pid = self.process.pid
        listed = Path(f"/proc/{pid}/task/{pid}/children").read_text()
        return [int(child) for child in listed.split()]

    def replicas(self) -> dict[str, int]:
        """The process of each operator replica."""
        found = {}
        for pid in self.children():
            command = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
            if b"--identity" in command:
                found[command[command.index(b"--identity") + 1].decode()] = pid
        return found

    def send(self, number: signal.Signals) -> None:
        """Send it a signal."""
        self.process.send_signal(number)

    def _ended(self, text: str) -> bool:
        if self.process.poll() is not None:
            raise AssertionError(f"ended without {text!r}:\n{self.out}\n{self.err}")
        return False


@contextmanager
def performing(
    directory: Path, *flags: str, environ: dict[str, str] | None = None
) -> Iterator[Performance]:
    """A demo, killed at the end if it still runs."""
    performance = Performance(directory, flags, environ)
    try:
        yield performance
    finally:
        performance.process.kill()
        performance.process.wait()


def steps_of(out: str) -> list[str]:
    """The names of the steps in a printed timeline, in its order."""
    return re.findall(r"^ *[\d.]+ s +\+[\d.]+ s +(\S+)", out, re.MULTILINE)


def runs(pid: int) -> bool:
    """Whether a process is there and is no zombie."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"
