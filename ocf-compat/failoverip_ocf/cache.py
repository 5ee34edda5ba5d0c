"""What Robot said last, as one account's resources on a node share it.

Text of lines and no JSON: it is read at every monitor. Times are seconds of CLOCK_BOOTTIME; the
file lies in a directory that ends with the boot. Targets are addresses as Robot names them, `-` for
nowhere; for a user's script they are `here` and `elsewhere`.
"""

from __future__ import annotations

# `typing` would cost every monitor 12 ms of CPU; type checkers know the name.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable


_FIRST_LINE = "failoverip 1"
NOWHERE = "-"
_READY = {"yes": True, "no": False, "?": None}
_READY_TEXT = {True: "yes", False: "no", None: "?"}
_MAX_TEXT_CHARACTERS = 300


class CorruptError(ValueError):
    """Not a file of ours."""


class CachedRoute:
    """One failover address: how many reads in a row showed this target, the last one included."""

    __slots__ = ("address", "prefix_length", "reads", "ready", "since", "target")

    def __init__(  # a record: one argument a column
        self,
        address: str,
        prefix_length: int | None,
        target: str,
        ready: bool | None,
        reads: int,
        since: float,
    ) -> None:
        self.address = address
        self.prefix_length = prefix_length
        self.target = target
        self.ready = ready
        self.reads = reads
        self.since = since


class CachedServer:
    """One server of the account, its main addresses; empty for a family it lacks."""

    __slots__ = ("ipv4", "ipv6_net", "number")

    def __init__(self, number: int, ipv4: str, ipv6_net: str) -> None:
        self.number = number
        self.ipv4 = ipv4
        self.ipv6_net = ipv6_net


class Cache:
    """The last answer, the last failure, and what is left of the hour's requests.

    `asked_at` and `answered_at` belong to the last read that Robot answered, None before the first;
    `failures` counts those since then that it did not answer, the last of them begun at
    `failed_asked_at` and ended at `failed_at`. `own` holds, by the parameter `server`, the targets
    of this machine for IPv4 and IPv6.
    """

    def __init__(self) -> None:
        self.asked_at: float | None = None
        self.answered_at: float | None = None
        self.failed_asked_at: float | None = None
        self.failed_at: float | None = None
        self.failures = 0
        self.failure = ""
        # The reads and writes left in the hour, of this node; -1: not known.
        self.reads_left = -1
        self.writes_left = -1
        self.pace_seconds = 0.0
        self.routes: dict[str, CachedRoute] = {}
        self.servers: tuple[CachedServer, ...] = ()
        self.servers_at: float | None = None
        self.own: dict[str, tuple[str, str]] = {}

    def took(
        self,
        asked_at: float,
        answered_at: float,
        routes: Iterable[tuple[str, int | None, str, bool | None]],
    ) -> None:
        """Enter an answer: address, prefix length, target, ready of each route."""
        before, self.routes = self.routes, {}
        for address, prefix_length, target, ready in routes:
            old = before.get(address)
            same = old is not None and (old.target, old.ready is False) == (target, ready is False)
            reads = old.reads + 1 if old is not None and same else 1
            since = old.since if old is not None and same else answered_at
            self.routes[address] = CachedRoute(address, prefix_length, target, ready, reads, since)
        self.asked_at, self.answered_at = asked_at, answered_at
        self.failures, self.failure = 0, ""

    def missed(self, asked_at: float, failed_at: float, failure: str) -> None:
        """Enter a read without an answer."""
        self.failed_asked_at, self.failed_at = asked_at, failed_at
        self.failures += 1
        self.failure = failure


def encode(cache: Cache) -> str:
    """The file's content; `decode` reads it."""
    lines = [_FIRST_LINE]
    if cache.asked_at is not None and cache.answered_at is not None:
        lines.append(f"answered {cache.asked_at:.3f} {cache.answered_at:.3f}")
    if cache.failed_asked_at is not None and cache.failed_at is not None:
        lines.append(
            f"failed {cache.failed_asked_at:.3f} {cache.failed_at:.3f} {cache.failures} "
            + _one_line(cache.failure)
        )
    lines.append(f"left {cache.reads_left} {cache.writes_left} {cache.pace_seconds:.0f}")
    for route in cache.routes.values():
        prefix = "?" if route.prefix_length is None else str(route.prefix_length)
        lines.append(
            f"route {route.address} {prefix} {route.target} {_READY_TEXT[route.ready]} "
            f"{route.reads} {route.since:.3f}"
        )
    if cache.servers_at is not None:
        lines.append(f"servers {cache.servers_at:.3f}")
    lines.extend(
        f"server {server.number} {server.ipv4 or '-'} {server.ipv6_net or '-'}"
        for server in cache.servers
    )
    for server_parameter, (ipv4, ipv6) in cache.own.items():
        lines.append(f"own {server_parameter or '-'} {ipv4 or '-'} {ipv6 or '-'}")
    return "\n".join([*lines, "end", ""])


def decode(text: str) -> Cache:
    """The cache that a file holds; CorruptError for anything that `encode` did not write."""
    lines = text.split("\n")
    if lines[0] != _FIRST_LINE or lines[-2:] != ["end", ""]:
        raise CorruptError
    cache = Cache()
    servers: list[CachedServer] = []
    try:
        for line in lines[1:-2]:
            _enter(cache, servers, line)
    except (ValueError, KeyError, IndexError):
        raise CorruptError from None
    cache.servers = tuple(servers)
    return cache


def _enter(cache: Cache, servers: list[CachedServer], line: str) -> None:
    kind, _, rest = line.partition(" ")
    if kind == "failed":
        asked, failed, failures, cache.failure = rest.split(" ", 3)
        cache.failed_asked_at, cache.failed_at = float(asked), float(failed)
        cache.failures = int(failures)
        return
    words = rest.split(" ")
    if kind == "answered":
        asked, answered = words
        cache.asked_at, cache.answered_at = float(asked), float(answered)
    elif kind == "left":
        reads, writes, pace = words
        cache.reads_left, cache.writes_left = int(reads), int(writes)
        cache.pace_seconds = float(pace)
    elif kind == "route":
        address, prefix, target, ready, count, since = words
        prefix_length = None if prefix == "?" else int(prefix)
        cache.routes[address] = CachedRoute(
            address, prefix_length, target, _READY[ready], int(count), float(since)
        )
    elif kind == "servers":
        cache.servers_at = float(rest)
    elif kind == "server":
        number, ipv4, ipv6 = words
        servers.append(CachedServer(int(number), _none(ipv4), _none(ipv6)))
    elif kind == "own":
        parameter, ipv4, ipv6 = words
        cache.own[_none(parameter)] = (_none(ipv4), _none(ipv6))
    else:
        raise CorruptError


def _none(word: str) -> str:
    return "" if word == NOWHERE else word


def _one_line(text: str) -> str:
    return " ".join(text.split())[:_MAX_TEXT_CHARACTERS]
