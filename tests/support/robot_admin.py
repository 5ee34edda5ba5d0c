"""The admin port of a Robot simulator, as tests speak to it."""

from __future__ import annotations

from typing import Any

import httpx

Json = dict[str, Any]


class RobotAdmin:
    """Journal, faults and routes of a simulator, through a client that it closes."""

    def __init__(self, client: httpx.Client) -> None:
        self._admin = client

    def close(self) -> None:
        """Close the connection."""
        self._admin.close()

    def journal(self) -> list[Json]:
        """All requests so far."""
        requests: list[Json] = self._get("/journal")["requests"]
        return requests

    def posts(self) -> list[Json]:
        """The requests to switch."""
        return [entry for entry in self.journal() if entry["method"] == "POST"]

    def executed(self) -> list[Json]:
        """The requests that started a switch."""
        return [entry for entry in self.posts() if entry["executed"]]

    def routes(self) -> dict[str, str | None]:
        """Where each address really goes."""
        state = self._get("/state")
        routes: dict[str, str | None] = state["routes"]
        return routes

    def route(self, ip: str, target: str | None) -> None:
        """A stranger moves a route."""
        self._send("PUT", f"/routes/{ip}", {"active_server_ip": target})

    def fault(self, **fault: Any) -> None:
        """Put a fault in force."""
        self._send("POST", "/faults", fault)

    def heal(self) -> None:
        """End all faults."""
        self._send("DELETE", "/faults", None)

    def switches(self, **switches: Any) -> None:
        """Change switches."""
        self._send("PATCH", "/switches", switches)

    def password(self, user: str, password: str) -> None:
        """Change a user's password."""
        self._send("PUT", "/users", {"name": user, "password": password})

    def advance(self, seconds: float) -> None:
        """Make it later at Robot."""
        self._send("POST", "/advance", {"seconds": seconds})

    def _get(self, path: str) -> Any:
        answer = self._admin.get(path)
        answer.raise_for_status()
        return answer.json()

    def _send(self, method: str, path: str, body: Any) -> None:
        self._admin.request(method, path, json=body).raise_for_status()
