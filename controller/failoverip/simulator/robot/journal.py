"""What was asked and what became of it. Never holds a password: it is not given one."""

from __future__ import annotations

from collections import deque
from dataclasses import asdict, dataclass
from typing import Any

from failoverip.simulator.robot.answers import Answer, Reply
from failoverip.simulator.robot.requests import Call, Request

# Days of a quiet operator; a simulator that is left running must not grow for ever.
KEPT_ENTRIES = 10_000


@dataclass(slots=True)
class Entry:
    """One request. Times are seconds of the simulator's clock; None: not yet, or not at all."""

    number: int
    method: str
    path: str
    user: str | None
    source: str
    began: float
    address: str | None = None  # the failover address asked about
    target: str | None = None  # `active_server_ip` of a POST
    fault: str | None = None  # the fault that was applied
    executed: bool = False  # whether it started a switch
    ended: float | None = None  # when the answer was due
    status: int | None = None  # None after `ended`: the connection was reset
    code: str | None = None
    client_left: float | None = None  # when the client went away before its answer

    def as_dict(self) -> dict[str, Any]:
        """All fields, by name, for JSON."""
        return asdict(self)


class Journal:
    """The last requests, oldest first; numbers go on after `clear`."""

    def __init__(self) -> None:
        self._entries: deque[Entry] = deque(maxlen=KEPT_ENTRIES)
        self._last_number = 0

    @property
    def entries(self) -> tuple[Entry, ...]:
        """The requests that are kept."""
        return tuple(self._entries)

    def open(self, request: Request, call: Call, now: float) -> Entry:
        """Notes a request that has arrived."""
        self._last_number += 1
        entry = Entry(
            number=self._last_number,
            method=request.method,
            path=request.path,
            user=request.user,
            source=request.source,
            began=now,
            address=call.address,
            target=request.form.get("active_server_ip") if call.route.writes else None,
        )
        self._entries.append(entry)
        return entry

    def clear(self) -> None:
        """Forgets all requests; one under way is not noted again."""
        self._entries.clear()


def close(entry: Entry, reply: Reply, now: float) -> None:
    """Notes how a request ended."""
    entry.ended = now
    if isinstance(reply, Answer):
        entry.status, entry.code = reply.status, reply.code
