"""The ledgers of all accounts, and their record on the Lease.

The record holds ages, not times: clocks of two machines do not compare. A successor takes each age
as it was written, without the time that passed since, which it cannot know; so an entry counts
for too long rather than too short, and no hour sees more than its limit over a change of leaders.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import TypeVar

from failoverip.core.ledger import (
    HOUR_SECONDS,
    READS_PER_HOUR,
    WRITES_PER_HOUR,
    Ledger,
    RefusedLogin,
    lost_ledger,
)

# An account takes at most about 1 kB, an annotation 256 KiB, and the Lease is written every 2 s.
MAX_ACCOUNTS = 32

_T = TypeVar("_T")

_FORMAT = 1
_MAX_RECORD_CHARACTERS = 128 * 1024
_MAX_VERSION_CHARACTERS = 256


class _CorruptError(ValueError):
    """Not a record of ours."""


@dataclass(frozen=True, slots=True)
class Ledgers:
    """Ledgers by account (`Credentials.account`).

    `lost_at`: when the ledgers of accounts not named here got lost; None if they never were.
    """

    accounts: Mapping[str, Ledger] = field(default_factory=lambda: MappingProxyType({}))
    lost_at: float | None = None
    window_seconds: float = HOUR_SECONDS

    def of(self, account: str, addresses: int) -> Ledger:
        """The ledger of an account that has so many addresses; a lost one counts as used up."""
        if account in self.accounts:
            return self.accounts[account]
        if self.lost_at is not None:
            return lost_ledger(self.lost_at, addresses, self.window_seconds)
        return Ledger(window_seconds=self.window_seconds)

    def failed_logins_of_others(self, account: str) -> tuple[float, ...]:
        """Of all accounts but this one, in no order.

        Without the one that lost ledgers assume: it is one and the same for all accounts.
        """
        return tuple(
            at
            for name, ledger in self.accounts.items()
            if name != account
            for at in ledger.failed_logins
            if at != self.lost_at
        )

    def with_ledger(self, account: str, ledger: Ledger, now: float) -> Ledgers:
        """These ledgers with one replaced.

        Above `MAX_ACCOUNTS` the account that was idle longest is forgotten, and any account that
        is not named counts as lost from then on.
        """
        accounts = {**self.accounts, account: ledger}
        if len(accounts) <= MAX_ACCOUNTS:
            return replace(self, accounts=MappingProxyType(accounts))
        others = sorted(name for name in accounts if name != account)
        del accounts[min(others, key=lambda name: _last_used(accounts[name]))]
        return replace(self, accounts=MappingProxyType(accounts), lost_at=now)


def encode(ledgers: Ledgers, now: float) -> str:
    """The annotation's value: compact JSON, ages in whole seconds, none negative."""
    record: dict[str, object] = {
        "v": _FORMAT,
        "accounts": {
            name: _ledger_record(ledger.pruned(now), now)
            for name, ledger in sorted(ledgers.accounts.items())
        },
    }
    # What was lost two hours ago counts no more.
    if ledgers.lost_at is not None and now < ledgers.lost_at + 2 * ledgers.window_seconds:
        record["lost"] = _age(ledgers.lost_at, now)
    return json.dumps(record, separators=(",", ":"))


def decode(
    text: str | None, now: float, *, fence_exists: bool, window_seconds: float = HOUR_SECONDS
) -> Ledgers:
    """The ledgers that an annotation holds.

    Missing or corrupt: empty, but lost if any resource's `status.fence` exists, since then a leader
    worked before (design 5). Never raises.
    """
    try:
        return _ledgers(text, now, window_seconds)
    except (_CorruptError, ValueError, RecursionError):
        return Ledgers(lost_at=now if fence_exists else None, window_seconds=window_seconds)


def _last_used(ledger: Ledger) -> float:
    return max((*ledger.reads, *ledger.writes, *ledger.failed_logins), default=-math.inf)


def _age(at: float, now: float) -> int:
    """Rounded down: younger than it is, so that it counts longer."""
    return int(now - at) if at < now else 0


def _left(until: float | None, now: float) -> int:
    return 0 if until is None else max(0, math.ceil(until - now))


def _ledger_record(ledger: Ledger, now: float) -> dict[str, object]:
    """Keys are short because the Lease is written every 2 s; empty ones are left out."""
    # A successor cannot know whether a reserved slot was used: it counts as a read.
    reads = (*ledger.reads, *(now,) * ledger.reserved_reads)
    refused = ledger.refused
    record: dict[str, object] = {
        "r": [_age(at, now) for at in reads],
        "w": [_age(at, now) for at in ledger.writes],
        "f": [_age(at, now) for at in ledger.failed_logins],
        "rc": _left(ledger.reads_closed_until, now),
        "wc": _left(ledger.writes_closed_until, now),
        "ok": ledger.worked_version,
        "no": refused and [refused.secret_version, refused.times, _age(refused.at, now)],
    }
    return {key: value for key, value in record.items() if value}


def _ledgers(text: str | None, now: float, window_seconds: float) -> Ledgers:
    if text is None or len(text) > _MAX_RECORD_CHARACTERS:
        raise _CorruptError
    record = _object(json.loads(text))
    accounts = _object(record.get("accounts"))
    if record.get("v") != _FORMAT or len(accounts) > MAX_ACCOUNTS:
        raise _CorruptError
    ledgers = {
        name: _ledger(_object(value), now, window_seconds) for name, value in accounts.items()
    }
    lost_at = now - _count(record["lost"]) if "lost" in record else None
    return Ledgers(MappingProxyType(ledgers), lost_at, window_seconds)


def _ledger(record: dict[str, object], now: float, window_seconds: float) -> Ledger:
    return Ledger(
        reads=_times(record.get("r", []), now, READS_PER_HOUR),
        writes=_times(record.get("w", []), now, WRITES_PER_HOUR),
        failed_logins=_times(record.get("f", []), now, WRITES_PER_HOUR),
        reads_closed_until=_until(record.get("rc"), now, window_seconds),
        writes_closed_until=_until(record.get("wc"), now, window_seconds),
        worked_version=_optional(record.get("ok"), _version),
        refused=_optional(record.get("no"), lambda value: _refused(value, now)),
        window_seconds=window_seconds,
    )


def _times(value: object, now: float, most: int) -> tuple[float, ...]:
    if not isinstance(value, list) or len(value) > most:
        raise _CorruptError
    return tuple(sorted(now - _count(age) for age in value))


def _until(value: object, now: float, window_seconds: float) -> float | None:
    return None if value is None else now + min(_count(value), window_seconds)


def _refused(value: object, now: float) -> RefusedLogin:
    if not isinstance(value, list) or len(value) != 3:
        raise _CorruptError
    version, times, age = value
    return RefusedLogin(_version(version), max(1, _count(times)), now - _count(age))


def _optional(value: object, parse: Callable[[object], _T]) -> _T | None:
    return None if value is None else parse(value)


def _version(value: object) -> str:
    if not isinstance(value, str) or not 0 < len(value) <= _MAX_VERSION_CHARACTERS:
        raise _CorruptError
    return value


def _count(value: object) -> int:
    """A number of seconds or times: whole, not negative, and of a size that floats carry."""
    if type(value) is not int or not 0 <= value <= 10**9:
        raise _CorruptError
    return value


def _object(value: object) -> dict[str, object]:
    if not isinstance(value, dict):
        raise _CorruptError
    return value
