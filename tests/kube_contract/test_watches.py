"""What both servers promise about watches: resume, selectors, bookmarks, time limits, 410 Gone."""

from __future__ import annotations

import contextlib
import itertools

import pytest
from tests.controlplane.cluster import FAILOVER_IPS
from tests.controlplane.rest import Api, Json
from tests.controlplane.waiting import eventually
from tests.kube_contract.conftest import Embedded
from tests.kube_contract.documents import WEB, failover_ip, refused, version

# A watch that brings nothing ends by itself after so long, so that no test hangs.
LIMIT = {"timeoutSeconds": "60"}


def watched(api: Api, count: int, path: str = FAILOVER_IPS, **query: str) -> list[tuple[str, Json]]:
    """The first `count` events that are not bookmarks: type and object."""
    with contextlib.closing(api.watch(path, **{**LIMIT, **query})) as stream:  # type: ignore[type-var]  # a generator
        events = (event for event in stream if event["type"] != "BOOKMARK")
        return [(event["type"], event["object"]) for event in itertools.islice(events, count)]


def told(events: list[tuple[str, Json]]) -> list[tuple[str, str]]:
    return [(kind, document["metadata"]["name"]) for kind, document in events]


def story(api: Api) -> tuple[str, list[str]]:
    """Create, label and delete `web`: the version before, and the versions of the three steps."""
    before = version(api.get(FAILOVER_IPS))
    made = api.create(FAILOVER_IPS, failover_ip())
    labelled = api.patch(WEB, {"metadata": {"labels": {"role": "edge"}}})
    api.delete(WEB)
    return before, [version(made), version(labelled)]


def test_a_watch_tells_what_happened_since_a_version_in_order(api: Api) -> None:
    before, steps = story(api)
    events = watched(api, 3, resourceVersion=before)
    assert told(events) == [("ADDED", "web"), ("MODIFIED", "web"), ("DELETED", "web")]
    assert [version(document) for _, document in events[:2]] == steps


def test_a_watch_resumes_after_any_version_it_told(api: Api) -> None:
    before, _ = story(api)
    first = watched(api, 1, resourceVersion=before)
    rest = watched(api, 2, resourceVersion=version(first[0][1]))
    assert told(rest) == [("MODIFIED", "web"), ("DELETED", "web")]


def test_a_deleted_object_comes_with_the_version_of_its_deletion(api: Api) -> None:
    before, steps = story(api)
    deleted = watched(api, 3, resourceVersion=before)[-1][1]
    assert int(version(deleted)) > int(steps[-1])
    assert deleted["metadata"]["labels"] == {"role": "edge"}


def test_a_watch_from_no_version_begins_with_what_exists(api: Api) -> None:
    api.create(FAILOVER_IPS, failover_ip("one"))
    api.create(FAILOVER_IPS, failover_ip("two"))
    assert told(watched(api, 2)) == [("ADDED", "one"), ("ADDED", "two")]


def test_a_watch_tells_what_happens_while_it_is_open(api: Api) -> None:
    since = version(api.get(FAILOVER_IPS))
    with contextlib.closing(api.watch(FAILOVER_IPS, resourceVersion=since, **LIMIT)) as stream:  # type: ignore[type-var]  # a generator
        api.create(FAILOVER_IPS, failover_ip("one"))
        assert next(stream)["object"]["metadata"]["name"] == "one"
        api.patch(f"{FAILOVER_IPS}/one", {"spec": {"mode": "Paused"}})
        event = next(stream)
        assert (event["type"], event["object"]["spec"]["mode"]) == ("MODIFIED", "Paused")


def test_a_watch_of_one_name_tells_nothing_of_others(api: Api) -> None:
    since = version(api.get(FAILOVER_IPS))
    api.create(FAILOVER_IPS, failover_ip("other"))
    story(api)
    events = watched(api, 1, resourceVersion=since, fieldSelector="metadata.name=web")
    assert told(events) == [("ADDED", "web")]


def test_an_object_that_leaves_or_enters_the_selection_is_told_as_deleted_or_added(
    api: Api,
) -> None:
    api.create(FAILOVER_IPS, failover_ip("one", labels={"role": "edge"}))
    api.create(FAILOVER_IPS, failover_ip("two"))
    since = version(api.get(FAILOVER_IPS))
    left = api.patch(f"{FAILOVER_IPS}/one", {"metadata": {"labels": {"role": "core"}}})
    api.patch(f"{FAILOVER_IPS}/two", {"metadata": {"labels": {"role": "edge"}}})
    events = watched(api, 2, resourceVersion=since, labelSelector="role=edge")
    assert told(events) == [("DELETED", "one"), ("ADDED", "two")]
    assert events[0][1]["metadata"]["labels"] == {"role": "edge"}
    assert version(events[0][1]) == version(left)


def test_a_write_that_changes_nothing_is_not_told(api: Api) -> None:
    since = version(api.get(FAILOVER_IPS))
    made = api.create(FAILOVER_IPS, failover_ip())
    api.patch(WEB, {"spec": made["spec"]})
    api.delete(WEB)
    assert told(watched(api, 2, resourceVersion=since)) == [("ADDED", "web"), ("DELETED", "web")]


def test_an_object_held_by_a_finalizer_is_told_as_modified_then_deleted(api: Api) -> None:
    made = api.create(FAILOVER_IPS, failover_ip(finalizers=["example.com/hold"]))
    api.delete(WEB)
    api.patch(WEB, {"metadata": {"finalizers": None}})
    events = watched(api, 2, resourceVersion=version(made))
    assert told(events) == [("MODIFIED", "web"), ("DELETED", "web")]
    assert "deletionTimestamp" in events[0][1]["metadata"]


def test_a_watch_ends_after_its_time(api: Api) -> None:
    since = version(api.get(FAILOVER_IPS))
    query = {"resourceVersion": since, "timeoutSeconds": "1"}
    assert [event["type"] for event in api.watch(FAILOVER_IPS, **query)] == []


def test_initial_events_end_with_a_bookmark(api: Api) -> None:
    api.create(FAILOVER_IPS, failover_ip())
    query = {
        "sendInitialEvents": "true",
        "resourceVersionMatch": "NotOlderThan",
        "allowWatchBookmarks": "true",
        **LIMIT,
    }
    with contextlib.closing(api.watch(FAILOVER_IPS, **query)) as stream:  # type: ignore[type-var]  # a generator
        added, bookmark = itertools.islice(stream, 2)
    assert (added["type"], bookmark["type"]) == ("ADDED", "BOOKMARK")
    metadata = bookmark["object"]["metadata"]
    assert metadata["annotations"] == {"k8s.io/initial-events-end": "true"}
    assert int(metadata["resourceVersion"]) >= int(version(added["object"]))


def test_a_watch_from_before_the_history_meets_410_gone(api: Api) -> None:
    # The history of a custom resource begins when its definition is served.
    event = next(iter(api.watch(FAILOVER_IPS, resourceVersion="1", **LIMIT)))
    assert event["type"] == "ERROR"
    status = event["object"]
    assert (status["kind"], status["code"], status["reason"]) == ("Status", 410, "Expired")
    assert status["message"].startswith("too old resource version: 1 (")


def test_a_version_that_is_no_number_is_refused(api: Api) -> None:
    refusal = refused(api, "list", FAILOVER_IPS, watch="true", resourceVersion="latest")
    assert refusal.status >= 400


# What only the embedded server can be made to do.


@pytest.fixture
def after_compaction(embedded: Embedded) -> str:
    """A version that was current before the history was forgotten."""
    before = version(embedded.api.get(FAILOVER_IPS))
    embedded.api.create(FAILOVER_IPS, failover_ip())
    embedded.loop.call(embedded.store.compact)
    return before


def test_a_watch_from_before_a_compaction_meets_410_gone(
    embedded: Embedded, after_compaction: str
) -> None:
    query = {"resourceVersion": after_compaction, **LIMIT}
    events = list(embedded.api.watch(FAILOVER_IPS, **query))
    assert [(event["type"], event["object"]["code"]) for event in events] == [("ERROR", 410)]


def test_an_open_watch_outlives_a_compaction(embedded: Embedded) -> None:
    api, since = embedded.api, version(embedded.api.get(FAILOVER_IPS))
    with contextlib.closing(api.watch(FAILOVER_IPS, resourceVersion=since, **LIMIT)) as stream:  # type: ignore[type-var]  # a generator
        api.create(FAILOVER_IPS, failover_ip("one"))
        assert next(stream)["type"] == "ADDED"
        embedded.loop.call(embedded.store.compact)
        api.create(FAILOVER_IPS, failover_ip("two"))
        assert next(stream)["object"]["metadata"]["name"] == "two"


def test_bookmarks_tell_how_far_a_quiet_watch_has_come(embedded: Embedded) -> None:
    api, since = embedded.api, version(embedded.api.get(FAILOVER_IPS))
    made = api.create("/api/v1/nodes", {"metadata": {"name": "unrelated"}})
    query = {"resourceVersion": since, "allowWatchBookmarks": "true", **LIMIT}
    with contextlib.closing(api.watch(FAILOVER_IPS, **query)) as stream:  # type: ignore[type-var]  # a generator
        event = next(stream)
    assert event["type"] == "BOOKMARK"
    assert int(version(event["object"])) >= int(version(made))
    eventually(lambda: api.text("/readyz") == "ok", "the server goes on")
