"""Objects and paths that the contract's tests write."""

from __future__ import annotations

import pytest
from tests.controlplane.cluster import FAILOVER_IPS
from tests.controlplane.rest import Api, ApiError, Json

CONFIG_MAPS = "/api/v1/namespaces/default/configmaps"
SECRETS = "/api/v1/namespaces/default/secrets"
LEASES = "/apis/coordination.k8s.io/v1/namespaces/default/leases"
NODES = "/api/v1/nodes"
WEB = f"{FAILOVER_IPS}/web"


def failover_ip(name: str = "web", **metadata: object) -> Json:
    return {
        "apiVersion": "failoverip.io/v1alpha1",
        "kind": "FailoverIP",
        "metadata": {"name": name, **metadata},
        "spec": {"addresses": ["203.0.113.10"]},
    }


def config_map(name: str, **metadata: object) -> Json:
    return {"metadata": {"name": name, **metadata}, "data": {"key": "value"}}


def lease(name: str, holder: str, **metadata: object) -> Json:
    return {"metadata": {"name": name, **metadata}, "spec": {"holderIdentity": holder}}


def node(name: str, **metadata: object) -> Json:
    ready = {"type": "Ready", "status": "True", "reason": "KubeletReady"}
    return {"metadata": {"name": name, **metadata}, "status": {"conditions": [ready]}}


def version(document: Json) -> str:
    text: str = document["metadata"]["resourceVersion"]
    return text


def changed(document: Json) -> Json:
    """Another spec; the metadata as they were read."""
    return document | {"spec": document["spec"] | {"addresses": ["203.0.113.11"]}}


class Refusal:
    """What a server answered to a request that it refused."""

    def __init__(self, error: ApiError) -> None:
        self.status, self.reason, self.message = error.status, error.reason, error.message

    @property
    def code(self) -> tuple[int, str]:
        return self.status, self.reason


def refused(api: Api, method: str, path: str, *args: object, **query: str) -> Refusal:
    """The refusal of `api.METHOD(path, ...)`; fails when it is accepted."""
    with pytest.raises(ApiError) as caught:
        getattr(api, method)(path, *args, **query)
    return Refusal(caught.value)


def delete_with(api: Api, path: str, preconditions: Json) -> Json:
    """DELETE with preconditions in its body."""
    options = {"kind": "DeleteOptions", "apiVersion": "v1", "preconditions": preconditions}
    return api.request("DELETE", path, options)
