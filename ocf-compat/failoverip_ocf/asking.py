"""What Robot says, within deadline and budget, shared by all resources of an account on a node.

Imports the transport, so it costs a monitor 60 ms of CPU: only where Robot is asked.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress

from failoverip.core.addresses import AddressKey, TargetAddress
from failoverip.core.ledger import Bucket
from failoverip.core.provider import (
    AlreadyRouted,
    CannotTell,
    Fault,
    Locked,
    NotExecuted,
    OutcomeUnknown,
    Refused,
    SwitchAnswer,
    Switched,
)
from failoverip_ocf.books import Books, Left
from failoverip_ocf.cache import NOWHERE, Cache, CachedServer
from failoverip_ocf.cluster import cluster_size
from failoverip_ocf.codes import ERR_ARGS
from failoverip_ocf.decide import (
    ASK,
    LATE,
    PAUSE,
    SECOND_READ_SECONDS,
    UNKNOWN,
    Pacing,
    Verdict,
    next_look,
    pace_seconds,
    reads_share,
    route_of,
    verdict,
)
from failoverip_ocf.secret_files import SecretFileError
from failoverip_ocf.section import Section
from failoverip_ocf.servers import NoServerError, own_targets
from failoverip_ocf.sources import HERE, Script, Source
from failoverip_ocf.state import BusyError, now

# A whole read: Robot lists in about a second.
READ_SECONDS = 15.0
# Less than this is left: do not begin.
LEAST_SECONDS = 0.5
# The list of servers changes when somebody orders one; without this machine it is read sooner.
SERVERS_SECONDS = 86400.0
SERVERS_AGAIN_SECONDS = 60.0


class SwitchEnd:
    """How a switch ended: what was said, and whether that was a clear yes or a definitive no."""

    __slots__ = ("clear", "refused", "said")

    def __init__(self, said: str, *, clear: bool = False, refused: bool = False) -> None:
        self.said = said
        self.clear = clear
        self.refused = refused


class Asking:
    """One resource's questions. OSError where the runtime directory cannot be used."""

    def __init__(self, section: Section, say: Callable[[str], None]) -> None:
        self._section = section
        self._say = say
        self._unreachable = False
        self._parameters = section.parameters
        self._runtime = section.runtime
        self._share = reads_share(cluster_size())
        self._source: Source | None = None
        self._books = Books(section.runtime, section.account(), section.version(), self._share, say)

    def for_monitor(self, began: float, until: float) -> tuple[Cache, Verdict, str]:
        """The newest answer, its verdict, and why it is not newer; reads as `next_look` says."""
        section, self._books.until = self._section, until
        with self._runtime.locked(section.name, until):
            while True:
                cache = section.cache()
                if why := self._know_own(cache, until, again=False):
                    return cache, Verdict(UNKNOWN, why), why
                said = self._verdict(cache)
                latest = until - LEAST_SECONDS
                pacing = Pacing(section.reuse_seconds(cache), cache.failures, latest)
                step = next_look(cache, said, began, now(), pacing)
                if step == PAUSE and cache.answered_at is not None:
                    time.sleep(max(0.01, cache.answered_at + SECOND_READ_SECONDS - now()))
                    continue
                if step == LATE:
                    return cache, said, "no time left to ask"
                if step != ASK:
                    return cache, said, cache.failure if cache.failures else ""
                if why := self._read(cache, until, for_start=False):
                    return cache, self._verdict(cache), why

    def for_start(self, after: float, until: float) -> tuple[Cache, Verdict, bool]:
        """What a read says that began at `after` or later; whether nobody was there.

        Others' reads count: ten starts at once need few.
        """
        self._books.until = until
        try:
            with self._runtime.locked(self._section.name, until):
                cache = self._section.cache()
                if cache.asked_at is None or cache.asked_at < after:
                    failures = cache.failures
                    if why := self._read(cache, until, for_start=True):
                        return cache, Verdict(UNKNOWN, why), False
                    if cache.failures > failures:
                        return cache, Verdict(UNKNOWN, cache.failure), self._unreachable
                return cache, self._verdict(cache), False
        except BusyError:
            return Cache(), Verdict(UNKNOWN, "other agents are asking Robot"), False

    def switch(self, cache: Cache, until: float) -> SwitchEnd:
        """Ask for the route."""
        route = route_of(cache, self._parameters.ip)
        own = cache.own.get(self._parameters.server)
        if route is None or own is None:
            return SwitchEnd("no route")
        try:
            why = self._books.record_switch()
        except BusyError as error:
            why = str(error)
        if why:
            return SwitchEnd(why)
        target = TargetAddress(own[1] if ":" in self._parameters.ip else own[0])
        answer = self._asked().switch(
            AddressKey(route.address), target, max(LEAST_SECONDS, until - now())
        )
        reason = answer.reason if isinstance(answer, NotExecuted | OutcomeUnknown) else None
        # Whoever holds the ledger, the switch was counted before it was sent.
        with suppress(BusyError):
            self._books.record_answer(Bucket.WRITES, reason)
        return _switch_end(answer)

    def _verdict(self, cache: Cache) -> Verdict:
        own = cache.own.get(self._parameters.server)
        return verdict(cache, self._parameters.ip, own, now())

    def _read(self, cache: Cache, until: float, *, for_start: bool) -> str:
        """One read into the cache; why none was made, if none was."""
        self._unreachable = False
        if why := self._know_own(cache, until, again=for_start):
            return why
        # What keeps it from being asked is found before anything is counted.
        source = self._asked()
        if why := self._books.record_read(for_start=for_start):
            return why
        asked_at = now()
        answer = source.read_routes(min(READ_SECONDS, max(LEAST_SECONDS, until - asked_at)))
        reason = answer if isinstance(answer, CannotTell) else None
        left = self._books.record_answer(Bucket.READS, reason)
        if isinstance(answer, CannotTell):
            self._unreachable = answer.fault is Fault.UNREACHABLE
            cache.missed(asked_at, now(), answer.detail)
        else:
            cache.took(
                asked_at,
                now(),
                (
                    (route.address, route.prefix_length, route.target or NOWHERE, route.ready)
                    for route in answer
                ),
            )
        self._keep(cache, left)
        return ""

    def _know_own(self, cache: Cache, until: float, *, again: bool) -> str:
        """Find out which server this is; why that is not known, if it is not."""
        parameter = self._parameters.server
        if self._section.is_script:
            cache.own[parameter] = (HERE, HERE)
            return ""
        if "." in parameter and ":" not in self._parameters.ip:
            cache.own[parameter] = (parameter, "")
            return ""
        age = None if cache.servers_at is None else now() - cache.servers_at
        if parameter in cache.own and not again and age is not None and age < SERVERS_SECONDS:
            return ""
        if age is not None and age < SERVERS_SECONDS:
            why = self._match(cache)
            if not why or age < SERVERS_AGAIN_SECONDS:
                return why
        retry = Pacing(self._section.reuse_seconds(cache), cache.failures).retry
        failed_at = cache.failed_at if cache.failures and not again else None
        if failed_at is not None and now() < failed_at + retry:
            return cache.failure
        return self._read_servers(cache, until) or self._match(cache)

    def _match(self, cache: Cache) -> str:
        from failoverip_ocf.machine import local_addresses

        parameter = self._parameters.server
        cache.own.pop(parameter, None)
        try:
            local = frozenset() if parameter else local_addresses()
            cache.own[parameter] = own_targets(cache.servers, parameter, local)
            self._keep_cache(cache)
        except (NoServerError, OSError) as error:
            return str(error)
        return ""

    def _read_servers(self, cache: Cache, until: float) -> str:
        source = self._asked()
        if why := self._books.record_server_read():
            return why
        asked_at = now()
        answer = source.read_servers(min(READ_SECONDS, max(LEAST_SECONDS, until - asked_at)))
        if isinstance(answer, CannotTell):
            left = self._books.record_answer(None, answer)
            self._unreachable = answer.fault is Fault.UNREACHABLE
            cache.missed(asked_at, now(), answer.detail)
            self._keep(cache, left)
            return answer.detail
        left = self._books.record_answer(None, None)
        cache.servers = tuple(
            CachedServer(server.number, server.ipv4 or "", server.ipv6_net or "")
            for server in answer
        )
        cache.servers_at = now()
        self._keep(cache, left)
        return ""

    def _keep(self, cache: Cache, left: Left) -> None:
        cache.reads_left, cache.writes_left = left.reads, left.switches
        cache.pace_seconds = pace_seconds(self._share)
        self._keep_cache(cache)

    def _keep_cache(self, cache: Cache) -> None:
        try:
            self._section.keep(cache)
        except OSError as error:
            # This call knows the answer all the same.
            self._say(f"the answer cannot be kept: {error.strerror}")

    def _asked(self) -> Source:
        if self._source is None:
            parameters, login = self._parameters, self._section.login
            if login is None:
                self._source = Script(parameters.script, parameters.ip)
            else:
                from failoverip.robot import Credentials
                from failoverip.robot.blocking import BlockingRobot

                try:
                    credentials = Credentials(login.username, login.password)
                except ValueError as error:
                    raise SecretFileError(ERR_ARGS, f"credentials: {error}") from None
                self._source = BlockingRobot(
                    parameters.robot_url, credentials, ca_file=parameters.ca_file
                )
        return self._source


def _switch_end(answer: SwitchAnswer) -> SwitchEnd:
    if isinstance(answer, Switched):
        return SwitchEnd("switched", clear=True)
    if isinstance(answer, AlreadyRouted):
        return SwitchEnd("already routed here", clear=True)
    if isinstance(answer, Refused):
        return SwitchEnd(answer.detail, refused=True)
    if isinstance(answer, Locked):
        return SwitchEnd("another switch of this address is running")
    return SwitchEnd(answer.reason.detail)
