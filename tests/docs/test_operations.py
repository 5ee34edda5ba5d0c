"""docs/operations.md, done: each section's commands in order, and what must be true after them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.controlplane.controlplane import ControlPlane
from tests.controlplane.fixtures import KubeletFactory
from tests.controlplane.waiting import eventually
from tests.docs.installation import Story, new_cluster
from tests.e2e.canaries import plant
from tests.e2e.installation import USER
from tests.repo.commands import Block, blocks
from tests.repo.files import ROOT

PAGE = ROOT / "docs" / "operations.md"
ROTATED = "canary-password-rotated-by-hand"


def section(title: str) -> list[Block]:
    """The blocks of a section that are run."""
    return [block for block in blocks("operations", [PAGE]) if block.section == title]


LOOKS = section("Operations")
ADOPT = section("Adopt an address")
ROTATE = section("Rotate the credentials")
DRAIN = section("Drain a node")
REBOOT = section("Reboot the nodes one after another")
UPGRADE = section("Upgrade and downgrade")
BACK_OUT = section("Back out")


def test_every_command_of_the_page_is_run_below() -> None:
    run = [*LOOKS, *ADOPT, *ROTATE, *DRAIN, *REBOOT, *UPGRADE, *BACK_OUT]
    assert run == blocks("operations")


@pytest.fixture
def story(control_plane: ControlPlane, kubelet: KubeletFactory, tmp_path: Path) -> Iterator[Story]:
    """The README was followed: `web` is Active, and its two addresses are on node-2."""
    with new_cluster(control_plane, kubelet, tmp_path) as found:
        for block in blocks("new-cluster", [ROOT / "README.md"]):
            found.do(block)
        found.home.until_ready("node-2")
        yield found


@pytest.mark.e2e
def test_an_address_is_adopted_its_credentials_rotated_its_node_drained_and_all_is_backed_out(
    story: Story,
) -> None:
    home = story.home
    for block in LOOKS:
        assert "web" in story.do(block)

    dry, rehearse, active, try_node = ADOPT
    before = len(home.simulator.posts())
    assert "node-1\ttrue" in story.do(dry)
    assert "node-1" in story.do(rehearse)
    assert len(home.simulator.posts()) == before, "DryRun asked Robot to switch"
    story.do(active)
    story.do(try_node)
    assert home.status()["activeNode"] == "node-1"

    plant(ROTATED)
    home.simulator.password(USER, ROTATED)
    (story.person.directory / "robot-password").write_text(ROTATED)
    (rotate,) = ROTATE
    story.do(rotate)

    drain, done = DRAIN
    executed = len(home.simulator.executed())
    story.do(drain)
    assert home.status()["activeNode"] == "node-2"
    assert len(home.simulator.executed()) == executed + 2, "one switch for each address"
    assert [e["status"] for e in home.simulator.journal()].count(401) <= 2
    assert "node-1" not in story.pods.places().values(), "the operator left the drained node"
    story.do(done)

    pause, delete, remove = BACK_OUT
    routes = home.simulator.routes()
    story.do(pause)
    story.do(delete)
    story.do(remove)
    assert home.simulator.routes() == routes
    assert home.cluster.kubectl("get", "namespace/failoverip-system", check=False).returncode


@pytest.mark.e2e
def test_all_nodes_rebooted_one_after_another_with_the_active_one_last_cost_one_move(
    story: Story,
) -> None:
    home = story.home
    which, empty, back = REBOOT
    moves, executed = len(home.status()["moves"]), len(home.simulator.executed())
    last = story.do(which).strip()
    assert last == "node-2"
    for name in ("node-1", "node-3", last):
        story.person.environ["NODE"] = name
        story.do(empty)
        reboot(story, name)
        story.do(back)
    status = home.until_ready("node-1")
    assert len(status["moves"]) == moves + 1
    moved = home.simulator.executed()[executed:]
    assert sorted(post["address"] for post in moved) == ["2001:db8:1:2::", "203.0.113.10"]


def reboot(story: Story, name: str) -> None:
    """Off, as long as it takes to be missed, and on again."""
    node = story.nodes[name]
    node.power_off()
    eventually(lambda: node.reported_ready() == "Unknown", f"{name} is missed")
    node.power_on()
