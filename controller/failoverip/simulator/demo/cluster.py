"""A Kubernetes API as the demo uses it, whichever one it is: apply, read, and watch."""

from __future__ import annotations

import json
import ssl
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import aiohttp

from failoverip.kube import ConnectionInfo, KubeClient, KubeconfigFile, KubeError, NotFound
from failoverip.simulator.demo.manifests import path_of

Json = dict[str, Any]

REQUEST_LIMIT_SECONDS = 30.0
_APPLY = "application/apply-patch+yaml"
_OWNER = {"fieldManager": "failoverip-demo", "force": "true"}


@dataclass(frozen=True, slots=True)
class Seen:
    """A version of an object and when we learnt of it, in seconds of the monotonic clock."""

    at: float
    document: Json


class History:
    """Every version of every object of one collection, in the order it was told.

    A state that lasts for a moment is in it, however busy the machine is.
    """

    def __init__(self) -> None:
        self._versions: dict[str, list[Seen]] = defaultdict(list)

    def add(self, document: Json) -> None:
        """A new version, learnt now."""
        self._versions[document["metadata"]["name"]].append(Seen(time.monotonic(), document))

    def first(self, name: str, met: Callable[[Json], bool], since: float) -> Seen | None:
        """The first version, learnt at `since` or later, that is as wanted."""
        versions = self._versions.get(name, [])
        return next((v for v in versions if v.at >= since and met(v.document)), None)

    def last(self, name: str) -> Json:
        """The newest version; KeyError before the first."""
        return self._versions[name][-1].document


class Cluster:
    """Requests and watches. Errors of requests are those of `failoverip.kube`."""

    def __init__(self, client: KubeClient, session: aiohttp.ClientSession) -> None:
        self._client = client
        self._session = session

    @classmethod
    @asynccontextmanager
    async def opened(cls, kubeconfig: Path) -> AsyncIterator[Self]:
        """Reached by this kubeconfig, until the block ends."""
        async with await KubeClient.open(KubeconfigFile(str(kubeconfig))) as client:
            connection = await client.connection_info()
            async with _session(connection) as session:
                yield cls(client, session)

    async def get(self, path: str) -> Json:
        """One object, or a list."""
        return await self.request("GET", path)

    async def find(self, path: str) -> Json | None:
        """One object, or None when there is none."""
        try:
            return await self.get(path)
        except NotFound:
            return None

    async def serves(self, path: str) -> bool:
        """Whether the API server answers a list there by now."""
        try:
            await self.get(path)
        except KubeError:
            return False
        return True

    async def apply(self, document: Json) -> Json:
        """Server-side apply, as `kubectl apply --server-side` does it."""
        return await self.request("PATCH", path_of(document), document, _APPLY, _OWNER)

    async def request(
        self,
        method: str,
        path: str,
        body: Json | None = None,
        content_type: str = "application/json",
        query: dict[str, str] | None = None,
    ) -> Json:
        """Any request with a JSON answer."""
        return await self._client.request(
            method, path, query, body, content_type, timeout_seconds=REQUEST_LIMIT_SECONDS
        )

    async def watch(self, path: str, history: History) -> None:
        """Note what exists and every change of it, until cancelled or the server ends it."""
        async with self._session.get(path, params={"watch": "true"}) as response:
            response.raise_for_status()
            # A line holds a whole object: longer than a StreamReader's lines may be.
            rest = b""
            async for chunk in response.content.iter_any():
                *lines, rest = (rest + chunk).split(b"\n")
                for line in filter(None, lines):
                    history.add(json.loads(line)["object"])


def _session(connection: ConnectionInfo) -> aiohttp.ClientSession:
    headers = {"Authorization": connection.authorization} if connection.authorization else {}
    tls: ssl.SSLContext | bool = True
    if connection.ca_path:
        tls = ssl.create_default_context(cafile=connection.ca_path)
    return aiohttp.ClientSession(
        connection.server,
        headers=headers,
        connector=aiohttp.TCPConnector(ssl=tls),
        timeout=aiohttp.ClientTimeout(total=None, sock_connect=REQUEST_LIMIT_SECONDS),
        trust_env=False,
    )
