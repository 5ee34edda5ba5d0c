"""The runtime directory: markers, and files that several agents share. Gone after a reboot.

Files are replaced whole, and locked by `flock`, which ends with its holder. Nothing is trusted that
another user could have put there.
"""

from __future__ import annotations

import fcntl
import os
import stat
import time

_LOCK_POLL_SECONDS = 0.02
_MAX_FILE_BYTES = 1 << 20


class BusyError(OSError):
    """A lock that others held for as long as one may wait."""


def now() -> float:
    """Seconds of the clock that never jumps and goes on while the machine is suspended."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


def process_began() -> float:
    """When this process was started, on the clock of `now`; now where that cannot be told.

    Pacemaker's time limit runs from there, and a starved machine takes seconds to start Python.
    """
    try:
        with open("/proc/self/stat", "rb") as file:
            # proc(5): starttime is the 22nd field, and the second may hold anything but a `)`.
            # The end of that tick: no answer from before may pass for a newer one.
            ticks = int(file.read().rpartition(b")")[2].split()[19]) + 1
        return min(now(), ticks / os.sysconf("SC_CLK_TCK"))
    except (OSError, ValueError, IndexError):
        return now()


class Lock:
    """A lock on a file while its context lasts. It ends with its holder, however that dies."""

    def __init__(self, path: str, until: float) -> None:
        self._path = path
        self._until = until
        self._handle = -1

    def __enter__(self) -> None:
        flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
        self._handle = os.open(self._path, flags, 0o600)
        while True:
            try:
                fcntl.flock(self._handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if now() >= self._until:
                    os.close(self._handle)
                    raise BusyError(f"another agent holds {self._path}") from None
                time.sleep(_LOCK_POLL_SECONDS)
            else:
                return

    def __exit__(self, *_: object) -> None:
        os.close(self._handle)


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
        try:
            os.unlink(self._marker(ip))
        except (FileNotFoundError, NotADirectoryError):
            return

    def prepare(self) -> None:
        """Make the directory; OSError when it is not ours alone."""
        if not os.path.lexists(self.directory):
            os.makedirs(os.path.dirname(self.directory), 0o755, exist_ok=True)
            try:
                os.mkdir(self.directory, 0o700)
            except FileExistsError:
                pass  # by another agent, just now
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
        _remove(os.path.join(self.directory, name))

    def locked(self, name: str, until: float) -> Lock:
        """Alone with what `name` stands for, as a context; BusyError when others are until then."""
        self.prepare()
        return Lock(os.path.join(self.directory, name + ".lock"), until)

    def _marker(self, ip: str) -> str:
        return os.path.join(self.directory, ip + ".started")


def replace_file(path: str, text: str, mode: int) -> None:
    """Write a file beside the old one, then put it in its place; `mode` whatever the umask is."""
    beside = f"{path}.{os.getpid()}"
    handle = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, mode)
    try:
        with open(handle, "w", encoding="utf-8") as file:
            # Pacemaker's daemons set 026, and agents inherit it.
            os.fchmod(handle, mode)
            file.write(text)
        os.rename(beside, path)
    except OSError:
        _remove(beside)
        raise


def _remove(path: str) -> None:
    try:
        os.unlink(path)
    except OSError:
        return
