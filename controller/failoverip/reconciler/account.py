"""One Robot account: when it may be asked, what it answered, and what that costs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from failoverip.core.addresses import AddressKey
from failoverip.core.ledger import Bucket, Ledger, LoginMode, LoginVerdict
from failoverip.core.observation import AccountView, Budget, Trouble, trouble_of
from failoverip.core.provider import (
    CannotTell,
    Fault,
    NotExecuted,
    OutcomeUnknown,
    Route,
    Server,
    SwitchAnswer,
    Switched,
)
from failoverip.core.reasons import Reason
from failoverip.core.routes import RouteTrack, track_route
from failoverip.log import get_logger
from failoverip.reconciler.ledgers import LedgerBook
from failoverip.reconciler.ports import Robot, Surroundings

_log = get_logger(__name__)

# Robot did not say these: they tell nothing about its budget or the login.
NEVER_SENT = frozenset({Fault.INVARIANT, Fault.WINDOW_SHUT})
# Of a login: not before the Secret changes.
_NEVER = float("inf")


@dataclass(slots=True)
class Account:
    """Used by one event loop. Reads run one at a time; a switch runs beside them.

    `name` is the public name of the user: a digest. Times are local.
    """

    name: str
    secret_version: str
    robot: Robot
    around: Surroundings
    book: LedgerBook
    addresses: int = 0
    routes: dict[AddressKey, RouteTrack] = field(default_factory=dict)
    listed: frozenset[AddressKey] | None = None
    routes_read_at: float | None = None
    servers: tuple[Server, ...] | None = None
    servers_tried_at: float | None = None
    trouble: Trouble | None = None
    reading: bool = False
    _failures: int = 0
    _retry_at: float = float("-inf")

    @property
    def ledger(self) -> Ledger:
        """What this user has spent."""
        return self.book.of(self.name, self.addresses)

    @property
    def route_age_seconds(self) -> float:
        """Since the last good read was asked for, infinity when there was none."""
        read_at = self.routes_read_at
        return float("inf") if read_at is None else self.around.clock.now() - read_at

    def view(self, *, pressing: bool) -> AccountView:
        """The account as a decision sees it now."""
        login_at = self._login_at()
        return AccountView(
            routes=dict(self.routes),
            listed=self.listed,
            routes_read_at=self.routes_read_at,
            servers=self.servers,
            trouble=self._trouble_now(login_at, pressing=pressing),
            budget=self._budget(login_at, pressing=pressing),
        )

    def _trouble_now(self, login_at: float, *, pressing: bool) -> Trouble | None:
        if self.trouble is not None or login_at <= self.around.clock.now():
            return self.trouble or self._spent(pressing=pressing)
        if login_at == _NEVER:
            return _REFUSED
        again = self.ledger.refusal(self.secret_version)
        return _LOGINS_UNANSWERED if again is None else _REFUSED_ONCE

    def _spent(self, *, pressing: bool) -> Trouble | None:
        """Why no read of the routes is recent enough to count: the ledger forbids the next one."""
        now, ledger = self.around.clock.now(), self.ledger
        counts = self.route_age_seconds <= self.around.timings.route_unknown_after_seconds
        if counts or ledger.may_read(now, pressing=pressing):
            return None
        closed = ledger.reads_closed_until is not None and ledger.reads_closed_until > now
        return _LIMITED if closed else _SPENT

    def _budget(self, login_at: float, *, pressing: bool) -> Budget:
        now, ledger = self.around.clock.now(), self.ledger
        left = ledger.writes_left(now, for_failed_node=True, addresses=self.addresses)
        free = ledger.writes_left(now, for_failed_node=False, addresses=self.addresses)
        return Budget(left, free, login_at, self._read_at(login_at, pressing=pressing))

    @property
    def is_refused_for_good(self) -> bool:
        """Whether these credentials are not sent again until the Secret changes."""
        return self._login_at() == _NEVER

    @property
    def is_login_held(self) -> bool:
        """Whether these credentials may not be sent now."""
        return self._login_verdict().mode is LoginMode.HELD

    def _may_send(self) -> Callable[[], bool]:
        """For the first byte of a read that begins now: its login may have failed meanwhile.

        A trial goes out all the same: it is what tells.
        """
        known = self._login_verdict().mode is LoginMode.KNOWN
        return lambda: not (known and self.is_login_held)

    def _login_verdict(self) -> LoginVerdict:
        others = self.book.failed_logins_of_others(self.name)
        return self.ledger.login_verdict(self.around.clock.now(), self.secret_version, others)

    def _login_at(self) -> float:
        """When these credentials may be sent again; infinity: not before the Secret changes."""
        verdict = self._login_verdict()
        if verdict.mode is not LoginMode.HELD:
            return float("-inf")
        return _NEVER if verdict.until is None else verdict.until

    def read_at(self, *, pressing: bool) -> float:
        """When the routes may be read again, as far as is known now."""
        return self._read_at(self._login_at(), pressing=pressing)

    def _read_at(self, login_at: float, *, pressing: bool) -> float:
        now, ledger = self.around.clock.now(), self.ledger
        budget_at = ledger.next_possible_read(now, pressing=pressing)
        if budget_at <= now:
            budget_at = float("-inf")
        return max(self._retry_at, budget_at, login_at)

    def may_read_servers(self, *, urgent: bool) -> bool:
        """Servers have a budget of their own (200 an hour): at most one read a minute.

        None while the routes may not be read: a bare 403 can be a ban that each request prolongs.
        """
        now, t = self.around.clock.now(), self.around.timings
        if self.read_at(pressing=True) > now:
            return False
        if self.servers_tried_at is None:
            return True
        wait = t.servers_reread_seconds if urgent else t.servers_read_seconds
        return now - self.servers_tried_at >= wait

    async def read_routes(self, *, pressing: bool) -> None:
        """Read every route of the account: one request for all addresses."""
        may_send = self._may_send()
        if not (await self._reserve(pressing=pressing) and await self._log_in()):
            self._retry_at = self.around.clock.now() + self.around.timings.busy_resync_seconds
            return
        # Dated by its beginning: a read is as old as the moment it was asked.
        began = self.around.clock.now()
        self.book.record(self.name, self.ledger.record_read(began))
        answer = await self.robot.read_routes(may_send)
        if isinstance(answer, CannotTell) and answer.fault in NEVER_SENT:
            self.book.record(self.name, self.ledger.record_read_not_sent(began))
            return
        reason = answer if isinstance(answer, CannotTell) else None
        self._settle(reason, Bucket.READS, "read", began)
        if isinstance(answer, CannotTell):
            return
        self.routes_read_at = began
        self._check_pace()
        self.listed = frozenset(route.address for route in answer)
        for route in answer:
            self._sight(route, began)

    def _check_pace(self) -> None:
        """An answer that is too old to act on when it comes must not be asked for again at once."""
        t = self.around.timings
        if self.route_age_seconds > t.fresh_route_seconds:
            self._retry_at = self.around.clock.now() + t.read_retry_seconds
            self.trouble = _TOO_SLOW

    async def _reserve(self, *, pressing: bool) -> bool:
        """Whether a read is recorded on the Lease; five at a time are."""
        ledger = self.ledger
        if ledger.reserved_reads > 0:
            return True
        reserved = ledger.reserve_reads(self.around.clock.now(), pressing=pressing)
        if reserved.reserved_reads == 0:
            return False
        if await self.book.commit(self.name, reserved):
            return True
        # Not on the Lease for certain: not to be used.
        self.book.record(self.name, replace(self.ledger, reserved_reads=0))
        return False

    async def read_servers(self) -> None:
        """Read the list of servers, for mapping nodes."""
        may_send = self._may_send()
        if not await self._log_in():
            self._retry_at = self.around.clock.now() + self.around.timings.busy_resync_seconds
            return
        self.servers_tried_at = began = self.around.clock.now()
        answer = await self.robot.read_servers(may_send)
        if isinstance(answer, CannotTell) and answer.fault in NEVER_SENT:
            return
        self._settle(answer if isinstance(answer, CannotTell) else None, None, "servers", began)
        if not isinstance(answer, CannotTell):
            self.servers = answer

    def read_broke(self, error: Exception) -> None:
        """A defect of ours kept an answer from being read: ask again as after a fault."""
        now, t = self.around.clock.now(), self.around.timings
        self._retry_at = now + t.read_retry_seconds
        self.around.metrics.reconcile_failed(type(error).__name__)
        _log.exception("robot not read", exc=error, account=self.name)

    def switch_answered(self, answer: SwitchAnswer, asked_at: float) -> None:
        """Account for the end of a switch, whatever it was; it was begun at `asked_at`."""
        reason = answer.reason if isinstance(answer, NotExecuted | OutcomeUnknown) else None
        if reason is None or reason.fault not in NEVER_SENT:
            self._record_answer(Bucket.WRITES, reason, asked_at)
        if isinstance(answer, Switched):
            self._sight(answer.route, self.around.clock.now())
        outcome = type(answer).__name__ if reason is None else reason.fault.value
        self.around.metrics.request_answered("write", outcome)

    def _sight(self, route: Route, now: float) -> None:
        self.routes[route.address] = track_route(self.routes.get(route.address), route, now)

    async def _log_in(self) -> bool:
        """Whether the credentials may be sent; a first login is recorded before it is."""
        verdict = self._login_verdict()
        if verdict.mode is LoginMode.KNOWN:
            return True
        if verdict.mode is LoginMode.HELD:
            return False
        attempted = self.ledger.record_login_attempt(self.around.clock.now())
        if await self.book.commit(self.name, attempted):
            return True
        self.book.record(self.name, self.ledger.record_no_login())
        return False

    def _record_answer(
        self, bucket: Bucket | None, reason: CannotTell | None, asked_at: float
    ) -> None:
        """What an answer says about budget and login, for the next renewal to carry."""
        now = self.around.clock.now()
        ledger = self.ledger.record_answer(
            now, bucket, self.secret_version, reason, asked_at=asked_at
        )
        self.book.record(self.name, ledger)

    def _settle(
        self, reason: CannotTell | None, bucket: Bucket | None, kind: str, asked_at: float
    ) -> None:
        self._record_answer(bucket, reason, asked_at)
        self.around.metrics.request_answered(kind, "Ok" if reason is None else reason.fault.value)
        if reason is None:
            if self.trouble is not None:
                _log.info("robot answers again", account=self.name)
            self.trouble, self._failures = None, 0
            return
        self._failures += 1
        t = self.around.timings
        wait = t.read_retry_first_seconds if self._failures == 1 else t.read_retry_seconds
        self._retry_at = self.around.clock.now() + wait
        self.trouble = Trouble(trouble_of(reason), _sentence(reason))
        _log.warning(
            "robot gave no answer that can be used",
            account=self.name,
            reason=self.trouble.reason.value,
            fault=reason.fault.value,
            detail=reason.detail,
        )


_REFUSED = Trouble(
    Reason.CREDENTIALS_REFUSED,
    "Robot refused user name and password: correct the Secret; nothing is sent until it changes",
)
_REFUSED_ONCE = Trouble(
    Reason.CREDENTIALS_REFUSED, "Robot refused user name and password: correct the Secret"
)
_LIMITED = Trouble(
    Reason.RATE_LIMITED, "Robot's limit of requests is used up; waiting until it allows more"
)
_SPENT = Trouble(
    Reason.BUDGET_EXHAUSTED, "the reads of this hour are used up; waiting until one is free"
)
_TOO_SLOW = Trouble(
    Reason.PROVIDER_UNREACHABLE,
    "Robot takes too long to list the routes: nothing can be based on it",
)
_LOGINS_UNANSWERED = Trouble(
    Reason.PROVIDER_UNREACHABLE,
    "two logins failed or had no answer: a third within 15 minutes could lock this host out",
)


def _sentence(reason: CannotTell) -> str:
    """The same words for the same fault, so that a status does not change with each failure."""
    surfaced = trouble_of(reason)
    if surfaced is Reason.CREDENTIALS_REFUSED:
        return "Robot refused user name and password: correct the Secret"
    if surfaced is Reason.RATE_LIMITED:
        return _LIMITED.message
    return f"Robot gave no usable answer ({reason.fault.value})"
