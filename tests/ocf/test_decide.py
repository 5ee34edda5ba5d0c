"""The decisions of the agents, as tables."""

from __future__ import annotations

import pytest

from failoverip_ocf.cache import NOWHERE, Cache
from failoverip_ocf.codes import (
    DEGRADED,
    ERR_CONFIGURED,
    ERR_GENERIC,
    NOT_RUNNING,
    SUCCESS,
)
from failoverip_ocf.decide import (
    ASK,
    CONFIRMED,
    GIVE_UP,
    LATE,
    MINE,
    OTHER,
    PAUSE,
    SETTLED,
    SETTLED_SECONDS,
    SWITCH,
    UNKNOWN,
    UNREACHABLE_WAIT,
    WAIT,
    Pacing,
    StartView,
    Verdict,
    cannot_tell,
    kept_reads,
    monitor,
    next_look,
    not_running_here,
    oldest,
    pace_seconds,
    probe,
    reads_share,
    start_step,
    unexpected,
    verdict,
    wrong_parameters,
)

IP, HERE, THERE = "203.0.113.10", "192.0.2.11", "192.0.2.12"
OWN = (HERE, "2001:db8:a:1::")
NOW = 1000.0


def answered(
    target: str, at: float = NOW, *, ready: bool | None = None, times: int = 1, apart: float = 2.0
) -> Cache:
    """What `times` equal reads leave behind, the last of them at `at`."""
    cache = Cache()
    for number in reversed(range(times)):
        end = at - number * apart
        cache.took(end, end, [(IP, 32, target, ready)])
    return cache


@pytest.mark.parametrize(
    ("marker", "address", "code"),
    [
        (True, None, SUCCESS),
        (True, True, SUCCESS),
        (True, False, NOT_RUNNING),
        (False, None, NOT_RUNNING),
        (False, True, NOT_RUNNING),
        (False, False, NOT_RUNNING),
    ],
)
def test_a_probe_goes_by_marker_and_address(marker: bool, address: bool | None, code: int) -> None:
    assert probe(marker, address).code == code


@pytest.mark.parametrize(
    ("marker", "address", "code"),
    [
        (True, None, None),
        (True, True, None),
        (True, False, NOT_RUNNING),
        (False, None, NOT_RUNNING),
        (False, True, NOT_RUNNING),
    ],
)
def test_a_monitor_looks_at_this_node_first(
    marker: bool, address: bool | None, code: int | None
) -> None:
    ends = not_running_here(IP, marker, address)
    assert (ends and ends.code) == code


class TestVerdict:
    @pytest.mark.parametrize(
        ("target", "ready", "kind", "said"),
        [
            (HERE, None, MINE, "routed here"),
            (HERE, True, MINE, "routed here"),
            (HERE, False, UNKNOWN, "a switch to 192.0.2.11 is under way"),
            (THERE, None, OTHER, "routed to 192.0.2.12"),
            (THERE, False, UNKNOWN, "under way"),
            (NOWHERE, None, OTHER, "routed to nowhere"),
        ],
    )
    def test_of_a_route(self, target: str, ready: bool | None, kind: str, said: str) -> None:
        given = verdict(answered(target, ready=ready), IP, OWN, NOW + 5)
        assert (given.kind, given.age) == (kind, 5)
        assert said in given.reason

    def test_of_nothing_is_unknown(self) -> None:
        assert verdict(Cache(), IP, OWN, NOW).kind == UNKNOWN
        assert verdict(answered(HERE), "203.0.113.11", OWN, NOW).kind == UNKNOWN
        assert verdict(answered(HERE), IP, None, NOW).kind == UNKNOWN
        assert verdict(answered(HERE), IP, ("", "2001:db8:a:1::"), NOW).kind == UNKNOWN

    @pytest.mark.parametrize(
        ("times", "apart", "confirmed"), [(1, 2.0, False), (2, 0.1, False), (2, 2.0, True)]
    )
    def test_that_it_is_elsewhere_needs_two_reads_that_are_apart(
        self, times: int, apart: float, confirmed: bool
    ) -> None:
        cache = answered(THERE, times=times, apart=apart)
        assert verdict(cache, IP, OWN, NOW).confirmed is confirmed

    def test_that_it_is_elsewhere_begins_anew_with_every_other_answer(self) -> None:
        cache = answered(THERE, NOW - 10)
        cache.took(NOW - 5, NOW - 5, [(IP, 32, HERE, None)])
        cache.took(NOW, NOW, [(IP, 32, THERE, None)])
        assert not verdict(cache, IP, OWN, NOW).confirmed

    def test_of_an_address_in_a_subnet_is_that_of_the_subnet(self) -> None:
        cache = Cache()
        cache.took(NOW, NOW, [("203.0.113.16", 29, HERE, None), ("2001:db8:f::", 64, THERE, None)])
        assert verdict(cache, "203.0.113.18", OWN, NOW).kind == MINE
        assert verdict(cache, "203.0.113.24", OWN, NOW).kind == UNKNOWN
        assert verdict(cache, "2001:db8:f::2", OWN, NOW).kind == OTHER


class TestNextLook:
    """A monitor that began at NOW."""

    @pytest.mark.parametrize(
        ("cache", "later", "step"),
        [
            (Cache(), 0, ASK),
            (answered(HERE, NOW - 60), 0, SETTLED),
            (answered(HERE, NOW - 61), 0, ASK),
            (answered(HERE, NOW + 1), 1, SETTLED),
            # Two reads since it began.
            (answered(THERE, NOW + 1), 1, PAUSE),
            (answered(THERE, NOW + 1), 3.5, ASK),
            (answered(THERE, NOW + 3, times=2), 3, SETTLED),
            # By others, just now.
            (answered(THERE, NOW - 5, times=2), 0, SETTLED),
            # "Elsewhere" is read again, however often it was read.
            (answered(THERE, NOW - 5), 0, ASK),
            (answered(THERE, NOW - 11, times=9), 0, ASK),
            # Told nothing: once in a while.
            (answered(HERE, NOW - 5, ready=False), 0, SETTLED),
            (answered(HERE, NOW - 31, ready=False), 0, ASK),
            (answered(HERE, NOW + 1, ready=False), 1, SETTLED),
        ],
    )
    def test_after_an_answer(self, cache: Cache, later: float, step: str) -> None:
        now = NOW + later
        said = verdict(cache, IP, OWN, now)
        assert next_look(cache, said, NOW, now, Pacing(60, 0)) == step

    @pytest.mark.parametrize(
        ("cache", "until", "step"),
        [
            (Cache(), NOW + 1, ASK),
            (Cache(), NOW + 0.9, LATE),
            (answered(HERE, NOW - 5), NOW + 0.9, SETTLED),
            # No pause may outlive the monitor: Pacemaker would kill it, and restart the resource.
            (answered(THERE, NOW + 1), NOW + 3, PAUSE),
            (answered(THERE, NOW + 1), NOW + 2.9, LATE),
        ],
    )
    def test_is_late_when_the_last_read_must_have_begun(
        self, cache: Cache, until: float, step: str
    ) -> None:
        now = NOW + 1
        said = verdict(cache, IP, OWN, now)
        assert next_look(cache, said, NOW, now, Pacing(60, 0, until)) == step

    @pytest.mark.parametrize(
        ("failures", "ago", "step"),
        [
            (1, 29, SETTLED),
            (1, 31, ASK),
            (2, 31, SETTLED),
            (2, 59, SETTLED),
            (2, 61, ASK),
            (9, 119, SETTLED),
            (9, 121, ASK),
            (1, -1, SETTLED),
        ],
    )
    def test_after_a_failure_waits_longer_each_time(
        self, failures: int, ago: float, step: str
    ) -> None:
        cache = answered(HERE, NOW - 1000)
        for _ in range(failures):
            cache.missed(NOW - ago, NOW - ago, "no answer in time")
        said = verdict(cache, IP, OWN, NOW + 2)
        assert next_look(cache, said, NOW, NOW, Pacing(120, failures)) == step

    def test_asks_each_time_when_the_user_wants_no_reuse(self) -> None:
        cache = answered(HERE, NOW - 0.1)
        cache.missed(NOW - 0.1, NOW - 0.1, "no answer in time")
        said = verdict(cache, IP, OWN, NOW)
        assert next_look(cache, said, NOW, NOW, Pacing(0, 1)) == ASK


class TestMonitor:
    def test_is_positive_while_the_answer_is_new_enough(self) -> None:
        said = Verdict(MINE, "routed here", age=60)
        assert monitor(IP, said, 60, "", True).code == SUCCESS
        assert monitor(IP, said, 59, "HTTP 503", True).code == DEGRADED

    def test_is_never_older_than_a_read_since_it_began(self) -> None:
        assert oldest(answered(HERE, NOW - 1), 0, NOW) == 0
        assert oldest(answered(HERE, NOW), 0, NOW) == float("inf")

    def test_says_not_here_only_when_that_is_confirmed(self) -> None:
        once = Verdict(OTHER, "routed to 192.0.2.12", age=0, target=THERE)
        twice = Verdict(OTHER, "routed to 192.0.2.12", age=0, target=THERE, confirmed=True)
        old = Verdict(OTHER, "routed to 192.0.2.12", age=11, target=THERE, confirmed=True)
        assert monitor(IP, once, 60, "", True).code == DEGRADED
        assert monitor(IP, twice, 60, "", True).code == NOT_RUNNING
        assert monitor(IP, old, 60, "", True).code == DEGRADED

    def test_that_cannot_tell_names_the_cause_and_the_age(self) -> None:
        ended = cannot_tell(IP, Verdict(MINE, "routed here", age=321.4), "HTTP 503", True)
        assert ended.reason == (
            f"cannot tell whether {IP} is routed here: HTTP 503; last answer 321 s ago: routed here"
        )
        assert cannot_tell(IP, Verdict(UNKNOWN, "no answer yet"), "", False).code == SUCCESS


class TestStartStep:
    @staticmethod
    def view(kind: str, **known: object) -> StartView:
        view = StartView(NOW, NOW + 100, Verdict(kind, "", age=0))
        for name, value in known.items():
            setattr(view, name, value)
        return view

    @pytest.mark.parametrize(
        ("kind", "known", "step"),
        [
            (MINE, {}, CONFIRMED),
            (MINE, {"switched": True}, CONFIRMED),
            # The answer of the switch was lost: it may be in the middle.
            (MINE, {"switched": False, "mine_since": NOW}, WAIT),
            (MINE, {"switched": False, "mine_since": NOW, "ready": True}, CONFIRMED),
            (MINE, {"switched": False, "mine_since": NOW - SETTLED_SECONDS}, CONFIRMED),
            (OTHER, {}, SWITCH),
            (OTHER, {"switched": False, "switch_at": NOW + 30}, WAIT),
            (OTHER, {"switched": False, "switch_at": NOW}, SWITCH),
            # Nothing is known: nothing is switched.
            (UNKNOWN, {}, WAIT),
            (UNKNOWN, {"deadline": NOW + 1}, GIVE_UP),
            (OTHER, {"deadline": NOW + 1, "switch_at": NOW + 30}, GIVE_UP),
        ],
    )
    def test_reads_switches_and_reads(self, kind: str, known: dict[str, object], step: str) -> None:
        assert start_step(self.view(kind, **known)).kind == step

    def test_looks_less_often_with_time_unless_nobody_is_there(self) -> None:
        waits = [start_step(self.view(UNKNOWN, looks=looks)).seconds for looks in range(1, 9)]
        assert waits == sorted(waits)
        assert waits[-1] == waits[-2] == 30
        view = self.view(UNKNOWN, looks=9, unreachable=True)
        assert start_step(view).seconds == UNREACHABLE_WAIT


@pytest.mark.parametrize(
    ("action", "up_here", "code"),
    [
        ("monitor", True, DEGRADED),
        ("monitor", False, NOT_RUNNING),
        ("probe", True, SUCCESS),
        ("probe", False, NOT_RUNNING),
        ("stop", False, SUCCESS),
        ("stop", True, ERR_GENERIC),
        ("start", False, ERR_GENERIC),
        ("validate-all", False, ERR_GENERIC),
    ],
)
def test_a_bug_does_the_least_harm(action: str, up_here: bool, code: int) -> None:
    assert unexpected(action, "KeyError in x.py line 1", up_here, True).code == code


def test_wrong_parameters_are_told_all_at_once() -> None:
    assert wrong_parameters([]) is None
    wrong = wrong_parameters(["ip: is missing", "server: is odd"])
    assert wrong is not None
    assert (wrong.code, wrong.reason) == (ERR_CONFIGURED, "ip: is missing; server: is odd")


@pytest.mark.parametrize("nodes", [None, 1, 2, 3, 5, 16, 100])
def test_the_reads_of_all_nodes_stay_below_robots_limit(nodes: int | None) -> None:
    share = reads_share(nodes)
    assert share * (nodes or 1) <= 80
    # What monitors read by themselves leaves room for a start and for second reads.
    assert 3660 / pace_seconds(share) <= max(1, share - kept_reads(share))
    assert pace_seconds(share) >= 60
