"""Where the timeline is printed: lines, and on a terminal one live line below them."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from typing import TextIO

_CLEAR_LINE = "\r\x1b[K"
_RESET = "\x1b[0m"
BOLD, DIM, GREEN, RED = "\x1b[1m", "\x1b[2m", "\x1b[32m", "\x1b[31m"


class Screen:
    """A terminal gets a live line and colours, anything else plain lines.

    `NO_COLOR` (any value but an empty one) takes the colours away, `TERM=dumb` the live line too.
    """

    def __init__(self, stream: TextIO, environ: Mapping[str, str] = os.environ) -> None:
        self._stream = stream
        self._is_live = stream.isatty() and environ.get("TERM") != "dumb"
        self._is_coloured = self._is_live and not environ.get("NO_COLOR")
        self._live_shown = False

    def line(self, text: str = "") -> None:
        """One line that stays."""
        self._clear()
        self._stream.write(f"{text}\n")
        self._stream.flush()

    def live(self, text: str) -> None:
        """What goes on just now, in place of what was said so before. Nothing off a terminal."""
        if not self._is_live:
            return
        width = shutil.get_terminal_size().columns - 1
        self._stream.write(_CLEAR_LINE + text[:width])
        self._stream.flush()
        self._live_shown = True

    def paint(self, text: str, colour: str) -> str:
        """The text in a colour, if there are colours."""
        return f"{colour}{text}{_RESET}" if self._is_coloured else text

    def _clear(self) -> None:
        if self._live_shown:
            self._stream.write(_CLEAR_LINE)
            self._live_shown = False
