"""A command of the user's, run under a deadline, with everything that it starts."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Sequence
from contextlib import suppress

_MAX_SHOWN = 200


def run(words: Sequence[str], until: float) -> str:
    """Empty when it ended with 0 before `until` (`time.monotonic`), else why not, in one line.

    No shell is between: the words are the program and its arguments.
    """
    # Only what has a command to run pays for these.
    import subprocess
    import tempfile

    # A file and no pipe: what the command leaves running may hold it as long as it likes.
    with tempfile.TemporaryFile() as said:
        try:
            process = subprocess.Popen(  # noqa: S603  # the user's own command
                words,
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        except (OSError, ValueError) as error:
            return f"{words[0]}: {getattr(error, 'strerror', None) or error}"
        try:
            code = process.wait(max(0.0, until - time.monotonic()))
        except subprocess.TimeoutExpired:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            return f"{words[0]}: did not end in time"
        if code == 0:
            return ""
        said.seek(0)
        lines = said.read().decode("utf-8", "replace").strip().splitlines()
    return f"{words[0]}: exit code {code}" + (f": {lines[-1][:_MAX_SHOWN]}" if lines else "")
