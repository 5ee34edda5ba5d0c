"""client-go's leader election over one Lease, as a state and the functions that move it.

`next_step` says what to send (or to wait for), the `took_...` functions take what came back. Only
local time counts: a lease has expired when no change of the record was seen during the
*record's* own duration, whatever times are written in it (kopf 2). Every write carries the last
resourceVersion, so that of two writers one is refused.

Where this is stricter than client-go, which does not fence:

* a leader that finds another holder, or none, has lost at once, and never campaigns again: its
  process starts anew under another identity;
* the renew deadline counts from the last renewal that succeeded, so that `lease duration - renew
  deadline` is left for stopping;
* a candidate before whose eyes the Lease vanished waits a whole lease duration: somebody may have
  renewed it a moment ago. (The leader itself creates it anew with its next renewal, as in
  client-go; the API server lets only one create it.) Who has seen no Lease at all creates one at
  once, so a process started right after somebody deleted the Lease is not held back;
* a candidate reads again at the moment the lease expires, not only at its next regular read.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from enum import Enum, StrEnum

from failoverip.core.election_settings import (
    CANDIDATE_LOOKS_PER_RETRY_PERIOD,
    JITTER_FACTOR,
    RELEASE_LIMIT_SECONDS,
    RELEASE_RETRY_SECONDS,
    RELEASED_DURATION_SECONDS,
    ElectionSettings,
)
from failoverip.core.lease import LeaseRecord
from failoverip.core.timestamps import micro_time

# What rounding leaves of a wait must not become a busy loop.
_SHORTEST_WAIT_SECONDS = 0.001


@dataclass(frozen=True, slots=True)
class Get:
    """Read the Lease."""


@dataclass(frozen=True, slots=True)
class Create:
    """Create the Lease; AlreadyExists when another was first."""

    record: LeaseRecord


@dataclass(frozen=True, slots=True)
class Update:
    """Replace the Lease, provided that it still has the record's `resource_version`."""

    record: LeaseRecord


@dataclass(frozen=True, slots=True)
class Wait:
    """Nothing to send for so long."""

    seconds: float


class Loss(StrEnum):
    """Why this process leads no longer."""

    NOT_RENEWED = "NotRenewed"
    TAKEN = "Taken"
    RELEASED = "Released"
    NOT_RELEASED = "NotReleased"


@dataclass(frozen=True, slots=True)
class Lost:
    """The end of this identity's election; `holder` is who was found in its place, if anybody."""

    reason: Loss
    holder: str = ""


Step = Get | Create | Update | Wait | Lost


@dataclass(frozen=True, slots=True)
class Window:
    """The time during which nobody else can hold the lease.

    It counts from *before* the renewing request left: whoever sees the renewed record sees it
    later than that, and waits at least as long.
    """

    sent_at: float
    lease_duration_seconds: float

    def left(self, now: float) -> float:
        """Seconds left at `now`, never negative."""
        return max(0.0, self.sent_at + self.lease_duration_seconds - now)


class _Phase(Enum):
    REST = "rest"
    READ = "read"
    WRITE = "write"


@dataclass(frozen=True, slots=True)
class Election:
    """What one process knows of the election; begin with `campaign`.

    `observed` is the record as last read or written, `observed_at` the local time at which its
    last change (or end) was seen. `exists` is False while there is no Lease, as far as known.
    `settled` is False after a write or read that failed: then a read comes before the next write.
    `inherited` are the annotations found on the record at acquisition. `release_by` is when a
    leader that is giving up its lease stops trying to.
    """

    identity: str
    settings: ElectionSettings
    observed: LeaseRecord | None = None
    observed_at: float = -math.inf
    exists: bool = False
    settled: bool = False
    window: Window | None = None
    inherited: tuple[tuple[str, str], ...] = ()
    release_by: float | None = None
    ended: Lost | None = None
    phase: _Phase = _Phase.REST
    has_read: bool = False
    began_at: float = -math.inf
    next_at: float = -math.inf

    @property
    def is_resting(self) -> bool:
        """Whether the last attempt is over, well or not."""
        return self.phase is _Phase.REST

    @property
    def releasing(self) -> bool:
        """Whether this process was the leader and gives up its lease."""
        return self.release_by is not None


@dataclass(frozen=True, slots=True)
class Moment:
    """The outside world of one step: local time, wall time for the record, a draw from [0, 1)."""

    now: float
    wall_seconds: float
    jitter: float


def campaign(identity: str, settings: ElectionSettings) -> Election:
    """A candidate that knows nothing yet. `identity` must be unique per process (kopf 2)."""
    return Election(identity, settings)


def window_left(election: Election, now: float) -> float:
    """Seconds during which this process may act as the leader; 0 when it is none."""
    return election.window.left(now) if election.window else 0.0


def request_limit_seconds(election: Election, now: float) -> float:
    """The longest that a request begun `now` may take: no renewal goes on past its deadline."""
    return max(0.0, min(election.settings.request_limit_seconds, _deadline(election) - now))


def next_step(
    election: Election, moment: Moment, annotations: Callable[[], Mapping[str, str]]
) -> tuple[Election, Step]:
    """What to send now, or how long to wait, and the state in which its answer is taken.

    `annotations` are asked for when a leader writes: they go onto the record with each renewal and
    with the release, foreign ones stay.
    Acquisition leaves them all: the predecessor's ledger must first be read.
    """
    if election.ended:
        return election, election.ended
    if moment.now >= _deadline(election):
        lost = Lost(Loss.NOT_RELEASED if election.releasing else Loss.NOT_RENEWED)
        return _end(election, lost), lost
    if election.phase is _Phase.REST:
        pause = _attempt_at(election) - moment.now
        if pause > 0:
            return election, Wait(max(pause, _SHORTEST_WAIT_SECONDS))
        election = _begin_attempt(election, moment)
    if election.phase is _Phase.READ:
        return election, Get()
    return election, _write(election, moment.wall_seconds, annotations)


def took_record(election: Election, record: LeaseRecord, now: float) -> Election:
    """Get was answered with `record`; `now` is the local time *after* the answer came.

    The leader's renewal may be younger than our request, but not younger than our answer.
    """
    if election.ended:
        return election
    election = replace(
        election,
        observed=record,
        observed_at=election.observed_at if record == election.observed else now,
        exists=True,
        settled=True,
        has_read=True,
        phase=_Phase.REST,
    )
    if _was_leader(election) and record.holder != election.identity:
        return _end(election, _loss(election, record.holder))
    may_write = _was_leader(election) or now >= _free_at(election)
    return replace(election, phase=_Phase.WRITE) if may_write else election


def took_missing(election: Election, now: float) -> Election:
    """Get was answered: there is no Lease."""
    if election.ended:
        return election
    if election.releasing:
        return _end(election, Lost(Loss.RELEASED))
    if election.exists:
        election = replace(election, exists=False, observed_at=now)
    may_create = election.window is not None or now >= _free_at(election)
    phase = _Phase.WRITE if may_create else _Phase.REST
    return replace(election, settled=True, has_read=True, phase=phase)


def took_write(election: Election, record: LeaseRecord, sent_at: float) -> Election:
    """Create or Update was answered with the stored `record`.

    `sent_at` is the local time *before* the request left. An API server does not store an update
    that changes nothing, and others see no renewal in it: it counts as failed.
    """
    if election.ended:
        return election
    if election.releasing and record.holder != election.identity:
        return _end(election, Lost(Loss.RELEASED))
    before = election.observed
    if election.exists and before and before.resource_version == record.resource_version:
        return took_failure(election)
    window, inherited = election.window, election.inherited
    if not election.releasing:
        inherited = record.annotations if window is None else inherited
        window = Window(sent_at, float(election.settings.lease_duration_seconds))
    return replace(
        election,
        observed=record,
        observed_at=sent_at,
        exists=True,
        settled=True,
        phase=_Phase.REST,
        window=window,
        inherited=inherited,
    )


def took_failure(election: Election) -> Election:
    """The request was refused, or its answer is missing: nothing is renewed by it.

    A write of which nobody knows the outcome is no renewal either; the read that follows shows
    whether the record is ours.
    """
    if election.ended:
        return election
    was_first_write = election.phase is _Phase.WRITE and not election.has_read
    return replace(election, settled=False, phase=_Phase.READ if was_first_write else _Phase.REST)


def renew_soon(election: Election) -> Election:
    """Let the next attempt begin without waiting."""
    return replace(election, next_at=-math.inf)


def release(election: Election, now: float) -> Election:
    """Give the lease up: the window is closed at once; a candidate has nothing to give up."""
    if election.ended:
        return election
    if election.window is None and not election.releasing:
        return _end(election, Lost(Loss.RELEASED))
    return replace(
        election,
        release_by=now + RELEASE_LIMIT_SECONDS,
        window=None,
        phase=_Phase.REST,
        next_at=-math.inf,
    )


def _end(election: Election, lost: Lost) -> Election:
    return replace(election, ended=lost, window=None)


def _was_leader(election: Election) -> bool:
    return election.window is not None or election.releasing


def _loss(election: Election, holder: str) -> Lost:
    return Lost(Loss.RELEASED if election.releasing else Loss.TAKEN, holder)


def _deadline(election: Election) -> float:
    """When this identity's leadership, or its release, is over unless a write succeeds before."""
    if election.release_by is not None:
        return election.release_by
    if election.window is None:
        return math.inf
    return election.window.sent_at + election.settings.renew_deadline_seconds


def _free_at(election: Election) -> float:
    """When this candidate may take the lease; the past when it may now."""
    record = election.observed
    if record is None:
        return -math.inf
    if not election.exists:
        return election.observed_at + election.settings.lease_duration_seconds
    if record.holder in ("", election.identity):
        return -math.inf
    return election.observed_at + record.lease_duration_seconds


def _attempt_at(election: Election) -> float:
    if _was_leader(election):
        return min(election.next_at, _deadline(election))
    free_at = _free_at(election)
    # Once only: when that moment has brought no lease, the regular pace goes on.
    return min(election.next_at, free_at) if election.began_at < free_at else election.next_at


def _begin_attempt(election: Election, moment: Moment) -> Election:
    """Attempts are spaced from their beginnings: one that timed out has waited long enough."""
    pause = election.settings.retry_period_seconds
    if election.releasing:
        pause = RELEASE_RETRY_SECONDS
    elif election.window is None:
        pause *= (1 + (JITTER_FACTOR - 1) * moment.jitter) / CANDIDATE_LOOKS_PER_RETRY_PERIOD
    may_write = election.settled and _was_leader(election)
    return replace(
        election,
        phase=_Phase.WRITE if may_write else _Phase.READ,
        has_read=False,
        began_at=moment.now,
        next_at=moment.now + pause,
    )


def _write(
    election: Election, wall_seconds: float, annotations: Callable[[], Mapping[str, str]]
) -> Create | Update:
    now_text = micro_time(wall_seconds)
    before = election.observed if election.exists else None
    if before is None:
        own = () if election.window is None else tuple(sorted(annotations().items()))
        return Create(_own_record(election, now_text, own))
    if election.releasing:
        return Update(_released(before, now_text, annotations()))
    if election.window is None:
        record = _own_record(election, now_text, before.annotations)
        is_ours = before.holder == election.identity
        return Update(
            replace(
                record,
                acquire_time=before.acquire_time if is_ours else now_text,
                transitions=before.transitions + (0 if is_ours else 1),
                resource_version=before.resource_version,
            )
        )
    return Update(replace(before, renew_time=now_text, annotations=_merged(before, annotations())))


def _own_record(
    election: Election, now_text: str, annotations: tuple[tuple[str, str], ...]
) -> LeaseRecord:
    return LeaseRecord(
        holder=election.identity,
        lease_duration_seconds=election.settings.lease_duration_seconds,
        acquire_time=now_text,
        renew_time=now_text,
        transitions=0,
        annotations=annotations,
    )


def _released(before: LeaseRecord, now_text: str, annotations: Mapping[str, str]) -> LeaseRecord:
    return replace(
        before,
        holder="",
        lease_duration_seconds=RELEASED_DURATION_SECONDS,
        acquire_time=now_text,
        renew_time=now_text,
        annotations=_merged(before, annotations),
    )


def _merged(before: LeaseRecord, annotations: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    return tuple(sorted({**dict(before.annotations), **annotations}.items()))
