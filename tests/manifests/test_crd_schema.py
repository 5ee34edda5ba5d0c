"""The CRD against what the operator knows: the same fields, words and defaults, all explained."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable
from enum import StrEnum
from typing import Any

import pytest
from tests.manifests.documents import SchemaNode, crd, schema, schema_nodes

from failoverip.core.reasons import Reason
from failoverip.core.resource import (
    SWITCH_TO_ANNOTATION,
    AddressStatus,
    CandidateStatus,
    Cause,
    Condition,
    Drift,
    Failback,
    FailbackPolicy,
    Fence,
    Intent,
    IntentRoute,
    LastMove,
    Mode,
    Move,
    MoveResult,
    OnCordon,
    Policy,
    RequestAnswer,
    RouteState,
    Safety,
    Status,
)
from failoverip.kube.codec import resource_from

NODES = {node.path: node.schema for node in schema_nodes()}
INITIALISMS = {"ip": "IP", "uid": "UID"}

# Which value stands behind which object of the schema.
VALUES: dict[str, type[Any]] = {
    "spec": Policy,
    "spec.safety": Safety,
    "spec.failback": Failback,
    "status": Status,
    "status.fence": Fence,
    "status.conditions[]": Condition,
    "status.addresses[]": AddressStatus,
    "status.candidates[]": CandidateStatus,
    "status.intent": Intent,
    "status.intent.routes[]": IntentRoute,
    "status.intent.cause": Cause,
    "status.lastMove": LastMove,
    "status.moves[]": Move,
    "status.switchRequest": RequestAnswer,
}

# Where the wire's name is another one than the value's.
OTHER_NAMES = {
    "spec.secretName": "spec.credentialsSecretRef",
    "status.conditions[].since": "status.conditions[].lastTransitionTime",
    "status.candidates[].serverNumber": "status.candidates[].server",
    "status.candidates[].verdict": "status.candidates[].eligible",
    "status.moves[].source": "status.moves[].from",
    "status.switchRequest.accepted": "status.switchRequest.answer",
}

WORDS: dict[str, type[StrEnum]] = {
    "spec.drift": Drift,
    "spec.onCordon": OnCordon,
    "spec.mode": Mode,
    "spec.failback.policy": FailbackPolicy,
    "status.addresses[].state": RouteState,
    "status.lastMove.result": MoveResult,
    "status.moves[].result": MoveResult,
}

REASONS = [
    "status.conditions[].reason",
    "status.candidates[].reason",
    "status.intent.cause.reason",
    "status.moves[].cause",
    "status.moves[].reason",
    "status.switchRequest.reason",
]

BOUNDED: dict[str, Callable[[dict[str, Any]], bool]] = {
    "string": lambda node: not {"maxLength", "enum", "format"}.isdisjoint(node),
    "integer": lambda node: {"minimum", "maximum", "format"} <= node.keys(),
    "array": lambda node: {"maxItems", "x-kubernetes-list-type"} <= node.keys(),
    "object": lambda node: not {"properties", "maxProperties"}.isdisjoint(node),
    "boolean": lambda _node: True,
}


def camel_case(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(INITIALISMS.get(part, part.capitalize()) for part in rest)


def fields_of(path: str, value: type[Any]) -> set[str]:
    places = {f"{path}.{camel_case(field.name)}" for field in dataclasses.fields(value)}
    return {OTHER_NAMES.get(place, place) for place in places}


@pytest.mark.parametrize("path", VALUES)
def test_the_operator_knows_every_field_and_the_schema_has_every_field(path: str) -> None:
    in_schema = {f"{path}.{name}" for name in NODES[path]["properties"]}
    assert in_schema == fields_of(path, VALUES[path])


def test_every_object_of_the_schema_is_a_value_of_the_operator() -> None:
    objects = {path for path, node in NODES.items() if "properties" in node}
    assert objects - VALUES.keys() == {"spec.credentialsSecretRef"}
    assert set(NODES["spec.credentialsSecretRef"]["properties"]) == {"name"}


@pytest.mark.parametrize("node", schema_nodes(), ids=lambda node: node.path)
def test_every_field_is_explained(node: SchemaNode) -> None:
    text = node.schema.get("description", "")
    assert text.endswith("."), "kubectl explain shows sentences"
    assert text == " ".join(text.split())


@pytest.mark.parametrize("node", schema_nodes(), ids=lambda node: node.path)
def test_every_field_is_bounded(node: SchemaNode) -> None:
    assert BOUNDED[node.schema["type"]](node.schema)
    assert "x-kubernetes-preserve-unknown-fields" not in node.schema


@pytest.mark.parametrize("path", WORDS)
def test_the_words_are_those_of_the_operator(path: str) -> None:
    assert NODES[path]["enum"] == [word.value for word in WORDS[path]]


@pytest.mark.parametrize("path", REASONS)
def test_every_reason_can_be_written(path: str) -> None:
    node = NODES[path]
    for reason in Reason:
        assert re.fullmatch(node["pattern"], reason.value)
        assert node["minLength"] <= len(reason.value) <= node["maxLength"]


def test_the_defaults_are_those_of_the_operator() -> None:
    policy = Policy(addresses=())
    assert NODES["spec.drift"]["default"] == policy.drift
    assert NODES["spec.onCordon"]["default"] == policy.on_cordon
    assert NODES["spec.mode"]["default"] == policy.mode
    assert NODES["spec.credentialsSecretRef.name"]["default"] == policy.secret_name
    for part in ("safety", "failback"):
        value = getattr(policy, part)
        for field in dataclasses.fields(value):
            default = NODES[f"spec.{part}.{camel_case(field.name)}"]["default"]
            assert default == getattr(value, field.name)


@pytest.mark.parametrize("path", VALUES)
def test_every_required_field_exists(path: str) -> None:
    node = NODES[path]
    assert set(node.get("required", ())) <= set(node["properties"])


def test_the_answer_to_a_request_of_any_length_can_be_recorded() -> None:
    """An answer that the API server refuses would hold up every later status write."""
    annotations = {SWITCH_TO_ANNOTATION: "\U000e0001" * 5000}
    metadata = {"name": "web", "creationTimestamp": "2026-01-02T03:04:05Z"}
    read = resource_from({"metadata": metadata | {"annotations": annotations}})
    value, message = (NODES[f"status.switchRequest.{name}"] for name in ("value", "message"))
    assert len(read.switch_to) == value["maxLength"]
    assert len(f"switch-to {read.switch_to!r}: no node of this name") <= message["maxLength"]


def test_the_fence_has_each_rule_once_and_in_order() -> None:
    messages = [rule["message"].split()[0] for rule in schema()["x-kubernetes-validations"]]
    assert messages == ["F1", "F2", "F3", "F4", "F4b", "F5", "F6", "F7", "F8"]


def test_every_rule_says_what_to_do_and_which_field_it_is_about() -> None:
    for rule in schema()["x-kubernetes-validations"]:
        assert rule["fieldPath"].startswith((".status", ".spec"))
    for node in schema_nodes():
        for rule in node.schema.get("x-kubernetes-validations", ()):
            assert rule["message"].startswith(
                ("must ", "keys must ", "addresses of one resource must ")
            )


def test_the_names_are_those_of_the_design() -> None:
    spec = crd()["spec"]
    assert spec["scope"] == "Cluster"
    assert spec["names"]["shortNames"] == ["fip"]
    assert spec["names"]["categories"] == ["failoverip"]
    assert crd()["metadata"]["name"] == f"{spec['names']['plural']}.{spec['group']}"
