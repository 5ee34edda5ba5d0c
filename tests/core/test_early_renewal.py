"""A leader need not wait for its next renewal to write what its Lease carries."""

from __future__ import annotations

from tests.support.election_world import LeaseServer, Machine, World

from failoverip.core.election import Update, Wait, renew_soon


def test_a_leader_that_has_something_to_write_renews_without_waiting() -> None:
    world = World(LeaseServer())
    leader = Machine(world, "first")
    leader.attempt()
    world.time = 0.5
    assert leader.send() == Wait(0.5)
    assert leader.election.is_resting
    leader.election = renew_soon(leader.election)
    assert isinstance(leader.send(), Update)
    assert not leader.election.is_resting
    leader.serve()
    leader.receive()
    assert leader.send() == Wait(2)
