"""The audit of the route finds what it is there for, in a world of three values."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from tests.e2e.chaos.route import became_right, stays

A, B = "192.0.2.11", "192.0.2.12"


@dataclass
class Address:
    """Goes somewhere else, gets another switch or gets wrong, after so many ticks."""

    moves_at: int = -1
    switched_at: int = -1
    wrong_at: int = -1
    right_at: int = 0
    ticks: int = 0

    def tick(self) -> None:
        self.ticks += 1

    def is_right(self) -> bool:
        return self.ticks >= self.right_at and not 0 <= self.wrong_at <= self.ticks

    def places(self) -> set[str | None]:
        return {B if 0 <= self.moves_at <= self.ticks else A}

    def switches(self) -> int:
        return 1 + (0 <= self.switched_at <= self.ticks)


def test_an_address_that_gets_right_and_stays_so_passes() -> None:
    address = Address(right_at=2)
    assert became_right(address, address.tick, 30.0) == ""
    assert stays(address, address.tick, 0.0) == ""


def test_an_address_that_does_not_get_right() -> None:
    address = Address(right_at=10**9)
    assert "route: " in became_right(address, address.tick, 0.01)


@pytest.mark.parametrize(
    ("address", "words"),
    [
        (Address(moves_at=1), "moved again"),
        (Address(switched_at=1), "moved again"),
        (Address(wrong_at=1), "is not any more"),
    ],
    ids=["moves", "is switched to where it is", "gets wrong"],
)
def test_an_address_that_does_not_stay_right(address: Address, words: str) -> None:
    assert words in stays(address, address.tick, 1.0)
