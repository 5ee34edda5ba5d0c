"""What `--disable` leaves out of the operator, each with its run-time check.

A guard of the decision is off when `decide` sees facts under which its gate would be open; the rest
of the operator, and the world, stay as they are.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace

from failoverip.core.cluster import Ready
from failoverip.core.decide import decide
from failoverip.core.decision import Decision
from failoverip.core.invariants import Invariant
from failoverip.core.observation import Observation
from failoverip.core.resource import Mode, Policy

Blindfold = Callable[[Observation], Observation]


@dataclass(frozen=True, slots=True)
class Guard:
    """What is left out: in words, the invariants that are not judged, what `decide` sees."""

    text: str
    checks: frozenset[str] = frozenset()
    blindfold: Blindfold | None = None


def _mode(o: Observation) -> Observation:
    policy = o.resource.policy
    if not isinstance(policy, Policy):
        return o
    return replace(o, resource=replace(o.resource, policy=replace(policy, mode=Mode.ACTIVE)))


def _living_target(o: Observation) -> Observation:
    active = o.resource.status.active_node
    traces = {
        node.uid: replace(o.cluster.traces[node.uid], changed_at=o.now)
        for node in o.cluster.nodes
        if node.name != active and node.uid in o.cluster.traces
    }
    nodes = tuple(
        replace(node, ready=Ready.TRUE) if node.uid in traces else node for node in o.cluster.nodes
    )
    cluster = replace(o.cluster, nodes=nodes, traces={**o.cluster.traces, **traces})
    return replace(o, cluster=cluster)


GUARDS: Mapping[str, Guard] = {
    "mode": Guard("the look at spec.mode", frozenset({"I7"}), _mode),
    "living-target": Guard(
        "the positive evidence that the target lives", frozenset({"I3"}), _living_target
    ),
}


def unguarded(disabled: Collection[str]) -> Callable[[Observation], Decision]:
    """`decide` without these guards."""
    blindfolds = [GUARDS[name].blindfold for name in sorted(disabled)]

    def blindly(o: Observation) -> Decision:
        for blindfold in blindfolds:
            if blindfold is not None:
                o = blindfold(o)
        return decide(o)

    return blindly


def judged(disabled: Collection[str], invariants: Mapping[str, Invariant]) -> dict[str, Invariant]:
    """Those of the invariants that are still judged at run time."""
    off = {name for guard in disabled for name in GUARDS[guard].checks}
    return {name: invariant for name, invariant in invariants.items() if name not in off}
