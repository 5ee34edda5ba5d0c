"""A small world in which nothing happens by itself."""

from __future__ import annotations

from failoverip.simulator.world.aimed import ROBOT
from failoverip.simulator.world.places import FIRST_SERVER, Place
from failoverip.simulator.world.script import REPLICAS, Script

# Three nodes, two replicas, one resource.
SMALL = Script(
    seed=1,
    profile="calm",
    places=tuple(Place(f"node-{name}", FIRST_SERVER + n) for n, name in enumerate("abc")),
    replicas=REPLICAS[:2],
    resources=1,
    grouped=(False,),
    enforced=(False,),
    switches=tuple(ROBOT.items()),
    trouble_seconds=120.0,
    acts=(),
)
