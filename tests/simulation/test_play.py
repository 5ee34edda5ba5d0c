"""Worlds that once found a promise broken which nobody had broken: the world itself was wrong."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.simulation.small import SMALL

from failoverip.simulator.demo.manifests import crd_document
from failoverip.simulator.world.places import FIRST_SERVER, FOREIGN_SERVERS
from failoverip.simulator.world.play import play
from failoverip.simulator.world.script import REPLICAS, Act, Script, Value

pytestmark = pytest.mark.usefixtures("quiet")
STRANGER, LEASE_SECONDS = FOREIGN_SERVERS[0], 15.0
SCRIPT = replace(SMALL, enforced=(True,))


def act(at_seconds: float, kind: str, **values: Value) -> Act:
    return Act(at_seconds, kind, tuple(values.items()))


def breaches(script: Script) -> list[str]:
    return [str(breach) for breach in play(script, crd_document()).breaches]


def test_a_rival_router_leaves_the_address_alone_in_the_peace() -> None:
    rival = act(50.0, "rival", resource=0, server=STRANGER, count=6, seconds=140.0, drift="Enforce")
    assert breaches(replace(SCRIPT, acts=(rival,), brakes=((6, 0),))) == []


def test_a_switch_that_ends_badly_in_the_peace_is_no_move_without_a_cause() -> None:
    robot = dict(SCRIPT.switches) | {"switch_seconds": 110.0, "failure_leaves": "null"}
    acts = (
        act(100.0, "robot_write", fault="failed", count=1, resource=0),
        act(110.0, "second_cluster", resource=0, server=FIRST_SERVER + 1),
    )
    assert breaches(replace(SCRIPT, acts=acts, switches=tuple(robot.items()))) == []


def test_a_node_that_was_made_anew_twice_is_mapped_in_the_peace() -> None:
    """Seed 9327: nobody did, so `drift: Enforce` waited for it for ever."""
    acts = (
        act(40.0, "privatise_node", node="node-a", seconds=60.0),
        act(60.0, "privatise_node", node="node-a", seconds=100.0),
        act(100.0, "stranger", resource=0, server=STRANGER),
    )
    assert breaches(replace(SCRIPT, grouped=(True,), acts=acts)) == []


def test_what_a_refused_login_held_for_half_of_the_peace_may_still_be_under_way_after_it() -> None:
    """Seeds 3327 and 3488: the hold was over and the switch begun, 90 minutes were promised."""
    robot = dict(SCRIPT.switches) | {"switch_seconds": 110.0}
    acts = (
        act(60.0, "unauthorized", count=2),
        act(100.0, "stranger", resource=0, server=None),
    )
    late = replace(SCRIPT, acts=acts, switches=tuple(robot.items()), trouble_seconds=2850.0)
    assert breaches(late) == []


def test_a_killed_process_does_nothing_when_its_freeze_would_end() -> None:
    acts = (
        *(act(60.0, "freeze", replica=name, boundaries=0, seconds=60.0) for name in REPLICAS[:2]),
        act(80.0, "lose_ledger_for_good", back_after_seconds=100.0),
    )
    trace = play(replace(SCRIPT, acts=acts, trouble_seconds=200.0), crd_document(), traced=True)
    assert [line for line in of_replicas(trace.trace) if 80.0 < at(line) < 180.0] == []


def test_a_replica_that_was_killed_comes_back_as_another_one() -> None:
    acts = (act(60.0, "lose_ledger_for_good", back_after_seconds=1.0),)
    trace = play(replace(SCRIPT, acts=acts), crd_document(), traced=True).trace
    leads = [at(line) for line in of_replicas(trace) if at(line) > 60.0 and ": decides " in line]
    # Whoever takes the lease for its own does not wait until it has run out.
    assert leads[0] - 60.0 > LEASE_SECONDS / 2


def of_replicas(trace: list[str]) -> list[str]:
    return [line for line in trace if any(f" {name}: " in line for name in REPLICAS)]


def at(line: str) -> float:
    return float(line.split(maxsplit=1)[0])
