"""The file with user name and password: found, guarded, read. Its text reaches no message."""

from __future__ import annotations

import os
import stat

from failoverip_ocf.codes import ERR_ARGS, ERR_INSTALLED, ERR_PERM

_MAX_BYTES = 65536
# The names of 2011 and 2014 too.
_USERNAMES = ("username", "login", "user")
_PASSWORDS = ("password", "pass")


class Login:
    """User name, password, and a version that changes with the file."""

    __slots__ = ("password", "username", "version")

    def __init__(self, username: str, password: str, version: str) -> None:
        self.username = username
        self.password = password
        self.version = version

    def __repr__(self) -> str:
        return "Login()"


class LoginError(Exception):
    """No login can be had; `code` is for a start and for validate-all: never fatal everywhere."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


def read_login(path: str) -> Login:
    """The login that a file of `key=value` lines holds; LoginError tells what to do."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        raise LoginError(
            ERR_INSTALLED, f"credentials: {path} is missing; write username= and password= into it"
        ) from None
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else "not a path"
        raise LoginError(ERR_PERM, f"credentials: {path} cannot be read: {why}") from None
    try:
        found = os.fstat(handle)
        if not stat.S_ISREG(found.st_mode):
            raise LoginError(ERR_ARGS, f"credentials: {path} is no file")
        if found.st_mode & 0o077:
            raise LoginError(
                ERR_PERM, f"credentials: others can read {path}; type: chmod 600 {path}"
            )
        content = os.read(handle, _MAX_BYTES)
    except OSError as error:
        raise LoginError(
            ERR_PERM, f"credentials: {path} cannot be read: {error.strerror}"
        ) from None
    finally:
        os.close(handle)
    version = f"{found.st_mtime_ns}-{found.st_ino}-{found.st_size}"
    return _login(path, content, version)


def _login(path: str, content: bytes, version: str) -> Login:
    values: dict[str, str] = {}
    try:
        text = content.decode()
    except ValueError:
        raise LoginError(ERR_ARGS, f"credentials: {path} is no text") from None
    for line in text.splitlines():
        key, equals, value = line.partition("=")
        if equals and not line.lstrip().startswith("#"):
            values[key.strip().lower()] = value.strip()
    username = next((values[key] for key in _USERNAMES if values.get(key)), "")
    password = next((values[key] for key in _PASSWORDS if values.get(key)), "")
    for name, value in (("username", username), ("password", password)):
        if not value:
            raise LoginError(ERR_ARGS, f"credentials: {path} holds no line {name}=")
    return Login(username, password, version)
