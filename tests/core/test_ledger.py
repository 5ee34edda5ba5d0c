"""The ledger: no hour sees too many requests, whatever happens to leaders and clocks."""

from __future__ import annotations

import pytest

from failoverip.core.ledger import (
    Bucket,
    Ledger,
    LoginMode,
    LoginVerdict,
    RefusedLogin,
    lost_ledger,
)
from failoverip.core.provider import CannotTell, Fault

HOUR = 3600.0
LAG = 60.0  # an entry counts this much longer than its hour


def with_reads(number: int, now: float = 0.0) -> Ledger:
    return Ledger(reads=(now,) * number)


def with_writes(number: int, now: float = 0.0) -> Ledger:
    ledger = Ledger()
    for _ in range(number):
        ledger = ledger.record_write(now)
    return ledger


class TestReads:
    @pytest.mark.parametrize(
        ("spent", "pressing", "left"),
        [
            (0, False, 80),
            (0, True, 100),
            (79, False, 1),
            (80, False, 0),
            (80, True, 20),
            (99, True, 1),
            (100, True, 0),
            (100, False, 0),
        ],
    )
    def test_twenty_of_a_hundred_are_kept_pressinges(
        self, spent: int, pressing: bool, left: int
    ) -> None:
        ledger = with_reads(spent)
        assert ledger.reads_left(0.0, pressing=pressing) == left
        assert ledger.may_read(0.0, pressing=pressing) is (left > 0)

    def test_slots_are_taken_five_at_a_time(self) -> None:
        ledger = Ledger().reserve_reads(0.0, pressing=False)
        assert ledger.reserved_reads == 5

    def test_the_last_block_is_as_long_as_what_is_left(self) -> None:
        assert with_reads(78).reserve_reads(0.0, pressing=False).reserved_reads == 2
        assert with_reads(98).reserve_reads(0.0, pressing=True).reserved_reads == 2
        assert with_reads(100).reserve_reads(0.0, pressing=True).reserved_reads == 0

    def test_reserving_again_does_not_pile_up_slots(self) -> None:
        ledger = Ledger().reserve_reads(0.0, pressing=False).record_read(1.0)
        assert ledger.reserve_reads(2.0, pressing=False).reserved_reads == 5

    def test_a_read_that_was_not_reserved_is_an_error(self) -> None:
        with pytest.raises(ValueError, match="reserved before"):
            Ledger().record_read(0.0)

    def test_a_read_that_never_left_is_given_back(self) -> None:
        ledger = Ledger(reads=(1.0, 2.0, 2.0, 3.0)).record_read_not_sent(2.0)
        assert ledger.reads == (1.0, 2.0, 3.0)
        with pytest.raises(ValueError, match="not in list"):
            ledger.record_read_not_sent(9.0)

    def test_an_old_read_frees_its_place_after_an_hour_and_the_lag(self) -> None:
        ledger = with_reads(100)
        assert ledger.next_possible_read(10.0, pressing=True) == HOUR + LAG
        assert not ledger.may_read(HOUR + LAG - 1, pressing=True)
        assert ledger.may_read(HOUR + LAG, pressing=True)

    def test_the_wait_of_a_normal_read_ends_when_fewer_than_eighty_count(self) -> None:
        ledger = Ledger()
        for second in range(90):
            ledger = ledger.reserve_reads(second, pressing=True).record_read(second)
        # The 11th must go as well: 79 are left then.
        assert ledger.next_possible_read(100.0, pressing=False) == 10 + HOUR + LAG


class TestWrites:
    @pytest.mark.parametrize(
        ("spent", "for_failed_node", "addresses", "left"),
        [
            (0, False, 1, 49),
            (0, True, 1, 50),
            (0, False, 16, 40),
            (49, False, 1, 0),
            (49, True, 1, 1),
            (40, False, 10, 0),
            (40, True, 10, 10),
            (50, True, 10, 0),
            (50, False, 10, 0),
            (0, False, 0, 50),
        ],
    )
    def test_a_reserve_is_kept_for_failed_nodes(
        self, spent: int, for_failed_node: bool, addresses: int, left: int
    ) -> None:
        ledger = with_writes(spent)
        asked = {"for_failed_node": for_failed_node, "addresses": addresses}
        assert ledger.writes_left(0.0, **asked) == left  # type: ignore[arg-type]  # the table's types
        assert ledger.may_write(0.0, **asked) is (left > 0)  # type: ignore[arg-type]  # the table's types

    def test_the_wait_for_a_write_is_told(self) -> None:
        ledger = with_writes(50, now=5.0)
        at = ledger.next_possible_write(6.0, for_failed_node=True, addresses=1)
        assert at == 5.0 + HOUR + LAG
        assert ledger.may_write(at, for_failed_node=True, addresses=1)

    def test_a_write_above_fifty_is_an_error(self) -> None:
        with pytest.raises(ValueError, match="above the limit"):
            with_writes(50).record_write(1.0)


class TestRateLimit:
    @pytest.mark.parametrize(
        ("interval", "closed_for"), [(120.0, 120.0), (None, 600.0), (10.0**9, HOUR)]
    )
    def test_it_shuts_the_bucket_for_its_interval(
        self, interval: float | None, closed_for: float
    ) -> None:
        ledger = Ledger().record_rate_limit(100.0, Bucket.READS, interval)
        assert ledger.reads_left(100.0 + closed_for - 0.1, pressing=True) == 0
        assert not ledger.may_read(100.0 + closed_for - 0.1, pressing=True)
        assert ledger.next_possible_read(100.0, pressing=True) == 100.0 + closed_for
        assert ledger.may_read(100.0 + closed_for, pressing=True)
        assert ledger.may_write(100.0, for_failed_node=False, addresses=1)

    def test_a_shorter_interval_does_not_open_a_bucket_earlier(self) -> None:
        ledger = Ledger().record_rate_limit(0.0, Bucket.WRITES, 900.0)
        ledger = ledger.record_rate_limit(1.0, Bucket.WRITES, 10.0)
        assert ledger.next_possible_write(2.0, for_failed_node=True, addresses=1) == 900.0
        assert ledger.writes_left(899.0, for_failed_node=True, addresses=1) == 0

    def test_nor_does_one_of_reads(self) -> None:
        ledger = Ledger().record_rate_limit(0.0, Bucket.READS, 900.0)
        ledger = ledger.record_rate_limit(1.0, Bucket.READS, 10.0)
        assert ledger.next_possible_read(2.0, pressing=True) == 900.0


KNOWN = LoginVerdict(LoginMode.KNOWN)
TRIAL = LoginVerdict(LoginMode.TRIAL)


def held(until: float | None) -> LoginVerdict:
    return LoginVerdict(LoginMode.HELD, until)


class TestLogin:
    def test_new_credentials_are_tried(self) -> None:
        assert Ledger().login_verdict(0.0, "7") == TRIAL

    def test_credentials_that_worked_are_known(self) -> None:
        ledger = Ledger().record_login_attempt(0.0).record_credentials_worked("7")
        assert ledger.login_verdict(1.0, "7") == KNOWN
        assert ledger.failed_logins == ()

    def test_credentials_that_never_worked_wait_for_the_secret_to_change(self) -> None:
        ledger = Ledger().record_login_attempt(0.0).record_failed_login(1.0, "7")
        assert ledger.login_verdict(10 * HOUR, "7") == held(None)
        assert ledger.login_verdict(2.0, "8") == TRIAL

    def test_credentials_that_worked_get_a_try_after_15_minutes_then_hourly(self) -> None:
        ledger = Ledger().record_credentials_worked("7").record_failed_login(0.0, "7")
        assert ledger.login_verdict(899.0, "7") == held(900.0)
        assert ledger.login_verdict(900.0, "7") == TRIAL
        ledger = ledger.record_login_attempt(900.0).record_failed_login(901.0, "7")
        assert ledger.login_verdict(902.0, "7") == held(901.0 + HOUR)
        assert ledger.login_verdict(901.0 + HOUR, "7") == TRIAL
        ledger = ledger.record_login_attempt(4600.0).record_credentials_worked("7")
        assert ledger.login_verdict(4601.0, "7") == KNOWN

    def test_a_third_login_waits_until_the_first_of_two_failed_ones_is_old(self) -> None:
        ledger = Ledger().record_login_attempt(0.0).record_failed_login(1.0, "1")
        ledger = ledger.record_login_attempt(100.0).record_failed_login(101.0, "2")
        assert ledger.login_verdict(102.0, "3") == held(900.0 + LAG)
        assert ledger.login_verdict(900.0 + LAG, "3") == TRIAL

    def test_an_attempt_without_an_answer_counts_as_failed(self) -> None:
        ledger = Ledger().record_login_attempt(0.0).record_login_attempt(10.0)
        assert ledger.login_verdict(20.0, "7").mode is LoginMode.HELD


class TestAnswers:
    @pytest.mark.parametrize(
        ("fault", "failed_logins"),
        [
            (Fault.UNREACHABLE, 0),
            (Fault.INVARIANT, 0),
            (Fault.WINDOW_SHUT, 0),
            (Fault.RATE_LIMITED, 0),
            (Fault.MAINTENANCE, 0),
            (Fault.SERVER_ERROR, 0),
            (Fault.CREDENTIALS_REFUSED, 1),
            (Fault.TIMEOUT, 1),
            (Fault.CONNECTION_LOST, 1),
            (Fault.FORBIDDEN, 1),
            (Fault.GARBLED, 1),
        ],
    )
    def test_a_trial_counts_as_failed_unless_the_answer_proves_otherwise(
        self, fault: Fault, failed_logins: int
    ) -> None:
        ledger = Ledger().record_login_attempt(0.0)
        ledger = ledger.record_answer(1.0, Bucket.READS, "7", CannotTell(fault, ""), asked_at=0.0)
        assert len(ledger.failed_logins) == failed_logins

    def test_every_fault_is_in_the_table_above(self) -> None:
        assert len(Fault) == 11

    def test_an_answer_proves_the_credentials(self) -> None:
        ledger = Ledger().record_login_attempt(0.0)
        ledger = ledger.record_answer(1.0, Bucket.WRITES, "7", None, asked_at=0.0)
        assert ledger.login_verdict(2.0, "7") == KNOWN

    def test_a_rate_limit_shuts_the_bucket_it_was_met_in(self) -> None:
        reason = CannotTell(Fault.RATE_LIMITED, "", 30.0)
        ledger = Ledger().record_answer(0.0, Bucket.WRITES, "7", reason, asked_at=0.0)
        assert not ledger.may_write(29.0, for_failed_node=True, addresses=1)
        assert ledger.may_read(29.0, pressing=False)

    def test_a_rate_limit_of_the_server_list_shuts_neither(self) -> None:
        reason = CannotTell(Fault.RATE_LIMITED, "", 30.0)
        ledger = Ledger().record_answer(0.0, None, "7", reason, asked_at=0.0)
        assert ledger == Ledger()

    def test_a_bare_403_shuts_both_for_ten_minutes(self) -> None:
        reason = CannotTell(Fault.FORBIDDEN, "")
        ledger = Ledger().record_answer(0.0, Bucket.READS, "7", reason, asked_at=0.0)
        assert ledger.next_possible_read(0.0, pressing=True) == 600.0
        assert ledger.next_possible_write(0.0, for_failed_node=True, addresses=1) == 600.0


class TestFailedLogins:
    def test_a_refusal_of_credentials_that_worked_counts_when_it_comes(self) -> None:
        assert Ledger().record_failed_login(5.0, "1").failed_logins == (5.0,)

    def test_a_refused_trial_counts_once_from_when_it_was_sent(self) -> None:
        refused = Ledger().record_login_attempt(5.0).record_failed_login(6.0, "1")
        assert (refused.failed_logins, refused.login_pending) == ((5.0,), False)
        assert refused.record_no_login() == refused
        assert refused.record_failed_login(7.0, "1").failed_logins == (5.0, 7.0)

    def test_only_the_pending_login_is_taken_back(self) -> None:
        failed = Ledger().record_failed_login(1.0, "1")
        settled = failed.record_login_attempt(2.0).record_no_login()
        assert settled == failed
        assert settled.record_no_login() == failed

    def test_refusals_of_the_same_credentials_in_a_row_are_counted(self) -> None:
        ledger = Ledger()
        for at, version, times in ((1.0, "1", 1), (2.0, "2", 1), (3.0, "2", 2), (4.0, "2", 3)):
            ledger = ledger.record_failed_login(at, version)
            assert ledger.refused == RefusedLogin(version, times, at)

    def test_others_that_worked_do_not_clear_refused_credentials(self) -> None:
        ledger = Ledger().record_failed_login(1.0, "new").record_credentials_worked("old")
        assert ledger.login_verdict(2.0, "new") == held(None)

    def test_the_answer_401_refuses_the_credentials(self) -> None:
        refused = CannotTell(Fault.CREDENTIALS_REFUSED, "401")
        ledger = Ledger().record_answer(1.0, Bucket.READS, "1", refused, asked_at=0.0)
        assert ledger.refused == RefusedLogin("1", 1, 1.0)

    def test_an_answer_to_what_was_asked_before_one_does_not_clear_it(self) -> None:
        """Seed 12965: a switch is answered two minutes after it was asked for."""
        failed = Ledger().record_credentials_worked("7").record_failed_login(5.0, "7")
        for asked_at, verdict in ((4.0, held(905.0)), (5.0, held(905.0)), (6.0, KNOWN)):
            answered = failed.record_answer(6.0, Bucket.WRITES, "7", None, asked_at=asked_at)
            assert answered.login_verdict(7.0, "7") == verdict

    def test_they_are_pruned_after_their_span(self) -> None:
        failed = Ledger().record_failed_login(0.0, "1")
        assert failed.pruned(959.0).failed_logins == (0.0,)
        assert failed.pruned(960.0).failed_logins == ()

    def test_the_last_eight_are_kept(self) -> None:
        ledger = Ledger()
        for at in range(10):
            ledger = ledger.record_login_attempt(float(at))
        assert ledger.failed_logins == tuple(float(at) for at in range(2, 10))


def test_a_lost_ledger_leaves_thirty_reads_the_reserve_and_one_login() -> None:
    ledger = lost_ledger(0.0, addresses=3)
    assert ledger.reads_left(0.0, pressing=False) == 10
    assert ledger.reads_left(0.0, pressing=True) == 30
    assert ledger.writes_left(0.0, for_failed_node=False, addresses=3) == 0
    assert ledger.writes_left(0.0, for_failed_node=True, addresses=3) == 3
    once = ledger.record_login_attempt(1.0)
    assert ledger.login_verdict(1.0, "7") == TRIAL
    assert once.login_verdict(2.0, "8").mode is LoginMode.HELD


def test_a_lost_ledger_has_the_hour_of_the_others() -> None:
    assert lost_ledger(0.0, 1, 60.0).window_seconds == 60.0


def test_a_shortened_hour_keeps_the_proportions() -> None:
    ledger = Ledger(window_seconds=60.0).record_credentials_worked("7")
    assert ledger.record_failed_login(0.0, "7").login_verdict(1.0, "7") == held(15.0)
    assert ledger.record_rate_limit(0.0, Bucket.READS, None).reads_closed_until == 10.0
    assert ledger.record_write(0.0).pruned(61.0).writes == ()
