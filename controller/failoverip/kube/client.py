"""One HTTP client for the API server: bounded, never repeated, raw JSON.

Built on the official client's loaders and its transport (`RESTClientObject`, one aiohttp session
per pool), not on its API classes: those build models that we do not need. Two habits underneath
are switched off:

* `Configuration.retries` is None, and a session middleware turns the errors and redirects after
  which aiohttp sends a GET or PUT a second time by itself into an error that it passes on;
* `trust_env` is off: aiohttp would also take credentials from ~/.netrc. A proxy is used when the
  kubeconfig names one (`proxy-url`).

A connection that timed out or broke may lead to an API server on a node that died, one that
answers 5xx to a sick one. Its whole pool is retired at once: requests under way on it may end
there, the next one opens a new connection.
"""

from __future__ import annotations

import asyncio
import logging
import ssl
import time
from collections.abc import Mapping
from dataclasses import replace
from http import HTTPStatus
from types import TracebackType
from typing import Self
from urllib.parse import urlencode

import aiohttp
from kubernetes.aio.client.rest import RESTClientObject

from failoverip import __version__
from failoverip.kube.answers import Answer, Json, read_answer
from failoverip.kube.config import ConnectionInfo, Source
from failoverip.kube.errors import (
    ApiUnreachable,
    KubeconfigError,
    KubeError,
    OutcomeUnknown,
    ServerError,
    Unauthorized,
)

logger = logging.getLogger(__name__)

# A projected token is renewed by the kubelet long before it ends; the file must be read again.
_REREAD_SECONDS = 60.0


class _Unanswered(aiohttp.ClientError):
    """Sent and not answered: an error that aiohttp does not answer by sending again."""


async def _send_once(
    request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType
) -> aiohttp.ClientResponse:
    try:
        response = await handler(request)
    except aiohttp.ClientConnectorError:
        raise  # never connected, nothing sent; aiohttp does not repeat it either
    except (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError) as error:
        raise _Unanswered(f"the connection broke ({type(error).__name__})") from error
    if HTTPStatus.MULTIPLE_CHOICES <= response.status < HTTPStatus.BAD_REQUEST:
        # No API server redirects, and aiohttp would send the same again to wherever it points.
        response.close()
        raise _Unanswered(f"redirected (HTTP {response.status})")
    return response


class _Pool:
    """Connections that share one fate, and how many requests are under way on them."""

    def __init__(self, connection: ConnectionInfo) -> None:
        configuration = connection.configuration()
        configuration.client_session_kwargs = {
            "trust_env": False,
            "middlewares": (_send_once,),
            "cookie_jar": aiohttp.DummyCookieJar(),
        }
        self.transport = RESTClientObject(configuration)
        self.under_way = 0
        self.retired = False

    async def close(self) -> None:
        await self.transport.close()


class KubeClient:
    """Requests to one API server. Use it in one event loop, and close it.

    Nothing is ever sent twice. Errors are those of `failoverip.kube.errors`; a write that was sent
    and not answered raises OutcomeUnknown.
    """

    def __init__(
        self,
        source: Source,
        connection: ConnectionInfo,
        reread_seconds: float = _REREAD_SECONDS,
    ) -> None:
        self._source = source
        self._connection = connection
        self._reread_seconds = reread_seconds
        self._read_at: float | None = time.monotonic()
        self._pool: _Pool | None = None
        self._pools: set[_Pool] = set()

    @classmethod
    async def open(cls, source: Source, reread_seconds: float = _REREAD_SECONDS) -> Self:
        """Read `source` and send nothing yet; KubeconfigError when it cannot be used."""
        connection = await source.load()
        _check_tls(connection)
        return cls(source, connection, reread_seconds)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.close()

    @property
    def server_host(self) -> str:
        """Name or address of the API server, without port."""
        return self._connection.server_host

    async def connection_info(self) -> ConnectionInfo:
        """For another client of the same server: the files and the token as they are now."""
        self._read_at = None
        await self._reread()
        return self._connection

    async def request(
        self,
        method: str,
        path: str,
        query: Mapping[str, str] | None = None,
        body: Json | None = None,
        content_type: str = "application/json",
        *,
        timeout_seconds: float,
    ) -> Json:
        """Send one request and return the object in its answer.

        `timeout_seconds` bounds all of it: connecting, sending, waiting, reading.
        """
        await self._reread()
        url = self._connection.server + path + (f"?{urlencode(query)}" if query else "")
        headers = self._headers(content_type)
        pool = self._current_pool()
        pool.under_way += 1
        try:
            answer = await _exchange(pool, method, url, headers, body, timeout_seconds)
        except (aiohttp.ClientError, OSError) as error:
            self._retire(pool)
            # Some of aiohttp's errors carry the request with its headers in their repr.
            raise _transport_error(f"{method} {path}", method, error) from None
        except asyncio.CancelledError:
            self._retire(pool)
            raise
        finally:
            pool.under_way -= 1
            await self._close_unused()
        try:
            return read_answer(method, path, answer)
        except Unauthorized:
            self._read_at = None
            raise
        except (ServerError, OutcomeUnknown):
            # A balancer may lead a new connection to an API server that is well.
            self._retire(pool)
            await self._close_unused()
            raise

    async def close(self) -> None:
        """Close every connection; a request under way breaks."""
        pools, self._pools, self._pool = self._pools, set(), None
        for pool in pools:
            await pool.close()

    def _headers(self, content_type: str) -> dict[str, str]:
        headers = {
            "Accept": "application/json",
            "Content-Type": content_type,
            "User-Agent": f"failoverip/{__version__}",
        }
        if self._connection.authorization:
            headers["Authorization"] = self._connection.authorization
        return headers

    def _current_pool(self) -> _Pool:
        if self._pool is None:
            try:
                self._pool = _Pool(self._connection)
            except (OSError, ValueError) as error:
                raise ApiUnreachable(_bad_certificates(self._connection, error)) from None
            self._pools.add(self._pool)
        return self._pool

    def _retire(self, pool: _Pool | None) -> None:
        if pool:
            pool.retired = True
        if self._pool is pool:
            self._pool = None

    async def _close_unused(self) -> None:
        for pool in [pool for pool in self._pools if pool.retired and not pool.under_way]:
            self._pools.discard(pool)
            await pool.close()

    async def _reread(self) -> None:
        now = time.monotonic()
        if self._read_at is not None and now - self._read_at < self._reread_seconds:
            return
        self._read_at = now
        try:
            connection = await self._source.load()
            if _endpoint(connection) != _endpoint(self._connection):
                _check_tls(connection)
                self._retire(self._pool)
        except KubeconfigError as error:
            # Half-written files mend themselves; a token that no longer counts shows as 401.
            logger.warning("the old connection settings stay in use: %s", error)
            return
        self._connection = connection


async def _exchange(
    pool: _Pool,
    method: str,
    url: str,
    headers: dict[str, str],
    body: Json | None,
    timeout_seconds: float,
) -> Answer:
    async with asyncio.timeout(timeout_seconds):
        response = await pool.transport.request(  # type: ignore[no-untyped-call]  # ships no types
            method,
            url,
            headers=headers,
            body=body,
            _request_timeout=aiohttp.ClientTimeout(total=None),
        )
        content = await response.read()
    return Answer(response.status, content, response.headers.get("Retry-After", ""))


def _transport_error(request: str, method: str, error: Exception) -> KubeError:
    if isinstance(error, aiohttp.ClientConnectorError):
        return ApiUnreachable(f"{request}: {error}")
    text = f"{request}: {_reason(error)}"
    return ApiUnreachable(text) if method == "GET" else OutcomeUnknown(text)


def _reason(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return "no answer in time"
    return str(error) if isinstance(error, _Unanswered) else type(error).__name__


def _endpoint(connection: ConnectionInfo) -> ConnectionInfo:
    """What a kept connection depends on: everything but the token."""
    return replace(connection, scheme="", token="")


def _check_tls(connection: ConnectionInfo) -> None:
    """Fail early and in one line on certificates that cannot be used."""
    try:
        RESTClientObject(connection.configuration())
    except (OSError, ValueError) as error:
        raise KubeconfigError(_bad_certificates(connection, error)) from None


def _bad_certificates(connection: ConnectionInfo, error: Exception) -> str:
    reason = type(error).__name__ if isinstance(error, ssl.SSLError) else str(error)
    return (
        f"certificates for {connection.server} cannot be used ({reason}); check "
        "certificate-authority, client-certificate and client-key"
    )
