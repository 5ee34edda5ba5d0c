"""Each example applies as it is, and the operator does with it what its comments say."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from tests.controlplane.controlplane import ControlPlane
from tests.controlplane.fixtures import KubeletFactory
from tests.controlplane.rest import Json
from tests.e2e.installation import (
    BRISK,
    BRISK_BEAT_SECONDS,
    PROMPT,
    Installation,
    installed,
    server_ip,
    world_toml,
)
from tests.e2e.installed_crd import MANIFESTS

pytestmark = pytest.mark.e2e

EXAMPLES = sorted((MANIFESTS / "examples").glob("*.yaml"))
DOCUMENTS = [one for path in EXAMPLES for one in yaml.safe_load_all(path.read_text())]
RESOURCES = {one["metadata"]["name"]: one for one in DOCUMENTS if one["kind"] == "FailoverIP"}
SECRETS = {one["metadata"]["name"]: one for one in DOCUMENTS if one["kind"] == "Secret"}
SERVERS = {"node-a": 321, "node-b": 322}


def secret_of(resource: Json) -> str:
    name: str = resource["spec"].get("credentialsSecretRef", {}).get("name", "robot-credentials")
    return name


def world() -> str:
    """One Robot user a Secret of the examples, who sees the addresses of its FailoverIPs."""
    seen: dict[str, list[str]] = {}
    for resource in RESOURCES.values():
        seen.setdefault(secret_of(resource), []).extend(resource["spec"]["addresses"])
    parts = []
    for name, addresses in seen.items():
        data = SECRETS[name]["stringData"]
        nets = [ipaddress.ip_network(address) for address in addresses]
        plain = [str(net.network_address) for net in nets]
        parts.append(
            f'\n[[users]]\nname = "{data["username"]}"\npassword = "{data["password"]}"\n'
            f"addresses = {plain}\n"
        )
        parts += [
            f'\n[[failovers]]\nip = "{net.network_address}"\nserver_number = 321\nactive = 321\n'
            + (f'netmask = "{net.netmask}"\n' if net.version == 4 else "")
            for net in nets
        ]
    # Of the world of the other tests only the servers are used.
    return world_toml(list(SERVERS.values()), extra="".join(parts), **PROMPT).replace(
        'ip = "203.0.113.10"', 'ip = "203.0.113.200"', 1
    )


@pytest.fixture
def home(
    control_plane: ControlPlane, kubelet: KubeletFactory, tmp_path: Path
) -> Iterator[Installation]:
    for name, number in SERVERS.items():
        labels = {"failoverip.example.com/ingress": "true"}
        kubelet(name, server_ip(number), beat_seconds=BRISK_BEAT_SECONDS, labels=labels)
    with installed(control_plane, tmp_path, world=world()) as installation:
        control_plane.kubectl(
            "delete", "secret", "robot-credentials", "--namespace=failoverip-system"
        )
        yield installation
        # What is here besides FailoverIPs stays after a test.
        control_plane.kubectl(
            "delete", "-f", str(MANIFESTS / "examples"), "--ignore-not-found", "--wait=false"
        )


def test_every_example_applies_and_is_read_by_the_operator(home: Installation) -> None:
    for path in EXAMPLES:
        applied = home.cluster.kubectl("apply", "-f", str(path))
        assert applied.stderr == ""
    home.start_replica("one", flags=BRISK)

    for name, resource in RESOURCES.items():
        status = home.until_ready("node-a", name)
        assert len(status["addresses"]) == len(resource["spec"]["addresses"])
    assert home.simulator.posts() == []


def test_the_second_account_needs_its_role(home: Installation) -> None:
    home.cluster.kubectl("apply", "-f", str(MANIFESTS / "examples"))
    home.cluster.kubectl(
        "delete", "role/failoverip-operator-further-accounts", "--namespace=failoverip-system"
    )
    home.start_replica("one", flags=BRISK)

    home.until_ready("node-a", "first-account")
    home.until(
        lambda status: "get secrets in namespace failoverip-system: grant it" in str(status),
        "the status names the right",
        "second-account",
    )


def test_no_example_claims_the_address_of_another() -> None:
    addresses = [a for one in RESOURCES.values() for a in one["spec"]["addresses"]]
    nets = [ipaddress.ip_network(address) for address in addresses]
    v4, v6 = ([net for net in nets if net.version == version] for version in (4, 6))
    for some in (v4, v6):
        assert sum(a.overlaps(b) for a in some for b in some) == len(some)
