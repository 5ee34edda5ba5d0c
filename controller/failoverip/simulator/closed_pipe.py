"""What a program does whose reader has gone (`| head`)."""

from __future__ import annotations

import os
import sys

# 128 + SIGPIPE, as shells have it.
_PIPE_CLOSED = 141


def end_quietly() -> int:
    """Give what is still buffered an end, too; the exit code."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return _PIPE_CLOSED
