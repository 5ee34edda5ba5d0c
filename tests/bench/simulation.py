"""How much of one core a simulated second costs, world by world, in the profile `mixed`."""

from __future__ import annotations

import time

from tests.bench.figures import Figure, Goal
from tests.support.quiet import without_logs

from failoverip.simulator.demo.manifests import crd_document
from failoverip.simulator.world.play import play
from failoverip.simulator.world.profiles import PROFILES
from failoverip.simulator.world.script import draw

MEASURE = "simulation"
# A thousand simulated seconds for each second of one core.
GOAL = Goal("mean", 1.0)


def measure(seeds: int) -> list[Figure]:
    """One sample for each seed: processor time, so other work on the machine counts little."""
    crd, samples = crd_document(), []
    with without_logs():
        for seed in range(seeds):
            began = time.process_time()
            seconds = play(draw(seed, PROFILES["mixed"]), crd, frozenset()).simulated_seconds
            samples.append((time.process_time() - began) * 1000.0 / seconds)
    name = "processor time of a simulated second"
    return [Figure(MEASURE, name, "ms", tuple(samples), GOAL)]
