"""The main job with nothing shortened: kube-controller-manager, kubelets, operator, election."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest
from tests.controlplane.fixtures import ControlPlaneFactory, KubeletFactory
from tests.controlplane.kubelet import DEFAULT_BEAT_SECONDS, HEARTBEATS
from tests.controlplane.rest import Api
from tests.controlplane.waiting import eventually
from tests.e2e.installation import ADDRESS, installed, server_ip

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

DEFAULTS = (
    *("--time-scale", "1"),
    *("--lease-duration-seconds", "15"),
    *("--renew-deadline-seconds", "10"),
    *("--retry-period-seconds", "2"),
)
HEARTBEAT_SILENCE_SECONDS = 20


def test_at_default_timings_the_address_moves_after_the_node_is_not_ready_and_its_heartbeat_silent(
    new_control_plane: ControlPlaneFactory, kubelet: KubeletFactory, tmp_path: Path
) -> None:
    plane = new_control_plane(timings=None)
    node_a, _, _ = (
        kubelet(
            name,
            server_ip(number),
            beat_seconds=DEFAULT_BEAT_SECONDS,
            api=plane.api(timeout_seconds=DEFAULT_BEAT_SECONDS),
        )
        for name, number in (("node-a", 321), ("node-b", 322), ("node-c", 323))
    )
    with installed(plane, tmp_path) as installation:
        installation.start_replica("one", flags=DEFAULTS)
        installation.start_replica("two", flags=DEFAULTS)
        installation.apply()
        installation.until_ready("node-a")

        node_a.power_off()
        eventually(
            lambda: node_a.reported_ready() == "Unknown" or installation.simulator.posts(),
            "node-a is Unknown",
            120,
        )
        unknown_since = ready_changed_at(plane.admin)
        last_beat = beat_at(plane.admin)
        status = installation.until_ready("node-b")

        move = status["moves"][0]
        assert move["cause"] == "NodeUnreachable"
        assert move["result"] == "Confirmed"
        # Kubernetes and the status both count whole seconds.
        assert moment(move["postedAt"]) >= unknown_since
        silent_for = moment(move["postedAt"]) - last_beat
        assert silent_for > dt.timedelta(seconds=HEARTBEAT_SILENCE_SECONDS)
        assert installation.simulator.routes()[ADDRESS] == server_ip(322)
        assert len(installation.simulator.posts()) == 1


def ready_changed_at(api: Api) -> dt.datetime:
    """Since when node-a is Unknown; AssertionError when it is not."""
    conditions = api.get("/api/v1/nodes/node-a")["status"]["conditions"]
    (ready,) = (one for one in conditions if one["type"] == "Ready")
    assert ready["status"] == "Unknown"
    return moment(ready["lastTransitionTime"])


def beat_at(api: Api) -> dt.datetime:
    """When node-a's heartbeat Lease was last renewed."""
    return moment(api.get(f"{HEARTBEATS}/node-a")["spec"]["renewTime"])


def moment(text: str) -> dt.datetime:
    """A timestamp of Kubernetes."""
    return dt.datetime.fromisoformat(text)
