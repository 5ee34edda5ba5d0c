"""A simulator on a free port, and a client for it."""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx
import pytest
from tests.simulator_robot.clients import client_of
from tests.simulator_robot.worlds import world

from failoverip.simulator.robot.server import RunningSimulator, running


@pytest.fixture
async def simulator() -> AsyncIterator[RunningSimulator]:
    async with running(world(), admin=("127.0.0.1", 0)) as served:
        yield served


@pytest.fixture
async def robot(simulator: RunningSimulator) -> AsyncIterator[httpx.AsyncClient]:
    async with client_of(simulator.base_url) as client:
        yield client


@pytest.fixture
async def admin(simulator: RunningSimulator) -> AsyncIterator[httpx.AsyncClient]:
    async with client_of(simulator.admin_url or "") as client:
        yield client
