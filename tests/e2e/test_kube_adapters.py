"""Each method of the door against a real API server, with the rights of the manifests only."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
from tests.controlplane.cluster import CRD, FAILOVER_IPS, NODES, Cluster
from tests.controlplane.controlplane import ControlPlane
from tests.controlplane.fixtures import KubeletFactory, TcpProxyFactory
from tests.e2e.installed_crd import CRD_NAME, MANIFESTS, install_crd

from failoverip.core.addresses import TargetAddress, parse_failover_address
from failoverip.core.cluster import Node, Ready
from failoverip.core.lease import LeaseRecord
from failoverip.core.reasons import Reason
from failoverip.core.resource import (
    AddressStatus,
    CandidateStatus,
    Cause,
    Condition,
    Fence,
    Intent,
    IntentRoute,
    Move,
    MoveResult,
    Policy,
    RequestAnswer,
    Resource,
    RouteState,
    Status,
)
from failoverip.core.timestamps import micro_time, parse_time
from failoverip.kube import (
    ApiUnreachable,
    Conflict,
    CrdVerdict,
    EventNote,
    EventType,
    Forbidden,
    Invalid,
    KubeClient,
    KubeconfigFile,
    Kubernetes,
    NotFound,
    OutcomeUnknown,
    Unauthorized,
)

pytestmark = pytest.mark.e2e

PATIENT = 60.0
NAMESPACE = "failoverip-system"
ACCOUNT = "failoverip-operator"
LEASE = "failoverip-operator"
SECRETS = f"/api/v1/namespaces/{NAMESPACE}/secrets"
LEASES = f"/apis/coordination.k8s.io/v1/namespaces/{NAMESPACE}/leases"
KUBELET_LEASES = "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases"
EVENTS = "/apis/events.k8s.io/v1/namespaces/default/events"
BINDINGS = "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings"
CONFIG_MAPS = "/api/v1/namespaces/kube-public/configmaps"

NOW = 1_767_323_045.0  # 2026-01-02T03:04:05Z
ADDRESS = parse_failover_address("203.0.113.10")
INTENT = Intent(
    id="i-1",
    epoch=1,
    node="node-2",
    node_uid="u-2",
    server_number=322,
    routes=(IntentRoute(ADDRESS, TargetAddress("192.0.2.2")),),
    cause=Cause(Reason.NODE_UNREACHABLE, "node-1", "u-1"),
    attempts=0,
    started_at=NOW,
    detected_at=NOW,
)
# Every field but lastMove, which only the end of an intent may bring.
FULL = Status(
    observed_generation=1,
    fence=Fence(1, "replica-1", f"{NAMESPACE}/{LEASE}"),
    conditions=(Condition("Ready", "Unknown", Reason.SWITCHING, "on its way", NOW, 1),),
    active_node="node-1",
    active_node_uid="u-1",
    active_server=321,
    addresses=(
        AddressStatus(ADDRESS, RouteState.SWITCHING, TargetAddress("192.0.2.1"), "node-1", "uid-1"),
    ),
    candidates=(
        CandidateStatus("node-2", 322, True, Reason.ELIGIBLE),
        CandidateStatus("node-3", None, False, Reason.UNMAPPED),
    ),
    candidate_count=2,
    eligible_count=1,
    intent=INTENT,
    moves=(
        Move(
            id="i-0",
            cause=Reason.NODE_DELETED,
            source="",
            node="node-1",
            server_number=321,
            result=MoveResult.CONFIRMED,
            reason=Reason.CONFIRMED,
            attempts=1,
            detected_at=NOW,
            ended_at=NOW,
            posted_at=NOW,
            confirmed_at=NOW,
        ),
    ),
    switch_request=RequestAnswer("node-9", False, Reason.UNKNOWN_NODE, "", NOW),
)


@pytest.fixture
async def kubernetes(cluster: Cluster) -> AsyncIterator[Kubernetes]:
    """With the token of the operator's ServiceAccount."""
    install_crd(cluster)
    cluster.kubectl("apply", "-k", str(MANIFESTS / "namespace"))
    cluster.kubectl("apply", "-k", str(MANIFESTS / "rbac"))
    kubeconfig = cluster.service_account_kubeconfig(NAMESPACE, ACCOUNT)
    async with await KubeClient.open(KubeconfigFile(str(kubeconfig))) as client:
        opened = Kubernetes(client, "replica-1")
        await until_allowed(opened)
        yield opened


def create_failoverip(cluster: Cluster, name: str = "web") -> None:
    cluster.admin.create(
        FAILOVER_IPS,
        {
            "apiVersion": "failoverip.io/v1alpha1",
            "kind": "FailoverIP",
            "metadata": {"name": name, "annotations": {"failoverip.io/switch-to": "node-2"}},
            "spec": {"addresses": [ADDRESS.text]},
        },
    )


async def read_failoverip(kubernetes: Kubernetes, name: str = "web") -> Resource:
    return next(found for found in await kubernetes.list_failoverips() if found.name == name)


async def test_nodes_and_heartbeats(
    cluster: Cluster, kubernetes: Kubernetes, kubelet: KubeletFactory
) -> None:
    kubelet("node-1", "192.0.2.1", annotations={"failoverip.io/server": "321"})
    found = await until_ready(kubernetes)
    assert found.uid == cluster.admin.get(f"{NODES}/node-1")["metadata"]["uid"]
    assert (found.name, found.addresses) == ("node-1", ("192.0.2.1",))
    assert found.server_annotation == "321"
    (heartbeat,) = await kubernetes.list_heartbeats(PATIENT)
    assert heartbeat.node == "node-1"
    assert parse_time(heartbeat.renewed)


async def test_a_list_longer_than_a_page_is_whole(cluster: Cluster, kubernetes: Kubernetes) -> None:
    names = [f"node-{number:04}" for number in range(501)]
    for name in names:
        lease = {
            "apiVersion": "coordination.k8s.io/v1",
            "kind": "Lease",
            "metadata": {"name": name},
            "spec": {"renewTime": micro_time(NOW)},
        }
        cluster.admin.create(KUBELET_LEASES, lease)
    heartbeats = await kubernetes.list_heartbeats(PATIENT)
    assert [heartbeat.node for heartbeat in heartbeats] == names
    assert {heartbeat.renewed for heartbeat in heartbeats} == {"2026-01-02T03:04:05.000000Z"}


async def test_a_resource_with_its_defaults(cluster: Cluster, kubernetes: Kubernetes) -> None:
    create_failoverip(cluster)
    resource = await read_failoverip(kubernetes)
    assert resource.policy == Policy((ADDRESS,))
    assert (resource.status, resource.switch_to) == (Status(), "node-2")
    assert await kubernetes.list_failoverips() == (resource,)


async def test_a_whole_status_is_stored_as_it_was_written(
    cluster: Cluster, kubernetes: Kubernetes
) -> None:
    create_failoverip(cluster)
    read = await read_failoverip(kubernetes)
    claim = replace(FULL, intent=None)
    claimed = await kubernetes.write_status(read, claim)
    assert claimed.status == claim
    written = await kubernetes.write_status(claimed, FULL)
    assert written.status == FULL
    assert await read_failoverip(kubernetes) == written
    assert written.policy == read.policy
    assert written.generation == read.generation


async def test_writing_the_same_status_again_changes_nothing(
    cluster: Cluster, kubernetes: Kubernetes
) -> None:
    create_failoverip(cluster)
    claimed = await kubernetes.write_status(
        await read_failoverip(kubernetes), replace(FULL, intent=None)
    )
    again = await kubernetes.write_status(claimed, claimed.status)
    assert again.resource_version == claimed.resource_version


async def test_a_status_for_an_older_version_is_a_conflict(
    cluster: Cluster, kubernetes: Kubernetes
) -> None:
    create_failoverip(cluster)
    read = await read_failoverip(kubernetes)
    await kubernetes.write_status(read, Status(fence=FULL.fence))
    with pytest.raises(Conflict):
        await kubernetes.write_status(read, Status(fence=FULL.fence, active_node="node-1"))


async def test_a_status_for_a_namesake_or_for_nothing_is_refused(
    cluster: Cluster, kubernetes: Kubernetes
) -> None:
    create_failoverip(cluster)
    read = await read_failoverip(kubernetes)
    cluster.admin.delete(f"{FAILOVER_IPS}/web")
    with pytest.raises(NotFound):
        await kubernetes.write_status(read, Status(fence=FULL.fence))
    create_failoverip(cluster)
    with pytest.raises(Conflict):
        await kubernetes.write_status(read, Status(fence=FULL.fence))


async def test_the_fence_refuses_another_holder_of_the_same_epoch_also_in_a_dry_run(
    cluster: Cluster, kubernetes: Kubernetes
) -> None:
    create_failoverip(cluster)
    claimed = await kubernetes.write_status(
        await read_failoverip(kubernetes), Status(fence=Fence(1, "replica-1"))
    )
    for dry_run in (True, False):
        with pytest.raises(Invalid) as raised:
            await kubernetes.write_status(
                claimed, Status(fence=Fence(1, "replica-2")), dry_run=dry_run
            )
        assert raised.value.is_fence_refusal
    with pytest.raises(Invalid) as raised:
        await kubernetes.write_status(
            claimed, Status(fence=claimed.status.fence, intent=replace(INTENT, epoch=7))
        )
    assert not raised.value.is_fence_refusal
    assert await read_failoverip(kubernetes) == claimed


async def test_a_dry_run_stores_nothing(cluster: Cluster, kubernetes: Kubernetes) -> None:
    create_failoverip(cluster)
    read = await read_failoverip(kubernetes)
    answer = await kubernetes.write_status(read, Status(fence=FULL.fence), dry_run=True)
    assert answer.status.fence == FULL.fence
    assert await read_failoverip(kubernetes) == read


async def test_the_life_of_a_lease(cluster: Cluster, kubernetes: Kubernetes) -> None:
    assert await kubernetes.get_lease(NAMESPACE, LEASE) is None
    record = LeaseRecord("h", 15, micro_time(NOW), micro_time(NOW), 0, (("a", "1"),))
    created = await kubernetes.create_lease(NAMESPACE, LEASE, record)
    assert replace(created, resource_version="") == record
    with pytest.raises(Conflict):
        await kubernetes.create_lease(NAMESPACE, LEASE, record)
    renewed = await kubernetes.update_lease(
        NAMESPACE, LEASE, replace(created, renew_time=micro_time(NOW + 2.25))
    )
    assert renewed.renew_time == "2026-01-02T03:04:07.250000Z"
    with pytest.raises(Conflict):
        await kubernetes.update_lease(NAMESPACE, LEASE, created)
    released = replace(renewed, holder="", lease_duration_seconds=1)
    stored = await kubernetes.update_lease(NAMESPACE, LEASE, released)
    assert replace(stored, resource_version="") == replace(released, resource_version="")
    assert await kubernetes.get_lease(NAMESPACE, LEASE) == stored


async def test_a_deleted_lease_comes_back_by_its_renewal_unless_another_was_first(
    cluster: Cluster, kubernetes: Kubernetes
) -> None:
    record = LeaseRecord("h", 15, micro_time(NOW), micro_time(NOW), 3, (("a", "1"),))
    created = await kubernetes.create_lease(NAMESPACE, LEASE, record)
    cluster.admin.delete(f"{LEASES}/{LEASE}")
    renewed = await kubernetes.update_lease(NAMESPACE, LEASE, created)
    assert replace(renewed, resource_version="") == record
    cluster.admin.delete(f"{LEASES}/{LEASE}")
    await kubernetes.create_lease(NAMESPACE, LEASE, replace(record, holder="other"))
    with pytest.raises(Conflict):
        await kubernetes.update_lease(NAMESPACE, LEASE, renewed)


async def test_the_secret_is_read_and_a_foreign_one_is_forbidden(
    cluster: Cluster, kubernetes: Kubernetes
) -> None:
    path = f"{SECRETS}/robot-credentials"
    if cluster.admin.find(path) is not None:
        cluster.admin.delete(path)
    assert await kubernetes.read_secret(NAMESPACE, "robot-credentials") is None
    secret = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "robot-credentials"},
        "stringData": {"username": "canary-user\n"},
    }
    created = cluster.admin.create(SECRETS, secret)
    try:
        found = await kubernetes.read_secret(NAMESPACE, "robot-credentials")
    finally:
        cluster.admin.delete(path)
    assert found is not None
    assert (found.username, found.missing_keys) == ("canary-user", ("password",))
    assert found.resource_version == created["metadata"]["resourceVersion"]
    with pytest.raises(Forbidden, match=f"get secrets in namespace {NAMESPACE}") as raised:
        await kubernetes.read_secret(NAMESPACE, "other")
    assert (raised.value.verb, raised.value.resource) == ("get", "secrets")


async def test_an_event_is_told_and_kubectl_describe_shows_it(
    cluster: Cluster, kubernetes: Kubernetes
) -> None:
    create_failoverip(cluster)
    resource = await read_failoverip(kubernetes)
    note = EventNote(
        "web",
        resource.uid,
        EventType.WARNING,
        Reason.NODE_UNREACHABLE,
        "Switch",
        "ü" * 2000,
        NOW + 0.5,
        "node-1",
        "u-1",
    )
    await kubernetes.create_event(note)
    (event,) = cluster.admin.list(EVENTS)
    assert (event["type"], event["reason"]) == ("Warning", "NodeUnreachable")
    assert event["related"]["name"] == "node-1"
    assert event["eventTime"] == "2026-01-02T03:04:05.500000Z"
    assert event["note"] == "ü" * 512
    assert "NodeUnreachable" in cluster.kubectl("describe", "failoverip", "web").stdout


async def test_the_crd_of_this_version_is_installed_and_one_without_the_fence_too_old(
    cluster: Cluster, kubernetes: Kubernetes
) -> None:
    assert await kubernetes.get_crd_verdict() is CrdVerdict.INSTALLED
    try:
        older = cluster.admin.get(CRD)
        schema = older["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
        del schema["x-kubernetes-validations"]
        del schema["properties"]["status"]["properties"]["fence"]
        cluster.admin.replace(CRD, older)
        assert await kubernetes.get_crd_verdict() is CrdVerdict.TOO_OLD
        cluster.admin.delete(CRD)
        assert await kubernetes.get_crd_verdict() is CrdVerdict.MISSING
        cluster.kubectl("wait", "--for=delete", CRD_NAME, "--timeout=60s")
        assert await kubernetes.get_crd_verdict() is CrdVerdict.MISSING
    finally:
        install_crd(cluster)


async def test_the_announced_api_server(cluster: Cluster, kubernetes: Kubernetes) -> None:
    assert await kubernetes.get_cluster_info_server() is None
    announced = "clusters: [{name: '', cluster: {server: 'https://203.0.113.10:6443'}}]"
    config_map = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "cluster-info"},
        "data": {"kubeconfig": announced},
    }
    cluster.admin.create(CONFIG_MAPS, config_map)
    try:
        assert await kubernetes.get_cluster_info_server() == "203.0.113.10"
    finally:
        cluster.admin.delete(f"{CONFIG_MAPS}/cluster-info")
    assert kubernetes.server_host == "127.0.0.1"


async def test_a_missing_right_is_named(cluster: Cluster, kubernetes: Kubernetes) -> None:
    cluster.admin.delete(f"{BINDINGS}/{ACCOUNT}")
    try:
        with pytest.raises(Forbidden) as raised:
            await until_forbidden(kubernetes)
    finally:
        cluster.kubectl("apply", "-k", str(MANIFESTS / "rbac"))
    assert str(raised.value) == "RBAC does not let this ServiceAccount list nodes: grant it"


async def test_a_token_that_nobody_gave_is_not_accepted(
    cluster: Cluster, kubernetes: Kubernetes
) -> None:
    kubeconfig = cluster.service_account_kubeconfig(NAMESPACE, ACCOUNT)
    document = json.loads(kubeconfig.read_text())
    document["users"][0]["user"]["token"] = "made-up"
    kubeconfig.write_text(json.dumps(document))
    async with await KubeClient.open(KubeconfigFile(str(kubeconfig))) as client:
        with pytest.raises(Unauthorized):
            await Kubernetes(client, "replica-1").list_nodes(PATIENT)


async def test_an_api_server_that_falls_silent_costs_no_more_than_the_time_limit(
    control_plane: ControlPlane, kubernetes: Kubernetes, tcp_proxy: TcpProxyFactory
) -> None:
    """Over TLS, on a kept connection and on a new one, and closing them waits for nobody."""
    create_failoverip(control_plane)
    read = await read_failoverip(kubernetes)
    link = tcp_proxy(control_plane.api_server.url)
    kubeconfig = control_plane.service_account_kubeconfig(NAMESPACE, ACCOUNT, link.url)
    async with await KubeClient.open(KubeconfigFile(str(kubeconfig))) as client:
        behind = Kubernetes(client, "replica-1")
        await behind.list_nodes(PATIENT)
        link.silence()
        async with asyncio.timeout(PATIENT):
            for _ in range(2):
                with pytest.raises(ApiUnreachable):
                    await behind.list_nodes(0.5)
            with pytest.raises(OutcomeUnknown):
                await behind.write_status(read, Status(fence=FULL.fence), timeout_seconds=0.5)
        link.heal()
        assert await behind.list_nodes(PATIENT) == ()


async def until_allowed(kubernetes: Kubernetes) -> None:
    """The API server learns of new rights a moment after they are written."""
    async with asyncio.timeout(PATIENT):
        while True:
            try:
                await kubernetes.list_nodes(PATIENT)
                await kubernetes.list_heartbeats(PATIENT)
                await kubernetes.get_lease(NAMESPACE, LEASE)
                await kubernetes.get_crd_verdict()
            except Forbidden:
                await asyncio.sleep(0.05)
            else:
                return


async def until_ready(kubernetes: Kubernetes) -> Node:
    """The only node, once it is listed as Ready and its heartbeat beside it."""
    async with asyncio.timeout(PATIENT):
        while True:
            nodes = await kubernetes.list_nodes(PATIENT)
            if await kubernetes.list_heartbeats(PATIENT):
                for node in nodes:
                    if node.ready is Ready.TRUE:
                        return node
            await asyncio.sleep(0.05)


async def until_forbidden(kubernetes: Kubernetes) -> None:
    """Raises Forbidden once a right is gone, TimeoutError when it stays."""
    async with asyncio.timeout(PATIENT):
        while True:
            await kubernetes.list_nodes(PATIENT)
            await asyncio.sleep(0.05)
