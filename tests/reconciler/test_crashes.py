"""kill -9 of the leader at every boundary of one move of a group; a successor goes on."""

from __future__ import annotations

import pytest
from tests.reconciler.world import ADDRESS, ADDRESS_V6, GROUP, World, play, server_ip

from failoverip.simulator.world.replica import Replica

# Each is passed between the failure of the active node and the end of the switch. A boundary that
# is passed at other times too is named with the one after which it is meant.
BOUNDARIES: list[tuple[str, ...]] = [
    ("before reading /failover",),
    ("after reading /failover",),
    ("before open the intent",),
    ("after open the intent",),
    ("after open the intent", "before read the Secret"),
    ("after open the intent", "after read the Secret"),
    ("before record the attempt",),
    ("after record the attempt",),
    ("after record the attempt", "before renew the Lease"),
    ("after record the attempt", "after renew the Lease"),
    (f"before connecting for {ADDRESS}",),
    (f"before connecting for {ADDRESS_V6}",),
    (f"before asking for {ADDRESS}",),
    (f"before asking for {ADDRESS_V6}",),
    (f"while Robot switches {ADDRESS}",),
    (f"while Robot switches {ADDRESS_V6}",),
    (f"after the answer for {ADDRESS}",),
    (f"after the answer for {ADDRESS_V6}",),
    (f"after the answer for {ADDRESS_V6}", "before tell the status"),
    (f"after the answer for {ADDRESS_V6}", "after tell the status"),
    (f"after the answer for {ADDRESS_V6}", "before reading /failover"),
    (f"after the answer for {ADDRESS_V6}", "after reading /failover"),
    ("before close the intent",),
    ("after close the intent",),
]
# Passed all the time, and nothing of a switch hangs on it.
_BETWEEN = ("list ", "create events")


def kill_at(replica: Replica, boundaries: tuple[str, ...]) -> None:
    """Kill the process at the last boundary, once it has passed those before."""
    first, *rest = boundaries
    act = replica.kill if not rest else lambda: kill_at(replica, tuple(rest))
    replica.at(first, act)


async def begin(world: World) -> Replica:
    """A leader, a standby, a group on node-a, and node-a without power."""
    leader, _ = await world.pair()
    await world.settled(addresses=GROUP)
    leader.passed.clear()
    world.kubelets["node-a"].power_off()
    return leader


@pytest.mark.parametrize("boundaries", BOUNDARIES, ids=", then ".join)
def test_a_leader_killed_at_any_boundary_of_a_move_leaves_one_executed_switch_for_each_address(
    boundaries: tuple[str, ...],
) -> None:
    async def scenario(world: World) -> None:
        leader = await begin(world)
        kill_at(leader, boundaries)
        await world.until(lambda: leader.process.stopped, f"killed {boundaries[-1]}")
        # Who recorded the end before it died left nothing to do.
        await world.until(lambda: world.replicas[1].leads, "the standby leads")
        await world.until_ready("node-b")

        assert world.route(ADDRESS) == server_ip(322)
        assert world.route(ADDRESS_V6) == "2001:db8:a:322::"
        assert [len(world.executed(address)) for address in (ADDRESS, ADDRESS_V6)] == [1, 1]
        extra = {post.code for post in world.posts() if not post.executed}
        assert extra <= {"FAILOVER_LOCKED", "FAILOVER_ALREADY_ROUTED"}
        assert [move["result"] for move in world.status()["moves"]] == ["Confirmed"]

    play(scenario)


def test_the_boundaries_above_are_all_that_a_move_passes() -> None:
    async def scenario(world: World) -> None:
        leader = await begin(world)
        await world.until(lambda: "after close the intent" in leader.passed, "the switch ended")
        passed = {name for name in leader.passed if not name.split(" ", 1)[1].startswith(_BETWEEN)}
        assert passed == {name for boundaries in BOUNDARIES for name in boundaries}

    play(scenario)
