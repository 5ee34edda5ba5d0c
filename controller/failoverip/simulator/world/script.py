"""What goes wrong, drawn from a seed before anything runs: a list that can be shortened and read.

Pure. Each act says by itself what it does; where its object is not there any more (a node that was
deleted), it does nothing.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace

from failoverip.simulator.world.places import FIRST_SERVER, FOREIGN_SERVERS, Place
from failoverip.simulator.world.profiles import Profile

Value = str | float | int | bool | None
REPLICAS = ("alpha", "bravo", "charlie")
# The first decisions of a new leader need a moment of peace.
PEACE_BEFORE_SECONDS = 40.0
# Where a replica may be stopped: after so many further requests have passed.
_MOST_BOUNDARIES = 40
_LINKS = ("HANGS", "REFUSES", "FAILS", "CONFLICTS", "THROTTLES", "LOSES_ANSWERS")
_ROBOT_FAULTS = (
    "reset", "hang", "unavailable", "forbidden", "html", "gateway_timeout", "empty",
    "rate_limited", "truncated",
)  # fmt: skip
_ROBOT_WRITES = ("locked", "refused", "failed", "not_complete", "reset", "gateway_timeout", "hang")


@dataclass(frozen=True, slots=True)
class Act:
    """One thing that somebody or something does, so many seconds after the beginning."""

    at_seconds: float
    kind: str
    values: tuple[tuple[str, Value], ...] = ()

    def value(self, name: str) -> Value:
        """One of its values."""
        return dict(self.values)[name]

    def __str__(self) -> str:
        told = " ".join(f"{name}={value}" for name, value in self.values)
        return f"{self.kind} {told}".rstrip()


@dataclass(frozen=True, slots=True)
class Script:
    """All that a seed decides beforehand. The order of ready work is drawn while it runs."""

    seed: int
    profile: str
    places: tuple[Place, ...]
    replicas: tuple[str, ...]
    resources: int
    grouped: tuple[bool, ...]
    enforced: tuple[bool, ...]
    switches: tuple[tuple[str, Value], ...]
    trouble_seconds: float
    acts: tuple[Act, ...]


def draw(seed: int, profile: Profile) -> Script:
    """The script of a seed: the same for the same seed, profile and version of this module."""
    dice = random.Random(f"{profile.name} {seed}")  # noqa: S311  # a world, no secret
    places = tuple(
        Place(f"node-{'abcdefg'[index]}", FIRST_SERVER + index)
        for index in range(dice.randint(3, 7))
    )
    resources = dice.choice((1, 1, 2, 2, 3, 4))
    script = Script(
        seed=seed,
        profile=profile.name,
        places=places,
        replicas=REPLICAS[: dice.choice((2, 2, 3))],
        resources=resources,
        grouped=tuple(dice.random() < 0.4 for _ in range(resources)),
        enforced=tuple(dice.random() < 0.2 for _ in range(resources)),
        switches=_switches(dice),
        trouble_seconds=profile.trouble_seconds,
        acts=(),
    )
    return replace(script, acts=tuple(_acts(dice, profile, script)))


def _acts(dice: random.Random, profile: Profile, script: Script) -> Iterator[Act]:
    kinds, weights = zip(*sorted(profile.weights.items()), strict=True)
    at_seconds = PEACE_BEFORE_SECONDS
    while True:
        at_seconds += dice.expovariate(1.0 / profile.pause_seconds)
        if at_seconds > profile.trouble_seconds:
            return
        kind = dice.choices(kinds, weights)[0]
        yield Act(round(at_seconds, 3), kind, _values(kind, dice, script))


def _switches(dice: random.Random) -> tuple[tuple[str, Value], ...]:
    return (
        ("switch_seconds", dice.choice((5.0, 30.0, 60.0, 110.0, 200.0))),
        ("answer", dice.choice(("at_end", "at_end", "at_once"))),
        ("route_during_switch", dice.choice(("old", "old", "new", "null"))),
        ("failure_leaves", dice.choice(("old", "new", "null"))),
        ("first_check", dice.choice(("already_routed", "already_routed", "locked"))),
        ("status_field", dice.choice(("absent", "present"))),
        ("rate_window", dice.choice(("sliding", "fixed"))),
        ("login_block_answer", dice.choice(("403", "401", "reset"))),
    )


def _values(kind: str, dice: random.Random, script: Script) -> tuple[tuple[str, Value], ...]:
    return tuple((name, draw_one(dice, script)) for name, draw_one in KINDS[kind])


Draw = Callable[[random.Random, Script], Value]


def _node(dice: random.Random, script: Script) -> Value:
    return dice.choice(script.places).node


def _replica(dice: random.Random, script: Script) -> Value:
    return dice.choice(script.replicas)


def _resource(dice: random.Random, script: Script) -> Value:
    return dice.randrange(script.resources)


def _server(dice: random.Random, script: Script) -> Value:
    return dice.choice((*FOREIGN_SERVERS, *(place.server for place in script.places)))


def _server_or_none(dice: random.Random, script: Script) -> Value:
    return None if dice.random() < 0.15 else _server(dice, script)


def _while(dice: random.Random, _: Script) -> Value:
    return round(dice.choice((3, 10, 20, 45, 90)) * dice.uniform(0.5, 1.5), 3)


def _while_or_hour(dice: random.Random, script: Script) -> Value:
    return 3600.0 if dice.random() < 0.1 else _while(dice, script)


def _one_of(*values: Value) -> Draw:
    return lambda dice, _: dice.choice(values)


def _between(least: float, most: float) -> Draw:
    return lambda dice, _: round(dice.uniform(least, most), 3)


def _below(most: int) -> Draw:
    return lambda dice, _: dice.randrange(most)


_NODE, _REPLICA, _RESOURCE = ("node", _node), ("replica", _replica), ("resource", _resource)
_SECONDS = ("seconds", _while)
_BOUNDARIES = ("boundaries", _below(_MOST_BOUNDARIES))
# Every kind of act, with the values that it draws, in this order.
KINDS: Mapping[str, tuple[tuple[str, Draw], ...]] = {
    "power_off": (_NODE,),
    "power_on": (_NODE,),
    "flap": (_NODE, _SECONDS),
    "cut_node": (_NODE, _SECONDS),
    "cut_all": (_SECONDS, ("stagger_seconds", _between(0, 12))),
    "kubelet_not_ready": (_NODE, _SECONDS),
    "delete_node": (_NODE,),
    "remake_node": (_NODE, ("server", _server)),
    "cordon": (_NODE,),
    "uncordon": (_NODE,),
    "selector": (_NODE,),
    "map_wrongly": (_NODE, ("server", _server)),
    "switch_to": (_RESOURCE, _NODE, ("again", _below(1000))),
    "mode": (_RESOURCE, ("mode", _one_of("Active", "Active", "DryRun", "Paused"))),
    "drift_policy": (_RESOURCE, ("drift", _one_of("Report", "Enforce"))),
    "addresses": (_RESOURCE,),
    "create": (_RESOURCE,),
    "delete": (_RESOURCE,),
    "overlap": (_RESOURCE,),
    "rotate_secret": (),
    "kill": (_REPLICA, _BOUNDARIES, ("back_after_seconds", _between(1, 90))),
    "terminate": (_REPLICA, ("back_after_seconds", _between(1, 30))),
    "freeze": (_REPLICA, _BOUNDARIES, ("seconds", _between(1, 60))),
    "cut_robot": (_REPLICA, _SECONDS),
    "step_wall": (_REPLICA, ("seconds", _one_of(-7200, -60, 60, 7200, 86400))),
    "late_post": (_REPLICA, ("seconds", _between(0.1, 5.0))),
    "api_down": (_SECONDS, ("link", _one_of("HANGS", "REFUSES"))),
    "api_link": (_REPLICA, _SECONDS, ("link", _one_of(*_LINKS))),
    "api_slow": (_REPLICA, _SECONDS, ("latency_seconds", _between(0.2, 2.5))),
    "watch_lost": (_REPLICA, _SECONDS),
    "compact": (),
    "delete_lease": (),
    "lose_ledger": (),
    "robot_down": (("seconds", _while_or_hour),),
    "robot_fault": (("fault", _one_of(*_ROBOT_FAULTS)), _SECONDS),
    "robot_slow": (_SECONDS, ("slow_seconds", _between(1, 200))),
    "robot_write": (
        ("fault", _one_of(*_ROBOT_WRITES)),
        ("count", _one_of(1, 1, 2, 8)),
        _RESOURCE,
    ),
    "stranger": (_RESOURCE, ("server", _server_or_none)),
    "second_cluster": (_RESOURCE, ("server", _server_or_none)),
    "unauthorized": (("count", _one_of(1, 2)),),
}
