"""How often what goes wrong, by profile. Pure data: `script` draws from it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from failoverip.simulator.world.field import INCIDENTS, Plot


@dataclass(frozen=True, slots=True)
class Profile:
    """A kind of world.

    `trouble_seconds` is how long things go wrong, `pause_seconds` the mean time between two acts,
    `weights` how likely each kind of act is (the names are those of `script.KINDS`), `grouped` and
    `enforced` which part of the resources has two addresses or `drift: Enforce`.
    """

    name: str
    trouble_seconds: float
    pause_seconds: float
    weights: Mapping[str, float] = field(default_factory=lambda: MappingProxyType({}))
    grouped: float = 0.4
    enforced: float = 0.2
    # What happens instead of acts by their weights.
    plot: Plot | None = None
    # Whether a limit of the hour stays as it is when the trouble is over.
    keeps_limits: bool = False


_NODES = {
    "power_off": 8,
    "power_on": 6,
    "flap": 3,
    "cut_node": 4,
    "kubelet_not_ready": 3,
    "delete_node": 2,
    "delete_node_slowly": 1,
    "remake_node": 2,
    "privatise_node": 1,
}
_PEOPLE = {
    "cordon": 3,
    "uncordon": 3,
    "switch_to": 4,
    "mode": 3,
    "drift_policy": 1,
    "selector": 1,
    "map_wrongly": 1,
    "addresses": 1,
    "create": 1,
    "delete": 1,
    "overlap": 1,
    "prefer": 2,
    "misspell": 1,
    "stray": 1,
    "delete_slowly": 1,
    "rotate_secret": 1,
    "lose_secret": 1,
    "empty_secret": 1,
    "announce_api": 1,
    "old_crd": 1,
    "second_installation": 1,
    "at_stage": 10,
}
_REPLICAS = {
    "kill": 6,
    "terminate": 3,
    "freeze": 5,
    "cut_robot": 2,
    "cut_links": 2,
    "step_wall": 1,
    "late_post": 3,
}
_API = {
    "api_down": 3,
    "api_link": 5,
    "api_slow": 2,
    "watch_lost": 2,
    "watch_hangs": 2,
    "watch_disordered": 2,
    "compact": 1,
    "stale": 4,
    "delete_lease": 1,
    # Reads that count as spent hold everything for the rest of the hour.
    "lose_ledger": 0.3,
    "lose_ledger_for_good": 0.3,
}
_ROBOT = {
    "robot_down": 3,
    "robot_fault": 8,
    "robot_slow": 2,
    "robot_write": 6,
    "refuse_part": 1,
    "fail_writes": 1,
    "neighbour_locked": 1,
    # An hour in which nothing can be asked.
    "rate_limited": 0.2,
    "poison": 0.6,
    "rival": 2,
    "stranger": 3,
    "second_cluster": 1,
    "unauthorized": 1,
}

PROFILES = {
    profile.name: profile
    for profile in (
        Profile("calm", 400.0, 80.0, MappingProxyType(_NODES | {"cordon": 2, "switch_to": 2})),
        Profile(
            "mixed",
            400.0,
            17.0,
            MappingProxyType(_NODES | _PEOPLE | _REPLICAS | _API | _ROBOT),
        ),
        Profile(
            "storm",
            400.0,
            20.0,
            MappingProxyType(
                _NODES
                | _REPLICAS
                | {"api_down": 8, "api_link": 4, "stale": 4, "cut_all": 10, "cut_node": 10}
            ),
        ),
        Profile(
            "budget",
            10_800.0,
            150.0,
            MappingProxyType(
                _NODES | _ROBOT | {"switch_to": 30, "stranger": 10, "kill": 4, "lose_ledger": 2}
            ),
            keeps_limits=True,
        ),
    )
}
PROFILES |= {
    each.name: Profile(
        each.name,
        each.trouble_seconds,
        1.0,
        grouped=each.grouped,
        enforced=each.enforced,
        plot=each.plot,
    )
    for each in INCIDENTS
}
# Of a hundred seeds. One of `budget` takes as long as 18 others.
SHARES = (("mixed", 64), ("calm", 10), ("storm", 25), ("budget", 1))


def profile_of(seed: int) -> Profile:
    """The profile of a seed when none is asked for: fixed shares of each hundred."""
    # Scattered, so that few seeds in a row hold several kinds of world, too.
    place = seed * 37 % 100
    for name, share in SHARES:
        if place < share:
            return PROFILES[name]
        place -= share
    raise AssertionError("the shares make a hundred")
