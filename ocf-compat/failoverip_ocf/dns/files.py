"""The door to a file that others edit too: changed whole or not at all, one writer at a time."""

from __future__ import annotations

import errno
import fcntl
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_NEW_MODE = 0o644
_LOCK_POLL_SECONDS = 0.05
# Lines that are not UTF-8 are somebody else's, and stay as they are.
_TEXT = {"encoding": "utf-8", "errors": "surrogateescape"}


def read_text(path: Path) -> str:
    """The file's text; empty where there is no file. OSError for anything else."""
    try:
        return path.read_bytes().decode(**_TEXT)
    except FileNotFoundError:
        return ""


def change_file(path: Path, change: Callable[[str], str], until: float) -> bool:
    """Give the file the text that `change` makes of its text; False where that is the same.

    Mode, owner and extended attributes stay; a symbolic link stays one. Of two writers one waits,
    until a moment of `time.monotonic`: TimeoutError then. OSError as the file system says it.
    """
    real = Path(os.path.realpath(path))
    with _locked(real.parent, until) as directory:
        before = read_text(real)
        after = change(before)
        if after == before:
            return False
        _replace(real, after.encode(**_TEXT))
        os.fsync(directory)
        return True


@contextmanager
def _locked(directory: Path, until: float) -> Iterator[int]:
    """Hold the directory: the file itself is replaced, so a lock on it would hold nobody up."""
    handle = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        while True:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() >= until:
                    raise TimeoutError(
                        errno.ETIMEDOUT, "another process holds the lock", str(directory)
                    ) from None
                time.sleep(_LOCK_POLL_SECONDS)
        yield handle
    finally:
        os.close(handle)


def _replace(real: Path, content: bytes) -> None:
    # One fixed name: under the lock, what a killed agent left is taken over. The dot hides it from
    # the directories that dnsmasq and unbound read.
    fresh = real.with_name(f".{real.name}.failoverip")
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC
    handle = os.open(fresh, flags, 0o600)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            _look_like(real, file.fileno())
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(real)
    except BaseException:
        with suppress(OSError):
            fresh.unlink()
        raise


def _look_like(real: Path, handle: int) -> None:
    try:
        old = real.stat()
    except FileNotFoundError:
        os.fchmod(handle, _NEW_MODE)
        return
    os.fchown(handle, old.st_uid, old.st_gid)
    os.fchmod(handle, old.st_mode & 0o7777)
    for name in os.listxattr(real):
        # A label that this process may not set is the file system's to choose.
        with suppress(OSError):
            os.setxattr(handle, name, os.getxattr(real, name))
