"""The Secret with the credentials for Robot."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass, field

from failoverip.kube.codec.wire import Field, Json


@dataclass(frozen=True, slots=True)
class SecretData:
    """User name and password as they are now; None for a key that is missing, empty or no text.

    Neither is shown by repr.
    """

    resource_version: str
    username: str | None = field(repr=False)
    password: str | None = field(repr=False)

    @property
    def missing_keys(self) -> tuple[str, ...]:
        """The keys that the user has to add."""
        pairs = (("username", self.username), ("password", self.password))
        return tuple(key for key, value in pairs if value is None)


def secret_from(item: Json) -> SecretData:
    """A v1 Secret, projected. The line end that `--from-file` brings along is taken off."""
    secret = Field(item, "")
    data = secret["data"].mapping()
    return SecretData(
        resource_version=secret["metadata"]["resourceVersion"].text(""),
        username=_decoded(data.get("username")),
        password=_decoded(data.get("password")),
    )


def _decoded(value: object) -> str | None:
    if not isinstance(value, str):
        return None
    try:
        text = base64.b64decode(value, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        return None
    return text.rstrip("\r\n") or None
