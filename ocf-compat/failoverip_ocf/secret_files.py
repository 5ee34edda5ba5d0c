"""A file that holds a secret: found, guarded, read. Its text reaches no message."""

from __future__ import annotations

import os
import stat

from failoverip_ocf.codes import ERR_ARGS, ERR_INSTALLED, ERR_PERM

_MAX_BYTES = 65536


class SecretFileError(Exception):
    """It cannot be used; `code` is for a start and for validate-all: never fatal everywhere."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


def read_secret(parameter: str, path: str, what: str) -> tuple[str, str]:
    """The text, and a version that changes with the file; SecretFileError tells what to do."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        raise SecretFileError(ERR_INSTALLED, f"{parameter}: {path} is missing; {what}") from None
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else "not a path"
        raise SecretFileError(ERR_PERM, f"{parameter}: {path} cannot be read: {why}") from None
    try:
        found = os.fstat(handle)
        if not stat.S_ISREG(found.st_mode):
            raise SecretFileError(ERR_ARGS, f"{parameter}: {path} is no file")
        if found.st_mode & 0o077:
            raise SecretFileError(
                ERR_PERM, f"{parameter}: others can read {path}; type: chmod 600 {path}"
            )
        version = f"{found.st_mtime_ns}-{found.st_ino}-{found.st_size}"
        return os.read(handle, _MAX_BYTES).decode(), version
    except OSError as error:
        why = error.strerror or "unknown error"
        raise SecretFileError(ERR_PERM, f"{parameter}: {path} cannot be read: {why}") from None
    except ValueError:
        raise SecretFileError(ERR_ARGS, f"{parameter}: {path} is no text") from None
    finally:
        os.close(handle)
