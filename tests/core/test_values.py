"""The small values: addresses, times, periods, servers, faults."""

from __future__ import annotations

from dataclasses import fields

import pytest
from tests.support.observations import server

from failoverip.core.addresses import canonical, overlap, parse_failover_address
from failoverip.core.observation import trouble_of
from failoverip.core.provider import CannotTell, Fault
from failoverip.core.reasons import Reason
from failoverip.core.timestamps import micro_time, parse_time, whole_seconds
from failoverip.core.timings import UNSCALED, Timings


class TestAddresses:
    @pytest.mark.parametrize(
        ("text", "key", "version"),
        [
            ("203.0.113.10", "203.0.113.10", 4),
            ("203.0.113.16/29", "203.0.113.16", 4),
            ("2001:db8:1:2::/64", "2001:db8:1:2::", 6),
            ("2001:0DB8:1:2:0::/64", "2001:db8:1:2::", 6),
        ],
    )
    def test_the_network_address_is_the_key(self, text: str, key: str, version: int) -> None:
        address = parse_failover_address(text)
        assert (address.text, address.key, address.version) == (text, key, version)

    @pytest.mark.parametrize("text", ["", "front", "203.0.113.17/29", "203.0.113.256"])
    def test_what_is_none_is_refused(self, text: str) -> None:
        with pytest.raises(ValueError, match=r".+"):
            parse_failover_address(text)

    def test_one_spelling_for_one_address(self) -> None:
        assert canonical(" 2001:0DB8:0::1 ") == "2001:db8::1"
        with pytest.raises(ValueError, match="not-one"):
            canonical("not-one")

    @pytest.mark.parametrize(
        ("one", "other", "together"),
        [
            ("203.0.113.10", "203.0.113.10", True),
            ("203.0.113.8/29", "203.0.113.15", True),
            ("203.0.113.8/29", "203.0.113.16", False),
            ("203.0.113.8/29", "203.0.113.0/24", True),
            ("2001:db8::/64", "203.0.113.10", False),
            ("2001:db8::/64", "2001:db8::1", True),
        ],
    )
    def test_two_overlap_when_they_share_an_address(
        self, one: str, other: str, together: bool
    ) -> None:
        assert overlap(one, other) is overlap(other, one) is together


class TestTimes:
    def test_a_micro_time_has_six_digits_even_when_they_are_zero(self) -> None:
        assert micro_time(1_790_000_000.0) == "2026-09-21T14:13:20.000000Z"
        assert micro_time(1_790_000_000.25) == "2026-09-21T14:13:20.250000Z"

    def test_a_record_has_none(self) -> None:
        assert whole_seconds(1_790_000_000.9) == "2026-09-21T14:13:20Z"

    def test_both_are_read_back(self) -> None:
        assert parse_time(micro_time(1_790_000_000.25)) == 1_790_000_000.25
        assert parse_time(whole_seconds(1_790_000_000.0)) == 1_790_000_000.0
        with pytest.raises(ValueError, match="yesterday"):
            parse_time("yesterday")


class TestTimings:
    def test_scaling_shortens_all_but_what_bounds_the_machine(self) -> None:
        scaled = Timings().scaled(0.5)
        for item in fields(Timings):
            before, after = getattr(Timings(), item.name), getattr(scaled, item.name)
            if item.name in UNSCALED:
                assert after == before
            elif isinstance(before, tuple):
                assert after == tuple(part / 2 for part in before)
            else:
                assert after == before / 2

    def test_the_window_follows_the_election(self) -> None:
        assert Timings().with_window(2.0).window_seconds == 2.0
        assert Timings().with_window(2.0).resync_seconds == Timings().resync_seconds


def test_a_server_is_routed_to_by_the_address_of_the_family() -> None:
    assert server(1).target(4) == "198.51.100.1"
    assert server(1).target(6) == "2001:db8:1::"


@pytest.mark.parametrize("fault", Fault)
def test_every_fault_surfaces_as_a_reason(fault: Fault) -> None:
    special = {
        Fault.RATE_LIMITED: Reason.RATE_LIMITED,
        Fault.CREDENTIALS_REFUSED: Reason.CREDENTIALS_REFUSED,
    }
    expected = special.get(fault, Reason.PROVIDER_UNREACHABLE)
    assert trouble_of(CannotTell(fault, "no answer")) is expected


@pytest.mark.parametrize("reason", Reason)
def test_every_reason_is_one_word_and_a_sentence(reason: Reason) -> None:
    assert reason.value.isalpha()
    assert reason.value[0].isupper()
    assert reason.text.endswith(".")
