"""TSIG (RFC 8945): sign an UPDATE, check the signature of its answer. Pure: time is an argument."""

from __future__ import annotations

import base64
import binascii
import hmac
import re
import struct
from dataclasses import dataclass, field

from failoverip_ocf.dns.records import parse_name
from failoverip_ocf.dns.wire import (
    MalformedMessageError,
    encode_name,
    last_record,
    rcode_name,
    skip_name,
)

# How far the clocks of node and server may differ (RFC 8945, 10).
FUDGE_SECONDS = 300
_TSIG, _ANY = 250, 255
_DIGESTS = {"hmac-sha256": "sha256", "hmac-sha384": "sha384", "hmac-sha512": "sha512"}
_COUNT_OF_ADDITIONAL = 10
# Of a file as `tsig-keygen` writes it.
_COMMENT = re.compile(r"/\*.*?\*/|//[^\n]*|#[^\n]*", re.DOTALL)
_KEY = re.compile(r'key\s+"?([^"\s{]+)"?\s*\{(.*?)\}\s*;', re.DOTALL)
_ENTRY = re.compile(r'(algorithm|secret)\s+"?([^"\s;]+)"?\s*;')


class UnsignedAnswerError(ValueError):
    """An answer that does not come from the holder of the key, or one without a signature."""


@dataclass(frozen=True, slots=True)
class Key:
    """A key that node and server share; neither repr nor str shows the secret."""

    name: str
    algorithm: str
    secret: bytes = field(repr=False)

    def mac(self, data: bytes) -> bytes:
        """The code that proves who sent `data`."""
        return hmac.digest(self.secret, data, _DIGESTS[self.algorithm])


def parse_key(text: str) -> Key:
    """The key of a file as `tsig-keygen` writes it; ValueError in one line, never with the text."""
    found = _KEY.findall(_COMMENT.sub("", text))
    if len(found) != 1:
        raise ValueError('must hold one key: key "NAME" { algorithm ...; secret "..."; };')
    name, body = found[0]
    entries = dict(_ENTRY.findall(body))
    algorithm = entries.get("algorithm", "").lower().removesuffix(".")
    if algorithm not in _DIGESTS:
        raise ValueError(f"the algorithm must be one of {', '.join(_DIGESTS)}")
    try:
        secret = base64.b64decode(entries.get("secret", ""), validate=True)
    except binascii.Error:
        raise ValueError("the secret is not base64") from None
    if not secret:
        raise ValueError("the secret is missing")
    return Key(parse_name(name), algorithm, secret)


def sign(message: bytes, key: Key, now: int) -> tuple[bytes, bytes]:
    """The message with its TSIG record, and the code, which the answer's signature covers too."""
    variables = _variables(key, now, FUDGE_SECONDS, 0, b"")
    mac = key.mac(message + variables)
    data = encode_name(key.algorithm) + _time(now) + struct.pack("!2H", FUDGE_SECONDS, len(mac))
    data += mac + message[:2] + struct.pack("!2H", 0, 0)
    record = encode_name(key.name) + struct.pack("!2HIH", _TSIG, _ANY, 0, len(data)) + data
    return _with_additional(message, +1) + record, mac


def check_answer(answer: bytes, key: Key, request_mac: bytes, now: int) -> None:
    """Return when the answer is signed by the key and answers that request.

    UnsignedAnswerError otherwise, with the server's reason where it gave one: it signs no answer
    to a request whose signature it could not check.
    """
    begins = last_record(answer)
    if begins is None:
        raise UnsignedAnswerError("the answer is not signed")
    at = skip_name(answer, begins)
    kind, _, _, length = struct.unpack_from("!2HIH", answer, at)
    if kind != _TSIG:
        raise UnsignedAnswerError("the answer is not signed")
    try:
        signed = _parse(answer[at + 10 : at + 10 + length])
    except struct.error:
        raise MalformedMessageError("an answer with half a signature") from None
    if signed.error and not signed.mac:
        raise UnsignedAnswerError(f"the server refused the signature: {rcode_name(signed.error)}")
    unsigned = signed.original_id + _with_additional(answer[:begins], -1)[2:]
    variables = _variables(key, signed.time, signed.fudge, signed.error, signed.other)
    covered = struct.pack("!H", len(request_mac)) + request_mac + unsigned + variables
    if not hmac.compare_digest(signed.mac, key.mac(covered)):
        raise UnsignedAnswerError("the answer is signed with another key")
    if signed.error:
        raise UnsignedAnswerError(f"the server refused the signature: {rcode_name(signed.error)}")
    if abs(signed.time - now) > signed.fudge:
        raise UnsignedAnswerError(
            f"the server's clock and ours differ by {abs(signed.time - now)} seconds"
        )


@dataclass(frozen=True, slots=True)
class _Signature:
    time: int
    fudge: int
    mac: bytes
    original_id: bytes
    error: int
    other: bytes


def _parse(data: bytes) -> _Signature:
    at = skip_name(data, 0)
    high, low, fudge, size = struct.unpack_from("!HIHH", data, at)
    at += 10
    mac = data[at : at + size]
    at += size
    error, other_size = struct.unpack_from("!2H", data, at + 2)
    other = data[at + 6 : at + 6 + other_size]
    return _Signature((high << 32) | low, fudge, mac, data[at : at + 2], error, other)


def _variables(key: Key, now: int, fudge: int, error: int, other: bytes) -> bytes:
    """The part of the TSIG record that is signed with the message (RFC 8945, 4.3.3)."""
    head = encode_name(key.name) + struct.pack("!HI", _ANY, 0) + encode_name(key.algorithm)
    return head + _time(now) + struct.pack("!3H", fudge, error, len(other)) + other


def _time(now: int) -> bytes:
    return struct.pack("!HI", now >> 32, now & 0xFFFFFFFF)


def _with_additional(message: bytes, more: int) -> bytes:
    count = int.from_bytes(message[_COUNT_OF_ADDITIONAL : _COUNT_OF_ADDITIONAL + 2], "big")
    changed = struct.pack("!H", count + more)
    return message[:_COUNT_OF_ADDITIONAL] + changed + message[_COUNT_OF_ADDITIONAL + 2 :]
