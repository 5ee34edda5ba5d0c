"""The corpus leaves nothing out that a decision can be, and tells nothing twice."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from itertools import combinations, pairwise

import pytest
from tests.corpus.build import build
from tests.corpus.gates import GATES, is_shut_alone, is_shut_beside_another
from tests.corpus.load import Case, load_all

from failoverip.core.decide import CHECKS, Check, decide, steady
from failoverip.core.observation import Observation
from failoverip.core.reasons import Reason
from failoverip.core.resource import InvalidSpec
from failoverip.core.situation import understand

# Verdicts on candidates and conditions, never a decision's.
TOLD_ELSEWHERE = {
    Reason.API_SERVER_BEHIND_FAILOVER_IP,
    Reason.ELIGIBLE,
    Reason.UNMAPPED,
    Reason.SERVER_UNKNOWN,
    Reason.SERVERS_UNREAD,
    Reason.FAMILY_MISSING,
    Reason.SERVER_SHARED,
    Reason.TARGET_BARRED,
}
ORDER: tuple[Check, ...] = (*CHECKS, steady)


@cache
def observed() -> tuple[tuple[Case, Observation], ...]:
    return tuple((case, build(case)) for case in load_all())


@cache
def hits() -> tuple[frozenset[str], ...]:
    """For each case the names of the checks that say something, whoever decides."""
    return tuple(frozenset(_hits(o)) for _, o in observed())


def _hits(o: Observation) -> Iterator[str]:
    policy = o.resource.policy
    if isinstance(policy, InvalidSpec):
        return
    s = understand(o, policy)
    for check in ORDER:
        if check(o, s) is not None:
            yield check.__name__


def test_every_reason_of_a_decision_occurs() -> None:
    decided = {decide(o).reason for _, o in observed()}
    assert decided == set(Reason) - TOLD_ELSEWHERE


@pytest.mark.parametrize(
    ("earlier", "later"), [(a.__name__, b.__name__) for a, b in pairwise(ORDER)]
)
def test_of_two_neighbouring_checks_each_decides_in_some_case(earlier: str, later: str) -> None:
    before = {check.__name__ for check in ORDER[: [c.__name__ for c in ORDER].index(earlier)]}
    ahead = [hit for hit in hits() if not hit & before]
    assert any({earlier, later} <= hit for hit in ahead), "never both"
    assert any(later in hit and earlier not in hit for hit in ahead), "never the later alone"


def test_of_the_checks_that_hit_the_first_decides() -> None:
    for (case, o), hit in zip(observed(), hits(), strict=True):
        policy = o.resource.policy
        if isinstance(policy, InvalidSpec):
            continue
        first = next(check for check in ORDER if check.__name__ in hit)
        assert decide(o) == first(o, understand(o, policy)), case.place


@pytest.mark.parametrize("gate", GATES)
def test_every_gate_is_the_only_one_shut_in_some_case(gate: str) -> None:
    assert any(is_shut_alone(gate, o) for _, o in observed())


@pytest.mark.parametrize("gate", GATES)
def test_every_gate_is_shut_beside_another_in_some_case(gate: str) -> None:
    assert any(is_shut_beside_another(gate, o) for _, o in observed())


def test_no_two_cases_are_one_observation() -> None:
    twice = [
        f"{one.place} is {other.place} once more"
        for (one, o), (other, p) in combinations(observed(), 2)
        if o == p
    ]
    assert twice == []


def test_no_two_cases_of_a_story_have_one_name() -> None:
    names = [(case.path.name, case.name) for case, _ in observed()]
    assert len(names) == len(set(names))
