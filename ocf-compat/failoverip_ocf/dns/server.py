"""The door to a DNS server: one signed UPDATE over TCP, until a moment that the caller sets."""

from __future__ import annotations

import secrets
import socket
import time
from dataclasses import dataclass

from failoverip_ocf.dns import tsig, wire
from failoverip_ocf.dns.records import Record

PORT = 53


@dataclass(frozen=True, slots=True)
class Zone:
    """A zone, the server that takes its updates (an IP address), and the key that it demands."""

    name: str
    host: str
    port: int
    key: tsig.Key


@dataclass(frozen=True, slots=True)
class UpdateFailed:
    """No NOERROR was read: a refusal, or nothing that could be understood. `why` is one line."""

    why: str


@dataclass(frozen=True, slots=True)
class Updated:
    """The server made the change, or says that `only_if` does not hold."""

    changed: bool


def update(
    zone: Zone, record: Record, ttl: int, until: float, only_if: Record | None = None
) -> Updated | UpdateFailed:
    """Make the record the only one of its name and type. `until` is a moment of `time.monotonic`.

    Never raises for what a network or a server can do.
    """
    try:
        rcode = _rcode(zone, record, ttl, until, only_if)
    except TimeoutError:
        return UpdateFailed(f"{_at(zone)} does not answer")
    except OSError as error:
        return UpdateFailed(f"{_at(zone)}: {error.strerror or error}")
    except ValueError as error:
        return UpdateFailed(f"{_at(zone)}: {error}")
    if rcode == wire.NOERROR:
        return Updated(changed=True)
    if rcode == wire.NXRRSET and only_if is not None:
        return Updated(changed=False)
    return UpdateFailed(f"{_at(zone)} refused the update of {zone.name}: {rcode}")


def _rcode(zone: Zone, record: Record, ttl: int, until: float, only_if: Record | None) -> str:
    ident = secrets.randbelow(1 << 16)
    message = wire.update_message(ident, zone.name, record, ttl, only_if)
    request, mac = tsig.sign(message, zone.key, int(time.time()))
    answer = _exchange(zone.host, zone.port, request, until)
    header = wire.read_header(answer)
    if header.ident != ident or not header.is_response:
        raise wire.MalformedMessageError("an answer to another question")
    try:
        tsig.check_answer(answer, zone.key, mac, int(time.time()))
    except tsig.UnsignedAnswerError as error:
        if header.rcode == wire.NOERROR:
            raise
        # Nothing is believed of it, but why a server cannot sign helps the person who reads it.
        raise tsig.UnsignedAnswerError(f"{error} ({header.rcode})") from None
    return header.rcode


def _at(zone: Zone) -> str:
    return f"DNS server {zone.host}" + ("" if zone.port == PORT else f" port {zone.port}")


def _exchange(host: str, port: int, request: bytes, until: float) -> bytes:
    with socket.create_connection((host, port), _left(until)) as connection:
        connection.settimeout(_left(until))
        connection.sendall(len(request).to_bytes(2, "big") + request)
        size = int.from_bytes(_receive(connection, 2, until), "big")
        return _receive(connection, size, until)


def _receive(connection: socket.socket, size: int, until: float) -> bytes:
    data = b""
    while len(data) < size:
        connection.settimeout(_left(until))
        part = connection.recv(size - len(data))
        if not part:
            raise wire.MalformedMessageError("the connection ended before the answer")
        data += part
    return data


def _left(until: float) -> float:
    left = until - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return left
