"""The requests spent on Robot, per user name, so that no hour ever sees too many (I6).

Robot allows 100 reads and 50 writes an hour and locks the source address out after three failed
logins (hetzner-api 4). The bucket may slide or be fixed; what never exceeds the limit in any hour
fits both.

Everything is recorded *before* it is sent, or the crash of a process would forget it:

* a write with `record_write`, a login not known to work with `record_login_attempt`;
* reads in blocks: `reserve_reads` takes up to five slots, `record_read` uses one. A slot that is
  not used yet counts as a read of this moment.

The caller goes on with the ledger that an operation returns, and sends nothing, until the write
of the Lease that carries it was acknowledged; else it keeps the old one.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Collection
from dataclasses import dataclass, replace
from enum import StrEnum

from failoverip.core.provider import CannotTell, Fault

READS_PER_HOUR = 100
WRITES_PER_HOUR = 50
# Reads for an open switch, which must be followed to its end, and for leaving a failed node.
RESERVED_READS = 20
# Writes that only a failed node may use, one for each address up to this many.
MAX_RESERVED_WRITES = 10
READ_BLOCK = 5
# What a lost ledger counts as (design 5): 30 are left.
LOST_READS = 70
# Three lock the source address out; this process stops one short of that.
MAX_FAILED_LOGINS = 2
HOUR_SECONDS = 3600.0

# Shares of the hour, so that a shortened demo keeps the proportions.
# A request leaves a little after its record: the write of the Lease, its renewal and the opening
# of the connection lie between. An entry therefore counts for a minute longer than its hour.
_SEND_LAG = 1 / 60
# Ten minutes: the back-off after a bare 403 (hetzner-api 3), and where Robot names no interval.
_DEFAULT_CLOSED = 1 / 6
# 15 minutes: the span of I6, and the wait after the first 401.
_LOGIN_SPAN = 1 / 4
_MAX_KEPT_LOGINS = 8

# These prove that no login failed: nothing was sent, or Robot answered something else.
_NO_FAILED_LOGIN = frozenset(
    {
        Fault.UNREACHABLE,
        Fault.INVARIANT,
        Fault.WINDOW_SHUT,
        Fault.RATE_LIMITED,
        Fault.MAINTENANCE,
        Fault.SERVER_ERROR,
    }
)


class Bucket(StrEnum):
    """Robot's two budgets for /failover."""

    READS = "Reads"
    WRITES = "Writes"


class LoginMode(StrEnum):
    """What may be done with a set of credentials."""

    KNOWN = "Known"  # they worked: send
    TRIAL = "Trial"  # nobody knows: record an attempt, then send one request
    HELD = "Held"  # send nothing


@dataclass(frozen=True, slots=True)
class LoginVerdict:
    """Whether to log in. `until` is when to ask again; None while HELD: the Secret must change."""

    mode: LoginMode
    until: float | None = None


@dataclass(frozen=True, slots=True)
class RefusedLogin:
    """The credentials that Robot refused last, how often in a row, and when."""

    secret_version: str
    times: int
    at: float


@dataclass(frozen=True, slots=True)
class Ledger:
    """What one user name has spent. Times are seconds of the local clock that never jumps.

    `reads`, `writes` and `failed_logins` are ascending. A pending login is the last of
    `failed_logins`: it counts as failed until Robot says otherwise.
    """

    reads: tuple[float, ...] = ()
    writes: tuple[float, ...] = ()
    failed_logins: tuple[float, ...] = ()
    reserved_reads: int = 0
    reads_closed_until: float | None = None
    writes_closed_until: float | None = None
    worked_version: str | None = None
    refused: RefusedLogin | None = None
    login_pending: bool = False
    window_seconds: float = HOUR_SECONDS

    # -- questions

    def reads_left(self, now: float, *, pressing: bool) -> int:
        """Reads that may still be sent in this hour, reserved slots included.

        `pressing`: for an open switch or a failed node, which the reserve is kept for.
        """
        if _shut(self.reads_closed_until, now):
            return 0
        used = len(_within(self.reads, now, self._span()))
        return max(0, _read_limit(pressing) - used)

    def writes_left(self, now: float, *, for_failed_node: bool, addresses: int) -> int:
        """Writes that may still be sent in this hour; `addresses` are those of the account."""
        if _shut(self.writes_closed_until, now):
            return 0
        used = len(_within(self.writes, now, self._span()))
        return max(0, _write_limit(for_failed_node, addresses) - used)

    def may_read(self, now: float, *, pressing: bool) -> bool:
        """Whether the budget allows one more read."""
        return self.reads_left(now, pressing=pressing) > 0

    def may_write(self, now: float, *, for_failed_node: bool, addresses: int) -> bool:
        """Whether the budget allows one more write."""
        left = self.writes_left(now, for_failed_node=for_failed_node, addresses=addresses)
        return left > 0

    def next_possible_read(self, now: float, *, pressing: bool) -> float:
        """When `may_read` turns true if nothing else is sent; `now` if it is true."""
        limit = _read_limit(pressing)
        return max(now, self._free_at(self.reads, now, limit), self.reads_closed_until or now)

    def next_possible_write(self, now: float, *, for_failed_node: bool, addresses: int) -> float:
        """When `may_write` turns true if nothing else is sent; `now` if it is true."""
        limit = _write_limit(for_failed_node, addresses)
        return max(now, self._free_at(self.writes, now, limit), self.writes_closed_until or now)

    def refusal(self, secret_version: str) -> RefusedLogin | None:
        """The last one of these credentials, if the last one was of these."""
        refused = self.refused
        return refused if refused and refused.secret_version == secret_version else None

    def login_verdict(
        self, now: float, secret_version: str, elsewhere: Collection[float] = ()
    ) -> LoginVerdict:
        """Whether the credentials of this Secret's resourceVersion may be sent.

        `elsewhere`: failed logins of other users. Robot counts them together, by source address.
        """
        refused = self.refusal(secret_version)
        if secret_version == self.worked_version and refused is None:
            return LoginVerdict(LoginMode.KNOWN)
        until = now
        if refused is not None:
            if secret_version != self.worked_version:
                return LoginVerdict(LoginMode.HELD)
            # They worked once: a disturbance at Robot ends by itself, so look again now and then.
            wait = _LOGIN_SPAN if refused.times == 1 else 1.0
            until = refused.at + wait * self.window_seconds
        span = self._login_span()
        recent = _within(tuple(sorted((*self.failed_logins, *elsewhere))), now, span)
        if len(recent) >= MAX_FAILED_LOGINS:
            until = max(until, recent[-MAX_FAILED_LOGINS] + span)
        if until > now:
            return LoginVerdict(LoginMode.HELD, until)
        return LoginVerdict(LoginMode.TRIAL)

    # -- records, each a new ledger

    def reserve_reads(self, now: float, *, pressing: bool, block: int = READ_BLOCK) -> Ledger:
        """Take slots for the next reads, up to `block` together with those still unused."""
        used = len(_within(self.reads, now, self._span()))
        room = _read_limit(pressing) - used
        slots = max(self.reserved_reads, min(block, room))
        return replace(self, reserved_reads=slots)

    def record_read(self, now: float) -> Ledger:
        """Use one slot. ValueError without one: it was not reserved before."""
        if self.reserved_reads == 0:
            raise ValueError("a read must be reserved before it is sent")
        reads = (*_within(self.reads, now, self._span()), now)
        return replace(self, reads=reads, reserved_reads=self.reserved_reads - 1)

    def record_read_not_sent(self, now: float) -> Ledger:
        """Give back the read of `now`: no connection was made, so Robot saw none."""
        reads = list(self.reads)
        reads.remove(now)
        return replace(self, reads=tuple(reads))

    def record_write(self, now: float) -> Ledger:
        """Count one write that is about to be sent. ValueError when the hour holds 50 already."""
        writes = (*_within(self.writes, now, self._span()), now)
        if len(writes) > WRITES_PER_HOUR:
            raise ValueError("a write above the limit of the hour")
        return replace(self, writes=writes)

    def record_login_attempt(self, now: float) -> Ledger:
        """Count a login whose outcome is open: as failed, until Robot says otherwise."""
        return replace(self, failed_logins=self._logins(now), login_pending=True)

    def record_credentials_worked(self, secret_version: str) -> Ledger:
        """Robot accepted the credentials of this Secret's resourceVersion."""
        refused = self.refused if self.refusal(secret_version) is None else None
        settled = self.record_no_login()
        return replace(settled, worked_version=secret_version, refused=refused)

    def record_failed_login(self, now: float, secret_version: str) -> Ledger:
        """Robot refused the credentials of this Secret's resourceVersion (401)."""
        before = self.refusal(secret_version)
        times = 1 if before is None else before.times + 1
        # A pending login was counted when it was sent.
        logins = self.failed_logins if self.login_pending else self._logins(now)
        return replace(
            self,
            failed_logins=logins,
            login_pending=False,
            refused=RefusedLogin(secret_version, times, now),
        )

    def record_no_login(self) -> Ledger:
        """The pending login was none that failed: never sent, or answered by something else."""
        if not self.login_pending:
            return self
        return replace(self, failed_logins=self.failed_logins[:-1], login_pending=False)

    def record_rate_limit(
        self, now: float, bucket: Bucket, interval_seconds: float | None
    ) -> Ledger:
        """Shut a bucket for the interval that Robot named, at most an hour; else ten minutes."""
        default = _DEFAULT_CLOSED * self.window_seconds
        wait = default if interval_seconds is None else interval_seconds
        until = now + min(wait, self.window_seconds)
        if bucket is Bucket.READS:
            return replace(self, reads_closed_until=max(until, self.reads_closed_until or until))
        return replace(self, writes_closed_until=max(until, self.writes_closed_until or until))

    def record_answer(
        self,
        now: float,
        bucket: Bucket | None,
        secret_version: str,
        reason: CannotTell | None,
        *,
        asked_at: float,
    ) -> Ledger:
        """What an answer says about budget and login.

        `bucket` None: a read of /server, which has a bucket of its own. `reason` None: Robot
        answered a fact or a definitive no, so it knew the user when it was asked, at `asked_at`.
        """
        if reason is None:
            # A switch takes minutes to be answered: a login that failed meanwhile tells more.
            refused = self.refusal(secret_version)
            if refused is not None and asked_at <= refused.at:
                return self
            return self.record_credentials_worked(secret_version)
        if reason.fault is Fault.CREDENTIALS_REFUSED:
            return self.record_failed_login(now, secret_version)
        settled = self.record_no_login() if reason.fault in _NO_FAILED_LOGIN else self
        if reason.fault is Fault.RATE_LIMITED and bucket is not None:
            return settled.record_rate_limit(now, bucket, reason.retry_after_seconds)
        if reason.fault is Fault.FORBIDDEN:
            # A limit, a lock-out or bad credentials: every further request may prolong it.
            settled = settled.record_rate_limit(now, Bucket.READS, None)
            return settled.record_rate_limit(now, Bucket.WRITES, None)
        return settled

    def pruned(self, now: float) -> Ledger:
        """Without the entries that no longer count."""
        return replace(
            self,
            reads=_within(self.reads, now, self._span()),
            writes=_within(self.writes, now, self._span()),
            failed_logins=_within(self.failed_logins, now, self._login_span()),
        )

    # -- spans

    def _span(self) -> float:
        return self.window_seconds * (1 + _SEND_LAG)

    def _login_span(self) -> float:
        return self.window_seconds * (_LOGIN_SPAN + _SEND_LAG)

    def _logins(self, now: float) -> tuple[float, ...]:
        kept = _within(self.failed_logins, now, self._login_span())
        return (*kept, now)[-_MAX_KEPT_LOGINS:]

    def _free_at(self, spent: tuple[float, ...], now: float, limit: int) -> float:
        """When fewer than `limit` entries count."""
        counted = _within(spent, now, self._span())
        if len(counted) < limit:
            return now
        return counted[len(counted) - limit] + self._span()


def lost_ledger(now: float, addresses: int, window_seconds: float = HOUR_SECONDS) -> Ledger:
    """What is assumed of an account whose ledger got lost.

    70 reads, all writes but the reserve, one failed login: enough is left to move off a failed
    node and to follow that to its end, and one login to try.
    """
    writes = _write_limit(for_failed_node=False, addresses=addresses)
    return Ledger(
        reads=(now,) * LOST_READS,
        writes=(now,) * writes,
        failed_logins=(now,),
        window_seconds=window_seconds,
    )


def _within(times: tuple[float, ...], now: float, span: float) -> tuple[float, ...]:
    """Of ascending times those that still count: less than `span` old."""
    return times[bisect_right(times, now, key=lambda at: at + span) :]


def _shut(until: float | None, now: float) -> bool:
    return until is not None and now < until


def _read_limit(pressing: bool) -> int:
    return READS_PER_HOUR if pressing else READS_PER_HOUR - RESERVED_READS


def reserved_writes(addresses: int) -> int:
    """Writes of an hour that only failed nodes may use, for an account of so many addresses."""
    return min(addresses, MAX_RESERVED_WRITES)


def _write_limit(for_failed_node: bool, addresses: int) -> int:
    return WRITES_PER_HOUR if for_failed_node else WRITES_PER_HOUR - reserved_writes(addresses)
