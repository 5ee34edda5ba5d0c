"""Everything the operator asks of the API server, as methods on values."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Protocol, TypeVar, cast

from failoverip.core.cluster import Heartbeat, Node
from failoverip.core.lease import LeaseRecord
from failoverip.core.resource import Resource, Status
from failoverip.kube.answers import Json
from failoverip.kube.codec import (
    CrdVerdict,
    EventNote,
    SecretData,
    UnreadableError,
    crd_verdict_from,
    event_to,
    heartbeat_from,
    lease_from,
    lease_to,
    node_from,
    resource_from,
    secret_from,
    server_host_from,
    status_to,
)
from failoverip.kube.codec.event import EVENT_NAMESPACE
from failoverip.kube.errors import Expired, Forbidden, NotFound, OutcomeUnknown, ServerError
from failoverip.kube.newest import NewestList, version_of

T = TypeVar("T")

# What a request that nobody hurries may take.
DEFAULT_TIMEOUT_SECONDS = 5.0

CRD_NAME = "failoverips.failoverip.io"
_FAILOVERIPS = "/apis/failoverip.io/v1alpha1/failoverips"
_CRD = f"/apis/apiextensions.k8s.io/v1/customresourcedefinitions/{CRD_NAME}"
_NODES = "/api/v1/nodes"
_HEARTBEATS = "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases"
_EVENTS = f"/apis/events.k8s.io/v1/namespaces/{EVENT_NAMESPACE}/events"
_CLUSTER_INFO = "/api/v1/namespaces/kube-public/configmaps/cluster-info"

# Each page is parsed at once, and the loop stands still meanwhile: objects of one kind that make
# about a MiB or two.
_PAGE_SIZES = {_NODES: 100, _HEARTBEATS: 500, _FAILOVERIPS: 100}
_LIST_TRIES = 3


class Requests(Protocol):
    """What the door needs of its client: `KubeClient` in production."""

    @property
    def server_host(self) -> str:
        """Name or address of the API server."""
        ...

    async def request(
        self,
        method: str,
        path: str,
        query: Mapping[str, str] | None = ...,
        body: Json | None = ...,
        *,
        timeout_seconds: float,
    ) -> Json:
        """The object in the answer to one request; KubeError when there is none."""
        ...


class Kubernetes:
    """The only door to the API server. `identity` is the replica, as Events name it.

    Every method raises the errors of `failoverip.kube.errors`, ends within `timeout_seconds`, and
    sends nothing twice. An answer that is not of the expected form counts as no answer:
    ServerError for a read, OutcomeUnknown for a write.
    """

    def __init__(self, client: Requests, identity: str) -> None:
        self._client = client
        self._identity = identity
        # By path: what the last whole list, or the Lease, held, by UID and with its version.
        self._listed: dict[str, dict[str, tuple[str, object]]] = {}
        self._newest = {path: NewestList() for path in _PAGE_SIZES}

    @property
    def server_host(self) -> str:
        """Name or address of the API server that we talk to."""
        return self._client.server_host

    async def list_nodes(self, timeout_seconds: float) -> tuple[Node, ...]:
        """All nodes, as of now: the API server answers from its quorum."""
        return await self._list(_NODES, node_from, timeout_seconds)

    async def list_heartbeats(self, timeout_seconds: float) -> tuple[Heartbeat, ...]:
        """The heartbeat Leases of all nodes, as of now."""
        return await self._list(_HEARTBEATS, heartbeat_from, timeout_seconds)

    async def list_failoverips(
        self, timeout_seconds: float = DEFAULT_TIMEOUT_SECONDS
    ) -> tuple[Resource, ...]:
        """All resources; NotFound when the CRD is not installed."""
        return await self._list(_FAILOVERIPS, resource_from, timeout_seconds)

    async def write_status(
        self,
        resource: Resource,
        status: Status,
        *,
        dry_run: bool = False,
        timeout_seconds: float = DEFAULT_TIMEOUT_SECONDS,
    ) -> Resource:
        """Replace the status of `resource` as it was read; returns what the server stored.

        Conflict when it changed since (or is another object of that name), NotFound when it is
        gone, Invalid when a rule refuses. `dry_run` asks the server to check and store nothing.
        """
        body = {
            "apiVersion": "failoverip.io/v1alpha1",
            "kind": "FailoverIP",
            "metadata": {
                "name": resource.name,
                "uid": resource.uid,
                "resourceVersion": resource.resource_version,
            },
            "status": status_to(status),
        }
        query = {"dryRun": "All"} if dry_run else None
        path = f"{_FAILOVERIPS}/{resource.name}/status"
        item = await self._client.request("PUT", path, query, body, timeout_seconds=timeout_seconds)
        return _stored(resource_from, item)

    async def read_secret(
        self, namespace: str, name: str, timeout_seconds: float = DEFAULT_TIMEOUT_SECONDS
    ) -> SecretData | None:
        """The credentials, None when there is no such Secret."""
        path = f"/api/v1/namespaces/{namespace}/secrets/{name}"
        item = await self._find(path, name, timeout_seconds)
        return None if item is None else _read(secret_from, item)

    async def get_lease(
        self, namespace: str, name: str, timeout_seconds: float = DEFAULT_TIMEOUT_SECONDS
    ) -> LeaseRecord | None:
        """A Lease, None when there is none."""
        path = _lease_path(namespace, name)
        item = await self._find(path, name, timeout_seconds)
        if item is None:
            return None
        # A candidate reads it more often than its holder writes it.
        read: dict[str, tuple[str, object]] = {}
        record = self._read_again(path, lease_from, item, read)
        self._listed[path] = read
        return self._noted(record)

    async def create_lease(
        self,
        namespace: str,
        name: str,
        record: LeaseRecord,
        timeout_seconds: float = DEFAULT_TIMEOUT_SECONDS,
    ) -> LeaseRecord:
        """Create it; Conflict when it exists. Returns it with its resource version."""
        item = await self._client.request(
            "POST",
            _lease_path(namespace),
            body=lease_to(namespace, name, record),
            timeout_seconds=timeout_seconds,
        )
        return self._noted(_stored(lease_from, item))

    async def update_lease(
        self,
        namespace: str,
        name: str,
        record: LeaseRecord,
        timeout_seconds: float = DEFAULT_TIMEOUT_SECONDS,
    ) -> LeaseRecord:
        """Replace it; Conflict when it changed since `record.resource_version`.

        Returns it with its new resource version. A Lease that was deleted meanwhile is created
        again: kube-apiserver does so for a PUT, with a resource version or without. Without one it
        would also replace anybody's, so that is a ValueError.
        """
        if not record.resource_version:
            raise ValueError(f"Lease {namespace}/{name}: an update needs the resource version")
        item = await self._client.request(
            "PUT",
            _lease_path(namespace, name),
            body=lease_to(namespace, name, record),
            timeout_seconds=timeout_seconds,
        )
        return self._noted(_stored(lease_from, item))

    async def create_event(
        self, note: EventNote, timeout_seconds: float = DEFAULT_TIMEOUT_SECONDS
    ) -> None:
        """Tell it once; what is lost is not told again."""
        body = event_to(note, self._identity)
        await self._client.request("POST", _EVENTS, body=body, timeout_seconds=timeout_seconds)

    async def get_crd_verdict(self, timeout_seconds: float = DEFAULT_TIMEOUT_SECONDS) -> CrdVerdict:
        """Whether the installed CRD is one that we can work with."""
        item = await self._find(_CRD, CRD_NAME, timeout_seconds)
        return CrdVerdict.MISSING if item is None else _read(crd_verdict_from, item)

    async def get_cluster_info_server(
        self, timeout_seconds: float = DEFAULT_TIMEOUT_SECONDS
    ) -> str | None:
        """The host under which kubeadm announced the API server; None when nobody tells us."""
        try:
            item = await self._find(_CLUSTER_INFO, "cluster-info", timeout_seconds)
        except Forbidden:
            return None
        return None if item is None else _read(server_host_from, item)

    def _noted(self, record: LeaseRecord) -> LeaseRecord:
        # Heartbeats are Leases, too, so their list may not be older than this one.
        self._newest[_HEARTBEATS].present = version_of(record.resource_version)
        return record

    async def _find(self, path: str, name: str, timeout_seconds: float) -> Json | None:
        try:
            return await self._client.request("GET", path, timeout_seconds=timeout_seconds)
        except NotFound as error:
            if error.name == name:
                return None
            raise

    async def _list(
        self, path: str, read: Callable[[Json], T], timeout_seconds: float
    ) -> tuple[T, ...]:
        """All pages of a collection. A list that expires half-way is begun again."""
        end = asyncio.get_running_loop().time() + timeout_seconds
        for _ in range(_LIST_TRIES - 1):
            try:
                return await self._list_once(path, read, end)
            except Expired:
                continue
        return await self._list_once(path, read, end)

    async def _list_once(self, path: str, read: Callable[[Json], T], end: float) -> tuple[T, ...]:
        found: list[T] = []
        listed: dict[str, tuple[str, object]] = {}
        limit = str(_PAGE_SIZES[path])
        query = {"limit": limit}
        newest, clock = self._newest[path], asyncio.get_running_loop().time
        floor, present = newest.version, newest.present
        while True:
            left = max(0.0, end - clock())
            page = await self._client.request("GET", path, query, timeout_seconds=left)
            items, metadata = _items(path, page), page["metadata"]
            if "continue" not in query:
                # All pages show the same moment.
                version = version_of(metadata.get("resourceVersion"))
                newest.take(path, version, floor, present, clock())
            found.extend(self._read_again(path, read, item, listed) for item in items)
            token = metadata.get("continue")
            if not token:
                self._listed[path] = listed
                return tuple(found)
            query = {"limit": limit, "continue": token}

    def _read_again(
        self,
        path: str,
        read: Callable[[Json], T],
        item: Json,
        listed: dict[str, tuple[str, object]],
    ) -> T:
        """The value of an item; that of the last list when it is the same object and version."""
        uid, version = _identity(item)
        if not (uid and version):
            return _read(read, item)
        known_version, known = self._listed.get(path, {}).get(uid, ("", None))
        # Only `read` itself made the values of this path.
        value = cast(T, known) if known_version == version else _read(read, item)
        listed[uid] = (version, value)
        return value


def _lease_path(namespace: str, name: str = "") -> str:
    path = f"/apis/coordination.k8s.io/v1/namespaces/{namespace}/leases"
    return f"{path}/{name}" if name else path


def _items(path: str, page: Json) -> list[Json]:
    """An empty list is evidence (every node is gone), so nothing else may pass for one."""
    items = page.get("items", ...)
    if items is None:  # how Go may write a list without elements
        items = []
    if not isinstance(items, list) or not isinstance(page.get("metadata"), dict):
        raise ServerError(f"GET {path}: the answer is no list")
    return items


def _identity(item: object) -> tuple[str, str]:
    """UID and resourceVersion; empty where the item is not what it should be."""
    metadata = item.get("metadata") if isinstance(item, dict) else None
    if not isinstance(metadata, dict):
        return "", ""
    uid, version = metadata.get("uid"), metadata.get("resourceVersion")
    return (uid, version) if isinstance(uid, str) and isinstance(version, str) else ("", "")


def _read(read: Callable[[Json], T], item: Json) -> T:
    try:
        return read(item)
    except UnreadableError as error:
        raise ServerError(f"the API server's answer cannot be read: {error}") from error


def _stored(read: Callable[[Json], T], item: Json) -> T:
    try:
        return read(item)
    except UnreadableError as error:
        raise OutcomeUnknown(f"the answer to a write cannot be read: {error}") from error
