"""Who may come in: passwords, and the lock-out of a source address (hetzner-api 4)."""

from __future__ import annotations

import hmac
from collections.abc import Iterable

from failoverip.simulator.robot.requests import Request
from failoverip.simulator.robot.switches import Switches
from failoverip.simulator.robot.world import User


class Logins:
    """Checks logins; the failures of one source count together, whatever user they name."""

    def __init__(self, users: Iterable[User]) -> None:
        self._users = {user.name: user for user in users}
        self._failures: dict[str, list[float]] = {}
        self._blocked_until: dict[str, float] = {}

    def blocked(self, source: str, now: float) -> bool:
        """Whether a source is locked out; good credentials do not help it."""
        return now < self._blocked_until.get(source, now)

    def blocked_until(self, now: float) -> dict[str, float]:
        """The sources that are locked out, with the time of their release."""
        return {source: end for source, end in self._blocked_until.items() if now < end}

    def login(self, request: Request) -> User | None:
        """The user of a request whose password is right."""
        user = self._users.get(request.user or "")
        given = (request.password or "").encode()
        if user is None or not hmac.compare_digest(user.password.encode(), given):
            return None
        return user

    def fail(self, source: str, switches: Switches, now: float) -> None:
        """Counts a failed login; the last allowed one locks the source out."""
        # Not documented whether a good login clears the count: the stricter reading.
        recent = [
            at for at in self._failures.get(source, ()) if now < at + switches.login_block_seconds
        ]
        recent.append(now)
        self._failures[source] = recent
        if len(recent) >= switches.failed_logins:
            self._blocked_until[source] = now + switches.login_block_seconds
            self._failures[source] = []

    def change_password(self, name: str, password: str) -> bool:
        """Gives a user another password; False when there is no such user."""
        user = self._users.get(name)
        if user is None:
            return False
        self._users[name] = User(name, password, user.servers, user.addresses)
        return True
