"""The ledger of this node on disk: requests and failed logins of all accounts, counted beforehand.

I6, per node: nothing is sent that could not be written down first. The file lies in the runtime
directory; a reboot forgets it. A corrupt one counts as mostly spent.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TypeVar

from failoverip.core.ledger import (
    READS_PER_HOUR,
    Bucket,
    Ledger,
    LoginMode,
)
from failoverip.core.ledgers import Ledgers, decode, encode
from failoverip.core.provider import CannotTell, Fault
from failoverip_ocf.decide import kept_reads
from failoverip_ocf.state import Runtime, now

# The brake: two nodes that both believe to be the one fight with no more than this.
SWITCHES_PER_HOUR = 6
FILE = "ledger"

# The lock is held for milliseconds: who holds it longer was stopped.
_LOCK_SECONDS = 5.0
_LEAST_LOCK_SECONDS = 0.5
_T = TypeVar("_T")


class Left:
    """The requests left in this hour."""

    __slots__ = ("reads", "switches")

    def __init__(self, reads: int, switches: int) -> None:
        self.reads = reads
        self.switches = switches


class Books:
    """The ledger of one account on this node, of which `share` reads an hour are this node's.

    `version` names the credentials, None where there is no login. OSError when nothing can be
    written down: then nothing may be sent. Nobody waits for the file past `until`.
    """

    def __init__(
        self,
        runtime: Runtime,
        account: str,
        version: str | None,
        share: int,
        say: Callable[[str], None],
    ) -> None:
        self._runtime = runtime
        self._account = account
        self._version = version
        self._share = share
        self._say = say
        self.until = float("inf")
        # When this process last tried a login whose end is open: the file counts it as failed.
        self._trial_at: float | None = None
        # When it last counted a request: what the next answer is an answer to.
        self._asked_at = 0.0

    def record_read(self, *, for_start: bool) -> str:
        """Count a read that is about to be sent; why it may not be, if not."""
        kept = 0 if for_start else kept_reads(self._share)

        def record(ledgers: Ledgers, ledger: Ledger, at: float) -> tuple[Ledger, str]:
            if why := self._login(ledgers, ledger, at):
                return ledger, why
            if self._reads_left(ledger, at) - kept <= 0:
                return ledger, _no_read(ledger, at, self._share)
            reserved = ledger.reserve_reads(at, pressing=True, block=1)
            return self._tried(reserved.record_read(at), at), ""

        return self._change(record)

    def record_server_read(self) -> str:
        """Count the login of a read of /server, which has a budget of its own; why not, if not."""

        def record(ledgers: Ledgers, ledger: Ledger, at: float) -> tuple[Ledger, str]:
            if why := self._login(ledgers, ledger, at):
                return ledger, why
            return self._tried(ledger, at), ""

        return self._change(record)

    def record_switch(self) -> str:
        """Count a POST that is about to be sent; why it may not be, if not."""

        def record(ledgers: Ledgers, ledger: Ledger, at: float) -> tuple[Ledger, str]:
            if why := self._login(ledgers, ledger, at):
                return ledger, why
            if self._switches_left(ledgers, ledger, at) <= 0:
                return ledger, (
                    f"{SWITCHES_PER_HOUR} switches in this hour by this node: no more (brake)"
                )
            if not ledger.may_write(at, for_failed_node=True, addresses=0):
                return ledger, "Robot's limit of switches is reached"
            return self._tried(ledger.record_write(at), at), ""

        return self._change(record)

    def record_answer(self, bucket: Bucket | None, reason: CannotTell | None) -> Left:
        """What the answer to the last request says about budget and login.

        A read that was not sent is given back.
        """

        def record(ledgers: Ledgers, ledger: Ledger, at: float) -> tuple[Ledger, Left]:
            unsent = reason is not None and reason.fault is Fault.UNREACHABLE
            if unsent and bucket is Bucket.READS and self._asked_at in ledger.reads:
                ledger = ledger.record_read_not_sent(self._asked_at)
            ledger = self._with_trial(ledger)
            ledger = ledger.record_answer(
                at, bucket, self._version or "", reason, asked_at=self._asked_at
            )
            reads = max(0, self._reads_left(ledger, at))
            return ledger, Left(reads, self._switches_left(ledgers, ledger, at))

        return self._change(record)

    def _login(self, ledgers: Ledgers, ledger: Ledger, at: float) -> str:
        """Why the login may not be tried, empty when it may."""
        if self._version is None:
            return ""
        elsewhere = ledgers.failed_logins_of_others(self._account)
        verdict = ledger.login_verdict(at, self._version, elsewhere)
        if verdict.mode is not LoginMode.HELD:
            return ""
        if verdict.until is None:
            return "Robot refused user name or password (401): write the right ones into the file"
        return (
            "failed logins: no more for "
            f"{verdict.until - at:.0f} s, or Robot locks this node's address out"
        )

    def _tried(self, ledger: Ledger, at: float) -> Ledger:
        """Count the login too, unless these credentials are known to work."""
        self._asked_at = at
        if self._version is None or ledger.worked_version == self._version:
            return ledger
        self._trial_at = at
        return ledger.record_login_attempt(at)

    def _with_trial(self, ledger: Ledger) -> Ledger:
        """The ledger with the open login of this process as its last, to be settled."""
        at, self._trial_at = self._trial_at, None
        logins = list(ledger.failed_logins)
        if at is None or at not in logins:
            return ledger
        logins.remove(at)
        return replace(ledger, failed_logins=(*logins, at), login_pending=True)

    def _reads_left(self, ledger: Ledger, at: float) -> int:
        left = ledger.reads_left(at, pressing=True)
        return left - (READS_PER_HOUR - self._share)

    def _switches_left(self, ledgers: Ledgers, ledger: Ledger, at: float) -> int:
        """Of the brake, which counts all accounts of the node together."""
        accounts = {**ledgers.accounts, self._account: ledger}
        spent = sum(len(one.pruned(at).writes) for one in accounts.values())
        return max(0, SWITCHES_PER_HOUR - spent)

    def _change(self, change: Callable[[Ledgers, Ledger, float], tuple[Ledger, _T]]) -> _T:
        least, most = now() + _LEAST_LOCK_SECONDS, now() + _LOCK_SECONDS
        with self._runtime.locked(FILE, min(most, max(least, self.until))):
            # Whole seconds: the record holds ages of whole seconds, and nothing may drift.
            at = float(int(now()))
            ledgers, as_written = self._read(at)
            ledger = ledgers.of(self._account, 0)
            changed, result = change(ledgers, ledger, at)
            if changed is not ledger or not as_written:
                after = ledgers.with_ledger(self._account, changed, at)
                self._runtime.replace(FILE, f"{at:.0f}\n{encode(after, at)}\n")
            return result

    def _read(self, at: float) -> tuple[Ledgers, bool]:
        """The ledgers, and whether the file holds just these."""
        try:
            text = self._runtime.read(FILE)
            if text is None:
                return Ledgers(), False
            written_at, _, record = text.partition("\n")
            # Ages were true when they were written, and this clock went on since.
            written = float(int(written_at))
            ledgers = decode(record, min(written, at), fence_exists=True)
        except ValueError:
            ledgers = Ledgers(lost_at=at)
        if ledgers.lost_at is None:
            return ledgers, True
        self._say(f"{self._runtime.directory}/{FILE} was corrupt; it counts as mostly spent")
        return Ledgers().with_ledger(self._account, self._lost(at), at), False

    def _lost(self, at: float) -> Ledger:
        """Enough is left for one move and its confirmation, and one login to try."""
        return Ledger(
            reads=(at,) * (self._share * 7 // 10),
            writes=(at,) * (SWITCHES_PER_HOUR // 2),
            failed_logins=() if self._version is None else (at,),
        )


def _no_read(ledger: Ledger, at: float, share: int) -> str:
    if ledger.reads_closed_until is not None and at < ledger.reads_closed_until:
        return (
            "Robot takes no reads for "
            f"{ledger.reads_closed_until - at:.0f} s more (limit, lock-out or credentials)"
        )
    return f"this node's {share} reads of the hour are used up"
