"""A Robot simulator behind TLS, and one machine of a Pacemaker cluster."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.ocf.node import Node
from tests.simulator_robot.tls import self_signed
from tests.simulator_robot.worlds import world

from failoverip.simulator.robot.server import RunningSimulator, running


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    return self_signed(tmp_path_factory.mktemp("tls"))


@pytest.fixture
async def robot(certificate: tuple[Path, Path]) -> AsyncIterator[RunningSimulator]:
    """Robot, which routes 203.0.113.10 to server 321 (192.0.2.11) at the start."""
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(*certificate)
    async with running(world(switch_seconds=0.1), tls=tls) as served:
        yield served


@pytest.fixture
def node(robot: RunningSimulator, certificate: tuple[Path, Path], tmp_path: Path) -> Node:
    """The machine that is server 321; its monitors use no answer twice."""
    return Node(tmp_path / "one", robot.base_url, certificate[0], server="321")


@pytest.fixture
def other(robot: RunningSimulator, certificate: tuple[Path, Path], tmp_path: Path) -> Node:
    """The machine that is server 322."""
    return Node(tmp_path / "two", robot.base_url, certificate[0], server="322")
