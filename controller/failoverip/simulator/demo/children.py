"""Child processes that never outlive the demo, however it ends."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

# Runs between fork and exec of the program: the kernel shall kill it when we die (1 is
# PR_SET_PDEATHSIG), also when nobody is left to do it. Our death before that call shows in getppid.
_LEASH = """
import ctypes, os, signal, sys
ctypes.CDLL(None).prctl(1, signal.SIGKILL)
if os.getppid() != int(sys.argv[1]):
    sys.exit(1)
os.execv(sys.argv[2], sys.argv[2:])
"""
# What the user's shell says about another operator must not reach the demo's.
_OPERATOR_VARIABLES = ("FAILOVERIP_", "KUBECONFIG", "POD_NAME")
_OWN_VARIABLES = ("FAILOVERIP_CACHE",)
_STOP_LIMIT_SECONDS = 20.0


class Child:
    """A program that runs from now on; stdout and stderr go to `output` and `errors`.

    Its temporary files go to the directory of `output`.

    Start it from the main thread: the kernel ends it with the thread that started it.
    """

    def __init__(
        self, argv: Sequence[str], output: Path, errors: Path, directory: Path | None = None
    ) -> None:
        self.output = output
        self.errors = errors
        leash = [sys.executable, "-I", "-S", "-c", _LEASH, str(os.getpid())]
        with output.open("ab") as out, errors.open("ab") as err:
            self._process = subprocess.Popen(  # noqa: S603  our own programs, no shell
                [*leash, *argv],
                cwd=directory,
                env=_environ(output.parent),
                stdin=subprocess.PIPE,
                stdout=out,
                stderr=err,
                # Ctrl-C goes to the demo alone, which then ends its children in order.
                start_new_session=True,
            )

    @property
    def exit_code(self) -> int | None:
        """None while it runs; negative for a signal."""
        return self._process.poll()

    def kill(self) -> None:
        """SIGKILL, and wait for the end; also when it has ended."""
        self._process.kill()
        self._process.wait()
        self._close_stdin()

    def stop(self) -> None:
        """Close its stdin, which asks it to end, and kill it if it does not."""
        self._close_stdin()
        try:
            self._process.wait(_STOP_LIMIT_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()

    def last_lines(self, count: int) -> list[str]:
        """The end of what it said on stderr."""
        return self.errors.read_text(errors="replace").splitlines()[-count:]

    def _close_stdin(self) -> None:
        if self._process.stdin is not None:
            self._process.stdin.close()


def _environ(directory: Path) -> dict[str, str]:
    kept = {
        name: value
        for name, value in os.environ.items()
        if name in _OWN_VARIABLES or not name.startswith(_OPERATOR_VARIABLES)
    }
    # Who is killed cannot remove its temporary files (the Kubernetes client makes some).
    return {**kept, "TMPDIR": str(directory)}
