"""What a round's stage is made of."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.controlplane.controlplane import ControlPlane
from tests.controlplane.fixtures import GatekeeperFactory, KubeletFactory, TcpProxyFactory
from tests.e2e.chaos.stage import Rig


@pytest.fixture
def rig(
    control_plane: ControlPlane,
    kubelet: KubeletFactory,
    gatekeeper: GatekeeperFactory,
    tcp_proxy: TcpProxyFactory,
    tmp_path: Path,
) -> Rig:
    """The other fixtures, together."""
    return Rig(control_plane, kubelet, gatekeeper, tcp_proxy, tmp_path)
