"""Fixtures of the tests that run the operator as processes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.controlplane.controlplane import ControlPlane
from tests.controlplane.fixtures import KubeletFactory
from tests.controlplane.kubelet import Kubelet
from tests.e2e.installation import BRISK_BEAT_SECONDS, Installation, installed, server_ip

SERVERS = {"node-a": 321, "node-b": 322, "node-c": 323}


@pytest.fixture
def installation(control_plane: ControlPlane, tmp_path: Path) -> Iterator[Installation]:
    """Everything but replicas and nodes."""
    with installed(control_plane, tmp_path) as home:
        yield home


@pytest.fixture
def nodes(kubelet: KubeletFactory) -> dict[str, Kubelet]:
    """Three nodes on servers 321, 322 and 323."""
    return {name: kubelet(name, server_ip(number)) for name, number in SERVERS.items()}


@pytest.fixture
def brisk_nodes(kubelet: KubeletFactory) -> dict[str, Kubelet]:
    """The same, with heartbeats that fit the periods of `BRISK`."""
    return {
        name: kubelet(name, server_ip(number), beat_seconds=BRISK_BEAT_SECONDS)
        for name, number in SERVERS.items()
    }
