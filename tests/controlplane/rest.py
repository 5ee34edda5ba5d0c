"""A small synchronous Kubernetes client for tests: paths and plain JSON, no models."""

from __future__ import annotations

import json
import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx

Json = dict[str, Any]
Jsons = list[Json]

MERGE_PATCH = "application/merge-patch+json"
STRATEGIC_PATCH = "application/strategic-merge-patch+json"
JSON_PATCH = "application/json-patch+json"


class ApiError(Exception):
    """The API server said no: the HTTP status, the Status object's reason and message."""

    def __init__(self, status: int, reason: str, message: str) -> None:
        super().__init__(f"{status} {reason}: {message}")
        self.status = status
        self.reason = reason
        self.message = message


class Api:
    """Requests to one API server. Safe to use from several threads.

    Each call raises ApiError when the server refuses, httpx.TransportError when it does not answer.
    """

    def __init__(
        self,
        server: str,
        token: str | None = None,
        ca: Path | None = None,
        timeout_seconds: float = 30.0,
    ) -> None:
        self.server = server
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        context = ssl.create_default_context(cafile=ca) if server.startswith("https") else False
        self._client = httpx.Client(
            base_url=server,
            headers=headers,
            verify=context,
            timeout=timeout_seconds,
            limits=httpx.Limits(max_connections=None),
            trust_env=False,
        )

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def get(self, path: str, **query: str) -> Json:
        """One object."""
        return self.request("GET", path, query=query)

    def find(self, path: str, **query: str) -> Json | None:
        """One object, or None when the server has no such thing."""
        try:
            return self.get(path, **query)
        except ApiError as error:
            if error.status == httpx.codes.NOT_FOUND:
                return None
            raise

    def list(self, path: str, **query: str) -> Jsons:
        """The items of a collection."""
        items: Jsons = self.get(path, **query).get("items") or []
        return items

    def create(self, path: str, body: Json, **query: str) -> Json:
        """POST to a collection."""
        return self.request("POST", path, body, query)

    def replace(self, path: str, body: Json, **query: str) -> Json:
        """PUT; a resourceVersion in `body` makes it conditional."""
        return self.request("PUT", path, body, query)

    def patch(
        self, path: str, body: Json | Jsons, content_type: str = MERGE_PATCH, **query: str
    ) -> Json:
        """PATCH; a merge patch unless `content_type` says otherwise."""
        return self.request("PATCH", path, body, query, content_type)

    def delete(self, path: str, **query: str) -> Json:
        """DELETE an object or a whole collection."""
        return self.request("DELETE", path, query=query)

    def request(
        self,
        method: str,
        path: str,
        body: Json | Jsons | None = None,
        query: dict[str, str] | None = None,
        content_type: str = "application/json",
    ) -> Json:
        """Any request with a JSON answer."""
        response = self._client.request(
            method,
            path,
            params=query or {},
            content=None if body is None else json.dumps(body),
            headers={} if body is None else {"Content-Type": content_type},
        )
        if response.is_error:
            raise _api_error(response.status_code, response.text)
        answer: Json = response.json()
        return answer

    def text(self, path: str) -> str:
        """The body of a page that is not JSON, such as /readyz."""
        response = self._client.get(path)
        if response.is_error:
            raise _api_error(response.status_code, response.text)
        return response.text

    def watch(self, path: str, **query: str) -> Iterator[Json]:
        """The events of a watch as they arrive, until the server ends it. Close it when done."""
        with self._client.stream("GET", path, params={**query, "watch": "true"}) as response:
            if response.is_error:
                response.read()
                raise _api_error(response.status_code, response.text)
            for line in response.iter_lines():
                yield json.loads(line)


def _api_error(status: int, text: str) -> ApiError:
    try:
        answer = json.loads(text)
        return ApiError(status, answer.get("reason", ""), answer.get("message", ""))
    except (ValueError, AttributeError):
        return ApiError(status, "", text.strip())
