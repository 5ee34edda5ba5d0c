"""Nodes and heartbeats as they were listed."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Ready(StrEnum):
    """The node's Ready condition; ABSENT when the node has none yet."""

    TRUE = "True"
    FALSE = "False"
    UNKNOWN = "Unknown"
    ABSENT = "Absent"


@dataclass(frozen=True, slots=True)
class Node:
    """A Node, projected to what decisions use.

    `labels` are sorted pairs; `server_annotation` is the value of failoverip.io/server or empty.
    """

    name: str
    uid: str
    labels: tuple[tuple[str, str], ...] = ()
    ready: Ready = Ready.ABSENT
    unschedulable: bool = False
    deleting: bool = False
    provider_id: str = ""
    addresses: tuple[str, ...] = ()
    server_annotation: str = ""


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """A Lease of kube-node-lease: the node's name and `spec.renewTime` as an opaque text.

    Only a change of the text counts; the clock that wrote it is not ours (kubernetes#120824).
    """

    node: str
    renewed: str
