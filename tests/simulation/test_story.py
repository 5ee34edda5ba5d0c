"""A failure is told as a story: what happened, and what was decided of it, without repetition."""

from __future__ import annotations

from failoverip.simulator.world.story import story_of

BEGIN = "     1.000 0000000a world: api_down seconds=5.0"
LISTS = "     1.100 0000000a alpha: before list nodes"
HELD = "     1.200 0000000a alpha: decides RateLimited for web-0"
SPENT = "     1.300 0000000b alpha: decides BudgetExhausted for web-0"
SAYS_AGAIN = "     1.400 0000000c alpha: decides RateLimited for web-0"
OF_ANOTHER = "     1.500 0000000c bravo: decides RateLimited for web-0"
ASKS = "     1.600 0000000d alpha: first byte: 203.0.113.10 to 192.0.2.12"


def test_requests_to_the_api_server_are_left_out() -> None:
    assert list(story_of([BEGIN, LISTS, HELD, ASKS])) == [BEGIN, HELD, ASKS]


def test_a_decision_is_told_once_until_something_happens() -> None:
    told = list(story_of([BEGIN, HELD, SPENT, SAYS_AGAIN, SPENT, ASKS, SAYS_AGAIN]))

    left_out = "           ... decisions as before: 2"
    assert told == [BEGIN, HELD, SPENT, left_out, ASKS, SAYS_AGAIN]


def test_the_same_decision_of_another_replica_is_told() -> None:
    assert list(story_of([BEGIN, HELD, OF_ANOTHER])) == [BEGIN, HELD, OF_ANOTHER]


def test_a_story_ends_with_what_happened_last() -> None:
    assert list(story_of([BEGIN, HELD, SAYS_AGAIN])) == [BEGIN, HELD]
