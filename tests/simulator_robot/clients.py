"""A client with Robot's credentials and the patience that a busy machine needs."""

from __future__ import annotations

import ssl

import httpx
from tests.simulator_robot.worlds import PASSWORD, USER


def client_of(base_url: str, *, verify: ssl.SSLContext | bool = True) -> httpx.AsyncClient:
    """A client of Robot's port, or of the admin port, which asks for no login."""
    return httpx.AsyncClient(
        base_url=base_url, auth=(USER, PASSWORD), verify=verify, timeout=60, trust_env=False
    )
