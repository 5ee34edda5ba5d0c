"""What a round left behind, as the audits see it: values only. Times are of `time.monotonic`.

The gatekeepers saw what each replica wrote and was told; Robot's journal has the arrival of each
request; the kubelets know which of their beats the API server took.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from tests.controlplane.rest import Json

LEASE_SECONDS = 6.0
# With it the judge of the simulated world can be asked: an election of 6 s is then one of 15 s.
TIME_SCALE = 0.4
# Codes of a switch that Robot began and did not do.
UNDONE = frozenset({"FAILOVER_FAILED", "FAILOVER_NOT_COMPLETE"})


@dataclass(frozen=True)
class LeaseWrite:
    """A write of the Lease that the API server took; `holder` is empty for a release."""

    arrived: float
    answered: float
    replica: str
    holder: str


@dataclass(frozen=True)
class StatusWrite:
    """A status that the API server took, and said so to its writer."""

    answered: float
    replica: str
    name: str
    status: Json


@dataclass(frozen=True)
class Span:
    """From when until when; without an end while it lasts."""

    who: str
    began: float
    ended: float = math.inf


@dataclass(frozen=True)
class NodeFact:
    """A node object, and the targets that lead to its server."""

    name: str
    uid: str
    targets: frozenset[str]


@dataclass(frozen=True)
class Facts:
    """A whole round."""

    spec: Json
    nodes: Sequence[NodeFact]
    # Who sends from this address.
    replica_of: Mapping[str, str]
    # Where each address was at first.
    routes: Mapping[str, str]
    requests: Sequence[Json] = ()
    leases: Sequence[LeaseWrite] = ()
    statuses: Sequence[StatusWrite] = ()
    # When, and whose.
    beats: Sequence[tuple[float, str]] = ()
    # When no beat could reach the API server.
    blind: Sequence[Span] = ()
    # From the start of a process to its end.
    lives: Sequence[Span] = ()
    frozen: Sequence[Span] = ()
    # (replica, what its own check refused)
    refusals: Sequence[tuple[str, str]] = ()
    # (replica, exit code) of processes that ended by themselves.
    ended: Sequence[tuple[str, int]] = ()
    began: float = 0.0

    def posts(self) -> list[Json]:
        """The operator's requests to switch, in order of arrival."""
        sent = [
            e for e in self.requests if e["method"] == "POST" and e["source"] in self.replica_of
        ]
        return sorted(sent, key=lambda entry: float(entry["began"]))

    def born(self, replica: str, at: float) -> float:
        """When the process of this replica that runs at that time was started."""
        starts = [life.began for life in self.lives if life.who == replica and life.began <= at]
        return max(starts, default=-math.inf)

    def acknowledged(self, replica: str, at: float) -> list[StatusWrite]:
        """What this replica's present process was told to be stored, the last one last."""
        since = self.born(replica, at)
        mine = [w for w in self.statuses if w.replica == replica and since <= w.answered <= at]
        return sorted(mine, key=lambda write: write.answered)


@dataclass(frozen=True)
class Request:
    """A request to Robot, in words."""

    entry: Json
    replica: str

    @property
    def at(self) -> float:
        """When its first byte had come."""
        return float(self.entry["began"])

    def __str__(self) -> str:
        entry = self.entry
        target = f" to {entry['target']}" if entry["target"] else ""
        return f"{self.replica}'s {entry['method']} {entry['path']}{target} (no. {entry['number']})"


@dataclass
class Diary:
    """What only the player knows, as it goes on."""

    began: float
    lives: list[Span] = field(default_factory=list)
    frozen: list[Span] = field(default_factory=list)
    blind: list[Span] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def over(spans: list[Span], who: str, at: float) -> None:
    """End what lasts."""
    for index, span in enumerate(spans):
        if span.who == who and span.ended == math.inf:
            spans[index] = Span(who, span.began, at)
