"""The agents' transport to Robot: `http.client` of the standard library, one connection a request.

May not decide, retry, follow redirects or use a proxy. TLS is always verified. Every call takes the
seconds that it may last, and they bound all of it: name, TCP, TLS, request, answer to its last
byte. Nothing here raises for what Robot or the network does: that comes back as `CannotTell`,
`NotExecuted` or `OutcomeUnknown`.
"""

from __future__ import annotations

import _thread
import http.client
import io
import os
import socket
import ssl
import time
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from failoverip.core.addresses import AddressKey, TargetAddress
from failoverip.core.provider import (
    CannotTell,
    Fault,
    RoutesAnswer,
    ServersAnswer,
    SwitchAnswer,
)
from failoverip.robot import protocol
from failoverip.robot.base_url import check_base_url
from failoverip.robot.credentials import Credentials
from failoverip.robot.objects import MAX_BODY_BYTES
from failoverip.robot.protocol import HttpRequest

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

# Unacknowledged bytes older than this end the connection: else the kernel delivers a POST long
# after the link healed and its process was gone (see `robot.client`).
TCP_USER_TIMEOUT_MILLISECONDS = 5000
# TCP and TLS: two lost SYNs. A host that is silent must not take the time of the answer.
CONNECT_SECONDS = 5.0
_CHUNK_BYTES = 65536


class BlockingRobot:
    """Robot for one user, for a process that asks once and ends.

    `ca_file`: a PEM file, or a directory as `openssl rehash` makes it; None: the system's.
    ValueError when `base_url` is none (see `check_base_url`); OSError when `ca_file` is none.
    """

    def __init__(
        self, base_url: str, credentials: Credentials, *, ca_file: str | None = None
    ) -> None:
        parts = urlsplit(check_base_url(base_url))
        self._host = parts.hostname or ""
        self._tls = _trust(ca_file) if parts.scheme == "https" else None
        self._port = parts.port or (443 if self._tls else 80)
        self._netloc, self._prefix = parts.netloc, parts.path
        self._authorization = ("Authorization", credentials.authorization())

    def read_routes(self, seconds: float) -> RoutesAnswer:
        """Where Robot routes every failover address of the account: one read."""
        answer = self._read(protocol.list_routes(), seconds)
        return answer if isinstance(answer, CannotTell) else protocol.routes_answer(*answer)

    def read_servers(self, seconds: float) -> ServersAnswer:
        """The servers of the account: one read, of a budget of its own (200 an hour)."""
        answer = self._read(protocol.list_servers(), seconds)
        return answer if isinstance(answer, CannotTell) else protocol.servers_answer(*answer)

    def switch(self, address: AddressKey, target: TargetAddress, seconds: float) -> SwitchAnswer:
        """Ask Robot to route `address` to `target`; blocks for as long as Robot does."""
        wire = _Wire(_Deadline(seconds))
        try:
            status, body = self._exchange(protocol.switch_route(address, target), wire)
        # Whatever went wrong after the first byte, the outcome is unknown: no class of error may
        # slip through as something else.
        except Exception as error:
            reason = _reason(error, connected=wire.connected)
            if reason is None and not wire.first_byte_left:
                raise
            reason = reason or CannotTell(Fault.CONNECTION_LOST, type(error).__name__)
            return protocol.switch_fault(
                reason.fault, reason.detail, first_byte_left=wire.first_byte_left
            )
        return protocol.switch_answer(address, status, body)

    def _read(self, request: HttpRequest, seconds: float) -> tuple[int, bytes] | CannotTell:
        wire = _Wire(_Deadline(seconds))
        try:
            return self._exchange(request, wire)
        except (OSError, http.client.HTTPException, _BodyTooLongError) as error:
            lost = CannotTell(Fault.CONNECTION_LOST, type(error).__name__)
            return _reason(error, connected=wire.connected) or lost

    def _exchange(self, request: HttpRequest, wire: _Wire) -> tuple[int, bytes]:
        connection = http.client.HTTPConnection(self._host, self._port)
        try:
            wire.open(self._host, self._port, self._tls)
            connection.sock = wire  # what http.client uses of a socket
            headers = dict((*request.headers, self._authorization, ("Host", self._netloc)))
            headers.setdefault("Connection", "close")
            body = request.body or None
            connection.request(request.method, self._prefix + request.path, body, headers)
            with connection.getresponse() as response:
                told = protocol.is_told_by_status(response.status)
                return response.status, b"" if told else _whole(response)
        finally:
            wire.end()


def _trust(ca_file: str | None) -> ssl.SSLContext:
    """A context that verifies certificate and name against a file, a directory or the system.

    A directory is looked into only for the authority that is needed: the system's file, which holds
    all of them, would cost 25 ms of CPU at every read.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    directory = ca_file or ssl.get_default_verify_paths().openssl_capath
    if _is_hashed(directory):
        context.load_verify_locations(capath=directory)
    elif ca_file is not None:
        context.load_verify_locations(cafile=ca_file)
    else:
        context.set_default_verify_paths()
    return context


def _is_hashed(directory: str) -> bool:
    """Whether a directory has names such as `002c0b4f.0`, by which OpenSSL finds an authority."""
    try:
        names = os.listdir(directory)  # noqa: PTH208  # pathlib costs 10 ms of CPU
    except OSError:
        return False
    return any(len(name) == 10 and name.endswith(".0") for name in names)


class _BodyTooLongError(Exception):
    """An answer that does not end within `MAX_BODY_BYTES`."""


class _Deadline:
    """The moment at which a request is given up."""

    def __init__(self, seconds: float) -> None:
        self._at = time.monotonic() + seconds

    def left(self, at_most: float = float("inf")) -> float:
        """Seconds left; TimeoutError when there are none."""
        left = min(at_most, self._at - time.monotonic())
        if left <= 0:
            raise TimeoutError
        return left


class _Wire:
    """One connection whose every step ends at one deadline, in the shape that http.client uses.

    A time limit of the socket alone would begin anew with each byte of a server that drips.
    """

    def __init__(self, deadline: _Deadline) -> None:
        self._deadline = deadline
        self._socket: socket.socket | None = None
        self.first_byte_left = False

    @property
    def connected(self) -> bool:
        """Whether TCP and TLS stand, or stood."""
        return self._socket is not None

    def open(self, host: str, port: int, tls: ssl.SSLContext | None) -> None:
        """TCP and TLS, with the first address that answers."""
        limit = _Deadline(self._deadline.left(CONNECT_SECONDS))
        error = OSError(f"no address for {host}")
        for family, kind, number, _, address in _resolve(host, port, limit):
            attempt = socket.socket(family, kind, number)
            try:
                attempt.setsockopt(
                    socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, TCP_USER_TIMEOUT_MILLISECONDS
                )
                attempt.settimeout(limit.left())
                attempt.connect(address)
                attempt.settimeout(limit.left())
                # Bytes: a name as text would import the IDNA codec, 3 ms of CPU.
                name = host.encode("ascii")
                self._socket = tls.wrap_socket(attempt, server_hostname=name) if tls else attempt
            except OSError as failed:
                attempt.close()
                error = failed
                continue
            return
        raise error

    def sendall(self, data: bytes) -> None:
        """Send a part of the request."""
        wire = self._connected()
        wire.settimeout(self._deadline.left())
        # From here on nobody knows how much of it the kernel took.
        self.first_byte_left = True
        wire.sendall(data)

    def receive(self, buffer: WriteableBuffer) -> int:
        """The next bytes of the answer; 0 at its end."""
        wire = self._connected()
        wire.settimeout(self._deadline.left())
        return wire.recv_into(buffer)

    def makefile(self, _mode: str) -> io.BufferedReader:
        """The answer, as http.client reads it."""
        return io.BufferedReader(_Answer(self), _CHUNK_BYTES)

    def close(self) -> None:
        """http.client lets go of the connection before it has read the answer: see `end`."""

    def end(self) -> None:
        """Close the connection."""
        if self._socket is not None:
            self._socket.close()

    def _connected(self) -> socket.socket:
        if self._socket is None:
            raise OSError("not connected")
        return self._socket


class _Answer(io.RawIOBase):
    """What comes over a wire, as a file."""

    def __init__(self, wire: _Wire) -> None:
        super().__init__()
        self._wire = wire

    def readable(self) -> bool:
        """True: `io` asks."""
        return True

    def readinto(self, buffer: WriteableBuffer) -> int:
        """The next bytes; 0 at the end."""
        return self._wire.receive(buffer)


_Found = list[tuple[socket.AddressFamily, socket.SocketKind, int, str, tuple[str, int]]]


def _resolve(host: str, port: int, limit: _Deadline) -> _Found:
    """The addresses of a host, IPv4 first: Robot may have no other (hetzner-api 1).

    The resolver has no time limit of its own, so it runs beside, and is left behind when it hangs.
    """
    found: list[_Found] = []
    failed: list[OSError] = []
    done = _thread.allocate_lock()
    done.acquire()

    def look_up() -> None:
        try:
            name = host.encode("ascii")
            found.append(socket.getaddrinfo(name, port, type=socket.SOCK_STREAM))  # type: ignore[arg-type]  # IPv6 has two numbers more
        except (OSError, UnicodeError) as error:
            failed.append(error if isinstance(error, OSError) else OSError("not a host name"))
        finally:
            done.release()

    _thread.start_new_thread(look_up, ())
    if not done.acquire(timeout=limit.left()):
        raise TimeoutError
    if failed:
        raise failed[0]
    return sorted(found[0], key=lambda one: one[0] != socket.AF_INET)


def _whole(response: http.client.HTTPResponse) -> bytes:
    body = bytearray()
    while chunk := response.read(_CHUNK_BYTES):
        body += chunk
        if len(body) > MAX_BODY_BYTES:
            raise _BodyTooLongError
    if response.length:
        raise http.client.IncompleteRead(b"")
    return bytes(body)


def _reason(error: Exception, *, connected: bool) -> CannotTell | None:
    """What a transport's error means; None for an error that no transport should raise."""
    if isinstance(error, TimeoutError):
        # Not `TIMEOUT` before there was a connection: no login can have failed.
        if connected:
            return CannotTell(Fault.TIMEOUT, "no answer in time")
        return CannotTell(Fault.UNREACHABLE, "no connection in time")
    if isinstance(error, _BodyTooLongError):
        return CannotTell(Fault.GARBLED, f"an answer above {MAX_BODY_BYTES} bytes")
    if isinstance(error, OSError) and not connected:
        # Said before any header of ours was sent: the text cannot hold one.
        return CannotTell(Fault.UNREACHABLE, f"cannot connect: {_one_line(error)}")
    if isinstance(error, OSError | http.client.HTTPException):
        return CannotTell(Fault.CONNECTION_LOST, f"connection lost ({type(error).__name__})")
    return None


def _one_line(error: OSError) -> str:
    text = error.strerror or str(error)
    return " ".join(text.split())[:200] or type(error).__name__
