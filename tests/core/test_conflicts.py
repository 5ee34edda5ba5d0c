"""Resources that claim one address: the older keeps working, the other names it (design 6)."""

from __future__ import annotations

from dataclasses import replace
from itertools import permutations

from hypothesis import given
from hypothesis import strategies as st
from tests.properties.observations import repeatable
from tests.support.observations import an_observation, policy

from failoverip.core.addresses import FailoverAddress, overlap
from failoverip.core.conflicts import find_conflicts
from failoverip.core.resource import (
    AddressStatus,
    InvalidSpec,
    Policy,
    Resource,
    RouteState,
    Status,
)


def resource(name: str, age: float, *addresses: str) -> Resource:
    blank = an_observation().resource
    return replace(
        blank, name=name, uid=f"uid-{name}", created_at=1000 - age, policy=policy(*addresses)
    )


OLD = resource("old", 20, "203.0.113.10")
YOUNG = resource("young", 10, "203.0.113.10")


def test_the_younger_stands_back_in_whatever_order_they_come() -> None:
    assert find_conflicts([OLD, YOUNG]) == {"uid-young": "old"}
    assert find_conflicts([YOUNG, OLD]) == {"uid-young": "old"}


def test_of_equal_age_the_smaller_uid_keeps_working() -> None:
    twin = replace(YOUNG, created_at=OLD.created_at, uid="uid-a")
    assert find_conflicts([OLD, twin]) == {"uid-old": "young"}


def test_resources_without_a_common_address_do_not_conflict() -> None:
    assert find_conflicts([OLD, resource("other", 5, "203.0.113.11")]) == {}


def test_a_subnet_overlaps_an_address_within_it() -> None:
    subnet = resource("subnet", 5, "203.0.113.8/29")
    assert find_conflicts([OLD, subnet]) == {"uid-subnet": "old"}


def test_one_common_address_of_several_is_enough() -> None:
    group = resource("group", 5, "203.0.113.11", "203.0.113.10")
    assert find_conflicts([OLD, group]) == {"uid-group": "old"}


def test_one_that_stands_back_still_counts_for_a_third() -> None:
    middle = resource("middle", 15, "203.0.113.10", "203.0.113.11")
    third = resource("third", 5, "203.0.113.11")
    expected = {"uid-middle": "old", "uid-third": "middle"}
    assert all(find_conflicts(order) == expected for order in permutations([OLD, middle, third]))


UNREAD = replace(OLD, policy=InvalidSpec("spec.addresses: none"))


def test_a_spec_that_could_never_be_read_conflicts_with_nobody() -> None:
    assert find_conflicts([UNREAD, YOUNG]) == {}
    assert find_conflicts([YOUNG, replace(UNREAD, created_at=2000)]) == {}


def test_a_mistake_in_the_older_spec_hands_no_address_to_the_younger() -> None:
    """The younger took the address, and moved it by what it knew from long ago."""
    assert isinstance(OLD.policy, Policy)
    told = AddressStatus(OLD.policy.addresses[0], RouteState.CONFIRMED, None)
    misspelt = replace(UNREAD, status=Status(addresses=(told,)))
    assert find_conflicts([misspelt, YOUNG]) == {"uid-young": "old"}


CLOSE_TOGETHER = [
    "203.0.113.0/24",
    "203.0.113.8/29",
    "203.0.113.8/30",
    "203.0.113.9",
    "203.0.113.10",
    "203.0.113.16",
    "2001:db8:1:1::/64",
    "2001:db8:1:2::/64",
]


Drawn = list[tuple[int, list[str]]]


@repeatable
@given(
    st.lists(
        st.tuples(
            st.integers(0, 3),
            st.lists(st.sampled_from(CLOSE_TOGETHER), min_size=1, max_size=3, unique=True),
        ),
        max_size=8,
    )
)
def test_looking_up_finds_what_comparing_all_pairs_finds(
    drawn: list[tuple[int, list[str]]],
) -> None:
    made = [resource(f"r{n}", age, *texts) for n, (age, texts) in enumerate(drawn)]
    ordered = sorted(made, key=lambda one: (one.created_at, one.uid))
    expected = {}
    for index, younger in enumerate(ordered):
        for older in ordered[:index]:
            pairs = [(a.text, b.text) for a in claims(older) for b in claims(younger)]
            if any(overlap(a, b) for a, b in pairs):
                expected[younger.uid] = older.name
                break

    assert find_conflicts(made) == expected


def claims(one: Resource) -> tuple[FailoverAddress, ...]:
    return () if isinstance(one.policy, InvalidSpec) else one.policy.addresses
