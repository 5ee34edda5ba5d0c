"""What the door can tell about the CRD and about the API server's announced address."""

from __future__ import annotations

from typing import Any

import pytest
from tests.kube.scripted_server import Reply, ScriptedServer, refusal

from failoverip.kube import (
    CrdVerdict,
    Kubernetes,
    ServerError,
)


def crd(
    version: str = "v1alpha1",
    served: bool = True,
    fence: tuple[str, ...] = ("epoch", "holder"),
    rules: int = 1,
    established: str = "True",
) -> dict[str, Any]:
    schema = {
        "x-kubernetes-validations": [{}] * rules,
        "properties": {
            "status": {"properties": {"fence": {"properties": {key: {} for key in fence}}}}
        },
    }
    return {
        "spec": {
            "versions": [{"name": version, "served": served, "schema": {"openAPIV3Schema": schema}}]
        },
        "status": {"conditions": [{"type": "Established", "status": established}]},
    }


@pytest.mark.parametrize(
    ("body", "verdict"),
    [
        (crd(), CrdVerdict.INSTALLED),
        (crd(established="False"), CrdVerdict.MISSING),
        ({"spec": {}}, CrdVerdict.MISSING),
        (crd() | {"metadata": {"deletionTimestamp": "now"}}, CrdVerdict.MISSING),
        (crd(version="v1"), CrdVerdict.TOO_OLD),
        (crd(served=False), CrdVerdict.TOO_OLD),
        (crd(fence=()), CrdVerdict.TOO_OLD),
        (crd(fence=("epoch",)), CrdVerdict.TOO_OLD),
        (crd(rules=0), CrdVerdict.TOO_OLD),
    ],
)
async def test_the_verdict_about_the_crd(
    server: ScriptedServer, kubernetes: Kubernetes, body: dict[str, Any], verdict: CrdVerdict
) -> None:
    server.behave = lambda _: Reply(body=body)
    assert await kubernetes.get_crd_verdict() is verdict


async def test_an_absent_crd_is_missing(server: ScriptedServer, kubernetes: Kubernetes) -> None:
    server.behave = lambda _: refusal(404, "NotFound", "no", "failoverips.failoverip.io")
    assert await kubernetes.get_crd_verdict() is CrdVerdict.MISSING


KUBECONFIG = "clusters: [{name: '', cluster: {server: 'https://203.0.113.10:6443'}}]"


@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        (Reply(body={"data": {"kubeconfig": KUBECONFIG}}), "203.0.113.10"),
        (Reply(body={"data": {"kubeconfig": "clusters: [{"}}), None),
        (Reply(body={"data": {"kubeconfig": "clusters: 5"}}), None),
        (
            Reply(body={"data": {"kubeconfig": "clusters: [{cluster: {server: 'https://[::'}}]"}}),
            None,
        ),
        (Reply(body={"data": {}}), None),
        (Reply(body={}), None),
        (refusal(404, "NotFound", "no", "cluster-info"), None),
        (refusal(403, "Forbidden", "no"), None),
    ],
)
async def test_the_announced_api_server_is_known_only_when_somebody_tells(
    server: ScriptedServer, kubernetes: Kubernetes, reply: Reply, expected: str | None
) -> None:
    server.behave = lambda _: reply
    assert await kubernetes.get_cluster_info_server() == expected


async def test_a_failed_read_of_the_announcement_is_an_error(
    server: ScriptedServer, kubernetes: Kubernetes
) -> None:
    server.behave = lambda _: refusal(500, "InternalError", "no")
    with pytest.raises(ServerError):
        await kubernetes.get_cluster_info_server()


def test_the_door_knows_which_server_it_leads_to(kubernetes: Kubernetes) -> None:
    assert kubernetes.server_host == "127.0.0.1"
