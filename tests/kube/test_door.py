"""The door's methods: the right request, the value in its answer, never a guess."""

from __future__ import annotations

import base64
from dataclasses import replace
from typing import Any

import pytest
from tests.kube.scripted_server import Reply, ScriptedServer, Silence, refusal
from tests.kube.test_resource import META, SPEC

from failoverip.core.lease import LeaseRecord
from failoverip.core.reasons import Reason
from failoverip.core.resource import Fence, Resource, Status
from failoverip.kube import (
    ApiUnreachable,
    Conflict,
    EventNote,
    EventType,
    Kubernetes,
    NotFound,
    OutcomeUnknown,
    SecretData,
)
from failoverip.kube.codec import resource_from

PATIENT = 60.0
FAILOVERIP: dict[str, Any] = {"metadata": META, "spec": SPEC}
LEASE: dict[str, Any] = {
    "metadata": {"resourceVersion": "5", "annotations": {"b": "2", "a": "1"}},
    "spec": {
        "holderIdentity": "h",
        "leaseDurationSeconds": 15,
        "acquireTime": "2026-01-02T03:04:05.000000Z",
        "renewTime": "2026-01-02T03:04:06.000000Z",
        "leaseTransitions": 2,
    },
}
RECORD = LeaseRecord(
    "h",
    15,
    "2026-01-02T03:04:05.000000Z",
    "2026-01-02T03:04:06.000000Z",
    2,
    (("a", "1"), ("b", "2")),
    "5",
)


# -- absent or unknown


async def test_absent_is_none_only_for_the_object_that_was_asked_for(
    server: ScriptedServer, kubernetes: Kubernetes
) -> None:
    server.behave = lambda _: refusal(404, "NotFound", "not found", "web")
    assert await kubernetes.read_secret("ns", "web") is None
    assert await kubernetes.get_lease("ns", "web") is None


async def test_without_the_crd_nothing_is_known_of_a_resource(
    server: ScriptedServer, kubernetes: Kubernetes
) -> None:
    server.behave = lambda _: Reply(404, "404 page not found\n")
    with pytest.raises(NotFound, match="serves no such resource"):
        await kubernetes.list_failoverips()


# -- the status


async def test_a_status_is_written_for_the_version_that_was_read(
    server: ScriptedServer, kubernetes: Kubernetes
) -> None:
    read = resource_from(FAILOVERIP)
    stored = FAILOVERIP | {
        "metadata": META | {"resourceVersion": "78"},
        "status": {"fence": {"epoch": 1, "holder": "h"}},
    }
    server.behave = lambda _: Reply(body=stored)
    written = await kubernetes.write_status(read, Status(fence=Fence(1, "h")))
    assert written == resource_from(stored)
    (seen,) = server.seen
    assert (seen.method, seen.path) == (
        "PUT",
        "/apis/failoverip.io/v1alpha1/failoverips/web/status",
    )
    assert seen.body == {
        "apiVersion": "failoverip.io/v1alpha1",
        "kind": "FailoverIP",
        "metadata": {"name": "web", "uid": "u-1", "resourceVersion": "77"},
        "status": {"fence": {"epoch": 1, "holder": "h"}},
    }


async def test_a_dry_run_says_so_to_the_server(
    server: ScriptedServer, kubernetes: Kubernetes
) -> None:
    server.behave = lambda _: Reply(body=FAILOVERIP)
    await kubernetes.write_status(resource_from(FAILOVERIP), Status(), dry_run=True)
    assert server.seen[0].path.endswith("/status?dryRun=All")


async def test_an_answer_to_a_write_that_cannot_be_read_proves_nothing(
    server: ScriptedServer, kubernetes: Kubernetes
) -> None:
    server.behave = lambda _: Reply(body={"kind": "Something"})
    with pytest.raises(OutcomeUnknown):
        await kubernetes.write_status(resource_from(FAILOVERIP), Status())


async def test_a_read_and_a_write_may_be_under_way_together(
    server: ScriptedServer, kubernetes: Kubernetes
) -> None:
    server.behave = lambda seen: Silence() if "nodes" in seen.path else Reply(body=FAILOVERIP)
    with pytest.raises(ApiUnreachable):
        await kubernetes.list_nodes(0.3)
    stored: Resource = await kubernetes.write_status(resource_from(FAILOVERIP), Status())
    assert stored.name == "web"


# -- the Lease


async def test_a_lease_comes_and_goes_whole(server: ScriptedServer, kubernetes: Kubernetes) -> None:
    server.behave = lambda _: Reply(body=LEASE)
    assert await kubernetes.get_lease("ns", "n") == RECORD
    assert await kubernetes.update_lease("ns", "n", RECORD) == RECORD
    assert server.seen[1].body == {
        "apiVersion": "coordination.k8s.io/v1",
        "kind": "Lease",
        "metadata": {"namespace": "ns", "name": "n"} | LEASE["metadata"],
        "spec": LEASE["spec"],
    }


async def test_a_released_lease_has_no_holder_on_the_wire(
    server: ScriptedServer, kubernetes: Kubernetes
) -> None:
    server.behave = lambda _: Reply(body={"metadata": {}, "spec": {}})
    released = LeaseRecord("", 1, "", "2026-01-02T03:04:06.000000Z", 0)
    assert await kubernetes.create_lease("ns", "n", released) == LeaseRecord("", 0, "", "", 0)
    assert server.seen[0].body is not None
    assert server.seen[0].body["spec"] == {
        "leaseDurationSeconds": 1,
        "renewTime": "2026-01-02T03:04:06.000000Z",
        "leaseTransitions": 0,
    }


async def test_a_lease_that_somebody_else_changed_is_a_conflict(
    server: ScriptedServer, kubernetes: Kubernetes
) -> None:
    server.behave = lambda _: refusal(409, "Conflict", "the object has been modified")
    with pytest.raises(Conflict):
        await kubernetes.update_lease("ns", "n", RECORD)
    with pytest.raises(Conflict):
        await kubernetes.create_lease("ns", "n", RECORD)


async def test_a_lease_without_a_resource_version_is_never_sent_as_an_update(
    server: ScriptedServer, kubernetes: Kubernetes
) -> None:
    """Regression: kube-apiserver takes such a PUT for a Lease, whoever holds it."""
    with pytest.raises(ValueError, match="needs the resource version"):
        await kubernetes.update_lease("ns", "n", replace(RECORD, resource_version=""))
    assert server.seen == []


# -- the Secret


def encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


@pytest.mark.parametrize(
    ("data", "expected", "missing"),
    [
        ({"username": encoded("u"), "password": encoded("p")}, ("u", "p"), ()),
        ({"username": encoded("u\n"), "password": encoded(" p \r\n")}, ("u", " p "), ()),
        ({"username": encoded("u")}, ("u", None), ("password",)),
        (
            {"username": encoded(""), "password": encoded("\n")},
            (None, None),
            ("username", "password"),
        ),
        (
            {"username": "%", "password": base64.b64encode(b"\xff").decode()},
            (None, None),
            ("username", "password"),
        ),
        (None, (None, None), ("username", "password")),
    ],
)
async def test_a_secret_is_two_texts_of_which_each_may_be_missing(
    server: ScriptedServer,
    kubernetes: Kubernetes,
    data: dict[str, str] | None,
    expected: tuple[str | None, str | None],
    missing: tuple[str, ...],
) -> None:
    server.behave = lambda _: Reply(body={"metadata": {"resourceVersion": "9"}, "data": data})
    secret = await kubernetes.read_secret("ns", "robot")
    assert secret is not None
    assert (secret.username, secret.password) == expected
    assert secret.missing_keys == missing
    assert secret.resource_version == "9"


def test_a_secret_is_not_shown() -> None:
    assert repr(SecretData("9", "canary-user", "canary-password")) == (
        "SecretData(resource_version='9')"
    )


# -- Events


async def test_an_event_tells_about_the_resource_and_its_node(
    server: ScriptedServer, kubernetes: Kubernetes
) -> None:
    server.behave = lambda _: Reply(body={})
    await kubernetes.create_event(
        EventNote(
            "web", "u-1", EventType.WARNING, Reason.FAILED, "Switch", "no", 0.5, "node-1", "n-1"
        )
    )
    (seen,) = server.seen
    assert (seen.method, seen.path) == ("POST", "/apis/events.k8s.io/v1/namespaces/default/events")
    assert seen.body == {
        "apiVersion": "events.k8s.io/v1",
        "kind": "Event",
        "metadata": {"generateName": "web-", "namespace": "default"},
        "eventTime": "1970-01-01T00:00:00.500000Z",
        "type": "Warning",
        "reason": "Failed",
        "action": "Switch",
        "note": "no",
        "reportingController": "failoverip.io/operator",
        "reportingInstance": "replica-1",
        "regarding": {
            "apiVersion": "failoverip.io/v1alpha1",
            "kind": "FailoverIP",
            "name": "web",
            "uid": "u-1",
        },
        "related": {"apiVersion": "v1", "kind": "Node", "name": "node-1", "uid": "n-1"},
    }


async def test_an_event_keeps_within_the_bytes_that_the_server_allows(
    server: ScriptedServer, client: Any
) -> None:
    server.behave = lambda _: Reply(body={})
    kubernetes = Kubernetes(client, "ü" * 100)
    await kubernetes.create_event(
        EventNote("w" * 253, "u", EventType.NORMAL, Reason.PAUSED, "Watch", "€" * 1000, 0)
    )
    body = server.seen[0].body
    assert body is not None
    assert len(body["note"].encode()) == 1023
    assert len(body["reportingInstance"].encode()) == 128
    assert len(body["metadata"]["generateName"]) < 248
    assert "related" not in body
