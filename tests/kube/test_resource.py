"""A FailoverIP of the API server as a value; a bad one is a value too."""

from __future__ import annotations

from typing import Any

import pytest

from failoverip.core.addresses import parse_failover_address
from failoverip.core.resource import (
    Drift,
    Failback,
    FailbackPolicy,
    Fence,
    InvalidSpec,
    Mode,
    OnCordon,
    Policy,
    Resource,
    Safety,
    Status,
)
from failoverip.kube.codec import UnreadableError, resource_from

META: dict[str, Any] = {
    "name": "web",
    "uid": "u-1",
    "resourceVersion": "77",
    "generation": 2,
    "creationTimestamp": "1970-01-01T00:01:40Z",
}
SPEC: dict[str, Any] = {"addresses": ["203.0.113.10"]}


def read(spec: Any = SPEC, meta: dict[str, Any] = META, status: Any = None) -> Resource:
    return resource_from({"metadata": meta, "spec": spec, "status": status})


def test_the_smallest_resource_has_the_defaults() -> None:
    assert read() == Resource(
        name="web",
        uid="u-1",
        resource_version="77",
        generation=2,
        created_at=100.0,
        deleting=False,
        policy=Policy((parse_failover_address("203.0.113.10"),)),
        status=Status(),
        switch_to="",
    )


def test_every_field_is_read() -> None:
    addresses = ["203.0.113.16/29", "2001:db8:1:2::/64"]
    spec = {
        "addresses": addresses,
        "credentialsSecretRef": {"name": "other"},
        "nodeSelector": {"zone": "b", "role": ""},
        "drift": "Enforce",
        "onCordon": "Stay",
        "mode": "Paused",
        "safety": {
            "holdDownSeconds": 10,
            "maxMovesPerHour": 2,
            "stormPercent": 70,
            "stormHoldSeconds": 30,
        },
        "preferredNodes": ["node-2", "node-1"],
        "failback": {"policy": "WhenPreferredHealthy", "afterSeconds": 60},
        "fieldOfTomorrow": 1,
    }
    meta = META | {
        "annotations": {"failoverip.io/switch-to": "node-2@again"},
        "deletionTimestamp": "2026-01-02T03:04:05Z",
    }
    found = read(spec, meta, {"fence": {"epoch": 1, "holder": "h"}})
    assert found.policy == Policy(
        addresses=tuple(map(parse_failover_address, addresses)),
        secret_name="other",
        node_selector=(("role", ""), ("zone", "b")),
        drift=Drift.ENFORCE,
        on_cordon=OnCordon.STAY,
        mode=Mode.PAUSED,
        safety=Safety(10, 2, 70, 30),
        preferred_nodes=("node-2", "node-1"),
        failback=Failback(FailbackPolicy.WHEN_PREFERRED_HEALTHY, 60),
    )
    assert found.switch_to == "node-2@again"
    assert found.deleting
    assert found.status == Status(fence=Fence(1, "h"))


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        (None, "spec.addresses: None is not a list with at least one address"),
        ([], "spec: [] is not an object"),
        ({"addresses": "203.0.113.10"}, "spec.addresses: '203.0.113.10' is not a list"),
        (
            {"addresses": ["web.example.org"]},
            "spec.addresses[0]: 'web.example.org' is not an address",
        ),
        (
            {"addresses": ["203.0.113.10", "203.0.113.17/29"]},
            "spec.addresses[1]: '203.0.113.17/29' is not an address",
        ),
        ({"addresses": [5]}, "spec.addresses[0]: 5 is not a text"),
        (SPEC | {"mode": "active"}, "spec.mode: 'active' is not one of Active, DryRun, Paused"),
        (SPEC | {"drift": "Ignore"}, "spec.drift: 'Ignore' is not one of Report, Enforce"),
        (SPEC | {"onCordon": 1}, "spec.onCordon: 1 is not a text"),
        (SPEC | {"nodeSelector": {"a": 1}}, "spec.nodeSelector.a: 1 is not a text"),
        (
            SPEC | {"credentialsSecretRef": "robot"},
            "spec.credentialsSecretRef: 'robot' is not an object",
        ),
    ],
)
def test_a_spec_that_cannot_be_read_names_the_field_the_value_and_what_belongs_there(
    spec: Any, message: str
) -> None:
    policy = read(spec).policy
    assert isinstance(policy, InvalidSpec)
    assert policy.message.startswith(message)


def test_a_long_value_is_cut() -> None:
    policy = read({"addresses": ["x" * 5000]}).policy
    assert isinstance(policy, InvalidSpec)
    assert len(policy.message) < 300


def test_an_unreadable_spec_does_not_hide_the_status() -> None:
    found = read({}, status={"fence": {"epoch": 1, "holder": "h"}})
    assert isinstance(found.policy, InvalidSpec)
    assert found.status.fence == Fence(1, "h")


def test_an_intent_that_cannot_be_read_is_not_no_intent() -> None:
    """Deciding afresh here could send a second, different switch."""
    found = read(status={"fence": {"epoch": 1, "holder": "h"}, "intent": {"id": "i-1"}})
    assert isinstance(found.policy, InvalidSpec)
    assert found.policy.message.startswith("status.intent.")
    assert found.status.fence == Fence(1, "h")


@pytest.mark.parametrize("missing", ["name", "creationTimestamp"])
def test_what_is_no_kubernetes_object_is_an_error(missing: str) -> None:
    meta = {key: value for key, value in META.items() if key != missing}
    with pytest.raises(UnreadableError, match=f"metadata.{missing}"):
        read(meta=meta)
