"""/metrics, /healthz and /readyz, served by threads: a stalled event loop cannot take them along.

/healthz and /readyz depend on this process alone. If they asked Robot or the API server, an outage
there would restart every replica, and a restarted operator has no evidence to decide on.

Exceptions:

    BadInputError (failoverip.settings)
    └── ListenError          the address cannot be listened on: names the setting and the fix
"""

from __future__ import annotations

import socket
import socketserver
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import StrEnum
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import ClassVar, NamedTuple, Self

from failoverip.log import get_logger
from failoverip.metrics import PAGE_CONTENT_TYPE, Metrics
from failoverip.settings import BadInputError, ListenAddress

# The loop beats every second. A decision over thousands of nodes takes less than one; after this
# long it hangs, and a restart is the remedy.
EVENT_LOOP_STALL_SECONDS = 30.0
# Scrapers and probes are few; whoever opens more connections is turned away.
_CONNECTIONS_AT_MOST = 16
_CONNECTION_SECONDS = 10.0

_log = get_logger(__name__)


class ListenError(BadInputError):
    """The pages' address cannot be listened on."""


class Phase(StrEnum):
    """How far the process is."""

    STARTING = "starting"
    CANDIDATE = "candidate"
    LEADER = "leader"
    STOPPING = "stopping"


@dataclass(frozen=True, slots=True)
class Health:
    """What the process knows of itself; `beat_at` is when its event loop last beat."""

    beat_at: float
    phase: Phase = Phase.STARTING
    listed: bool = False


class Verdict(NamedTuple):
    """What a probe is told; `text` is one line."""

    ok: bool
    text: str


def liveness(health: Health, now: float) -> Verdict:
    """Alive unless the event loop has not beaten for `EVENT_LOOP_STALL_SECONDS`."""
    silent_seconds = now - health.beat_at
    if silent_seconds > EVENT_LOOP_STALL_SECONDS:
        limit = f"limit {EVENT_LOOP_STALL_SECONDS:g} s"
        return Verdict(
            ok=False, text=f"the event loop is silent for {silent_seconds:.0f} s, {limit}"
        )
    return Verdict(ok=True, text="ok")


def readiness(health: Health, now: float) -> Verdict:
    """Ready as a candidate, or as a leader that has listed its resources and nodes once."""
    alive = liveness(health, now)
    if not alive.ok:
        return alive
    if health.phase in {Phase.STARTING, Phase.STOPPING}:
        return Verdict(ok=False, text=health.phase.value)
    if health.phase is Phase.LEADER and not health.listed:
        return Verdict(ok=False, text="leader, before its first list")
    return Verdict(ok=True, text=health.phase.value)


class ProcessHealth:
    """The process's `Health`, told by the event loop and read by the pages. Thread-safe.

    `now` is seconds of a clock that never jumps. The process counts as alive from construction.
    """

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._lock = threading.Lock()
        self._health = Health(beat_at=now())

    def beat(self) -> None:
        """The event loop runs; call it from a task, about every second."""
        with self._lock:
            self._health = replace(self._health, beat_at=self._now())

    def became(self, phase: Phase) -> None:
        """The process is this far; what a former phase had listed does not count."""
        with self._lock:
            self._health = replace(self._health, phase=phase, listed=False)

    def listed(self) -> None:
        """The leader has listed everything once."""
        with self._lock:
            self._health = replace(self._health, listed=True)

    def liveness(self) -> Verdict:
        """What /healthz says now."""
        return liveness(self._read(), self._now())

    def readiness(self) -> Verdict:
        """What /readyz says now."""
        return readiness(self._read(), self._now())

    def _read(self) -> Health:
        with self._lock:
            return self._health


class PageServer:
    """Serves the pages from `start` until `close`; as a context manager it does both.

    `start` raises ListenError when the address is taken or not of this host.
    """

    def __init__(self, listen: ListenAddress, metrics: Metrics, health: ProcessHealth) -> None:
        self._listen = listen
        self._metrics = metrics
        self._health = health
        self._server: _Server | None = None

    @property
    def address(self) -> ListenAddress:
        """Where it listens, with the port that the kernel chose if it was to."""
        if self._server is None:
            return self._listen
        return ListenAddress(self._listen.host, self._server.server_address[1])

    def start(self) -> None:
        """Listen, and answer from threads of its own."""
        try:
            server = _Server(self._listen, self._metrics, self._health)
        except OSError as error:
            why = (error.strerror or str(error)).lower()
            raise ListenError(
                f"--listen: {str(self._listen)!r} cannot be listened on ({why});"
                " give a free port of this host"
            ) from None
        self._server = server
        threading.Thread(
            target=server.serve_forever,
            kwargs={"poll_interval": 0.1},
            name="pages",
            daemon=True,
        ).start()

    def close(self) -> None:
        """Stop listening; connections that are open end by themselves."""
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()


class _Server(socketserver.ThreadingMixIn, HTTPServer):
    """A thread for each connection, and not more than a few."""

    request_queue_size = 64
    daemon_threads = True
    # A scraper that keeps its connection open must not keep the process.
    block_on_close = False
    # Two operators on one port would each answer half of the probes.
    allow_reuse_port = False

    def __init__(self, listen: ListenAddress, metrics: Metrics, health: ProcessHealth) -> None:
        self.address_family = socket.AF_INET6 if ":" in listen.host else socket.AF_INET
        self.metrics = metrics
        self.health = health
        self._free = threading.BoundedSemaphore(_CONNECTIONS_AT_MOST)
        super().__init__((listen.host, listen.port), _Handler)

    def server_bind(self) -> None:
        """Bind, without HTTPServer's look-up of the host's name, which may hang; `[::]` is both."""
        if self.address_family == socket.AF_INET6:
            self.socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        socketserver.TCPServer.server_bind(self)

    def process_request(
        self, request: socket.socket | tuple[bytes, socket.socket], client_address: object
    ) -> None:
        """Start a thread if one is free; else the connection is closed unanswered."""
        if self._free.acquire(blocking=False):
            super().process_request(request, client_address)
        else:
            self.shutdown_request(request)

    def process_request_thread(
        self, request: socket.socket | tuple[bytes, socket.socket], client_address: object
    ) -> None:
        """One connection."""
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._free.release()

    def handle_error(
        self,
        request: object,  # noqa: ARG002  socketserver's signature
        client_address: object,
    ) -> None:
        """To the log, past which the default would print; a client that went away is no news."""
        error = sys.exc_info()[1]
        if isinstance(error, OSError):
            _log.debug("page not delivered", client=str(client_address))
        else:
            _log.exception("page failed")


class _Handler(BaseHTTPRequestHandler):
    """One GET."""

    server: _Server
    timeout = _CONNECTION_SECONDS
    server_version = "failoverip"
    sys_version = ""
    _PAGES: ClassVar = ("/metrics", "/healthz", "/readyz")

    def do_GET(self) -> None:
        """Answer one of the pages."""
        path = self.path.partition("?")[0]
        if path == "/metrics":
            self._answer(HTTPStatus.OK, PAGE_CONTENT_TYPE, self.server.metrics.page())
        elif path == "/healthz":
            self._tell(self.server.health.liveness())
        elif path == "/readyz":
            self._tell(self.server.health.readiness())
        else:
            text = f"there are {', '.join(self._PAGES)}\n"
            self._answer(HTTPStatus.NOT_FOUND, "text/plain; charset=utf-8", text.encode())

    def _tell(self, verdict: Verdict) -> None:
        status = HTTPStatus.OK if verdict.ok else HTTPStatus.SERVICE_UNAVAILABLE
        self._answer(status, "text/plain; charset=utf-8", f"{verdict.text}\n".encode())

    def _answer(self, status: HTTPStatus, content_type: str, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  http.server's name
        """Probes come every few seconds: only at debug."""
        _log.debug("page asked for", request=format % args)
