"""Budgets per login and the lock-out of a source: hetzner-api 4 and 10."""

from __future__ import annotations

import pytest
from tests.simulator_robot.worlds import ADDRESS, FIRST, SUBNET, Story, body, outcome, world

from failoverip.simulator.robot import ConnectionLost

OTHER = {"user": "other", "password": "other-password"}


def test_list_and_single_reads_share_one_budget_of_100() -> None:
    story = Story(world())
    for _ in range(50):
        assert story.get("/failover").status == 200
        assert story.get().status == 200
    error = body(story.get())["error"]
    assert error == {
        "status": 403,
        "code": "RATE_LIMIT_EXCEEDED",
        "message": "rate limit exceeded",
        "max_request": 100,
        "interval": 3600,
    }


def test_post_and_delete_share_one_budget_of_50_and_a_refused_one_is_not_executed() -> None:
    story = Story(world())
    for _ in range(25):
        assert outcome(story.post(FIRST)) == (409, "FAILOVER_ALREADY_ROUTED")
        story.delete(SUBNET)
    refused = story.post()
    assert outcome(refused) == (403, "RATE_LIMIT_EXCEEDED")
    assert not refused.entry.executed
    assert story.later(40).machine.route(ADDRESS) == FIRST


def test_servers_have_a_budget_of_their_own() -> None:
    story = Story(world())
    assert [story.get("/server").status for _ in range(201)] == [200] * 200 + [403]
    assert story.get().status == 200


def test_each_login_has_its_own_budget() -> None:
    story = Story(world(reads_per_window=1))
    assert (story.get().status, story.get().status) == (200, 403)
    assert story.get(**OTHER).status == 200


def test_a_sliding_window_frees_one_request_at_a_time() -> None:
    story = Story(world(reads_per_window=2))
    story.get()
    story.later(1000).get()
    assert story.later(2599).get().status == 403
    assert story.later(1).get().status == 200
    assert story.get().status == 403


def test_a_fixed_window_frees_all_at_once() -> None:
    story = Story(world(reads_per_window=2, rate_window="fixed"))
    story.get()
    story.later(1000).get()
    assert story.later(2599).get().status == 403
    story.later(1)
    assert [story.get().status for _ in range(3)] == [200, 200, 403]


def test_budgets_can_be_split_per_route() -> None:
    story = Story(world(reads_per_window=1, rate_scope="per_route"))
    assert (story.get("/failover").status, story.get().status, story.get().status) == (
        200,
        200,
        403,
    )


def test_the_limits_key_can_be_plural() -> None:
    story = Story(world(reads_per_window=1, rate_error="max_requests", rate_window_seconds=60))
    story.get()
    error = body(story.get())["error"]
    assert (error["max_requests"], error["interval"]) == (1, 60)
    assert "max_request" not in error


def test_a_lifted_limit_can_be_followed_by_bare_403s() -> None:
    story = Story(world(reads_per_window=1, forbidden_after_limit_seconds=10))
    story.get()
    assert story.get().code == "RATE_LIMIT_EXCEEDED"
    bare = story.later(3600).get()
    assert (bare.status, bare.code, bare.content_type) == (403, None, "text/html; charset=utf-8")
    assert story.later(10).get().status == 200


def test_three_failed_logins_block_the_source_for_ten_minutes_whatever_it_sends() -> None:
    story = Story(world())
    for _ in range(3):
        refused = story.get(password="wrong")
        assert (refused.status, refused.code) == (401, "UNAUTHORIZED")
    blocked = story.later(599).get()
    assert (blocked.status, blocked.code) == (403, None)
    assert story.get(source="198.51.100.2").status == 200
    assert story.later(1).get().status == 200


def test_failures_of_ten_minutes_ago_do_not_count() -> None:
    story = Story(world())
    story.get(password="wrong")
    story.later(600)
    story.get(password="wrong")
    story.get(password="wrong")
    assert story.get().status == 200


def test_an_unknown_user_and_a_missing_login_fail_alike() -> None:
    story = Story(world())
    assert story.get(user="nobody").status == 401
    assert story.get(user=None).status == 401


@pytest.mark.parametrize("choice", ["403", "401"])
def test_a_blocked_source_is_answered_as_chosen(choice: str) -> None:
    story = Story(world(failed_logins=1, login_block_answer=choice))
    story.get(password="wrong")
    assert story.get().status == int(choice)


def test_a_blocked_source_can_be_cut_off() -> None:
    story = Story(world(failed_logins=1, login_block_answer="reset"))
    story.get(password="wrong")
    assert story.send("GET", "/failover").reply == ConnectionLost()


def test_a_changed_password_refuses_the_old_one() -> None:
    story = Story(world())
    story.machine.change_password({"name": "other", "password": "renewed"})
    assert story.get(**OTHER).status == 401
    assert story.get(user="other", password="renewed").status == 200


def test_state_tells_what_is_used_and_who_is_blocked() -> None:
    story = Story(world(failed_logins=1))
    story.get(**OTHER)
    story.get(password="wrong")
    state = story.machine.state(story.now)
    assert state["requests_used"] == {"other": {"read": 1}}
    assert state["blocked_sources"] == {"198.51.100.1": 1600.0}
