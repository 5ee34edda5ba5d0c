"""The part of the runtime directory that a resource shares with others, and who may ask for it."""

from __future__ import annotations

import os

from failoverip_ocf.cache import Cache, CorruptError, decode, encode
from failoverip_ocf.decide import pace_seconds, reads_share
from failoverip_ocf.logins import Login, read_login
from failoverip_ocf.parameters import Parameters
from failoverip_ocf.state import Runtime

# `typing` would cost every monitor 12 ms of CPU; type checkers know the name.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

# Beside this package, in the checkout and where Debian installs it.
HELPER = os.path.join(
    os.path.dirname(os.path.dirname(os.path.realpath(__file__))), "hetzner-failover-ip-helper"
)


class Section:
    """What Robot said last to one account, or a script about one address.

    SecretFileError when there is no login; a script of the user's needs none. Our own helper as
    `script` is what the agent does anyway.
    """

    def __init__(
        self, parameters: Parameters, runtime: Runtime, say: Callable[[str], None]
    ) -> None:
        self.parameters = parameters
        self.runtime = runtime
        self._say = say
        script = parameters.script
        self.is_script = bool(script) and os.path.realpath(script) != HELPER
        self.login: Login | None = None if self.is_script else read_login(parameters.credentials)
        if self.login is None:
            self.name = f"script-{parameters.ip}"
        else:
            self.name = f"robot-{_file_name(self.login.username)}"

    def account(self) -> str:
        """The name in the ledger."""
        if self.login is None:
            return "script"
        from hashlib import sha256

        return sha256(self.login.username.encode()).hexdigest()[:16]

    def version(self) -> str | None:
        """The version of the login, None without one."""
        return None if self.login is None else self.login.version

    def cache(self) -> Cache:
        """What was kept; an empty one where nothing was, or nothing that can be used."""
        file = self.name + ".cache"
        try:
            text = self.runtime.read(file)
            return Cache() if text is None else decode(text)
        except (CorruptError, ValueError):
            self._say(f"{self.runtime.directory}/{file} was corrupt; it is written anew")
            self.runtime.forget(file)
            return Cache()

    def keep(self, cache: Cache) -> None:
        """Let all resources of the account know; OSError when that is not possible."""
        self.runtime.replace(self.name + ".cache", encode(cache))

    def reuse_seconds(self, cache: Cache) -> float:
        """How old a positive answer may be: as the user says, or so that the budget lasts."""
        if self.parameters.reuse_seconds is not None:
            return self.parameters.reuse_seconds
        return cache.pace_seconds or pace_seconds(reads_share(None))


def _file_name(username: str) -> str:
    """A user name as part of a file name: `#ws+x` is `%23ws%2bx`."""
    quoted = "".join(
        one if one.isascii() and one.isalnum() else "".join(f"%{byte:02x}" for byte in one.encode())
        for one in username
    )
    if len(quoted) <= 120:
        return quoted
    from hashlib import sha256

    return sha256(username.encode()).hexdigest()
