"""The gates of `core/gates.py`, each with what opens it in an observation and nothing else."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from tests.support.observations import NOW, PLENTY, with_account, with_resource

from failoverip.core.decide import decide
from failoverip.core.decision import Attempt, OpenIntent, Refresh
from failoverip.core.observation import Observation
from failoverip.core.resource import Mode, Policy

Opener = Callable[[Observation], Observation]


def _in_mode(shut: Mode) -> Opener:
    def active(o: Observation) -> Observation:
        policy = o.resource.policy
        if not isinstance(policy, Policy) or policy.mode is not shut:
            return o
        return with_resource(o, policy=replace(policy, mode=Mode.ACTIVE))

    return active


def _safely(**changes: int) -> Opener:
    def braked_by(o: Observation) -> Observation:
        policy = o.resource.policy
        if not isinstance(policy, Policy) or not o.resource.status.moves:
            return o
        safety = replace(policy.safety, **changes)
        return with_resource(o, policy=replace(policy, safety=safety))

    return braked_by


def _budget(**changes: float) -> Opener:
    return lambda o: with_account(o, budget=replace(o.account.budget, **changes))  # type: ignore[arg-type]  # fields of Budget


def _fresh_lists(o: Observation) -> Observation:
    listed_at = None if o.cluster.listed_at is None else NOW - 1
    return replace(o, cluster=replace(o.cluster, listed_at=listed_at))


# In the order in which they are looked at.
GATES: Mapping[str, Opener] = {
    "deleting": lambda o: with_resource(o, deleting=False),
    "paused": _in_mode(Mode.PAUSED),
    "dry run": _in_mode(Mode.DRY_RUN),
    "storm": lambda o: replace(o, storm=replace(o.storm, storm=None)),
    "moves of the hour": _safely(max_moves_per_hour=100),
    "hold-down": _safely(hold_down_seconds=0),
    "writes": _budget(writes_left=50, free_writes_left=40, write_at=PLENTY.write_at),
    "credentials": lambda o: replace(o, credentials=None),
    "lists": _fresh_lists,
    "routes": lambda o: with_account(o, routes_read_at=NOW - 1),
    "reads": _budget(read_at=PLENTY.read_at),
}


def acts(o: Observation) -> bool:
    """Whether Robot is asked now, or will be."""
    return isinstance(decide(o).action, OpenIntent | Attempt)


def is_shut_alone(gate: str, o: Observation) -> bool:
    """Whether this gate is all that keeps the operator from acting (reads: from reading)."""
    then = GATES[gate](o)
    if gate == "reads":
        reads = isinstance(decide(then).action, Refresh)
        return reads and not isinstance(decide(o).action, Refresh) and not acts(o)
    return acts(then) and not acts(o)


def is_shut_beside_another(gate: str, o: Observation) -> bool:
    """Whether this gate is told, and another one behind it once it is open."""
    then = GATES[gate](o)
    for opener in GATES.values():
        then = opener(then)
    if acts(o) or not acts(then):
        return False
    told, next_told = decide(o), decide(GATES[gate](o))
    return not acts(GATES[gate](o)) and (told.action, told.reason) != (
        next_told.action,
        next_told.reason,
    )
