"""A small Kubernetes API for the demo and for the simulated world.

It serves what kopf, our adapters and kubectl need: apply, get, describe, patch, wait, delete,
label, annotate, cordon. Its promises are a suite that also runs against the real API server. It
has no schema validation, pruning, RBAC, Tables, pagination or field ownership.

`Store` and `Api` are synchronous and deterministic: time and uids are arguments. Only `server` and
`ticking` know asyncio. May not import anything of the operator.
"""

from failoverip.simulator.kubernetes.api import Answer, Api, Watch
from failoverip.simulator.kubernetes.errors import ApiError
from failoverip.simulator.kubernetes.history import ChangeType, WatchEvent
from failoverip.simulator.kubernetes.kubelets import (
    HEARTBEAT_NAMESPACE,
    Kubelet,
    PretendNode,
    heartbeat_spec,
    node_document,
    ready_condition,
    says_ready,
)
from failoverip.simulator.kubernetes.nodelifecycle import NodeLifecycle
from failoverip.simulator.kubernetes.requests import Request
from failoverip.simulator.kubernetes.resources import Key, ResourceType
from failoverip.simulator.kubernetes.selectors import Selection
from failoverip.simulator.kubernetes.server import Door, running
from failoverip.simulator.kubernetes.store import Store
from failoverip.simulator.kubernetes.ticking import tick_forever

__all__ = [
    "HEARTBEAT_NAMESPACE",
    "Answer",
    "Api",
    "ApiError",
    "ChangeType",
    "Door",
    "Key",
    "Kubelet",
    "NodeLifecycle",
    "PretendNode",
    "Request",
    "ResourceType",
    "Selection",
    "Store",
    "Watch",
    "WatchEvent",
    "heartbeat_spec",
    "node_document",
    "ready_condition",
    "running",
    "says_ready",
    "tick_forever",
]
