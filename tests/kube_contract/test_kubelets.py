"""Pretend kubelets and the node lifecycle of the embedded server, under a clock of the test."""

from __future__ import annotations

import asyncio

import pytest

from failoverip.simulator.kubernetes import Key, Kubelet, NodeLifecycle, PretendNode, Store
from failoverip.simulator.kubernetes.patches import strategic_merge_patch
from failoverip.simulator.kubernetes.resources import LEASES, NODES
from failoverip.simulator.kubernetes.ticking import tick_forever

START = 1_767_323_045.0
BEAT, GRACE = 10.0, 50.0


class TestClock:
    """Time that passes when a test says so; `sleep` lets it pass."""

    __test__ = False
    source = "test"

    def __init__(self) -> None:
        self.seconds = 0.0

    def now(self) -> float:
        return self.seconds

    def wall(self) -> float:
        return START + self.seconds

    async def sleep(self, seconds: float) -> None:
        self.seconds += seconds
        await asyncio.sleep(0)


class World:
    """One node, its kubelet, and the controller that watches its heartbeat."""

    def __init__(self) -> None:
        self.clock = TestClock()
        self.store = Store(self.clock.wall)
        self.kubelet = Kubelet(
            self.store, PretendNode("node-a", "192.0.2.1", {"tier": "edge"}), self.clock, BEAT
        )
        self.lifecycle = NodeLifecycle(self.store, self.clock, GRACE)

    def pass_seconds(self, seconds: int) -> None:
        for _ in range(seconds):
            self.clock.seconds += 1
            self.kubelet.tick()
            self.lifecycle.tick()

    def ready(self) -> tuple[str, str]:
        (condition,) = self.store.get(Key(NODES, "", "node-a"))["status"]["conditions"]
        return condition["status"], condition["reason"]

    def renewed(self) -> str:
        lease = self.store.get(Key(LEASES, "kube-node-lease", "node-a"))
        time: str = lease["spec"]["renewTime"]
        return time


@pytest.fixture
def world() -> World:
    return World()


def test_a_kubelet_registers_its_node_ready(world: World) -> None:
    node = world.store.get(Key(NODES, "", "node-a"))
    assert node["metadata"]["labels"]["tier"] == "edge"
    assert {"type": "InternalIP", "address": "192.0.2.1"} in node["status"]["addresses"]
    assert world.ready() == ("True", "KubeletReady")


def test_a_kubelet_renews_its_lease_every_beat_with_six_digits(world: World) -> None:
    first = world.renewed()
    assert first == "2026-01-02T03:04:05.000000Z"
    world.pass_seconds(9)
    assert world.renewed() == first
    world.pass_seconds(1)
    assert world.renewed() == "2026-01-02T03:04:15.000000Z"


def test_a_node_that_beats_stays_ready(world: World) -> None:
    world.pass_seconds(600)
    assert world.ready() == ("True", "KubeletReady")


def test_a_silent_node_turns_unknown_after_the_grace_period(world: World) -> None:
    world.pass_seconds(1)
    world.kubelet.power_off()
    world.pass_seconds(50)
    assert world.ready()[0] == "True"
    world.pass_seconds(1)
    assert world.ready() == ("Unknown", "NodeStatusUnknown")
    (condition,) = world.store.get(Key(NODES, "", "node-a"))["status"]["conditions"]
    assert condition["message"] == "Kubelet stopped posting node status."


def test_a_node_is_marked_unknown_once(world: World) -> None:
    world.kubelet.power_off()
    world.pass_seconds(60)
    revision = world.store.revision
    world.pass_seconds(600)
    assert world.store.revision == revision


def test_a_node_that_boots_again_is_ready_at_once_and_stays_so(world: World) -> None:
    world.kubelet.power_off()
    world.pass_seconds(60)
    world.kubelet.power_on()
    assert world.ready() == ("True", "KubeletReady")
    world.pass_seconds(100)
    assert world.ready() == ("True", "KubeletReady")


def test_a_kubelet_posts_ready_again_within_a_beat_when_it_was_changed(world: World) -> None:
    unknown = {"status": {"conditions": [{"type": "Ready", "status": "Unknown"}]}}
    key = Key(NODES, "", "node-a")
    world.store.patch(key, lambda old: strategic_merge_patch(old, unknown), "status")
    world.pass_seconds(int(BEAT))
    assert world.ready() == ("True", "KubeletReady")


def test_a_node_that_was_deleted_comes_back_when_its_kubelet_boots(world: World) -> None:
    key = Key(NODES, "", "node-a")
    world.store.delete(key)
    world.pass_seconds(100)
    assert world.store.uid(key) is None
    world.kubelet.power_on()
    assert world.ready() == ("True", "KubeletReady")


def test_an_outage_of_the_controller_is_not_held_against_the_nodes(world: World) -> None:
    """The age of a heartbeat is what the controller itself saw."""
    world.kubelet.power_off()
    world.clock.seconds += 1000
    NodeLifecycle(world.store, world.clock, GRACE).tick()
    assert world.ready()[0] == "True"


def test_the_same_steps_give_the_same_world() -> None:
    worlds = [World(), World()]
    for world in worlds:
        world.pass_seconds(30)
    first, second = (world.store.get(Key(NODES, "", "node-a")) for world in worlds)
    assert first == second


async def test_ticks_go_on_until_cancelled() -> None:
    clock, ticks = TestClock(), asyncio.Event()
    task = asyncio.create_task(tick_forever(clock, [ticks.set], every_seconds=1.0))
    await ticks.wait()
    ticks.clear()
    await ticks.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
