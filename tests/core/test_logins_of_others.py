"""Failed logins of several users count together: Robot counts them by source address."""

from __future__ import annotations

from failoverip.core.ledger import Ledger, LoginMode, LoginVerdict
from failoverip.core.ledgers import Ledgers

NOW = 10_000.0
VERSION = "1"


def test_two_failures_elsewhere_hold_a_login_that_never_worked() -> None:
    verdict = Ledger().login_verdict(NOW, VERSION, (NOW - 5, NOW - 3))
    assert verdict == LoginVerdict(LoginMode.HELD, NOW - 5 + 900 + 60)


def test_one_failure_elsewhere_leaves_room_for_one_trial() -> None:
    assert Ledger().login_verdict(NOW, VERSION, (NOW - 5,)).mode is LoginMode.TRIAL
    pending = Ledger().record_login_attempt(NOW - 1)
    assert pending.login_verdict(NOW, VERSION, (NOW - 5,)).mode is LoginMode.HELD


def test_the_last_two_failures_count_whoever_met_them() -> None:
    ours = Ledger().record_login_attempt(NOW - 3)
    verdict = ours.login_verdict(NOW, VERSION, (NOW - 90, NOW - 50))
    assert verdict == LoginVerdict(LoginMode.HELD, NOW - 50 + 900 + 60)


def test_credentials_that_work_are_used_whatever_fails_elsewhere() -> None:
    known = Ledger().record_credentials_worked(VERSION)
    assert known.login_verdict(NOW, VERSION, (NOW - 5, NOW - 3)).mode is LoginMode.KNOWN


def test_failures_elsewhere_are_forgotten_in_time() -> None:
    assert Ledger().login_verdict(NOW, VERSION, (NOW - 961, NOW - 960)).mode is LoginMode.TRIAL


def test_the_failure_that_lost_ledgers_assume_is_one_and_the_same() -> None:
    ledgers = Ledgers(lost_at=5.0)
    ledgers = ledgers.with_ledger("a", ledgers.of("a", 1).record_login_attempt(7.0), 7.0)
    assert ledgers.failed_logins_of_others("b") == (7.0,)
    assert ledgers.of("b", 1).failed_logins == (5.0,)


def test_the_others_are_all_accounts_but_this() -> None:
    ledgers = Ledgers()
    for name, at in (("a", 1.0), ("b", 2.0), ("c", 3.0)):
        ledgers = ledgers.with_ledger(name, Ledger().record_login_attempt(at), NOW)
    assert sorted(ledgers.failed_logins_of_others("b")) == [1.0, 3.0]
