"""The runtime directory: markers, and files that several agents share. Gone after a reboot.

Files are replaced whole, and locked by `flock`, which ends with its holder. Nothing is trusted that
another user could have put there.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import stat
import time
from collections.abc import Iterator

_LOCK_POLL_SECONDS = 0.02
_MAX_FILE_BYTES = 1 << 20


class BusyError(OSError):
    """A lock that others held for as long as one may wait."""


def now() -> float:
    """Seconds of the clock that never jumps and goes on while the machine is suspended."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


class Runtime:
    """One directory. OSError where it cannot be used."""

    def __init__(self, directory: str) -> None:
        self.directory = directory

    def has_marker(self, ip: str) -> bool:
        """Whether a start of this boot was not followed by a stop."""
        return bool(ip) and os.path.lexists(self._marker(ip))

    def set_marker(self, ip: str) -> None:
        """Remember a start: empty, so that a full disk can still take it."""
        self.prepare()
        os.close(os.open(self._marker(ip), os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW, 0o600))

    def remove_marker(self, ip: str) -> None:
        """Forget a start."""
        with contextlib.suppress(FileNotFoundError, NotADirectoryError):
            os.unlink(self._marker(ip))

    def prepare(self) -> None:
        """Make the directory; OSError when it is not ours alone."""
        with contextlib.suppress(FileExistsError):
            os.makedirs(os.path.dirname(self.directory), 0o755, exist_ok=True)
            os.mkdir(self.directory, 0o700)
        found = os.lstat(self.directory)
        ours = found.st_uid == os.geteuid() and not found.st_mode & 0o022
        if not stat.S_ISDIR(found.st_mode) or not ours:
            raise OSError(f"{self.directory} is not a directory of our own: remove it")

    def read(self, name: str) -> str | None:
        """The content of a file, None when there is none. ValueError when it is no text."""
        try:
            with open(os.path.join(self.directory, name), "rb") as file:
                return file.read(_MAX_FILE_BYTES).decode()
        except (FileNotFoundError, NotADirectoryError):
            return None

    def replace(self, name: str, text: str) -> None:
        """Give a file another content, whole or not at all."""
        replace_file(os.path.join(self.directory, name), text, 0o600)

    def exists(self, name: str) -> bool:
        """Whether there is such a file."""
        return os.path.lexists(os.path.join(self.directory, name))

    def forget(self, name: str) -> None:
        """Remove a file, if it can be."""
        with contextlib.suppress(OSError):
            os.unlink(os.path.join(self.directory, name))

    @contextlib.contextmanager
    def locked(self, name: str, until: float) -> Iterator[None]:
        """Alone with what `name` stands for; BusyError when others hold it until then."""
        self.prepare()
        path = os.path.join(self.directory, name + ".lock")
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        try:
            while True:
                try:
                    fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                except BlockingIOError:
                    if now() >= until:
                        raise BusyError(f"another agent holds {path}") from None
                    time.sleep(_LOCK_POLL_SECONDS)
            yield
        finally:
            os.close(handle)

    def _marker(self, ip: str) -> str:
        return os.path.join(self.directory, ip + ".started")


def replace_file(path: str, text: str, mode: int) -> None:
    """Write a file beside the old one, then put it in its place."""
    beside = f"{path}.{os.getpid()}"
    handle = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, mode)
    try:
        with open(handle, "w", encoding="utf-8") as file:
            file.write(text)
        os.rename(beside, path)
    except OSError:
        with contextlib.suppress(OSError):
            os.unlink(beside)
        raise
