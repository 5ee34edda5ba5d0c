"""The file with user name and password: found, guarded, read. Its text reaches no message."""

from __future__ import annotations

from failoverip_ocf.codes import ERR_ARGS
from failoverip_ocf.secret_files import SecretFileError, read_secret

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


def read_login(path: str) -> Login:
    """The login that a file of `key=value` lines holds; SecretFileError tells what to do."""
    text, version = read_secret("credentials", path, "write username= and password= into it")
    values: dict[str, str] = {}
    for line in text.splitlines():
        key, equals, value = line.partition("=")
        if equals and not line.lstrip().startswith("#"):
            values[key.strip().lower()] = value.strip()
    username = next((values[key] for key in _USERNAMES if values.get(key)), "")
    password = next((values[key] for key in _PASSWORDS if values.get(key)), "")
    for name, value in (("username", username), ("password", password)):
        if not value:
            raise SecretFileError(ERR_ARGS, f"credentials: {path} holds no line {name}=")
    return Login(username, password, version)
