"""An operator without the guard of its lease does harm, and the audit tells it."""

from __future__ import annotations

import pytest
from tests.controlplane.waiting import eventually
from tests.e2e.chaos.audits import audit
from tests.e2e.chaos.script import Script
from tests.e2e.chaos.stage import Rig, node_facts, staged
from tests.e2e.replica_pair import spending_renewal

pytestmark = pytest.mark.e2e

# It believes that its lease lasts for ever, that each renewal succeeds, and that what it has read
# never grows old.
UNGUARDED = """
import asyncio, sys
from failoverip.cli import main
from failoverip.reconciler.account import Account
from failoverip.reconciler.leadership import Leadership
hold, renew_now = Leadership.hold, Leadership.renew_now
async def renewed_always(self):
    await renew_now(self)
    return True
async def hold_for_ever(self):
    await hold(self)
    await asyncio.Event().wait()
Leadership.hold, Leadership.renew_now = hold_for_ever, renewed_always
Leadership.window_left_seconds = lambda self: 1e9
Account.route_age_seconds = property(lambda self: 0.0)
sys.exit(main())
"""
ROUND = Script(seed=0, grouped=False, ready_shown=True, switch_seconds=2.0, acts=())


def test_a_leader_that_does_not_look_at_its_lease_asks_robot_after_it_was_replaced(
    rig: Rig,
) -> None:
    """Frozen after its attempt is counted, thawed when another leads: tests/e2e/test_frozen_leader
    shows that the operator as it is sends nothing then.
    """
    with staged(rig, ROUND, ("-c", UNGUARDED)) as stage:
        nodes = node_facts(stage)
        leader, standby = (stage.replica(role) for role in ("leader", "standby"))
        hold = stage.doors[leader].api.hold(after=spending_renewal)
        stage.nodes["node-a"].power_off()
        hold.wait_until_held()
        process = stage.doors[leader].replica.process
        process.freeze()
        hold.release()
        eventually(lambda: stage.replica("leader") == standby, "another leads")
        process.thaw()
        late = eventually(
            lambda: [text for text in audit(stage.facts(nodes, [])) if f"{leader}'s POST" in text],
            "the thawed one asks Robot",
        )
        assert late[0].startswith("window: ")
        assert "held the Lease" in late[0]
