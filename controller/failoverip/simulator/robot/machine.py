"""Robot's failover part as a deterministic state machine; time is an argument.

`begin` takes a request and gives an `Exchange`, `advance` moves time on and fills in the replies
that have become due, `next_due` says when to advance next. No sockets, no tasks, no clock: the
same machine stands behind the HTTP server and inside a simulated world.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from failoverip.simulator.robot import answers
from failoverip.simulator.robot.answers import Answer, ConnectionLost, Reply
from failoverip.simulator.robot.buckets import Buckets, Verdict, limit
from failoverip.simulator.robot.desk import Desk
from failoverip.simulator.robot.faults import (
    ALWAYS_EXECUTE,
    BEFORE_ROBOT,
    Fault,
    Faults,
    Kind,
    parse_fault,
)
from failoverip.simulator.robot.fields import Fields, WorldError, parse_address
from failoverip.simulator.robot.journal import Entry, Journal, close
from failoverip.simulator.robot.logins import Logins
from failoverip.simulator.robot.requests import Call, Request, Route, called, canonical
from failoverip.simulator.robot.routing import Routing, Switch
from failoverip.simulator.robot.switches import Switches, changed_switches
from failoverip.simulator.robot.world import World

BLOCKED: dict[str, Reply] = {
    "403": answers.FORBIDDEN_PAGE,
    "401": answers.UNAUTHORIZED,
    "reset": ConnectionLost(),
}


@dataclass(slots=True, eq=False)
class Exchange:
    """A request and its reply. `reply` None: not yet; `due` None as well: no time is known."""

    entry: Entry
    fault: Fault | None = None
    due: float | None = None
    reply: Reply | None = None


class Machine:
    """All state of one simulated Robot. Callers give a `now` in seconds that never falls."""

    def __init__(self, world: World) -> None:
        self.journal = Journal()
        self.switches = world.switches
        self._routing = Routing(world)
        self._desk = Desk(world, self._routing)
        self._faults = Faults()
        self._logins = Logins(world.users)
        self._buckets = Buckets()
        # By the number of the switch they wait for; the others wait for their time alone.
        self._switching: dict[int, Exchange] = {}
        self._answered: list[tuple[Exchange, Reply]] = []

    # The protocol's side

    def begin(self, request: Request, now: float) -> Exchange:
        """Takes a request. Its reply is there at once, or after an `advance`, or never."""
        self.advance(now)
        call = called(request)
        entry = self.journal.open(request, call, now)
        if self._faults.down(now):
            entry.fault = Kind.DOWN
            exchange = Exchange(entry)
            self._answer(exchange, ConnectionLost(opened=False), now)
        else:
            fault = self._faults.take(call, request.method, now)
            entry.fault = None if fault is None else fault.kind
            exchange = Exchange(entry, fault)
            self._attend(call, request, exchange)
        self.advance(now)
        return exchange

    def advance(self, now: float) -> None:
        """Ends every switch, and hands over every reply, that is due by `now`."""
        for switch in self._routing.running:
            if switch.ends > now:
                break
            answer = self._routing.settle(switch, self.switches)
            exchange = self._switching.pop(switch.number, None)
            if exchange is not None:
                self._answer(exchange, answer, switch.ends)
        waiting = []
        for exchange, reply in self._answered:
            if exchange.due is not None and exchange.due <= now:
                exchange.reply = reply
                close(exchange.entry, reply, exchange.due)
            else:
                waiting.append((exchange, reply))
        self._answered = waiting

    def next_due(self, now: float) -> float | None:
        """When `advance` will next have something to do; None: not by itself."""
        times = [switch.ends for switch in self._routing.running]
        times += [exchange.due for exchange, _ in self._answered if exchange.due is not None]
        end = self._faults.next_end(now)
        return min(times if end is None else [*times, end], default=None)

    def client_left(self, exchange: Exchange, now: float) -> None:
        """The client closed the connection without its answer; a switch under way continues."""
        exchange.entry.client_left = now

    def down(self, now: float) -> bool:
        """Whether connections are refused."""
        return self._faults.down(now)

    # The operator's side: each raises WorldError, in one line, for what it cannot use

    def change_switches(self, table: object) -> Switches:
        """Sets the switches that `table` names; the rest stay."""
        self.switches = changed_switches(self.switches, table)
        return self.switches

    def add_fault(self, table: object, now: float) -> Fault:
        """Puts a fault in force; keys as in `parse_fault`."""
        fault = parse_fault(table, now)
        if fault.address is not None:
            self._known(fault.address, "fault.address")
        self._faults.add(fault)
        return fault

    def clear_faults(self) -> None:
        """Ends all faults."""
        self._faults.clear()

    def set_route(self, ip: str, target: str | None) -> None:
        """A stranger routes an address elsewhere, at once, to any address of its family."""
        known = self._known(ip, "route")
        if target is not None:
            version = self._routing.failovers[known].version
            target = parse_address(target, version, "route.active_server_ip")
        self._routing.move(known, target)

    def route(self, ip: str) -> str | None:
        """Where an address really goes, whatever Robot shows while it switches."""
        return self._routing.target(self._known(ip, "route"))

    def shown_route(self, ip: str) -> str | None:
        """Where an address goes as Robot shows it now."""
        return self._routing.shown_target(self._known(ip, "route"), self.switches)

    def change_password(self, table: object) -> None:
        """Gives a user another password; keys `name`, `password`."""
        fields = Fields(table, "user")
        name, password = fields.text("name"), fields.text("password")
        fields.finish()
        if not self._logins.change_password(name, password):
            raise WorldError(f"user.name: no user is called {name!r}")

    def state(self, now: float) -> dict[str, Any]:
        """Everything but the journal and the passwords, for JSON."""
        self.advance(now)
        return {
            "now": now,
            "routes": {ip: self._routing.target(ip) for ip in self._routing.failovers},
            "switching": [
                {"number": each.number, "ip": each.ip, "to": each.target, "ends": each.ends}
                for each in self._routing.running
            ],
            "faults": [fault.as_dict() for fault in self._faults.in_force(now)],
            "blocked_sources": self._logins.blocked_until(now),
            "requests_used": self._buckets.used(self.switches, now),
        }

    def _attend(self, call: Call, request: Request, exchange: Exchange) -> None:
        """Serves a request, unless its fault keeps it from Robot altogether."""
        fault, now = exchange.fault, exchange.entry.began
        if fault is not None and fault.kind in BEFORE_ROBOT and not fault.executed:
            # Whatever stands here is replaced: the fault alone makes the reply.
            self._answer(exchange, ConnectionLost(), now)
            return
        served = self._serve(call, request, fault, exchange.entry)
        if not isinstance(served, Switch):
            self._answer(exchange, served, now)
        elif self.switches.answer == "at_once":
            view = self._routing.early_view(served.ip, served.target, self.switches)
            self._answer(exchange, answers.ok(view), now)
        else:
            self._switching[served.number] = exchange

    def _serve(
        self, call: Call, request: Request, fault: Fault | None, entry: Entry
    ) -> Reply | Switch:
        """What Robot itself makes of a request: login first, then the budget, then the desk."""
        now = entry.began
        if self._logins.blocked(request.source, now):
            return BLOCKED[self.switches.login_block_answer]
        user = self._logins.login(request)
        if user is None or (fault is not None and fault.kind is Kind.UNAUTHORIZED):
            self._logins.fail(request.source, self.switches, now)
            return answers.UNAUTHORIZED
        if call.route is Route.UNKNOWN:
            return answers.NOT_FOUND
        verdict = self._buckets.admit(user.name, call.route, self.switches, now)
        if verdict is Verdict.LIMITED or (fault is not None and fault.kind is Kind.RATE_LIMITED):
            return answers.rate_limited(
                self.switches.rate_error,
                limit(call.route, self.switches),
                self.switches.rate_window_seconds,
            )
        if verdict is Verdict.FORBIDDEN:
            return answers.FORBIDDEN_PAGE
        if call.route.writes:
            return self._desk.write(call, request, user, self.switches, fault, entry)
        return self._desk.read(call, user, self.switches)

    def _answer(self, exchange: Exchange, reply: Reply, now: float) -> None:
        """Robot is done with a request at `now`; what its fault leaves of the reply is due."""
        fault = exchange.fault
        if fault is None:
            exchange.due = now
        elif fault.kind is Kind.HANG:
            return
        else:
            exchange.due = now + fault.seconds
            if fault.kind in BEFORE_ROBOT or fault.kind in ALWAYS_EXECUTE:
                reply = self._spoilt(fault, reply)
        self._answered.append((exchange, reply))

    def _spoilt(self, fault: Fault, reply: Reply) -> Reply:
        match fault.kind:
            case Kind.TRUNCATED if isinstance(reply, Answer):
                return answers.truncated(reply)
            case Kind.RESET:
                return ConnectionLost()
            case Kind.UNAVAILABLE:
                return answers.maintenance(self.switches.maintenance_body)
            case Kind.FORBIDDEN:
                return answers.FORBIDDEN_PAGE
            case Kind.HTML:
                return answers.page(200, "Please wait")
            case Kind.GATEWAY_TIMEOUT:
                return answers.page(504, "504 Gateway Time-out")
            case Kind.EMPTY:
                return answers.empty(200)
            case _:
                return reply

    def _known(self, ip: str, path: str) -> str:
        known = canonical(ip)
        if known is None or known not in self._routing.failovers:
            listed = ", ".join(self._routing.failovers) or "none"
            raise WorldError(
                f"{path}: {ip!r} is no failover address of this world; known: {listed}"
            )
        return known
