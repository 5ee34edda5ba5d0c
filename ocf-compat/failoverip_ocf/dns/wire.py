"""DNS UPDATE (RFC 2136) as bytes, and its answer. Pure.

An update holds for one record: it takes the place of all records of its name and type. With
`only_if`, the server makes the change only where these records are exactly that one: a node that
leaves must not overwrite what its successor has written.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

from failoverip_ocf.dns.records import Record

_UPDATE = 5
_RESPONSE = 0x8000
_SOA, _IN, _ANY = 6, 1, 255
_KINDS = {"A": 1, "AAAA": 28}
_HEADER = struct.Struct("!6H")
_RCODES = {
    0: "NOERROR", 1: "FORMERR", 2: "SERVFAIL", 3: "NXDOMAIN", 4: "NOTIMP", 5: "REFUSED",
    6: "YXDOMAIN", 7: "YXRRSET", 8: "NXRRSET", 9: "NOTAUTH", 10: "NOTZONE",
    16: "BADSIG", 17: "BADKEY", 18: "BADTIME", 22: "BADTRUNC",
}  # fmt: skip
NOERROR, NXRRSET = "NOERROR", "NXRRSET"


class MalformedMessageError(ValueError):
    """Not a DNS message, or not the answer to what was asked."""


@dataclass(frozen=True, slots=True)
class Header:
    """What the first twelve bytes of an answer say, and where its sections end."""

    ident: int
    is_response: bool
    rcode: str
    additional: int


def update_message(
    ident: int, zone: str, record: Record, ttl: int, only_if: Record | None = None
) -> bytes:
    """An unsigned UPDATE. ValueError when the name is not in the zone."""
    if record.name != zone and not record.name.endswith("." + zone):
        raise ValueError(f"{record.name} is not in the zone {zone}")
    prerequisites = [] if only_if is None else [_rr(only_if, _IN, 0, only_if.packed)]
    updates = [_rr(record, _ANY, 0, b""), _rr(record, _IN, ttl, record.packed)]
    header = _HEADER.pack(ident, _UPDATE << 11, 1, len(prerequisites), len(updates), 0)
    question = encode_name(zone) + struct.pack("!2H", _SOA, _IN)
    return b"".join([header, question, *prerequisites, *updates])


def encode_name(name: str) -> bytes:
    """A name as the wire carries it, uncompressed, in lower case (RFC 8945 signs that form)."""
    labels = name.lower().removesuffix(".").split(".") if name.strip(".") else []
    return b"".join(bytes([len(label)]) + label.encode("ascii") for label in labels) + b"\0"


def read_header(message: bytes) -> Header:
    """The header of an answer."""
    if len(message) < _HEADER.size:
        raise MalformedMessageError("an answer of less than twelve bytes")
    ident, flags, *_, additional = _HEADER.unpack_from(message)
    return Header(ident, bool(flags & _RESPONSE), rcode_name(flags & 0xF), additional)


def rcode_name(code: int) -> str:
    """The name of a response code, or of an error of TSIG."""
    return _RCODES.get(code, f"code {code}")


def last_record(message: bytes) -> int | None:
    """Where the last record begins, None where the message has none: that is where TSIG stands."""
    _, _, *counts = _HEADER.unpack_from(message)
    at = _HEADER.size
    for _ in range(counts[0]):
        at = skip_name(message, at) + 4
    begins = None
    for _ in range(sum(counts[1:])):
        begins = at
        at = skip_name(message, at)
        if at + 10 > len(message):
            raise MalformedMessageError("an answer that ends within a record")
        at += 10 + int.from_bytes(message[at + 8 : at + 10], "big")
    if at != len(message):
        raise MalformedMessageError("an answer whose length is not that of its records")
    return begins


def skip_name(message: bytes, at: int) -> int:
    """Where the name that begins at `at` ends; a pointer ends it (RFC 1035, 4.1.4)."""
    while at < len(message):
        length = message[at]
        if length >= 0xC0:
            return at + 2
        if length > 63:
            raise MalformedMessageError("an answer with a name of an unknown kind")
        at += 1 + length
        if length == 0:
            return at
    raise MalformedMessageError("an answer that ends within a name")


def _rr(record: Record, dns_class: int, ttl: int, data: bytes) -> bytes:
    fixed = struct.pack("!2HIH", _KINDS[record.kind], dns_class, ttl, len(data))
    return encode_name(record.name) + fixed + data
