"""Each act that a world can draw bites: with it alone something goes another way."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cache

import pytest
from tests.simulation.small import SMALL

from failoverip.simulator.demo.manifests import crd_document
from failoverip.simulator.world.aimed import ROBOT
from failoverip.simulator.world.places import FOREIGN_SERVERS
from failoverip.simulator.world.play import play
from failoverip.simulator.world.profiles import PROFILES
from failoverip.simulator.world.script import AIMED, KINDS, Act, Value

pytestmark = pytest.mark.usefixtures("quiet")
LEADER, STRANGER = "alpha", FOREIGN_SERVERS[0]
TROUBLE_SECONDS = 240.0


@dataclass(frozen=True, slots=True)
class Bite:
    """One act, and what must have happened before it for it to mean anything."""

    values: Mapping[str, Value] = field(default_factory=dict)
    at_seconds: float = 60.0
    before: tuple[tuple[float, str, Mapping[str, Value]], ...] = ()


def of(**values: Value) -> Bite:
    return Bite(values)


# In each of these worlds node-a, which has the addresses, loses its power after 100 s, and they
# move some 50 s later, for half a minute.
BITES: Mapping[str, Bite] = {
    "power_off": of(node="node-b"),
    "power_on": Bite({"node": "node-a"}, 120.0),
    "flap": of(node="node-b", seconds=90.0),
    "cut_node": of(node="node-b", seconds=90.0),
    "cut_active": of(resource=0, seconds=90.0),
    "cut_all": of(seconds=90.0, stagger_seconds=5.0),
    "kubelet_not_ready": of(node="node-a", seconds=45.0),
    "delete_node": of(node="node-b"),
    "delete_node_slowly": of(node="node-b", seconds=100.0),
    "remake_node": of(node="node-b", server=STRANGER),
    "privatise_node": of(node="node-b", seconds=100.0),
    "cordon": of(node="node-b"),
    "uncordon": Bite({"node": "node-b"}, before=((50.0, "cordon", {"node": "node-b"}),)),
    "selector": of(node="node-b"),
    "map_wrongly": of(node="node-b", server=STRANGER),
    "switch_to": of(resource=0, node="node-c", again=1),
    "mode": of(resource=0, mode="Paused", seconds=150.0),
    "drift_policy": of(resource=0, drift="Enforce"),
    "addresses": of(resource=0),
    "create": Bite({"resource": 0}, before=((50.0, "delete", {"resource": 0}),)),
    "delete": of(resource=0),
    "overlap": of(resource=0),
    "prefer": of(resource=0, node="node-c", after_seconds=30.0),
    "misspell": of(resource=0, seconds=60.0),
    "stray": of(seconds=60.0),
    "delete_slowly": of(resource=0, seconds=60.0),
    "rotate_secret": of(),
    "lose_secret": of(seconds=100.0),
    "empty_secret": of(seconds=100.0),
    "announce_api": of(resource=0, seconds=100.0),
    "old_crd": of(seconds=60.0),
    "second_installation": of(seconds=60.0),
    "at_stage": of(stage="before asking", then="stranger", resource=0, server=STRANGER),
    "kill": of(replica=LEADER, boundaries=0, back_after_seconds=10.0),
    "terminate": of(replica=LEADER, back_after_seconds=10.0),
    "freeze": of(replica=LEADER, boundaries=0, seconds=30.0),
    "cut_robot": Bite({"replica": LEADER, "seconds": 60.0}, 120.0),
    "cut_links": of(replica=LEADER, cut="arw", heal="war", seconds=30.0, apart_seconds=3.0),
    "step_wall": of(replica=LEADER, seconds=7200),
    "late_post": of(replica=LEADER, seconds=4.0),
    "api_down": of(seconds=30.0, link="HANGS"),
    "api_link": of(replica=LEADER, seconds=30.0, link="FAILS"),
    "api_slow": of(replica=LEADER, seconds=60.0, latency_seconds=1.0),
    "stale": of(
        replica=LEADER, age_seconds=30.0, seconds=60.0, every=2, restarted=False
    ),
    "watch_lost": Bite({"replica": LEADER, "seconds": 90.0}, 90.0),
    "watch_hangs": Bite({"replica": LEADER, "seconds": 90.0, "compacted": False}, 90.0),
    "watch_disordered": Bite({"replica": LEADER, "seconds": 90.0, "spread_seconds": 15.0}, 90.0),
    "compact": Bite(
        {},
        170.0,
        ((90.0, "watch_hangs", {"replica": LEADER, "seconds": 90.0, "compacted": False}),),
    ),
    "delete_lease": of(),
    "lose_ledger": of(),
    "lose_ledger_for_good": of(back_after_seconds=10.0),
    "robot_down": Bite({"seconds": 60.0}, 120.0),
    "robot_fault": Bite({"fault": "html", "seconds": 60.0}, 120.0),
    "rate_limited": Bite({"seconds": 60.0}, 120.0),
    "poison": of(resource=0, node="node-c", fault="locked", back_after_seconds=5.0),
    "robot_slow": Bite({"seconds": 60.0, "slow_seconds": 20.0}, 120.0),
    "robot_write": of(fault="locked", count=1, resource=0),
    "refuse_part": of(resource=0),
    "fail_writes": of(resource=0, fault="failed", seconds=1200.0),
    "rival": of(resource=0, server=STRANGER, count=3, seconds=30.0, drift="Report"),
    "neighbour_locked": of(replica=LEADER),
    "stranger": of(resource=0, server=STRANGER),
    "second_cluster": of(resource=0, server=STRANGER),
    "unauthorized": of(count=1),
}  # fmt: skip


def told(*deeds: tuple[float, str, Mapping[str, Value]]) -> list[str]:
    """What happens in the small world with these acts, but for the acts themselves."""
    acts = tuple(Act(at, kind, tuple(values.items())) for at, kind, values in deeds)
    power_off = Act(100.0, "power_off", (("node", "node-a"),))
    script = replace(
        SMALL,
        grouped=(True,),
        switches=tuple({**ROBOT, "switch_seconds": 30.0}.items()),
        trouble_seconds=TROUBLE_SECONDS,
        acts=tuple(sorted((*acts, power_off), key=_when)),
    )
    trace = play(script, crd_document(), traced=True, in_order=True).trace
    said = {f"world: {act}" for act in acts}
    return [line for line in trace if not any(line.endswith(each) for each in said)]


def _when(act: Act) -> float:
    return act.at_seconds


@cache
def _without(kind: str) -> tuple[str, ...]:
    return tuple(told(*BITES[kind].before))


def test_each_act_is_in_the_table_and_is_drawn_somewhere() -> None:
    drawn = {kind for profile in PROFILES.values() for kind in profile.weights}
    # The incidents of the field have it.
    assert set(BITES) == set(KINDS) == drawn | {"cut_active"}


@pytest.mark.parametrize("kind", BITES)
def test_an_act_changes_what_happens(kind: str) -> None:
    bite = BITES[kind]
    assert told(*bite.before, (bite.at_seconds, kind, bite.values)) != list(_without(kind))


def test_the_same_acts_make_the_same_world() -> None:
    assert told() == told()


def test_whatever_is_aimed_at_a_stage_can_happen_there() -> None:
    deeds = []
    for index, kind in enumerate(sorted(set(AIMED))):
        # Whom it hits is whoever comes there.
        whom = ("replica", "boundaries")
        values = {name: value for name, value in BITES[kind].values.items() if name not in whom}
        aimed = {"stage": "before list nodes", "then": kind, **values}
        deeds.append((50.0 + 7.0 * index, "at_stage", aimed))
    assert told(*deeds) != told()
