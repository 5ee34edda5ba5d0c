"""What goes wrong, drawn from a seed before anything runs: a list that can be shortened and read.

Pure. Each act says by itself what it does; where its object is not there any more (a node that was
deleted), it does nothing.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace

from failoverip.simulator.world.field import Cast
from failoverip.simulator.world.places import (
    FIRST_SERVER,
    FOREIGN_SERVERS,
    IPV4_SERVER,
    UNKNOWN_SERVER,
    Place,
)
from failoverip.simulator.world.profiles import Profile

Value = str | float | int | bool | None
REPLICAS = ("alpha", "bravo", "charlie")
# The first decisions of a new leader need a moment of peace.
PEACE_BEFORE_SECONDS = 40.0
USUAL_BRAKES = (6, 300)
# Where a replica may be stopped: after so many further requests have passed.
_MOST_BOUNDARIES = 40
_LINKS = ("HANGS", "REFUSES", "FAILS", "CONFLICTS", "THROTTLES", "LOSES_ANSWERS")
_ROBOT_FAULTS = (
    "reset", "hang", "unavailable", "forbidden", "html", "gateway_timeout", "empty",
    "truncated",
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
    # Of each resource, `maxMovesPerHour` and `holdDownSeconds`; where there is nothing, the usual.
    brakes: tuple[tuple[int, int], ...] = ()


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
        grouped=tuple(dice.random() < profile.grouped for _ in range(resources)),
        enforced=tuple(dice.random() < profile.enforced for _ in range(resources)),
        switches=_switches(dice),
        trouble_seconds=profile.trouble_seconds,
        acts=(),
        brakes=tuple(_brakes(dice, profile) for _ in range(resources)),
    )
    return replace(script, acts=tuple(_acts(dice, profile, script)))


def _acts(dice: random.Random, profile: Profile, script: Script) -> Iterator[Act]:
    if profile.plot is not None:
        names = [place.node for place in script.places]
        deeds = profile.plot(Cast(dice, names, script.replicas, script.resources))
        for at_seconds, kind, values in sorted(deeds, key=lambda deed: deed[0]):
            yield Act(round(at_seconds, 3), kind, tuple(values.items()))
        return
    kinds, weights = zip(*sorted(profile.weights.items()), strict=True)
    at_seconds = PEACE_BEFORE_SECONDS
    while True:
        at_seconds += dice.expovariate(1.0 / profile.pause_seconds)
        if at_seconds > profile.trouble_seconds:
            return
        kind = dice.choices(kinds, weights)[0]
        yield Act(round(at_seconds, 3), kind, _values(kind, dice, script))


def _brakes(dice: random.Random, profile: Profile) -> tuple[int, int]:
    if profile.plot is not None:
        return USUAL_BRAKES
    return dice.choice((6, 6, 6, 2, 1)), dice.choice((300, 300, 60, 0))


def _switches(dice: random.Random) -> tuple[tuple[str, Value], ...]:
    return (
        ("switch_seconds", dice.choice((5.0, 30.0, 60.0, 110.0, 200.0, 240.0))),
        ("answer", dice.choice(("at_end", "at_end", "at_once"))),
        ("route_during_switch", dice.choice(("old", "old", "new", "null"))),
        ("failure_leaves", dice.choice(("old", "new", "null"))),
        ("first_check", dice.choice(("already_routed", "already_routed", "locked"))),
        ("status_field", dice.choice(("absent", "present"))),
        ("rate_window", dice.choice(("sliding", "fixed"))),
        ("login_block_answer", dice.choice(("403", "401", "reset"))),
    )


def _values(kind: str, dice: random.Random, script: Script) -> tuple[tuple[str, Value], ...]:
    values = tuple((name, draw_one(dice, script)) for name, draw_one in KINDS[kind])
    if kind != "at_stage":
        return values
    # What happens at the stage has values of its own; whom it hits is whoever comes there.
    aimed = str(dict(values)["then"])
    drawn = (each for each in KINDS[aimed] if each[0] not in ("replica", "boundaries"))
    return (*values, *((name, draw_one(dice, script)) for name, draw_one in drawn))


Draw = Callable[[random.Random, Script], Value]


def _node(dice: random.Random, script: Script) -> Value:
    return dice.choice(script.places).node


def _replica(dice: random.Random, script: Script) -> Value:
    return dice.choice(script.replicas)


def _resource(dice: random.Random, script: Script) -> Value:
    return dice.randrange(script.resources)


def _server(dice: random.Random, script: Script) -> Value:
    return dice.choice((*FOREIGN_SERVERS, *(place.server for place in script.places)))


def _any_server(dice: random.Random, script: Script) -> Value:
    return dice.choice((IPV4_SERVER, UNKNOWN_SERVER, _server(dice, script)))


def _home(dice: random.Random, script: Script) -> Value:
    return IPV4_SERVER if dice.random() < 0.15 else _server(dice, script)


def _foreign(dice: random.Random, _: Script) -> Value:
    return dice.choice(FOREIGN_SERVERS)


def _server_or_none(dice: random.Random, script: Script) -> Value:
    return None if dice.random() < 0.15 else _server(dice, script)


def _while(dice: random.Random, _: Script) -> Value:
    return round(dice.choice((3, 10, 20, 45, 90)) * dice.uniform(0.5, 1.5), 3)


def _while_or_hour(dice: random.Random, script: Script) -> Value:
    return 3600.0 if dice.random() < 0.1 else _while(dice, script)


def _while_or_for_good(dice: random.Random, script: Script) -> Value:
    return None if dice.random() < 0.25 else _while(dice, script)


def _one_of(*values: Value) -> Draw:
    return lambda dice, _: dice.choice(values)


def _between(least: float, most: float) -> Draw:
    return lambda dice, _: round(dice.uniform(least, most), 3)


def _below(most: int) -> Draw:
    return lambda dice, _: dice.randrange(most)


def _order(dice: random.Random, _: Script) -> Value:
    """Of the links to the API server, to Robot, and of the watches."""
    return "".join(dice.sample("arw", 3))


# Where a switch can be hit: how the names of these boundaries begin.
STAGES = (
    "before claim", "after claim", "before open the intent", "after open the intent",
    "before record the attempt", "after record the attempt", "after renew the Lease",
    "before connecting", "before asking", "while Robot switches", "after the answer",
    "before reading /failover", "after reading /failover", "before adopt the intent",
    "before close the intent", "after close the intent",
)  # fmt: skip
# What can happen there; users' edits above all.
AIMED = (
    "create", "delete", "delete_slowly", "overlap", "mode", "mode", "mode", "addresses",
    "selector", "map_wrongly", "cordon", "uncordon", "switch_to", "drift_policy", "prefer",
    "rotate_secret", "lose_secret",
    "delete_node", "remake_node", "power_off", "power_on", "kill", "freeze", "delete_lease",
    "lose_ledger", "second_cluster", "stranger", "late_post", "api_down", "robot_down",
)  # fmt: skip

_NODE, _REPLICA, _RESOURCE = ("node", _node), ("replica", _replica), ("resource", _resource)
_SECONDS = ("seconds", _while)
_BOUNDARIES = ("boundaries", _below(_MOST_BOUNDARIES))
# Every kind of act, with the values that it draws, in this order.
KINDS: Mapping[str, tuple[tuple[str, Draw], ...]] = {
    "power_off": (_NODE,),
    "power_on": (_NODE,),
    "flap": (_NODE, _SECONDS),
    "cut_node": (_NODE, _SECONDS),
    "cut_active": (_RESOURCE, ("seconds", _between(20, 150))),
    "cut_all": (_SECONDS, ("stagger_seconds", _between(0, 12))),
    "kubelet_not_ready": (_NODE, _SECONDS),
    "delete_node": (_NODE,),
    "delete_node_slowly": (_NODE, ("seconds", _between(60, 300))),
    "remake_node": (_NODE, ("server", _home)),
    "privatise_node": (_NODE, ("seconds", _between(60, 300))),
    "cordon": (_NODE,),
    "uncordon": (_NODE,),
    "selector": (_NODE,),
    "map_wrongly": (_NODE, ("server", _any_server)),
    "switch_to": (_RESOURCE, _NODE, ("again", _below(1000))),
    "mode": (
        _RESOURCE,
        ("mode", _one_of("DryRun", "DryRun", "Paused")),
        ("seconds", _while_or_for_good),
    ),
    "drift_policy": (_RESOURCE, ("drift", _one_of("Report", "Enforce"))),
    "addresses": (_RESOURCE,),
    "create": (_RESOURCE,),
    "delete": (_RESOURCE,),
    "overlap": (_RESOURCE,),
    "prefer": (_RESOURCE, _NODE, ("after_seconds", _between(10, 150))),
    "misspell": (_RESOURCE, _SECONDS),
    "stray": (_SECONDS,),
    "delete_slowly": (_RESOURCE, _SECONDS),
    "rotate_secret": (),
    "lose_secret": (("seconds", _between(60, 200)),),
    "empty_secret": (("seconds", _between(60, 200)),),
    "announce_api": (_RESOURCE, ("seconds", _between(300, 900))),
    "old_crd": (("seconds", _between(20, 120)),),
    "second_installation": (("seconds", _between(60, 300)),),
    "at_stage": (("stage", _one_of(*STAGES)), ("then", _one_of(*AIMED))),
    "kill": (_REPLICA, _BOUNDARIES, ("back_after_seconds", _between(1, 90))),
    "terminate": (_REPLICA, ("back_after_seconds", _between(1, 30))),
    "freeze": (_REPLICA, _BOUNDARIES, ("seconds", _between(1, 60))),
    "cut_robot": (_REPLICA, _SECONDS),
    "cut_links": (
        _REPLICA,
        ("cut", _order),
        ("heal", _order),
        _SECONDS,
        ("apart_seconds", _between(0, 10)),
    ),
    "step_wall": (_REPLICA, ("seconds", _one_of(-7200, -60, 60, 7200, 86400))),
    "late_post": (_REPLICA, ("seconds", _between(0.1, 5.0))),
    "api_down": (_SECONDS, ("link", _one_of("HANGS", "REFUSES"))),
    "api_link": (_REPLICA, _SECONDS, ("link", _one_of(*_LINKS))),
    "api_slow": (_REPLICA, _SECONDS, ("latency_seconds", _between(0.2, 2.5))),
    "stale": (
        _REPLICA,
        ("age_seconds", _between(5, 90)),
        _SECONDS,
        ("every", _one_of(1, 1, 2, 3)),
        ("restarted", _one_of(False, True)),
    ),
    "watch_lost": (_REPLICA, _SECONDS),
    "watch_hangs": (_REPLICA, _SECONDS, ("compacted", _one_of(False, True))),
    "watch_disordered": (_REPLICA, _SECONDS, ("spread_seconds", _between(1, 20))),
    "compact": (),
    "delete_lease": (),
    "lose_ledger": (),
    "lose_ledger_for_good": (("back_after_seconds", _between(1, 30)),),
    "robot_down": (("seconds", _while_or_hour),),
    "robot_fault": (("fault", _one_of(*_ROBOT_FAULTS)), _SECONDS),
    "rate_limited": (_SECONDS,),
    "poison": (
        _RESOURCE,
        _NODE,
        ("fault", _one_of("locked", "unavailable")),
        ("back_after_seconds", _between(1, 10)),
    ),
    "robot_slow": (_SECONDS, ("slow_seconds", _between(1, 200))),
    "robot_write": (
        ("fault", _one_of(*_ROBOT_WRITES)),
        ("count", _one_of(1, 1, 2, 8)),
        _RESOURCE,
    ),
    "refuse_part": (_RESOURCE,),
    "fail_writes": (
        _RESOURCE,
        ("fault", _one_of("failed", "gateway_timeout", "not_complete")),
        ("seconds", _between(1200, 2400)),
    ),
    "rival": (
        _RESOURCE,
        ("server", _foreign),
        ("count", _one_of(3, 6)),
        ("seconds", _between(10, 60)),
        ("drift", _one_of("Report", "Enforce")),
    ),
    "neighbour_locked": (_REPLICA,),
    "stranger": (_RESOURCE, ("server", _server_or_none)),
    "second_cluster": (_RESOURCE, ("server", _server_or_none)),
    "unauthorized": (("count", _one_of(1, 2)),),
}
