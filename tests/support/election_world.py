"""Machines that elect over one Lease, every request split into leaving, being served, answered.

No time passes by itself: a test says what happens next. A `Guard` is a rule of the election that a
machine can be told to break, to show what the rule is for.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum, auto

from failoverip.core.election import (
    Create,
    Election,
    Get,
    Lost,
    Moment,
    Step,
    Update,
    Wait,
    campaign,
    next_step,
    release,
    took_failure,
    took_missing,
    took_record,
    took_write,
    window_left,
)
from failoverip.core.election_settings import ElectionSettings
from failoverip.core.lease import LeaseRecord

Request = Get | Create | Update


class Refusal(Enum):
    """An answer that is a definite no."""

    NOT_FOUND = auto()
    CONFLICT = auto()


class Guard(Enum):
    """Rules of the election, to be broken one at a time."""

    WINDOW_FROM_SENDING = auto()
    CHANGE_SEEN_AT_ANSWER = auto()
    DURATION_OF_THE_RECORD = auto()
    LOCAL_CLOCK = auto()
    LOST_ANSWER_IS_NO_RENEWAL = auto()
    UNCHANGED_UPDATE_IS_NO_RENEWAL = auto()
    VANISHED_LEASE_IS_WAITED_FOR = auto()


class LeaseServer:
    """One Lease as kube-apiserver keeps it: an update that changes nothing is not stored."""

    def __init__(self) -> None:
        self.record: LeaseRecord | None = None
        self._revision = 0

    def serve(self, request: Request) -> LeaseRecord | Refusal:
        if isinstance(request, Create):
            return Refusal.CONFLICT if self.record else self._store(request.record)
        if self.record is None:
            return Refusal.NOT_FOUND
        if isinstance(request, Get) or request.record == self.record:
            return self.record
        if request.record.resource_version != self.record.resource_version:
            return Refusal.CONFLICT
        return self._store(request.record)

    def annotate(self, key: str, value: str) -> None:
        """Somebody with kubectl writes an annotation."""
        assert self.record
        merged = {**dict(self.record.annotations), key: value}
        self._store(replace(self.record, annotations=tuple(sorted(merged.items()))))

    def delete(self) -> None:
        self.record = None

    def _store(self, record: LeaseRecord) -> LeaseRecord:
        self._revision += 1
        self.record = replace(record, resource_version=str(self._revision))
        return self.record


@dataclass
class World:
    """True time, one API server, and requests that only their senders gave up."""

    server: LeaseServer
    time: float = 0.0
    strays: list[Request] | None = None

    def deliver_strays(self) -> None:
        for request in self.strays or []:
            self.server.serve(request)
        self.strays = None


@dataclass
class _Flight:
    request: Request
    sent_at: float
    answer: LeaseRecord | Refusal | None = None


class Machine:
    """One process with clocks of its own. `jitter` and `annotations` may be set at any time."""

    def __init__(
        self,
        world: World,
        identity: str,
        settings: ElectionSettings | None = None,
        offset: float = 0.0,
        without: Guard | None = None,
    ) -> None:
        self.world = world
        self.election: Election = campaign(identity, settings or ElectionSettings())
        self.offset = offset
        self.wall_offset = 1_800_000_000.0
        self.wall_stands_at: float | None = None
        self.jitter = 0.0
        self.annotations: dict[str, str] = {}
        self.flight: _Flight | None = None
        self._without = without

    @property
    def window(self) -> float:
        """What licenses this machine to send, right now."""
        return window_left(self.election, self._now())

    @property
    def lost(self) -> Lost | None:
        return self.election.ended

    def _now(self) -> float:
        return self._wall() if self._without is Guard.LOCAL_CLOCK else self.world.time + self.offset

    def _wall(self) -> float:
        if self.wall_stands_at is not None:
            return self.wall_stands_at
        return self.world.time + self.wall_offset

    def send(self) -> Step:
        """Take the next step; a request leaves, and is not served yet."""
        moment = Moment(self._now(), self._wall(), self.jitter)
        self.election, step = next_step(self.election, moment, lambda: self.annotations)
        if not isinstance(step, Wait | Lost):
            self.flight = _Flight(step, moment.now)
        return step

    def serve(self) -> None:
        """The request under way reaches the API server."""
        assert self.flight
        self.flight.answer = self.world.server.serve(self.flight.request)

    def receive(self) -> None:
        """The answer arrives."""
        flight, self.flight = self.flight, None
        assert flight
        assert flight.answer is not None
        if flight.answer is Refusal.NOT_FOUND and isinstance(flight.request, Get):
            self._took_missing()
        elif isinstance(flight.answer, Refusal):
            self.election = took_failure(self.election)
        elif isinstance(flight.request, Get):
            self._took_record(flight.answer, flight.sent_at)
        else:
            self._took_write(flight.answer, flight.sent_at)

    def lose(self) -> None:
        """Time out. What was not served yet may still be, at any later time."""
        flight, self.flight = self.flight, None
        assert flight
        if flight.answer is None:
            self.world.strays = [*(self.world.strays or []), flight.request]
        if self._without is Guard.LOST_ANSWER_IS_NO_RENEWAL and isinstance(flight.request, Update):
            believed = replace(flight.request.record, resource_version="believed")
            self.election = took_write(self.election, believed, flight.sent_at)
            return
        self.election = took_failure(self.election)

    def attempt(self) -> Step:
        """Steps without faults, in no time, until there is something to wait for."""
        while isinstance(step := self.send(), Get | Create | Update):
            self.serve()
            self.receive()
        return step

    def release(self) -> None:
        self.election = release(self.election, self._now())

    def _took_missing(self) -> None:
        if self._without is Guard.VANISHED_LEASE_IS_WAITED_FOR:
            self.election = replace(self.election, observed=None)
        self.election = took_missing(self.election, self._now())

    def _took_record(self, record: LeaseRecord, sent_at: float) -> None:
        if self._without is Guard.DURATION_OF_THE_RECORD:
            own = self.election.settings.lease_duration_seconds
            record = replace(record, lease_duration_seconds=own)
        seen_at = sent_at if self._without is Guard.CHANGE_SEEN_AT_ANSWER else self._now()
        self.election = took_record(self.election, record, seen_at)

    def _took_write(self, record: LeaseRecord, sent_at: float) -> None:
        if self._without is Guard.UNCHANGED_UPDATE_IS_NO_RENEWAL:
            self.election = replace(self.election, exists=False)
        counts_from = self._now() if self._without is Guard.WINDOW_FROM_SENDING else sent_at
        self.election = took_write(self.election, record, counts_from)


def leaders(*machines: Machine) -> list[str]:
    """Who may send at this moment; clocks with different offsets round differently."""
    rounding = 1e-6
    return [machine.election.identity for machine in machines if machine.window > rounding]
