"""The election of one replica, as the core runs it: whole attempts, at one instant.

The Lease is its holder and the writes that its ledger counts. Of a record that a replica saw only
counts whether it is still the present one.
"""

from __future__ import annotations

import math
from dataclasses import replace
from functools import cache
from typing import NamedTuple

from tests.model.ground import Pool, itself
from tests.support.observations import NOW, WALL

from failoverip.core.election import (
    Create,
    Election,
    Get,
    Lost,
    Moment,
    Update,
    Wait,
    campaign,
    next_step,
    renew_soon,
    took_failure,
    took_missing,
    took_record,
    took_write,
    window_left,
)
from failoverip.core.election_settings import ElectionSettings
from failoverip.core.lease import LeaseRecord

Lease = tuple[str, int]
_LEDGER = "failoverip.io/ledger"
_PRESENT, _PAST = "present", "past"
# A lease duration: what is older is as good as this.
_OLDEST = NOW - 15.0
ELECTIONS: Pool[Election] = Pool(itself)


class Attempt(NamedTuple):
    """What one attempt led to; `lease` is None where it wrote nothing."""

    election: int
    lease: Lease | None
    lost: bool


@cache
def begin(identity: str) -> int:
    """A candidate that knows nothing yet."""
    return ELECTIONS.number(campaign(identity, ElectionSettings()))


@cache
def attempt(
    election: int, lease: Lease | None, writes: int, *, at_once: bool, answered: bool
) -> Attempt:
    """One attempt to get or keep the lease, served at once; its answer may be lost.

    `writes` goes onto the Lease with a renewal. `at_once`: somebody waits for it.
    """
    state = ELECTIONS[election]
    if at_once:
        state = renew_soon(state)
    while True:
        state, step = next_step(state, Moment(NOW, WALL, 0.0), lambda: {_LEDGER: str(writes)})
        if isinstance(step, Wait | Lost):
            return Attempt(_number(state), None, isinstance(step, Lost))
        if isinstance(step, Get):
            found = None if lease is None else _record(lease)
            state = took_missing(state, NOW) if found is None else took_record(state, found, NOW)
            continue
        if not _is_served(step, lease):
            state = took_failure(state)
            return Attempt(_number(state), None, lost=False)
        written = (step.record.holder, int(dict(step.record.annotations).get(_LEDGER, writes)))
        state = _past(state)
        state = took_write(state, _record(written), NOW) if answered else took_failure(state)
        return Attempt(_number(state), written, lost=False)


def _number(state: Election) -> int:
    """Without when the next attempt is due: each may begin at any time."""
    return ELECTIONS.number(replace(state, began_at=-math.inf, next_at=-math.inf))


def _is_served(step: Create | Update, lease: Lease | None) -> bool:
    if isinstance(step, Create):
        return lease is None
    return lease is not None and step.record.resource_version == _PRESENT


def _record(lease: Lease) -> LeaseRecord:
    holder, writes = lease
    annotations = ((_LEDGER, str(writes)),)
    return LeaseRecord(holder, 15, "", "", 0, annotations, _PRESENT)


def _past(state: Election) -> Election:
    if state.observed is None:
        return state
    return replace(state, observed=replace(state.observed, resource_version=_PAST))


@cache
def overtaken(election: int) -> int:
    """After somebody else wrote the Lease."""
    return ELECTIONS.number(_past(ELECTIONS[election]))


@cache
def aged(election: int, seconds: float) -> int:
    """After so many seconds."""
    state = ELECTIONS[election]

    def older(at: float) -> float:
        return at if math.isinf(at) else max(_OLDEST, at - seconds)

    window = state.window
    return ELECTIONS.number(
        replace(
            state,
            observed_at=older(state.observed_at),
            window=None if window is None else replace(window, sent_at=older(window.sent_at)),
        )
    )


@cache
def seconds_left(election: int) -> float:
    """Of the window in which nobody else can lead."""
    return window_left(ELECTIONS[election], NOW)


@cache
def acquired(election: int) -> bool:
    """Whether it leads, as far as it has noticed."""
    return ELECTIONS[election].window is not None


@cache
def renewed_now(election: int) -> bool:
    """Whether its last renewal was at this instant."""
    window = ELECTIONS[election].window
    return window is not None and window.sent_at == NOW
