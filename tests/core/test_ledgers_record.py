"""The record of the ledgers at its limits: what is still read, what is forgotten first."""

from __future__ import annotations

import pytest

from failoverip.core.ledger import Ledger, RefusedLogin
from failoverip.core.ledgers import MAX_ACCOUNTS, Ledgers, decode, encode

LOST = Ledgers(lost_at=0.0)


def read(text: str, window_seconds: float = 3600.0) -> Ledgers:
    return decode(text, 0.0, fence_exists=True, window_seconds=window_seconds)


def one(fields: str) -> Ledger:
    """The ledger of an account with these fields."""
    return read(f'{{"v":1,"accounts":{{"a":{{{fields}}}}}}}').accounts["a"]


def crowd(number: int) -> str:
    return (
        f'{{"v":1,"accounts":{{{",".join(f"{chr(34)}{n}{chr(34)}:{{}}" for n in range(number))}}}}}'
    )


def test_as_many_accounts_as_are_kept_are_read_and_no_more() -> None:
    assert MAX_ACCOUNTS == 32
    assert len(read(crowd(32)).accounts) == 32
    assert read(crowd(33)) == LOST


def test_a_record_of_half_an_annotation_is_read_and_no_longer_one() -> None:
    text = crowd(1)
    full = text + " " * (131_072 - len(text))
    assert read(full).lost_at is None
    assert read(full + " ") == LOST


def test_a_version_of_256_characters_is_read_and_no_longer_one() -> None:
    assert one(f'"ok":"{"7" * 256}"').worked_version == "7" * 256
    assert read(f'{{"v":1,"accounts":{{"a":{{"ok":"{"7" * 257}"}}}}}}') == LOST


def test_an_empty_version_is_corrupt() -> None:
    assert read('{"v":1,"accounts":{"a":{"ok":""}}}') == LOST


def test_an_age_of_a_billion_seconds_is_read_and_no_higher_one() -> None:
    assert one('"w":[1000000000]').writes == (-1e9,)
    assert read('{"v":1,"accounts":{"a":{"w":[1000000001]}}}') == LOST


@pytest.mark.parametrize("value", ["5", '"7"', "{}"])
def test_a_refusal_that_is_no_list_is_corrupt(value: str) -> None:
    assert read(f'{{"v":1,"accounts":{{"a":{{"no":{value}}}}}}}') == LOST


@pytest.mark.parametrize("value", ["5", "{}"])
def test_times_that_are_no_list_are_corrupt(value: str) -> None:
    assert read(f'{{"v":1,"accounts":{{"a":{{"r":{value}}}}}}}') == LOST


def test_times_are_read_in_their_order() -> None:
    assert one('"w":[0,50,20]').writes == (-50.0, -20.0, 0.0)


@pytest.mark.parametrize(("written", "times"), [(0, 1), (1, 1), (2, 2)])
def test_a_refusal_happened_at_least_once(written: int, times: int) -> None:
    assert one(f'"no":["7",{written},9]').refused == RefusedLogin("7", times, -9.0)


def test_a_shut_bucket_of_writes_stays_shut_for_the_successor() -> None:
    shut = Ledgers().with_ledger("a", Ledger(writes_closed_until=100.0), 40.0)
    assert read(encode(shut, 40.0)).accounts["a"].writes_closed_until == 60.0


def test_a_bucket_that_opened_again_is_left_out() -> None:
    shut = Ledgers().with_ledger("a", Ledger(writes_closed_until=100.0), 40.0)
    assert encode(shut, 100.0) == encode(shut, 130.0) == '{"v":1,"accounts":{"a":{}}}'


def test_it_is_compact_and_in_the_order_of_the_names() -> None:
    ledgers = Ledgers()
    for name in "ba":
        ledgers = ledgers.with_ledger(name, Ledger(writes=(0.0,)), 0.0)
    assert encode(ledgers, 0.0) == '{"v":1,"accounts":{"a":{"w":[0]},"b":{"w":[0]}}}'


def test_each_ledger_has_the_hour_of_this_process() -> None:
    assert read(crowd(1), 60.0).of("0", 1).window_seconds == 60.0
    assert read(crowd(1), 60.0).of("new", 1).window_seconds == 60.0
    assert read("corrupt", 60.0).of("new", 1).window_seconds == 60.0


def test_what_was_lost_is_told_for_two_hours() -> None:
    assert '"lost":7199' in encode(LOST, 7199.0)
    assert "lost" not in encode(LOST, 7200.0)


@pytest.mark.parametrize(
    "idle",
    [Ledger(), Ledger(reads=(1.0, 4.0)), Ledger(writes=(1.0, 4.0)), Ledger(failed_logins=(4.0,))],
    ids=["never used", "reads", "writes", "logins"],
)
def test_the_account_that_was_idle_longest_is_forgotten(idle: Ledger) -> None:
    busy = (Ledger(reads=(2.0, 5.0)), Ledger(writes=(2.0, 5.0)), Ledger(failed_logins=(2.0, 5.0)))
    ledgers = Ledgers()
    for number in range(MAX_ACCOUNTS - 1):
        ledgers = ledgers.with_ledger(f"m{number}", busy[number % 3], 5.0)
    ledgers = ledgers.with_ledger("n-idle", idle, 5.0).with_ledger("new", busy[0], 5.0)
    assert "n-idle" not in ledgers.accounts


def test_the_account_that_is_written_is_never_the_one_forgotten() -> None:
    ledgers = Ledgers()
    for number in range(MAX_ACCOUNTS):
        ledgers = ledgers.with_ledger(f"m{number}", Ledger(reads=(5.0,)), 5.0)
    assert "new" in ledgers.with_ledger("new", Ledger(), 5.0).accounts


def test_of_those_that_were_idle_as_long_the_first_by_name_is_forgotten() -> None:
    """Whatever order a record had: two leaders forget the same one."""
    ledgers = Ledgers()
    for number in reversed(range(MAX_ACCOUNTS)):
        ledgers = ledgers.with_ledger(f"m{number:02}", Ledger(reads=(5.0,)), 5.0)
    left = ledgers.with_ledger("new", Ledger(), 5.0).accounts
    assert ledgers.accounts.keys() - left.keys() == {"m00"}
