"""This machine's addresses, by the kernel's own interface (rtnetlink): no program is needed.

OSError where the kernel says no.
"""

from __future__ import annotations

import os
import socket
import struct
from collections.abc import Iterator

_SECONDS = 2.0
# A list that changes while it is read is read again.
_TRIES = 5
_HEADER = struct.Struct("=IHHII")
_IFADDRMSG = struct.Struct("=BBBBI")
_ATTRIBUTE = struct.Struct("=HH")
_RTM_NEWADDR, _RTM_DELADDR, _RTM_GETADDR = 20, 21, 22
_NLMSG_ERROR, _NLMSG_DONE = 2, 3
_REQUEST, _ACK, _DUMP = 0x1, 0x4, 0x300
_INTERRUPTED = 0x10
_CREATE_OR_REPLACE = 0x400 | 0x100
_IFA_ADDRESS, _IFA_LOCAL = 1, 2
# Duplicate address detection would keep an address unusable for a second, and the router decides
# who has it.
_IFA_F_NODAD = 0x02


class _ListChangedError(OSError):
    """The addresses changed while they were listed: some may be missing."""


def local_addresses(interface: str = "") -> frozenset[str]:
    """The addresses of an interface, or of all of them, canonical."""
    index = _index(interface) if interface else 0
    if interface and not index:
        return frozenset()
    for _ in range(_TRIES - 1):
        try:
            return _listed(index)
        except _ListChangedError:
            continue
    return _listed(index)


def _listed(index: int) -> frozenset[str]:
    """Those of the interface of this number, of all for 0."""
    found = set()
    message = _IFADDRMSG.pack(socket.AF_UNSPEC, 0, 0, 0, 0)
    for body in _talk(_RTM_GETADDR, _DUMP, message):
        family, _, _, _, at = _IFADDRMSG.unpack_from(body)
        if family in (socket.AF_INET, socket.AF_INET6) and index in (0, at):
            attributes = dict(_attributes(body[_IFADDRMSG.size :]))
            packed = attributes.get(_IFA_LOCAL) or attributes.get(_IFA_ADDRESS)
            if packed is not None:
                found.add(socket.inet_ntop(family, packed))
    return frozenset(found)


def has_interface(interface: str) -> bool:
    """Whether there is such an interface."""
    return _index(interface) != 0


def has_address(interface: str, ip: str) -> bool:
    """Whether an interface has an address; no interface, no address."""
    return ip in local_addresses(interface)


def _index(interface: str) -> int:
    """The number of an interface, 0 where there is none."""
    try:
        return socket.if_nametoindex(interface)
    except OSError:
        # Says the same for a name that is not there and for a kernel that did not tell: this one
        # raises for the second.
        socket.if_nameindex()
        return 0


def add_address(interface: str, ip: str) -> None:
    """Set an address, alone in its subnet; nothing happens when it is there."""
    if not has_address(interface, ip):
        _change(_RTM_NEWADDR, _CREATE_OR_REPLACE, interface, ip)


def remove_address(interface: str, ip: str) -> None:
    """Take an address away; nothing happens when it is not there."""
    if has_address(interface, ip):
        _change(_RTM_DELADDR, 0, interface, ip)


def _change(kind: int, flags: int, interface: str, ip: str) -> None:
    family = socket.AF_INET6 if ":" in ip else socket.AF_INET
    packed = socket.inet_pton(family, ip)
    address_flags = _IFA_F_NODAD if family == socket.AF_INET6 else 0
    index = socket.if_nametoindex(interface)
    message = _IFADDRMSG.pack(family, len(packed) * 8, address_flags, 0, index)
    for attribute in (_IFA_LOCAL, _IFA_ADDRESS):
        message += _ATTRIBUTE.pack(_ATTRIBUTE.size + len(packed), attribute) + packed
    for _ in _talk(kind, _ACK | flags, message):
        pass


def _talk(kind: int, flags: int, message: bytes) -> Iterator[bytes]:
    """Send one request; the bodies of what comes back, up to its end."""
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE) as wire:
        wire.settimeout(_SECONDS)
        length = _HEADER.size + len(message)
        wire.send(_HEADER.pack(length, kind, _REQUEST | flags, 1, 0) + message)
        while True:
            received = wire.recv(65536)
            while len(received) >= _HEADER.size:
                size, of, flagged, _, _ = _HEADER.unpack_from(received)
                body, received = received[_HEADER.size : size], received[_aligned(size) :]
                if flagged & _INTERRUPTED:
                    raise _ListChangedError("the addresses changed while they were listed")
                if of == _NLMSG_DONE:
                    return
                if of == _NLMSG_ERROR:
                    (error,) = struct.unpack_from("=i", body)
                    if error:
                        raise OSError(-error, os.strerror(-error))
                    return
                yield body


def _attributes(rest: bytes) -> Iterator[tuple[int, bytes]]:
    while len(rest) >= _ATTRIBUTE.size:
        size, kind = _ATTRIBUTE.unpack_from(rest)
        if size < _ATTRIBUTE.size:
            return
        yield kind, rest[_ATTRIBUTE.size : size]
        rest = rest[_aligned(size) :]


def _aligned(size: int) -> int:
    return (size + 3) & ~3
