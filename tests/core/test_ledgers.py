"""The record of the ledgers on the Lease, and what no sequence of events may bring about."""

from __future__ import annotations

import json
from bisect import bisect_right
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from failoverip.core.ledger import Bucket, Ledger, LoginMode
from failoverip.core.ledgers import MAX_ACCOUNTS, Ledgers, decode, encode

HOUR = 3600.0
ACCOUNT = "0123456789abcdef"


def record_of(ledger: Ledger, now: float) -> str:
    return encode(Ledgers().with_ledger(ACCOUNT, ledger, now), now)


def passed_on(ledger: Ledger, now: float, successor_now: float) -> Ledger:
    return decode(record_of(ledger, now), successor_now, fence_exists=True).of(ACCOUNT, 1)


class TestRecord:
    def test_a_successor_reads_the_same_ages_by_its_own_clock(self) -> None:
        ledger = Ledger().record_write(100.0).record_write(250.5)
        assert passed_on(ledger, 300.0, 7.0).writes == (7.0 - 200, 7.0 - 49)

    def test_time_between_two_leaders_does_not_age_an_entry(self) -> None:
        ledger = Ledger().record_write(0.0)
        after = passed_on(ledger, 3500.0, 10**6)
        assert after.writes_left(10**6 + 159, for_failed_node=True, addresses=1) == 49
        assert after.writes_left(10**6 + 160, for_failed_node=True, addresses=1) == 50

    def test_reserved_slots_count_as_reads_of_the_moment(self) -> None:
        ledger = Ledger().reserve_reads(0.0, pressing=False).record_read(1.0)
        after = passed_on(ledger, 3600.0, 50.0)
        assert after.reads == (50.0 - 3599, 50.0, 50.0, 50.0, 50.0)
        assert after.reserved_reads == 0

    def test_logins_and_shut_buckets_survive(self) -> None:
        ledger = Ledger().record_credentials_worked("7").record_failed_login(0.0, "7")
        ledger = ledger.record_rate_limit(0.0, Bucket.READS, 100.5)
        after = passed_on(ledger, 10.0, 0.0)
        assert after.login_verdict(0.0, "7").until == 890.0
        assert after.next_possible_read(0.0, pressing=True) == 91.0
        assert after.worked_version == "7"

    def test_a_pending_login_counts_as_failed_for_the_successor(self) -> None:
        ledger = Ledger().record_login_attempt(0.0).record_login_attempt(1.0)
        assert passed_on(ledger, 2.0, 0.0).login_verdict(0.0, "7").mode is LoginMode.HELD

    def test_a_clock_that_jumped_back_makes_no_negative_age(self) -> None:
        ledger = Ledger().record_write(1000.0)
        assert json.loads(record_of(ledger, 10.0))["accounts"][ACCOUNT]["w"] == [0]

    def test_entries_that_no_longer_count_are_left_out(self) -> None:
        ledger = Ledger().record_write(0.0).record_write(2.0)
        assert json.loads(record_of(ledger, HOUR + 61.0))["accounts"][ACCOUNT] == {"w": [3659]}

    def test_a_full_ledger_with_new_slots_is_still_read_by_the_successor(self) -> None:
        """Regression: a hundred reads too old to count, and five new slots, read as corrupt."""
        ledger = Ledger()
        for _ in range(100):
            ledger = ledger.reserve_reads(0.0, pressing=True).record_read(0.0)
        later = 2 * HOUR
        ledger = ledger.reserve_reads(later, pressing=False)
        assert passed_on(ledger, later, later).reads_left(later, pressing=True) == 95

    def test_it_stays_small_with_every_account_at_its_limit(self) -> None:
        ledger = Ledger(reads=(0.0,) * 100, writes=(0.0,) * 50, worked_version="1" * 20)
        ledgers = Ledgers()
        for number in range(MAX_ACCOUNTS + 5):
            ledgers = ledgers.with_ledger(f"{number:016x}", ledger, 0.0)
        text = encode(ledgers, 3599.0)
        assert len(text) < 64 * 1024
        assert decode(text, 0.0, fence_exists=True).accounts.keys() == ledgers.accounts.keys()

    def test_an_account_forgotten_for_lack_of_room_counts_as_lost(self) -> None:
        ledgers = Ledgers()
        for number in range(MAX_ACCOUNTS + 1):
            ledgers = ledgers.with_ledger(str(number), Ledger().record_write(number), 100.0)
        assert len(ledgers.accounts) == MAX_ACCOUNTS
        again = decode(encode(ledgers, 101.0), 101.0, fence_exists=False)
        assert ledgers.of("0", 1).writes_left(101.0, for_failed_node=True, addresses=1) == 1
        assert again.of("0", 1).writes_left(101.0, for_failed_node=True, addresses=1) == 1


CORRUPT = [
    None,
    "",
    "null",
    "[]",
    "{}",
    '{"v":2,"accounts":{}}',
    '{"v":1,"accounts":[]}',
    '{"v":1,"accounts":{"a":[]}}',
    '{"v":1,"accounts":{"a":{"r":"x"}}}',
    '{"v":1,"accounts":{"a":{"r":[-1]}}}',
    '{"v":1,"accounts":{"a":{"r":[1.5]}}}',
    '{"v":1,"accounts":{"a":{"r":[NaN]}}}',
    '{"v":1,"accounts":{"a":{"r":[true]}}}',
    '{"v":1,"accounts":{"a":{"w":[' + "1," * 50 + "1]}}}",
    '{"v":1,"accounts":{"a":{"rc":-1}}}',
    '{"v":1,"accounts":{"a":{"ok":7}}}',
    '{"v":1,"accounts":{"a":{"no":["7",1]}}}',
    '{"v":1,"accounts":{"a":{"no":["7","1",2]}}}',
    '{"v":1,"accounts":{},"lost":null}',
    '{"v":1,"accounts":{"a":{"r":[1',
    "[" * 10_000,
]


@pytest.mark.parametrize("text", CORRUPT)
class TestMissingOrCorrupt:
    def test_counts_as_used_up_while_a_fence_exists(self, text: str | None) -> None:
        ledger = decode(text, 0.0, fence_exists=True).of(ACCOUNT, 2)
        assert ledger.reads_left(0.0, pressing=True) == 30
        assert ledger.writes_left(0.0, for_failed_node=False, addresses=2) == 0
        assert ledger.writes_left(0.0, for_failed_node=True, addresses=2) == 2
        assert len(ledger.failed_logins) == 1

    def test_is_an_empty_ledger_without_a_fence(self, text: str | None) -> None:
        assert decode(text, 0.0, fence_exists=False).of(ACCOUNT, 2) == Ledger()


def test_what_was_lost_stays_lost_for_the_next_leader_and_ends_after_the_hour() -> None:
    lost = decode(None, 0.0, fence_exists=True)
    second = decode(encode(lost, 600.0), 0.0, fence_exists=True)
    assert second.of(ACCOUNT, 1).reads_left(0.0, pressing=True) == 30
    assert second.of(ACCOUNT, 1).reads_left(HOUR, pressing=True) == 100


@given(
    st.text(max_size=200)
    | st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
        lambda inner: (
            st.lists(inner, max_size=4)
            | st.dictionaries(st.sampled_from(["v", "accounts", "r", "w", "no", "lost"]), inner)
        ),
    ).map(json.dumps)
)
def test_no_text_makes_decoding_fail(text: str) -> None:
    decode(text, 0.0, fence_exists=True)


class Spending(RuleBasedStateMachine):
    """A chain of leaders that follow the rules: record, have it acknowledged, then send.

    The world counts what was really sent, by true time. A leader may die at any point; its
    successor has another clock and only the last acknowledged record.
    """

    ADDRESSES = 3

    def __init__(self) -> None:
        super().__init__()
        self.true_now = 0.0
        self.offset = 500.0
        self.ledger = Ledger()
        self.record = record_of(self.ledger, self.offset)
        self.reads: list[float] = []
        self.normal_reads: list[float] = []
        self.writes: list[float] = []
        self.normal_writes: list[float] = []

    @property
    def now(self) -> float:
        return self.true_now + self.offset

    def acknowledge(self, ledger: Ledger) -> None:
        self.ledger = ledger
        self.record = record_of(ledger, self.now)

    @rule(seconds=st.sampled_from([0.3, 7.0, 61.0, 600.0, 1800.0, 3599.0]))
    def time_passes(self, seconds: float) -> None:
        self.true_now += seconds

    @rule(number=st.integers(1, 120), pressing=st.booleans())
    def reads_are_sent(self, number: int, pressing: bool) -> None:
        for _ in range(number):
            self.true_now += 0.01
            if not self.ledger.may_read(self.now, pressing=pressing):
                return
            if self.ledger.reserved_reads == 0:
                self.acknowledge(self.ledger.reserve_reads(self.now, pressing=pressing))
            # Using a slot need not be acknowledged.
            self.ledger = self.ledger.record_read(self.now)
            self.reads.append(self.true_now)

    @rule(number=st.integers(1, 60), for_failed_node=st.booleans(), lag=st.floats(0, 59))
    def writes_are_sent(self, number: int, for_failed_node: bool, lag: float) -> None:
        sent = 0
        for _ in range(number):
            if not self.ledger.may_write(
                self.now, for_failed_node=for_failed_node, addresses=self.ADDRESSES
            ):
                break
            self.acknowledge(self.ledger.record_write(self.now))
            sent += 1
        self.true_now += lag
        self.writes += [self.true_now] * sent
        if not for_failed_node:
            self.normal_writes += [self.true_now] * sent

    @rule()
    def the_lease_is_renewed(self) -> None:
        self.acknowledge(self.ledger)

    @rule(gap=st.sampled_from([0.0, 15.0, 5000.0]), offset=st.floats(0, 10**6))
    def the_leader_dies(self, gap: float, offset: float) -> None:
        self.true_now += gap
        self.offset = offset
        self.ledger = decode(self.record, self.now, fence_exists=True).of(ACCOUNT, self.ADDRESSES)

    @precondition(lambda self: bool(self.writes or self.reads))
    @invariant()
    def no_hour_sees_too_many(self) -> None:
        assert most_in_an_hour(self.reads) <= 100
        assert most_in_an_hour(self.writes) <= 50
        assert most_in_an_hour(self.normal_writes) <= 50 - self.ADDRESSES

    @invariant()
    def what_is_told_is_consistent(self) -> None:
        for pressing in (True, False):
            at = self.ledger.next_possible_read(self.now, pressing=pressing)
            assert self.ledger.may_read(at, pressing=pressing)
            may = self.ledger.may_read(self.now, pressing=pressing)
            assert may is (at == self.now)


def most_in_an_hour(times: list[float]) -> int:
    return max((bisect_right(times, at + HOUR) - i for i, at in enumerate(times)), default=0)


Spending.TestCase.settings = settings(
    max_examples=60, stateful_step_count=30, deadline=None, derandomize=True
)
TestSpending = Spending.TestCase


@given(st.lists(st.floats(0, 10**5), max_size=50), st.floats(0, 10**5), st.floats(-(10**5), 10**5))
def test_an_entry_is_never_older_after_it_was_passed_on(
    writes: list[float], now: float, successor_now: float
) -> None:
    ledger = replace(Ledger(), writes=tuple(sorted(writes)))
    kept = ledger.pruned(now).writes
    after = passed_on(ledger, now, successor_now).writes
    assert len(after) == len(kept)
    for before, later in zip(kept, after, strict=True):
        assert successor_now - later <= max(0.0, now - before) + 1e-6
