"""client-go's protocol: who may act when, and how soon somebody else does."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.election_world import LeaseServer, Machine, World, leaders

from failoverip.core.election import Create, Get, Loss, Lost, Update, Wait, request_limit_seconds
from failoverip.core.election_settings import ElectionSettings


@pytest.fixture
def world() -> World:
    return World(LeaseServer())


def test_the_defaults_are_those_of_client_go() -> None:
    settings = ElectionSettings()
    assert settings.lease_duration_seconds == 15
    assert settings.renew_deadline_seconds == 10
    assert settings.retry_period_seconds == 2


@pytest.mark.parametrize(
    ("duration", "deadline", "retry", "message"),
    [
        (10, 10, 2, "lease duration (10 s) must be greater than renew deadline (10 s)"),
        (15, 2.4, 2, "renew deadline (2.4 s) must be greater than 1.2 retry periods (2 s)"),
        (15, 10, 0, "retry period must be greater than 0, not 0 s"),
        (15, 10, -1, "retry period must be greater than 0, not -1 s"),
        (15, 10, float("nan"), "retry period must be greater than 0, not nan s"),
        (15, float("nan"), 2, "renew deadline (nan s) must be greater"),
    ],
)
def test_periods_that_contradict_each_other_are_refused_in_one_line(
    duration: int, deadline: float, retry: float, message: str
) -> None:
    with pytest.raises(ValueError, match="must be greater") as refusal:
        ElectionSettings(duration, deadline, retry)
    assert str(refusal.value).startswith(message)
    assert "\n" not in str(refusal.value)


# -- the records


def test_the_first_candidate_creates_the_lease(world: World) -> None:
    first = Machine(world, "first")
    assert first.send() == Get()
    first.serve()
    first.receive()
    assert isinstance(first.send(), Create)
    first.serve()
    first.receive()
    assert world.server.record
    assert world.server.record.holder == "first"
    assert world.server.record.transitions == 0
    assert first.window == 15


def test_of_two_that_create_the_lease_one_leads(world: World) -> None:
    first, second = Machine(world, "first"), Machine(world, "second")
    for machine in (first, second):
        machine.send()
        machine.serve()
        machine.receive()
        machine.send()
    first.serve()
    second.serve()
    first.receive()
    second.receive()
    assert leaders(first, second) == ["first"]


def test_a_renewal_keeps_acquire_time_and_count_and_moves_renew_time(world: World) -> None:
    first = Machine(world, "first")
    first.attempt()
    before = world.server.record
    world.time = 2
    first.attempt()
    after = world.server.record
    assert before
    assert after
    assert after.renew_time > before.renew_time
    assert replace(after, renew_time="", resource_version="") == replace(
        before, renew_time="", resource_version=""
    )


def test_a_change_of_leader_is_counted(world: World) -> None:
    first, second = Machine(world, "first"), Machine(world, "second")
    first.attempt()
    second.attempt()
    world.time = 15
    second.attempt()
    assert world.server.record
    assert world.server.record.holder == "second"
    assert world.server.record.transitions == 1


def test_a_renewal_writes_our_annotations_and_keeps_foreign_ones(world: World) -> None:
    first = Machine(world, "first")
    first.attempt()
    world.server.annotate("foreign", "stays")
    first.annotations = {"ledger": "1"}
    world.time = 2
    first.attempt()
    assert world.server.record
    assert dict(world.server.record.annotations) == {"foreign": "stays", "ledger": "1"}
    assert leaders(first) == ["first"]


def test_acquisition_hands_over_the_annotations_it_found_and_changes_none(world: World) -> None:
    first, second = Machine(world, "first"), Machine(world, "second")
    first.annotations, second.annotations = {"ledger": "old"}, {"ledger": "empty"}
    first.attempt()
    world.time = 2
    first.attempt()
    second.attempt()
    world.time = 17
    second.attempt()
    assert dict(second.election.inherited) == {"ledger": "old"}
    assert world.server.record
    assert dict(world.server.record.annotations) == {"ledger": "old"}


def test_an_acquisition_whose_answer_is_lost_still_inherits_the_ledger(world: World) -> None:
    first, second = Machine(world, "first"), Machine(world, "second")
    first.annotations, second.annotations = {"ledger": "old"}, {"ledger": "empty"}
    first.attempt()
    world.time = 2
    first.attempt()
    second.attempt()
    world.time = 17
    assert second.send() == Get()
    second.serve()
    second.receive()
    assert isinstance(second.send(), Update)
    second.serve()
    second.lose()
    assert leaders(second) == []
    world.time = 20
    second.attempt()
    assert leaders(second) == ["second"]
    assert dict(second.election.inherited) == {"ledger": "old"}


# -- the pace


def test_a_leader_renews_every_retry_period(world: World) -> None:
    first = Machine(world, "first")
    assert first.attempt() == Wait(1)  # as the candidate that it was until now
    world.time += 1
    assert first.attempt() == Wait(2)


@pytest.mark.parametrize(("jitter", "wait"), [(0.0, 1.0), (0.5, 1.1), (1.0, 1.2)])
def test_a_candidate_looks_twice_in_a_retry_period_or_a_little_less_often(
    world: World, jitter: float, wait: float
) -> None:
    Machine(world, "first").attempt()
    second = Machine(world, "second")
    second.jitter = jitter
    step = second.attempt()
    assert isinstance(step, Wait)
    assert step.seconds == pytest.approx(wait)


def test_a_candidate_that_gets_no_answers_keeps_the_pace_after_the_expiry(world: World) -> None:
    Machine(world, "first").attempt()
    second = Machine(world, "second")
    second.attempt()
    world.time = 20
    second.send()
    second.lose()
    assert second.send() == Wait(1)


def test_no_request_may_take_longer_than_the_renew_deadline_leaves(world: World) -> None:
    first = Machine(world, "first")
    assert request_limit_seconds(first.election, 0) == 3
    first.attempt()
    assert request_limit_seconds(first.election, 2) == 3
    assert request_limit_seconds(first.election, 9) == 1
    assert request_limit_seconds(first.election, 11) == 0


@given(
    jitters=st.lists(st.floats(0, 0.999), min_size=20, max_size=20),
    latency_seconds=st.floats(0.001, 0.2),
    last_renewal=st.floats(2, 9),
)
def test_takeover_comes_within_lease_and_one_point_two_retries_and_one_attempt(
    jitters: list[float], latency_seconds: float, last_renewal: float
) -> None:
    """An attempt: the read that sees the last renewal, the read and the write that end it."""
    world = World(LeaseServer())
    first, second = Machine(world, "first"), Machine(world, "second", offset=-5)
    first.attempt()
    died_at = math.inf
    while not leaders(second):
        assert world.time < 100
        second.jitter = jitters.pop() if jitters else 0.5
        step = second.send()
        if not isinstance(step, Wait):
            second.serve()
            world.time += latency_seconds
            second.receive()
            continue
        until = world.time + step.seconds
        if died_at == math.inf and until > last_renewal:
            world.time = died_at = max(world.time, last_renewal)
            first.attempt()
        world.time = until
    assert world.time - died_at <= 15 + 1.2 * 2 + 3 * latency_seconds + 0.002


# -- the end of leadership


def test_a_leader_without_renewal_has_lost_at_the_renew_deadline(world: World) -> None:
    first = Machine(world, "first")
    first.attempt()
    for world.time in (2, 5, 8):
        while not isinstance(first.send(), Wait):
            first.lose()
    world.time = 10
    assert first.send() == Lost(Loss.NOT_RENEWED)
    assert first.window == 0


def test_a_leader_that_finds_another_holder_has_lost_at_once(world: World) -> None:
    first = Machine(world, "first")
    first.attempt()
    assert world.server.record
    world.server.record = replace(world.server.record, holder="thief", resource_version="9")
    world.time = 2
    assert first.attempt() == Lost(Loss.TAKEN, "thief")
    assert first.window == 0


def test_a_frozen_leader_sends_nothing_when_it_thaws(world: World) -> None:
    first = Machine(world, "first")
    first.attempt()
    world.time = 60
    assert first.window == 0
    assert isinstance(first.send(), Lost)


def test_a_renewal_answered_after_a_freeze_opens_no_window(world: World) -> None:
    first = Machine(world, "first")
    first.attempt()
    world.time = 2
    first.send()
    first.serve()
    world.time = 60
    first.receive()
    assert first.window == 0
    assert isinstance(first.send(), Lost)


def test_who_lost_never_leads_again_under_this_identity(world: World) -> None:
    first = Machine(world, "first")
    first.attempt()
    world.time = 20
    assert first.attempt() == first.attempt() == Lost(Loss.NOT_RENEWED)


def test_a_late_answer_does_not_revive_who_has_lost(world: World) -> None:
    first = Machine(world, "first")
    first.attempt()
    world.time = 2
    first.send()
    first.serve()
    first.release()
    first.receive()
    assert first.window == 0
    assert first.attempt() == Lost(Loss.RELEASED)
    assert world.server.record
    assert world.server.record.holder == ""


# -- release


def test_a_release_frees_the_lease_at_once_and_hands_over_the_ledger(world: World) -> None:
    first, second = Machine(world, "first"), Machine(world, "second")
    first.attempt()
    second.attempt()
    first.annotations = {"ledger": "last"}
    first.release()
    assert first.window == 0
    assert first.attempt() == Lost(Loss.RELEASED)
    assert world.server.record
    assert world.server.record.lease_duration_seconds == 1
    world.time = 2
    second.attempt()
    assert leaders(first, second) == ["second"]
    assert dict(second.election.inherited) == {"ledger": "last"}


def test_a_refused_release_reads_and_tries_again(world: World) -> None:
    first = Machine(world, "first")
    first.attempt()
    world.server.annotate("foreign", "edit")
    first.release()
    assert first.attempt() == Lost(Loss.RELEASED)
    assert world.server.record
    assert world.server.record.holder == ""
    assert dict(world.server.record.annotations) == {"foreign": "edit"}


def test_a_release_does_not_touch_the_successors_lease(world: World) -> None:
    first, second = Machine(world, "first"), Machine(world, "second")
    first.attempt()
    second.attempt()
    world.time = 15
    second.attempt()
    first.release()
    assert first.attempt() == Lost(Loss.RELEASED, "second")
    assert leaders(first, second) == ["second"]


def test_a_release_without_answers_gives_up_after_two_seconds(world: World) -> None:
    first = Machine(world, "first")
    first.attempt()
    first.release()
    while isinstance(step := first.send(), Get | Update | Wait):
        if isinstance(step, Wait):
            world.time += step.seconds
        else:
            first.lose()
    assert step == Lost(Loss.NOT_RELEASED)
    assert world.time == pytest.approx(2)


def test_a_candidate_that_stops_writes_nothing(world: World) -> None:
    Machine(world, "first").attempt()
    before = world.server.record
    second = Machine(world, "second")
    second.attempt()
    second.release()
    assert second.attempt() == Lost(Loss.RELEASED)
    assert world.server.record == before


# -- the Lease deleted by somebody


def test_a_leader_creates_a_deleted_lease_anew_with_its_annotations(world: World) -> None:
    first, second = Machine(world, "first"), Machine(world, "second")
    first.attempt()
    second.attempt()
    first.annotations = {"ledger": "1"}
    world.server.delete()
    world.time = 2
    second.attempt()
    first.attempt()
    assert leaders(first, second) == ["first"]
    assert world.server.record
    assert dict(world.server.record.annotations) == {"ledger": "1"}


def test_a_leader_whose_deleted_lease_another_created_has_lost(world: World) -> None:
    first, fresh = Machine(world, "first"), Machine(world, "fresh")
    first.attempt()
    world.server.delete()
    fresh.attempt()
    world.time = 2
    assert first.attempt() == Lost(Loss.TAKEN, "fresh")


def test_a_deleted_lease_of_a_dead_leader_is_created_after_one_duration(world: World) -> None:
    first, second = Machine(world, "first"), Machine(world, "second")
    first.attempt()
    second.attempt()
    world.server.delete()
    world.time = 2
    second.attempt()
    world.time = 16.9
    second.attempt()
    assert leaders(second) == []
    world.time = 17
    second.attempt()
    assert leaders(second) == ["second"]
