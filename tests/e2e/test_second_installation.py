"""A second installation in the same cluster keeps its hands off, and takes over when it may."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families
from tests.controlplane.audit import Allowed, allowed_requests
from tests.controlplane.kubelet import Kubelet
from tests.controlplane.rest import Json
from tests.controlplane.waiting import eventually, holds_throughout
from tests.e2e.installation import (
    PASSWORD,
    PROMPT,
    SERVICE_ACCOUNT,
    USER,
    Installation,
    Replica,
    write_secret,
)
from tests.e2e.installed_crd import MANIFESTS

pytestmark = pytest.mark.e2e

SECOND = "failoverip-second"
FIRST = "failoverip-system"


@pytest.fixture
def second(installation: Installation) -> Iterator[Installation]:
    """The same cluster and Robot, another namespace with its own account, Lease and Secret."""
    kubectl = installation.cluster.kubectl
    documents = [
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": SECOND}},
        *moved_rights(),
    ]
    kubectl("apply", "-f", "-", stdin=yaml.safe_dump_all(documents))
    write_secret(installation.cluster, "robot-credentials", USER, PASSWORD, SECOND)
    home = Installation(
        installation.cluster,
        installation.directory,
        installation.simulator,
        namespace=SECOND,
        robot_url=installation.robot_url,
    )
    yield home
    for replica in home.replicas:
        replica.kill()
    kubectl("delete", "--wait=false", "-f", "-", stdin=yaml.safe_dump_all(documents))


def moved_rights() -> list[Json]:
    """The manifests' rights for a ServiceAccount of the second namespace."""
    moved = []
    for path in sorted((MANIFESTS / "rbac").glob("*.yaml")):
        for document in yaml.safe_load_all(path.read_text()):
            metadata = document.get("metadata", {})
            binding = document["kind"].endswith("Binding")
            if not binding and metadata.get("namespace") != FIRST:
                continue
            if metadata.get("namespace") == FIRST:
                metadata["namespace"] = SECOND
            if binding:
                metadata["name"] += "-second"
                document["subjects"][0]["namespace"] = SECOND
            moved.append(document)
    return moved


def test_a_second_installation_claims_nothing_while_the_first_lives_and_says_so(
    installation: Installation, second: Installation, nodes: dict[str, Kubelet]
) -> None:
    first = installation
    first.simulator.switches(**PROMPT)
    first.start_replica("one")
    first.apply()
    first.until_ready("node-a")

    other = second.start_replica("other")
    (line,) = eventually(
        lambda: other.said("decided", reason="SecondInstallation"), "it is logged", 90
    )
    assert line["resource"] == "web"
    eventually(
        lambda: [e for e in first.events() if e["reason"] == "SecondInstallation"], "it is an Event"
    )
    assert foreign_resources(other) == {"web": 1}
    holds_throughout(lambda: not written_by(second), "it writes nothing to the resource", 5)
    assert first.status()["fence"]["lease"].startswith(f"{FIRST}/")

    nodes["node-a"].power_off()
    first.until_ready("node-b")
    assert len(first.simulator.posts()) == 1

    first.replicas[0].stop()
    eventually(
        lambda: first.status()["fence"]["lease"].startswith(f"{SECOND}/"), "the second takes over"
    )
    assert written_by(second)
    first.until_ready("node-b")
    # It knows nothing of what the first has spent: only a failed node may use the reserve.
    nodes["node-b"].power_off()
    first.until_ready("node-c")
    assert foreign_resources(other) == {"web": 0}


def written_by(home: Installation) -> list[Allowed]:
    """Its writes to FailoverIPs. The first installation goes on to write, so no version tells."""
    account = f"{home.namespace}:{SERVICE_ACCOUNT}"
    return [
        request
        for request in allowed_requests(home.cluster.directory)
        if request.account == account
        and request.resource.startswith("failoverips")
        and request.verb in ("create", "update", "patch", "delete")
    ]


def foreign_resources(replica: Replica) -> dict[str, float]:
    """By resource: whether another installation holds it, as the metrics say."""
    return {
        sample.labels["failoverip"]: sample.value
        for family in text_string_to_metric_families(replica.page("/metrics").text)
        for sample in family.samples
        if sample.name == "failoverip_second_installation"
    }
