"""What the real API server refuses of a FailoverIP, with the line that the user reads.

Written as kubectl writes it: with fieldValidation=Strict, so that a misspelt field is refused too.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest
from tests.controlplane.cluster import FAILOVER_IPS, Cluster
from tests.controlplane.rest import ApiError, Json
from tests.e2e.installed_crd import install_crd

pytestmark = pytest.mark.e2e

KINDS = (
    "must be an IPv4 address (203.0.113.10), an IPv4 subnet of /24 to /30 (203.0.113.16/29) or an"
    " IPv6 /64 (2001:db8:1:2::/64)"
)
HOST_BITS = "must have no host bits: write the network address"
CANONICAL = "must be canonical: lower case, longest run of zeros as ::, no leading zeros"
UNICAST = "must be a global unicast address: write the address that Robot lists under failover"
PRIVATE = "must not be a private address: write the address that Robot lists under failover"
OVERLAP = "addresses of one resource must not overlap: remove the one that is part of another"
LABEL_KEY = "keys must be label names such as node-role.kubernetes.io/worker"
LABEL_VALUE = "must be a label value: letters, digits, '-', '_' and '.'"
SECRET_NAME = "must be the name of a Secret: lower case letters, digits, '-' and '.'"


@dataclass(frozen=True)
class Refusal:
    """`message` must appear in the answer; `spec` None leaves the spec out."""

    name: str
    spec: Json | None
    message: str
    metadata: Json = field(default_factory=lambda: {"name": "web"})


def _address(name: str, address: object, fix: str) -> Refusal:
    """One address alone; the answer names the field, the value and the fix."""
    line = f'spec.addresses[0]: Invalid value: "{address}": {fix}'
    return Refusal(name, {"addresses": [address]}, line)


def _with(name: str, message: str, **spec: object) -> Refusal:
    """A good address, and another field."""
    return Refusal(name, {"addresses": ["203.0.113.10"]} | spec, message)


ADDRESSES = (
    _address("a host name", "www.example.com", KINDS),
    _address("an address with a port", "203.0.113.10:80", KINDS),
    _address("a URL", "https://203.0.113.10", KINDS),
    _address("a space before the address", " 203.0.113.10", KINDS),
    _address("an octet too many", "203.0.113.10.1", KINDS),
    _address("an octet above 255", "203.0.113.256", KINDS),
    _address("a leading zero in an octet", "203.0.113.010", KINDS),
    _address("a range", "203.0.113.10-203.0.113.20", KINDS),
    _address("a textual netmask", "203.0.113.16/255.255.255.248", KINDS),
    _address("an IPv4 /32", "203.0.113.10/32", KINDS),
    _address("an IPv4 /31", "203.0.113.10/31", KINDS),
    _address("an IPv4 /23", "203.0.112.0/23", KINDS),
    _address("a single IPv6 address", "2001:db8:1:2::10", KINDS),
    _address("an IPv6 network address without its prefix", "2001:db8:1:2::", KINDS),
    _address("an IPv6 /128", "2001:db8:1:2::10/128", KINDS),
    _address("an IPv6 /56", "2001:db8:1::/56", KINDS),
    _address("an IPv4 address mapped into IPv6", "::ffff:203.0.113.10", KINDS),
    _address("an IPv6 address with a zone", "fe80::1%eth0", KINDS),
    _address("host bits in an IPv4 subnet", "203.0.113.17/29", HOST_BITS),
    _address("host bits in an IPv6 subnet", "2001:db8:1:2::10/64", HOST_BITS),
    _address("capital letters", "2001:DB8:1:2::/64", CANONICAL),
    _address("leading zeros in IPv6", "2001:0db8:1:2::/64", CANONICAL),
    _address("zeros written out", "2001:db8:1:2:0:0:0:0/64", CANONICAL),
    _address("the unspecified address", "0.0.0.0", UNICAST),  # noqa: S104  refused, not bound
    _address("a loopback address", "127.0.0.1", UNICAST),
    _address("a multicast address", "224.0.0.1", UNICAST),
    _address("a link-local address", "169.254.1.1", UNICAST),
    _address("the broadcast address", "255.255.255.255", UNICAST),
    _address("a link-local subnet", "fe80::/64", UNICAST),
    _address("a private address of class A", "10.0.0.1", PRIVATE),
    _address("a private address of class B", "172.16.0.1", PRIVATE),
    _address("a private address of class C", "192.168.1.1", PRIVATE),
    _address("a private subnet", "10.1.2.0/24", PRIVATE),
    _address("a carrier-grade NAT address", "100.64.0.1", PRIVATE),
    _address("a unique local subnet", "fd00:1:2:3::/64", PRIVATE),
    Refusal(
        "an empty address",
        {"addresses": [""]},
        'spec.addresses[0]: Invalid value: "": spec.addresses[0] in body should be at least 7'
        " chars",
    ),
    Refusal(
        "an address far too long",
        {"addresses": ["2001:db8:" + "1" * 40]},
        "spec.addresses[0]: Too long: may not be more than 43 bytes",
    ),
    Refusal(
        "a number for an address",
        {"addresses": [203]},
        'spec.addresses[0]: Invalid value: "integer": spec.addresses[0] in body must be of type'
        " string",
    ),
)

LISTS = (
    Refusal("no addresses", {}, "spec.addresses: Required value"),
    Refusal(
        "an empty list of addresses",
        {"addresses": []},
        "spec.addresses: Invalid value: 0: spec.addresses in body should have at least 1 items",
    ),
    Refusal(
        "seventeen addresses",
        {"addresses": [f"203.0.113.{number}" for number in range(17)]},
        "spec.addresses: Too many: 17: must have at most 16 items",
    ),
    Refusal(
        "a text instead of a list",
        {"addresses": "203.0.113.10"},
        'spec.addresses: Invalid value: "string": spec.addresses in body must be of type array',
    ),
    Refusal(
        "an address twice",
        {"addresses": ["203.0.113.10", "203.0.113.10"]},
        'spec.addresses[1]: Duplicate value: "203.0.113.10"',
    ),
    Refusal(
        "an address that is part of a subnet",
        {"addresses": ["203.0.113.17", "203.0.113.16/29"]},
        OVERLAP,
    ),
    Refusal(
        "a subnet that is part of another",
        {"addresses": ["203.0.113.16/28", "203.0.113.16/29"]},
        OVERLAP,
    ),
    Refusal(
        "a subnet that is the second half of another",
        {"addresses": ["203.0.113.24/29", "203.0.113.16/28"]},
        OVERLAP,
    ),
    Refusal(
        "a bad address beside a good one",
        {"addresses": ["203.0.113.10", "203.0.113.300"]},
        f'spec.addresses[1]: Invalid value: "203.0.113.300": {KINDS}',
    ),
)

FIELDS = (
    Refusal("no spec", None, "spec: Required value"),
    Refusal(
        "a misspelt field",
        {"addresses": ["203.0.113.10"], "onCordonn": "Stay"},
        'unknown field "spec.onCordonn"',
    ),
    _with(
        "a mode in lower case",
        'spec.mode: Unsupported value: "active": supported values: "Active", "DryRun", "Paused"',
        mode="active",
    ),
    _with(
        "a mode that does not exist",
        'spec.mode: Unsupported value: "Off": supported values: "Active", "DryRun", "Paused"',
        mode="Off",
    ),
    _with(
        "a drift that does not exist",
        'spec.drift: Unsupported value: "Ignore": supported values: "Report", "Enforce"',
        drift="Ignore",
    ),
    _with(
        "a boolean for drift",
        'spec.drift: Invalid value: "boolean": spec.drift in body must be of type string',
        drift=True,
    ),
    _with(
        "an onCordon that does not exist",
        'spec.onCordon: Unsupported value: "Drain": supported values: "Move", "Stay"',
        onCordon="Drain",
    ),
    _with(
        "a Secret by name alone",
        'spec.credentialsSecretRef: Invalid value: "string": spec.credentialsSecretRef in body must'
        " be of type object",
        credentialsSecretRef="robot-credentials",
    ),
    _with(
        "a Secret of another namespace",
        'unknown field "spec.credentialsSecretRef.namespace"',
        credentialsSecretRef={"name": "robot", "namespace": "default"},
    ),
    _with(
        "a Secret without a name",
        'spec.credentialsSecretRef.name: Invalid value: "": spec.credentialsSecretRef.name in body'
        " should be at least 1 chars",
        credentialsSecretRef={"name": ""},
    ),
    _with(
        "a Secret's name in capitals",
        f'spec.credentialsSecretRef.name: Invalid value: "Robot": {SECRET_NAME}',
        credentialsSecretRef={"name": "Robot"},
    ),
    _with(
        "a path for a Secret's name",
        f'spec.credentialsSecretRef.name: Invalid value: "kube-system/robot": {SECRET_NAME}',
        credentialsSecretRef={"name": "kube-system/robot"},
    ),
    _with(
        "a list for nodeSelector",
        'spec.nodeSelector: Invalid value: "array": spec.nodeSelector in body must be of type'
        " object",
        nodeSelector=["ingress"],
    ),
    _with(
        "a label's value that is no text",
        'spec.nodeSelector.ingress: Invalid value: "boolean": spec.nodeSelector.ingress in body'
        " must be of type string",
        nodeSelector={"ingress": True},
    ),
    _with(
        "a label's value with a space",
        f'spec.nodeSelector[zone]: Invalid value: "fsn1 dc14": {LABEL_VALUE}',
        nodeSelector={"zone": "fsn1 dc14"},
    ),
    _with(
        "a label's value too long",
        "spec.nodeSelector.zone: Too long: may not be more than 63 bytes",
        nodeSelector={"zone": "z" * 64},
    ),
    _with("a label's key with a space", LABEL_KEY, nodeSelector={"the zone": "fsn1"}),
    _with("a label's key with two slashes", LABEL_KEY, nodeSelector={"a/b/c": "fsn1"}),
    _with("a label's key too long", LABEL_KEY, nodeSelector={"k" * 64: "fsn1"}),
    _with(
        "seventeen labels",
        "spec.nodeSelector: Too many: 17: must have at most 16 items",
        nodeSelector={f"label-{number}": "x" for number in range(17)},
    ),
    _with(
        "a stormPercent of nothing",
        "spec.safety.stormPercent: Invalid value: 0: spec.safety.stormPercent in body should be"
        " greater than or equal to 1",
        safety={"stormPercent": 0},
    ),
    _with(
        "a stormPercent above all",
        "spec.safety.stormPercent: Invalid value: 101: spec.safety.stormPercent in body should be"
        " less than or equal to 100",
        safety={"stormPercent": 101},
    ),
    _with(
        "a percent sign",
        'spec.safety.stormPercent: Invalid value: "string": spec.safety.stormPercent in body must'
        " be of type integer",
        safety={"stormPercent": "50%"},
    ),
    _with(
        "a storm that holds for hours",
        "spec.safety.stormHoldSeconds: Invalid value: 7200: spec.safety.stormHoldSeconds in body"
        " should be less than or equal to 600",
        safety={"stormHoldSeconds": 7200},
    ),
    _with(
        "more moves than the status can count",
        "spec.safety.maxMovesPerHour: Invalid value: 11: spec.safety.maxMovesPerHour in body"
        " should be less than or equal to 10",
        safety={"maxMovesPerHour": 11},
    ),
    _with(
        "no move at all, which is mode Paused",
        "spec.safety.maxMovesPerHour: Invalid value: 0: spec.safety.maxMovesPerHour in body"
        " should be greater than or equal to 1",
        safety={"maxMovesPerHour": 0},
    ),
    _with(
        "a hold-down of the past",
        "spec.safety.holdDownSeconds: Invalid value: -1: spec.safety.holdDownSeconds in body"
        " should be greater than or equal to 0",
        safety={"holdDownSeconds": -1},
    ),
    _with(
        "a misspelt guard",
        'unknown field "spec.safety.holddownSeconds"',
        safety={"holddownSeconds": 5},
    ),
    _with(
        "a failback to nobody",
        "must name preferredNodes when failback.policy is WhenPreferredHealthy",
        failback={"policy": "WhenPreferredHealthy", "afterSeconds": 300},
    ),
    _with(
        "a failback that does not exist",
        'spec.failback.policy: Unsupported value: "Always": supported values: "Never",'
        ' "WhenPreferredHealthy"',
        failback={"policy": "Always"},
        preferredNodes=["node-1"],
    ),
    _with(
        "a failback after two days",
        "spec.failback.afterSeconds: Invalid value: 172800: spec.failback.afterSeconds in body"
        " should be less than or equal to 86400",
        failback={"afterSeconds": 172800},
    ),
    _with(
        "a preferred node in capitals",
        "must be the name of a node: lower case letters, digits, '-' and '.', for example node-1",
        preferredNodes=["Node-1"],
    ),
    _with(
        "seventeen preferred nodes",
        "spec.preferredNodes: Too many: 17: must have at most 16 items",
        preferredNodes=[f"node-{number}" for number in range(17)],
    ),
    Refusal(
        "a name in capitals",
        {"addresses": ["203.0.113.10"]},
        'metadata.name: Invalid value: "Web"',
        {"name": "Web"},
    ),
)

DEFAULTS = {
    "credentialsSecretRef": {"name": "robot-credentials"},
    "drift": "Report",
    "onCordon": "Move",
    "mode": "Active",
    "failback": {"policy": "Never", "afterSeconds": 300},
    "safety": {
        "holdDownSeconds": 300,
        "maxMovesPerHour": 6,
        "stormPercent": 50,
        "stormHoldSeconds": 120,
    },
}

ACCEPTED: dict[str, Json] = {
    "an IPv4 address": {"addresses": ["203.0.113.10"]},
    "the longest IPv4 address": {"addresses": ["203.113.113.110"]},
    "the shortest IPv4 address": {"addresses": ["8.8.8.8"]},
    "an IPv4 /24": {"addresses": ["203.0.113.0/24"]},
    "an IPv4 /29": {"addresses": ["203.0.113.16/29"]},
    "an IPv4 /30": {"addresses": ["203.0.113.4/30"]},
    "an IPv6 /64": {"addresses": ["2001:db8:1:2::/64"]},
    "a short IPv6 /64": {"addresses": ["2a01::/64"]},
    "a group of each kind": {
        "addresses": ["203.0.113.10", "203.0.113.16/29", "2001:db8:1:2::/64", "2001:db8:1:3::/64"]
    },
    "sixteen addresses": {"addresses": [f"203.0.113.{number}" for number in range(16)]},
    "an address beside a subnet": {"addresses": ["203.0.113.24", "203.0.113.16/29"]},
    "subnets side by side": {"addresses": ["203.0.113.16/29", "203.0.113.24/29"]},
    "another Secret": {
        "addresses": ["203.0.113.10"],
        "credentialsSecretRef": {"name": "robot.second-account"},
    },
    "labels with and without a domain, and with an empty value": {
        "addresses": ["203.0.113.10"],
        "nodeSelector": {"node-role.kubernetes.io/worker": "", "ingress": "true"},
    },
    "an empty nodeSelector": {"addresses": ["203.0.113.10"], "nodeSelector": {}},
    "everything but the defaults": {
        "addresses": ["203.0.113.10"],
        "drift": "Enforce",
        "onCordon": "Stay",
        "mode": "DryRun",
    },
    "the widest safety": {
        "addresses": ["203.0.113.10"],
        "safety": {
            "holdDownSeconds": 0,
            "maxMovesPerHour": 10,
            "stormPercent": 100,
            "stormHoldSeconds": 0,
        },
    },
    "a failback to preferred nodes": {
        "addresses": ["203.0.113.10"],
        "preferredNodes": ["node-2", "node-1.example.com"],
        "failback": {"policy": "WhenPreferredHealthy", "afterSeconds": 0},
    },
    "the narrowest safety": {
        "addresses": ["203.0.113.10"],
        "safety": {
            "holdDownSeconds": 3600,
            "maxMovesPerHour": 1,
            "stormPercent": 1,
            "stormHoldSeconds": 600,
        },
    },
    "a paused resource": {"addresses": ["203.0.113.10"], "mode": "Paused"},
}

REFUSALS = (*ADDRESSES, *LISTS, *FIELDS)
# A resource is never renamed, so there is nothing to refuse in an update.
REFUSALS_OF_UPDATES = [case for case in REFUSALS if case.metadata["name"] == "web"]


@pytest.fixture(scope="module", autouse=True)
def crd(shared_cluster: Cluster) -> None:
    install_crd(shared_cluster)


def _document(metadata: Json, spec: Json | None) -> Json:
    document: Json = {
        "apiVersion": "failoverip.io/v1alpha1",
        "kind": "FailoverIP",
        "metadata": metadata,
    }
    return document if spec is None else document | {"spec": spec}


def _create(cluster: Cluster, document: Json) -> Any:
    return cluster.admin.create(FAILOVER_IPS, document, fieldValidation="Strict")


@pytest.mark.parametrize("case", REFUSALS, ids=lambda case: case.name)
def test_the_api_server_refuses(cluster: Cluster, case: Refusal) -> None:
    with pytest.raises(ApiError) as refusal:
        _create(cluster, _document(case.metadata, case.spec))
    assert case.message in refusal.value.message
    assert cluster.admin.list(FAILOVER_IPS) == []


@pytest.mark.parametrize("case", REFUSALS_OF_UPDATES, ids=lambda case: case.name)
def test_a_refusal_changes_nothing_of_a_resource_that_exists(
    cluster: Cluster, case: Refusal
) -> None:
    before = _create(cluster, _document({"name": "web"}, {"addresses": ["203.0.113.1"]}))
    version = {"resourceVersion": before["metadata"]["resourceVersion"]}
    path = f"{FAILOVER_IPS}/web"
    after = _document(case.metadata | version, case.spec)
    with pytest.raises(ApiError) as refusal:
        cluster.admin.replace(path, after, fieldValidation="Strict")
    assert case.message in refusal.value.message
    assert cluster.admin.get(path) == before


@pytest.mark.parametrize("name", ACCEPTED)
def test_the_api_server_accepts_and_fills_in_the_defaults(cluster: Cluster, name: str) -> None:
    spec = ACCEPTED[name]
    created = _create(cluster, _document({"name": "web"}, spec))
    assert created["spec"] == DEFAULTS | spec


def test_kubectl_shows_the_refusal_in_one_line(cluster: Cluster) -> None:
    document = """
apiVersion: failoverip.io/v1alpha1
kind: FailoverIP
metadata: {name: web}
spec: {addresses: [203.0.113.17/29]}
"""
    refused = cluster.kubectl("apply", "-f", "-", stdin=document, check=False)
    assert refused.returncode == 1
    assert refused.stderr == (
        'The FailoverIP "web" is invalid: spec.addresses[0]: Invalid value: "203.0.113.17/29": '
        f"{HOST_BITS}, for example 203.0.113.16/29 or 2001:db8:1:2::/64\n"
    )
