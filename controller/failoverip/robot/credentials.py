"""User name and password of a Robot web service user, kept from every log and traceback."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass, field

# hetzner-api 1 shows `#ws+XXXX`; far above any real one, far below a header that servers refuse.
MAX_CREDENTIAL_CHARACTERS = 256


@dataclass(frozen=True, slots=True)
class Credentials:
    """What HTTP Basic needs; neither repr nor str shows it.

    ValueError, one line that names the field but never its value, when HTTP Basic cannot carry it.
    """

    username: str = field(repr=False)
    password: str = field(repr=False)

    def __post_init__(self) -> None:
        for name, value in (("username", self.username), ("password", self.password)):
            if not value:
                raise ValueError(f"{name}: is empty; set it")
            if len(value) > MAX_CREDENTIAL_CHARACTERS:
                raise ValueError(f"{name}: is longer than {MAX_CREDENTIAL_CHARACTERS} characters")
            if not value.isprintable():
                raise ValueError(
                    f"{name}: holds a line break or another control character; remove it "
                    "(a file read by kubectl ends in one: write it with printf)"
                )
        if ":" in self.username:
            raise ValueError("username: holds a colon, which HTTP Basic cannot carry; correct it")

    @property
    def account(self) -> str:
        """A short, stable name of the user: the ledger is kept under it, it reveals nothing."""
        return hashlib.sha256(self.username.encode()).hexdigest()[:16]

    def authorization(self) -> str:
        """The value of the Authorization header. A secret: for the wire only."""
        pair = f"{self.username}:{self.password}".encode()
        return "Basic " + base64.b64encode(pair).decode("ascii")

    def __repr__(self) -> str:
        return f"Credentials(account={self.account!r})"
