"""What consecutive reads of a route add up to."""

from __future__ import annotations

from failoverip.core.addresses import AddressKey, TargetAddress
from failoverip.core.provider import Route
from failoverip.core.routes import RouteTrack, track_route

A, B = TargetAddress("198.51.100.1"), TargetAddress("198.51.100.2")


def tracked(*reads: tuple[float, TargetAddress | None, bool | None]) -> RouteTrack:
    track: RouteTrack | None = None
    for now, target, ready in reads:
        track = track_route(track, Route(AddressKey("203.0.113.10"), target, ready), now)
    assert track is not None
    return track


def test_equal_reads_lengthen_the_series() -> None:
    assert tracked((0, A, None), (10, A, None), (31, A, None)) == RouteTrack(A, None, 0, 31)


def test_another_target_begins_a_new_one() -> None:
    assert tracked((0, A, None), (10, B, None), (20, B, None)) == RouteTrack(B, None, 10, 20)


def test_nowhere_is_a_target_of_its_own() -> None:
    assert tracked((0, A, None), (10, None, None), (20, None, None)) == RouteTrack(
        None, None, 10, 20
    )


def test_a_read_that_is_not_ready_breaks_the_series_on_both_sides() -> None:
    assert tracked((0, A, True), (10, A, False)) == RouteTrack(A, False, 10, 10)
    assert tracked((0, A, False), (10, A, True)) == RouteTrack(A, True, 10, 10)


def test_ready_and_not_told_are_the_same_series() -> None:
    assert tracked((0, A, None), (10, A, True)) == RouteTrack(A, True, 0, 10)


def test_a_series_is_held_as_long_as_its_reads_are_apart() -> None:
    track = RouteTrack(A, None, 100, 130)
    assert track.held_for(30, after=float("-inf"))
    assert not track.held_for(30.1, after=float("-inf"))


def test_only_the_part_after_a_moment_counts() -> None:
    track = RouteTrack(A, None, 0, 130)
    assert track.held_for(30, after=100)
    assert not track.held_for(30, after=101)


def test_a_read_begun_before_a_switch_was_answered_does_not_undo_the_answer() -> None:
    assert tracked((0, A, None), (28, B, None), (27, A, None)) == RouteTrack(B, None, 28, 28)
