"""The operator's handle on a running simulator, used by the admin port and in-process alike."""

from __future__ import annotations

from typing import Any

from failoverip.simulator.robot.faults import Fault
from failoverip.simulator.robot.host import Host
from failoverip.simulator.robot.journal import Entry
from failoverip.simulator.robot.switches import Switches


class Controls:
    """Every change takes effect at once. WorldError, in one line, for what cannot be used."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self._machine = host.machine

    @property
    def journal(self) -> tuple[Entry, ...]:
        """The requests so far, oldest first."""
        return self._machine.journal.entries

    @property
    def switches(self) -> Switches:
        """The switches in force."""
        return self._machine.switches

    def clear_journal(self) -> None:
        """Forgets the requests so far; numbers go on."""
        self._machine.journal.clear()

    def change_switches(self, table: object) -> Switches:
        """Sets the switches that `table` names."""
        return self._machine.change_switches(table)

    def route(self, ip: str) -> str | None:
        """Where an address really goes."""
        return self._machine.route(ip)

    def set_route(self, ip: str, target: str | None) -> None:
        """A stranger routes an address elsewhere, at once."""
        self._machine.set_route(ip, target)

    def change_password(self, table: object) -> None:
        """Gives a user another password; keys `name`, `password`."""
        self._machine.change_password(table)

    def add_fault(self, table: object) -> Fault:
        """Puts a fault in force; keys as in `faults.parse_fault`."""
        fault = self._machine.add_fault(table, self._host.clock.now())
        self._host.wake()
        return fault

    def clear_faults(self) -> None:
        """Ends all faults."""
        self._machine.clear_faults()
        self._host.wake()

    def advance(self, seconds: float) -> float:
        """Makes it `seconds` later; returns the clock's seconds."""
        self._host.clock.advance(seconds)
        now = self._host.clock.now()
        self._machine.advance(now)
        self._host.wake()
        return now

    def state(self) -> dict[str, Any]:
        """Clock, routes, switches under way, faults, lock-outs, used budget."""
        return self._machine.state(self._host.clock.now())
