"""Whom to ask: Robot itself, or the user's own script of 2011. Both answer in Robot's values."""

from __future__ import annotations

from typing import Protocol

from failoverip.core.addresses import AddressKey, TargetAddress
from failoverip.core.provider import (
    CannotTell,
    Fault,
    OutcomeUnknown,
    Route,
    RoutesAnswer,
    ServersAnswer,
    SwitchAnswer,
    Switched,
)
from failoverip_ocf.cluster import run
from failoverip_ocf.codes import HELPER_MINE, HELPER_NOT_MINE

HERE = TargetAddress("here")
ELSEWHERE = TargetAddress("elsewhere")


class Source(Protocol):
    """What `failoverip.robot.blocking.BlockingRobot` does."""

    def read_routes(self, seconds: float) -> RoutesAnswer:
        """Where every failover address is routed."""

    def read_servers(self, seconds: float) -> ServersAnswer:
        """The servers of the account."""

    def switch(self, address: AddressKey, target: TargetAddress, seconds: float) -> SwitchAnswer:
        """Route an address to a server."""


class Script:
    """A script of the user's: `-g -i IP` exits 0 mine, 2 not mine, else it cannot tell."""

    def __init__(self, path: str, ip: str) -> None:
        self._path = path
        self._ip = AddressKey(ip)

    def read_routes(self, seconds: float) -> RoutesAnswer:
        """The one address, `here` or `elsewhere`."""
        code = self._run("-g", seconds)
        if code in (HELPER_MINE, HELPER_NOT_MINE):
            return (Route(self._ip, HERE if code == HELPER_MINE else ELSEWHERE),)
        return self._cannot_tell(code)

    def read_servers(self, seconds: float) -> ServersAnswer:  # noqa: ARG002  # it knows this server
        """None: the script knows which server this is."""
        return ()

    def switch(self, address: AddressKey, target: TargetAddress, seconds: float) -> SwitchAnswer:
        """`-s -i IP`: done only when it says 0."""
        code = self._run("-s", seconds)
        if code == HELPER_MINE:
            return Switched(Route(address, target))
        return OutcomeUnknown(self._cannot_tell(code))

    def _run(self, option: str, seconds: float) -> int | None:
        return run(self._path, [self._path, option, "-i", self._ip], seconds)

    def _cannot_tell(self, code: int | None) -> CannotTell:
        if code is None:
            return CannotTell(Fault.TIMEOUT, f"{self._path} did not run, or not end in time")
        return CannotTell(Fault.SERVER_ERROR, f"{self._path} exited with {code}")
