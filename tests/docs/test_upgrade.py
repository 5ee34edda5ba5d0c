"""The version before this one is replaced in the middle of a switch, and comes back in another."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.controlplane.controlplane import ControlPlane
from tests.controlplane.fixtures import KubeletFactory
from tests.controlplane.waiting import eventually
from tests.docs.installation import Story, new_cluster
from tests.docs.test_operations import UPGRADE
from tests.e2e.replica_pair import HARMLESS
from tests.repo.commands import Block, blocks
from tests.repo.files import ROOT
from tests.support.previous import previous_version

pytestmark = pytest.mark.e2e

NEW_IMAGE = "registry.example.com/failoverip:NEW"
ADDRESSES = ["2001:db8:1:2::", "203.0.113.10"]
SWITCH_SECONDS = 600


def test_an_upgrade_and_a_downgrade_in_the_middle_of_a_switch_execute_nothing_twice(
    control_plane: ControlPlane,
    kubelet: KubeletFactory,
    tmp_path: Path,
    pytestconfig: pytest.Config,
) -> None:
    before = tmp_path / "before"
    before.mkdir()
    previous_version(pytestconfig, before)
    with new_cluster(control_plane, kubelet, tmp_path) as story:
        story.pods.code = before / "controller"
        story.pods.images[NEW_IMAGE] = ROOT / "controller"
        for block in blocks("new-cluster", [ROOT / "README.md"]):
            story.do(block)
        story.home.until_ready("node-2")
        control_plane.kubectl("apply", "-k", str(before / "manifests" / "crd"))
        story.home.simulator.switches(switch_seconds=SWITCH_SECONDS)

        upgrade, back = UPGRADE
        replaced_in_mid_switch(story, "node-1", upgrade)
        assert running_code(story) == {NEW_IMAGE}
        replaced_in_mid_switch(story, "node-2", back)
        assert NEW_IMAGE not in running_code(story)


def replaced_in_mid_switch(story: Story, target: str, block: Block) -> None:
    """The operator is replaced while Robot switches: one switch of each address, and its end."""
    home = story.home
    posts, moves = len(home.simulator.posts()), len(home.status()["moves"])
    home.cluster.kubectl(
        "annotate", "--overwrite", "failoverip/web", f"failoverip.io/switch-to={target}"
    )
    eventually(lambda: executed(story, posts) == ADDRESSES, "Robot is switching")
    intent = home.status()["intent"]["id"]
    story.person.run(block)
    assert home.status()["intent"]["id"] == intent, "the switch was open all the time"
    home.simulator.advance(SWITCH_SECONDS)

    story.rest(str(block))
    status = home.until_ready(target)
    assert status["lastMove"]["id"] == intent
    assert len(status["moves"]) == moves + 1
    assert executed(story, posts) == ADDRESSES
    others = [post for post in home.simulator.posts()[posts:] if not post["executed"]]
    assert {post["code"] for post in others} <= HARMLESS


def executed(story: Story, since: int) -> list[str]:
    """The addresses of the switches that Robot executed since a number of posts."""
    posts = story.home.simulator.posts()[since:]
    return sorted(post["address"] for post in posts if post["executed"])


def running_code(story: Story) -> set[str]:
    """The images of the pods that there are."""
    return set(story.pods.images_in_use())
