"""One name and one address: what update-dns keeps. Pure."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass

_LABEL = re.compile(r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?")
_MAX_NAME = 253


@dataclass(frozen=True, slots=True)
class Record:
    """`name` is lower case and without a final dot; `address` is canonical."""

    name: str
    address: str

    @property
    def kind(self) -> str:
        """The type of its DNS record: `A` or `AAAA`."""
        return kind_of(self.address)

    @property
    def packed(self) -> bytes:
        """The address as the wire carries it."""
        return ipaddress.ip_address(self.address).packed


def kind_of(address: str) -> str:
    """The type of DNS record that holds such an address."""
    return "AAAA" if ":" in address else "A"


def parse_name(text: str) -> str:
    """A host name, in lower case, without its final dot; ValueError in one line."""
    name = text.strip().lower().removesuffix(".")
    if not name or len(name) > _MAX_NAME:
        raise ValueError(f"a name has 1 to {_MAX_NAME} characters")
    for label in name.split("."):
        if not _LABEL.fullmatch(label):
            raise ValueError(
                f"{text!r} is not a host name: letters, digits, hyphens and dots, "
                "at most 63 characters between two dots"
            )
    return name


def parse_address(text: str) -> str:
    """An address of a host, canonical; ValueError in one line."""
    try:
        address = ipaddress.ip_address(text.strip())
    except ValueError:
        raise ValueError(f"{text!r} is not an IP address") from None
    if address.is_unspecified or address.is_multicast or getattr(address, "scope_id", None):
        raise ValueError(f"{text!r} is not the address of a host")
    return str(address)
