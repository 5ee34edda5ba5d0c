"""Texts to values. Each parser raises ValueError with the words that follow the value in a message.

`"abc" is not a whole number`: the caller adds the flag or variable before and the fix behind.
"""

from __future__ import annotations

import ipaddress
import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar
from urllib.parse import urlsplit

DNS_LABEL = r"[a-z0-9]([-a-z0-9]*[a-z0-9])?"

_URL = re.compile(
    r"https?://(\[[0-9A-Fa-f:.]{2,45}\]|(?!\S*[^.:/]{64})[A-Za-z0-9._-]{1,253})(:[0-9]{1,5})?"
    r"(/[A-Za-z0-9._~/-]{0,199})?"
)


T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Parser(Generic[T]):
    """Reads a text; `takes` says which texts, bounds included, as the reference prints it."""

    takes: str
    read: Callable[[str], T]

    def __call__(self, text: str) -> T:
        """The value; ValueError with the words that follow the text in a message."""
        return self.read(text)


class CredentialsGivenError(ValueError):
    """The text seems to hold credentials, so that it must not be shown."""


@dataclass(frozen=True, slots=True)
class ListenAddress:
    """Where a server listens; `host` is a literal address, port 0 lets the kernel choose."""

    host: str
    port: int

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"


def name(limit: int, pattern: str) -> Parser[str]:
    """A parser of names that match `pattern` and have at most `limit` characters."""

    def parse(text: str) -> str:
        if len(text) > limit:
            raise ValueError(f"is longer than {limit} characters")
        if not re.fullmatch(pattern, text):
            raise ValueError("is no such name")
        return text

    return Parser(f"a name of at most {limit} characters", parse)


def whole_number(least: int, most: int) -> Parser[int]:
    """A parser of whole numbers, both bounds included."""

    def parse(text: str) -> int:
        if not re.fullmatch(r"[0-9]{1,9}", text):
            raise ValueError("is not a whole number")
        if not least <= int(text) <= most:
            raise ValueError(f"is not between {least} and {most}")
        return int(text)

    return Parser(f"a whole number from {least} to {most}", parse)


def number(least: float, most: float) -> Parser[float]:
    """A parser of decimal numbers, both bounds included."""

    def parse(text: str) -> float:
        if not re.fullmatch(r"[0-9]{1,9}(\.[0-9]{1,9})?", text):
            raise ValueError("is not a number")
        if not least <= float(text) <= most:
            raise ValueError(f"is not between {least:g} and {most:g}")
        return float(text)

    return Parser(f"a number from {least:g} to {most:g}", parse)


def choice(*choices: str) -> Parser[str]:
    """A parser that takes nothing but these texts."""

    def parse(text: str) -> str:
        if text not in choices:
            raise ValueError("is not among the choices")
        return text

    return Parser(", ".join(choices), parse)


def one_path(text: str) -> Path:
    """One file; kubectl's lists of kubeconfigs are refused rather than read in part."""
    if os.pathsep in text:
        raise ValueError("names several files")
    return Path(text)


def parse_listen_address(text: str) -> ListenAddress:
    """`0.0.0.0:8080` or `[::]:8080`; names are refused, they may resolve to several addresses."""
    match = re.fullmatch(r"(?:\[(?P<six>[^]]+)\]|(?P<four>[^:]+)):(?P<port>[0-9]{1,5})", text)
    if match is None:
        raise ValueError("is not ADDRESS:PORT")
    host = match["six"] or match["four"]
    try:
        version = ipaddress.ip_address(host).version
    except ValueError:
        raise ValueError("names no literal IP address") from None
    if (version == 6) != (match["six"] is not None):
        raise ValueError("has brackets around IPv4")
    if int(match["port"]) > 65535:
        raise ValueError("names a port above 65535")
    return ListenAddress(host, int(match["port"]))


def check_base_url(url: str) -> str:
    """The URL without a final slash. ValueError says what is wrong, without the URL itself.

    Credentials travel in each request, so the scheme is https; http is for loopback only, where
    simulators and tests listen.
    """
    if "@" in url:
        raise CredentialsGivenError("holds credentials, which belong in the Secret")
    if not _URL.fullmatch(url):
        raise ValueError("is not https://HOST[:PORT][/PATH]")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise ValueError("names no host and port") from None
    if port == 0:
        raise ValueError("names port 0, which cannot be reached")
    if parts.scheme == "http" and not _is_loopback(parts.hostname or ""):
        raise ValueError("is not https, and its host is not loopback")
    return url.rstrip("/")


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
