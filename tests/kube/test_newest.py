"""A list that is older than one before it is no answer, unless the store was set back."""

from __future__ import annotations

from typing import Any

import pytest
from tests.kube.scripted_server import Reply, ScriptedServer

from failoverip.kube import Kubernetes, ServerError
from failoverip.kube.newest import SET_BACK_AFTER_SECONDS, UNVERSIONED, NewestList, version_of

PATH = "/api/v1/nodes"
PATIENT = 60.0


def listed(version: str, *beats: str, token: str = "") -> Reply:
    metadata = {"resourceVersion": version} | ({"continue": token} if token else {})
    items: list[dict[str, Any]] = [
        {"metadata": {"name": "a"}, "spec": {"renewTime": beat}} for beat in beats
    ]
    return Reply(body={"metadata": metadata, "items": items})


def take(newest: NewestList, version: int, now: float) -> bool:
    """Whether a list is taken that nothing overtook."""
    try:
        newest.take(PATH, version, newest.version, newest.present, now)
    except ServerError:
        return False
    return True


def test_the_time_travel_of_a_lagging_member_is_refused_as_long_as_newer_lists_come_between() -> (
    None
):
    newest = NewestList()
    for turn in range(10):
        assert take(newest, 10 + turn, 100.0 * turn)
        assert not take(newest, 9, 100.0 * turn + 50)


def test_the_first_list_after_a_long_outage_may_not_be_older_either() -> None:
    newest = NewestList()
    assert take(newest, 10, 0.0)
    assert not take(newest, 9, 10 * SET_BACK_AFTER_SECONDS)


def test_a_store_that_was_set_back_to_a_backup_is_believed_after_a_minute() -> None:
    newest = NewestList()
    assert take(newest, 10, 0.0)
    assert not take(newest, 4, 1.0)
    assert not take(newest, 5, SET_BACK_AFTER_SECONDS)
    assert take(newest, 6, 1.0 + SET_BACK_AFTER_SECONDS)
    assert take(newest, 7, 2.0 + SET_BACK_AFTER_SECONDS)
    assert not take(newest, 6, 3.0 + SET_BACK_AFTER_SECONDS)


def test_a_list_that_a_later_one_overtook_is_taken_and_moves_nothing_back() -> None:
    newest = NewestList(version=10)
    newest.take(PATH, 14, 10, UNVERSIONED, 0.0)
    newest.take(PATH, 12, 10, UNVERSIONED, 0.0)
    assert newest.version == 14


@pytest.mark.parametrize("text", [None, "", "x", "-1", "²", 7])
def test_a_version_that_is_no_number_tells_no_age(text: object) -> None:
    assert version_of(text) == UNVERSIONED
    newest = NewestList(version=10)
    newest.take(PATH, UNVERSIONED, 10, 10, 0.0)
    assert newest.version == 10


async def test_a_dead_nodes_heartbeat_does_not_change_because_an_older_list_came_between(
    server: ScriptedServer, kubernetes: Kubernetes
) -> None:
    server.behave = lambda _: listed("9", "last")
    assert [beat.renewed for beat in await kubernetes.list_heartbeats(PATIENT)] == ["last"]
    server.behave = lambda _: listed("8", "before the last")
    with pytest.raises(ServerError, match="older than one that was seen before"):
        await kubernetes.list_heartbeats(PATIENT)
    server.behave = lambda _: listed("8")
    assert await kubernetes.list_failoverips(PATIENT) == (), "each collection has its own"
    server.behave = lambda _: listed("9", "last")
    assert [beat.renewed for beat in await kubernetes.list_heartbeats(PATIENT)] == ["last"]


def test_a_list_older_than_the_present_is_never_believed_however_long_it_stays() -> None:
    newest = NewestList(present=10)
    assert not take(newest, 4, 1.0)
    assert not take(newest, 4, 1.0 + SET_BACK_AFTER_SECONDS)
    newest.present = 3
    assert take(newest, 4, 2.0 + SET_BACK_AFTER_SECONDS), "the present was set back, too"


async def test_heartbeats_are_never_older_than_a_lease_that_was_read_before(
    server: ScriptedServer, kubernetes: Kubernetes
) -> None:
    """Seed 6594: after old lists a new one made the heartbeat of a dead node differ."""
    lease = {"metadata": {"name": "n", "resourceVersion": "12"}, "spec": {"holderIdentity": "a"}}
    server.behave = lambda _: Reply(body=lease)
    assert await kubernetes.get_lease("ns", "n") is not None
    server.behave = lambda _: listed("11", "old")
    with pytest.raises(ServerError, match="older than a Lease that was read before it"):
        await kubernetes.list_heartbeats(PATIENT)
    server.behave = lambda _: listed("11")
    assert await kubernetes.list_failoverips(PATIENT) == (), "other kinds are no Leases"
    server.behave = lambda _: listed("12", "now")
    assert [beat.renewed for beat in await kubernetes.list_heartbeats(PATIENT)] == ["now"]


async def test_the_pages_of_a_list_are_judged_as_one(
    server: ScriptedServer, kubernetes: Kubernetes
) -> None:
    server.behave = lambda seen: (
        listed("7", "b") if "continue" in seen.path else listed("8", "a", token="more")
    )
    assert [beat.renewed for beat in await kubernetes.list_heartbeats(PATIENT)] == ["a", "b"]
