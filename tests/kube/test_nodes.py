"""What is kept of a Node and of its heartbeat."""

from __future__ import annotations

from typing import Any

import pytest

from failoverip.core.cluster import Heartbeat, Node, Ready
from failoverip.kube.codec import UnreadableError, heartbeat_from, node_from

META = {"name": "node-1", "uid": "u-1"}


def test_a_whole_node() -> None:
    item = {
        "metadata": META
        | {
            "labels": {"zone": "b", "role": "worker"},
            "annotations": {"failoverip.io/server": "321", "other": "x"},
            "deletionTimestamp": "2026-01-02T03:04:05Z",
        },
        "spec": {"unschedulable": True, "providerID": "hrobot://321"},
        "status": {
            "conditions": [
                {"type": "DiskPressure", "status": "False"},
                {"type": "Ready", "status": "True"},
            ],
            "addresses": [
                {"type": "Hostname", "address": "node-1"},
                {"type": "InternalIP", "address": "192.0.2.1"},
                {"type": "ExternalIP", "address": "2001:DB8:0::1"},
                {"type": "InternalIP", "address": "no address"},
                {"type": "ExternalDNS", "address": "192.0.2.9"},
            ],
        },
    }
    assert node_from(item) == Node(
        name="node-1",
        uid="u-1",
        labels=(("role", "worker"), ("zone", "b")),
        ready=Ready.TRUE,
        unschedulable=True,
        deleting=True,
        provider_id="hrobot://321",
        addresses=("192.0.2.1", "2001:db8::1"),
        server_annotation="321",
    )


def test_a_node_that_has_just_registered() -> None:
    assert node_from({"metadata": META, "spec": {}, "status": {}}) == Node("node-1", "u-1")


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ({"status": "True"}, Ready.TRUE),
        ({"status": "False"}, Ready.FALSE),
        ({"status": "Unknown"}, Ready.UNKNOWN),
        ({"status": "Absent"}, Ready.UNKNOWN),
        ({"status": "true"}, Ready.UNKNOWN),
        ({}, Ready.UNKNOWN),
    ],
)
def test_only_true_is_ready_and_only_false_is_not(
    condition: dict[str, str], expected: Ready
) -> None:
    item = {"metadata": META, "status": {"conditions": [{"type": "Ready"} | condition]}}
    assert node_from(item).ready is expected


@pytest.mark.parametrize(
    "item", [{}, {"metadata": {}}, {"metadata": {"name": 5}}, {"metadata": []}]
)
def test_what_has_no_name_is_no_node(item: dict[str, Any]) -> None:
    with pytest.raises(UnreadableError, match="metadata"):
        node_from(item)


@pytest.mark.parametrize(
    "odd",
    [
        {"spec": {"unschedulable": "yes"}},
        {"spec": []},
        {"status": {"conditions": {}}},
        {"status": {"addresses": [5]}},
    ],
)
def test_a_node_that_cannot_be_read_is_an_error_and_not_a_healthy_one(odd: dict[str, Any]) -> None:
    with pytest.raises(UnreadableError):
        node_from({"metadata": META} | odd)


@pytest.mark.parametrize(
    ("spec", "renewed"),
    [
        ({"renewTime": "2026-01-02T03:04:05.000006Z"}, "2026-01-02T03:04:05.000006Z"),
        ({}, ""),
        ({"renewTime": None}, ""),
    ],
)
def test_a_heartbeat_is_an_opaque_text(spec: dict[str, Any], renewed: str) -> None:
    item = {"metadata": {"name": "node-1"}, "spec": spec}
    assert heartbeat_from(item) == Heartbeat("node-1", renewed)
