"""A place from which nothing escapes: a process in namespaces of its own, and commands inside.

A `Space` is PID 1 of a pid namespace. It ends when the pipe to this process closes, whatever
happened to this process, and the kernel ends everything in it. As root, or without root in a user
namespace (packages uidmap, and ranges in /etc/subuid and /etc/subgid).
"""

from __future__ import annotations

import os
import select
import signal
import subprocess
from collections.abc import Iterable, Sequence
from pathlib import Path

from tests.controlplane.waiting import eventually

ROOTLESS = os.geteuid() != 0
USER_NAMESPACE = ("--user", "--map-root-user", "--map-auto") if ROOTLESS else ()
ISOLATED = ("--mount", "--net", "--pid", "--fork", "--kill-child", "--mount-proc")
# Debian's PATH of a normal user lacks the directories of the cluster's programs.
SEARCH_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
ENVIRONMENT = {"PATH": SEARCH_PATH, "LANG": "C.UTF-8", "LC_ALL": "C.UTF-8", "HOME": "/root"}


class CommandError(AssertionError):
    """A command inside failed; the message has its output."""


def why_not_here() -> str | None:
    """Why this machine gives us no namespaces; None when it does."""
    argv = [
        "unshare",
        *USER_NAMESPACE,
        *ISOLATED,
        "--",
        "ip",
        "link",
        "add",
        "br0",
        "type",
        "bridge",
    ]
    tried = subprocess.run(
        argv, capture_output=True, text=True, env=ENVIRONMENT, timeout=60, check=False
    )
    if tried.returncode == 0:
        return None
    said = tried.stderr.strip().splitlines() or [f"exit code {tried.returncode}"]
    return f"no namespaces ({said[-1]}): run as root, or allow user namespaces and install uidmap"


class Pid:
    """One process that is not our child, held so that a recycled number is never taken for it."""

    def __init__(self, number: int) -> None:
        self.number = number
        self._handle = os.pidfd_open(number)
        self.started = start_time(number)

    @property
    def running(self) -> bool:
        """Whether that very process still runs."""
        return not select.select([self._handle], [], [], 0)[0]

    def kill(self, deadline_seconds: float = 30) -> None:
        """SIGKILL, and wait for the end."""
        if self.running:
            signal.pidfd_send_signal(self._handle, signal.SIGKILL)
        if not select.select([self._handle], [], [], deadline_seconds)[0]:
            raise AssertionError(f"process {self.number} (started {self.started}) does not end")

    def close(self) -> None:
        """Let go of the process."""
        os.close(self._handle)


class Space:
    """Namespaces with a first process; `setup` is what its shell does before it waits."""

    def __init__(self, setup: str, log: Path) -> None:
        self._log = log.open("ab")
        argv = ["unshare", *USER_NAMESPACE, *ISOLATED, "--", "bash", "-ec"]
        argv += [f"{setup}\necho ready\nread -r _ || exit 0"]
        self._unshare = subprocess.Popen(
            argv,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            env=ENVIRONMENT,
            start_new_session=True,
        )
        assert self._unshare.stdout is not None
        if self._unshare.stdout.readline() != b"ready\n":
            self._unshare.wait(30)
            raise CommandError(f"the lab's namespaces failed:\n{log.read_text()}")
        self.first = Pid(child_of(self._unshare.pid))

    def argv(self, command: Sequence[str | Path]) -> list[str]:
        """The command that runs `command` inside."""
        return [*nsenter(self.first, "--mount", "--net", "--pid"), *map(str, command)]

    def run(self, *command: str | Path, deadline_seconds: float = 60) -> str:
        """Run a command to its end; its output. CommandError."""
        return run(self.argv(command), deadline_seconds)

    def start(self, command: Sequence[str | Path], log: Path) -> subprocess.Popen[bytes]:
        """Start a command that stays until the space ends. Returns the nsenter in front of it."""
        with log.open("ab") as out:
            return subprocess.Popen(
                self.argv(command),
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                env=ENVIRONMENT,
                start_new_session=True,
            )

    def close(self) -> None:
        """End everything inside."""
        for pipe in (self._unshare.stdin, self._unshare.stdout):
            if pipe is not None:
                pipe.close()
        try:
            self._unshare.wait(30)
        except subprocess.TimeoutExpired:
            self.first.kill()
            self._unshare.wait(30)
        self.first.close()
        self._log.close()


def nsenter(process: Pid, *namespaces: str) -> list[str]:
    """The words that make a command run in these namespaces of a process."""
    if not process.running:
        raise CommandError(f"process {process.number} has ended")
    user = ("--user", "--preserve-credentials") if ROOTLESS else ()
    return ["nsenter", "--target", str(process.number), *user, *namespaces, "--"]


def run(argv: Iterable[str], deadline_seconds: float, accept: Sequence[int] = (0,)) -> str:
    """Run a command of the machine to its end; its output. CommandError."""
    words = list(argv)
    try:
        done = subprocess.run(
            words,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            env=ENVIRONMENT,
            timeout=deadline_seconds,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise CommandError(f"not within {deadline_seconds:g} s: {' '.join(words)}") from None
    if done.returncode not in accept:
        raise CommandError(
            f"{' '.join(words)}: exit code {done.returncode}\n{done.stdout}{done.stderr}"
        )
    return done.stdout


def child_of(pid: int) -> int:
    """The first child of a process, once it has one."""
    return eventually(lambda: _children(pid), f"process {pid} has a child", poll_seconds=0.01)[0]


def _children(pid: int) -> list[int]:
    return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def start_time(pid: int) -> int:
    """When a process began, in clock ticks since boot: with the number, this names it."""
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19])
