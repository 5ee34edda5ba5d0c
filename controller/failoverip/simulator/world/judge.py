"""Who holds the operator to its promises, from what anybody outside of it can see.

Sees each change of the Kubernetes API, the first byte of each request to switch, and Robot's
journal. Imports nothing of the operator: what it knows of health, causes and limits is written
here a second time, on purpose.

The names of the invariants are those of docs/safety.md. Bounds are those that the operator's
promises leave: what it may not have seen yet cannot be held against it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

Json = Mapping[str, Any]

# kubelets beat every 10 s; evidence of 20 s, lists of 5 s, and the window of 15 s within which
# what was decided may leave.
SIGHT_SECONDS = 45.0
# A node that was well for this long, as the API server shows it, gives no cause to leave it.
WELL_SECONDS = 60.0
# What a person changed less than this ago need not have been seen when the first byte left.
NEWS_SECONDS = 25.0
HOUR_SECONDS = 3600.0
READS_PER_HOUR, WRITES_PER_HOUR = 100, 50
LOGIN_SPAN_SECONDS, MOST_FAILED_LOGINS = 900.0, 2

FAILURES = frozenset({"NodeDeleted", "NodeNotReady", "NodeUnreachable"})


@dataclass(frozen=True, slots=True)
class Breach:
    """One promise that was broken."""

    at: float
    invariant: str
    text: str

    def __str__(self) -> str:
        # Promises have numbers, harm has words.
        what = "done" if " " in self.invariant else "broken"
        return f"t={self.at:.3f} {self.invariant} {what}: {self.text}"


@dataclass(slots=True)
class NodeFacts:
    """What the API server has shown of one node object. Times are of the world."""

    uid: str
    servers: frozenset[str]
    beat_at: float | None = None
    # How long nobody could see a beat, up to its last one.
    blind_seconds: float = 0.0
    ready: str = "Unknown"
    ready_at: float = 0.0
    # When it had last been silent for so long that silence is evidence.
    silent_at: float = 0.0
    # When it was last not well: not Ready, or without a beat for longer than a beat takes.
    unwell_at: float = 0.0
    unwanted: bool = False
    unwanted_at: float | None = None
    gone_at: float | None = None
    # Since when it is known, has this server, and beats without a gap.
    seen_at: float = 0.0
    servers_at: float = 0.0
    servers_before: frozenset[str] = frozenset()
    steady_since: float = 0.0

    def unwell_by(self, now: float, beat_seconds: float) -> float:
        """When it was last not well, as of now."""
        silent = self.beat_at is None or now - self.beat_at > beat_seconds
        return now if self.ready != "True" or silent or self.gone_at is not None else self.unwell_at


@dataclass(slots=True)
class ResourceFacts:
    """What the API server shows of one FailoverIP."""

    spec: Json
    status: Json
    active_until: float
    gone_at: float | None = None
    uid: str = ""
    # Of two that name one address, the lesser is the owner.
    age: tuple[str, str] = ("", "")
    seen_at: float = 0.0
    enforced_until: float = 0.0
    epoch_at: float = 0.0
    # How many switches were requested so far, and the one that the open intent may answer.
    requests: int = 0
    requested: str = ""
    intent_request: int = 0


@dataclass(slots=True)
class Facts:
    """All that the judge remembers."""

    nodes: dict[str, NodeFacts] = field(default_factory=dict)
    former: list[tuple[str, NodeFacts]] = field(default_factory=list)
    resources: dict[str, ResourceFacts] = field(default_factory=dict)


BEAT_SECONDS = 12.0
# What the operator must have watched, and how long what it then decided may take to leave.
SILENCE_SECONDS, LEAVING_SECONDS = 20.0, 30.0


class Judge:
    """Collects breaches: all of them, or `only` those of these names."""

    def __init__(self, only: Collection[str] | None = None) -> None:
        self.breaches: list[Breach] = []
        self._only = only
        # Called with each breach.
        self.on_breach: Callable[[], object] = lambda: None
        self.facts = Facts()
        # How long nobody could see a beat so far, and since when it is so.
        self._blind_seconds = 0.0
        self._blind_since: float | None = None

    # -- what it is shown

    def node(self, at: float, document: Json, servers: Iterable[str], *, deleted: bool) -> None:
        """A Node object, as it is now; `servers` are the targets that lead to it."""
        name, uid = document["metadata"]["name"], document["metadata"]["uid"]
        facts = self.facts.nodes.get(name)
        if facts is None or facts.uid != uid:
            if facts is not None:
                self.facts.former.append((name, facts))
            facts = self.facts.nodes[name] = NodeFacts(
                uid,
                frozenset(servers),
                blind_seconds=self._blind_by(at),
                unwell_at=at,
                seen_at=at,
                servers_at=at,
                steady_since=at,
            )
        if facts.servers != frozenset(servers):
            facts.servers_before, facts.servers_at = facts.servers, at
            facts.servers = frozenset(servers)
        facts.unwell_at = facts.unwell_by(at, BEAT_SECONDS)
        conditions = document.get("status", {}).get("conditions", [])
        ready = next((c["status"] for c in conditions if c["type"] == "Ready"), "Unknown")
        if ready != facts.ready:
            facts.ready, facts.ready_at = ready, at
        facts.unwell_at = facts.unwell_by(at, BEAT_SECONDS)
        labels = document["metadata"].get("labels", {})
        unwanted = bool(document["spec"].get("unschedulable")) or "world" not in labels
        if facts.unwanted or unwanted:
            facts.unwanted_at = at
        facts.unwanted = unwanted
        if deleted:
            facts.gone_at = at

    def beat(self, at: float, node: str) -> None:
        """A node's heartbeat Lease was renewed."""
        facts = self.facts.nodes.get(node)
        if facts is not None and facts.gone_at is None:
            facts.unwell_at = facts.unwell_by(at, BEAT_SECONDS)
            if facts.unwell_at == at:
                facts.steady_since = at
            self._mark_silence(at, facts)
            facts.beat_at, facts.blind_seconds = at, self._blind_by(at)

    def api_is_down(self, at: float, *, down: bool) -> None:
        """Whether no beat of any node can reach the API server."""
        if down and self._blind_since is None:
            self._blind_since = at
        elif not down and self._blind_since is not None:
            self._blind_seconds = self._blind_by(at)
            self._blind_since = None

    def _blind_by(self, at: float) -> float:
        since = self._blind_since
        return self._blind_seconds + (0.0 if since is None else at - since)

    def _mark_silence(self, at: float, facts: NodeFacts) -> None:
        """Whether it has been silent for long, without the time in which no beat could arrive."""
        if self.silence(at, facts) >= SILENCE_SECONDS - 0.1:
            facts.silent_at = at

    def silence(self, at: float, facts: NodeFacts) -> float:
        """For how long it has not beaten, without the time in which no beat could arrive."""
        beat_at = facts.seen_at if facts.beat_at is None else facts.beat_at
        return at - beat_at - (self._blind_by(at) - facts.blind_seconds)

    def resource(self, at: float, document: Json, *, deleted: bool) -> None:
        """A FailoverIP, as it is now."""
        name, spec = document["metadata"]["name"], document["spec"]
        status = document.get("status") or {}
        known = self.facts.resources.get(name)
        if known is None or known.gone_at is not None:
            metadata = document["metadata"]
            uid = metadata.get("uid", "")
            age = (metadata.get("creationTimestamp", ""), uid)
            known = ResourceFacts(spec, {}, at, uid=uid, age=age, seen_at=at)
            self.facts.resources[name] = known
        self._note_wishes(at, known, document)
        self._compare(at, name, known.status, status)
        if (known.status.get("fence") or {}).get("epoch") != (status.get("fence") or {}).get(
            "epoch"
        ):
            known.epoch_at = at
        intent = status.get("intent")
        if intent is not None and intent["id"] != (known.status.get("intent") or {}).get("id"):
            known.intent_request = known.requests
        known.spec, known.status = spec, status
        if deleted:
            known.gone_at = at

    @staticmethod
    def _note_wishes(at: float, known: ResourceFacts, document: Json) -> None:
        """What people want, and until when they wanted something else."""
        if known.spec.get("mode", "Active") == "Active":
            known.active_until = at
        if known.spec.get("drift", "Report") == "Enforce":
            known.enforced_until = at
        annotations = document["metadata"].get("annotations") or {}
        requested = annotations.get("failoverip.io/switch-to", "")
        if requested != known.requested:
            known.requested, known.requests = requested, known.requests + 1

    def _compare(self, at: float, name: str, old: Json, new: Json) -> None:
        """I1: the epoch never falls, and an intent gives way to no other in one write."""
        before, after = (s.get("fence") or {} for s in (old, new))
        if before.get("epoch", 0) > after.get("epoch", 0):
            self.broken(at, "I1", f"{name}: epoch fell from {before} to {after}")
        was, now = old.get("intent"), new.get("intent")
        if was and now and was["id"] != now["id"]:
            self.broken(at, "I1", f"{name}: intent {was['id']} was replaced by {now['id']}")

    def first_byte(self, at: float, replica: str, address: str, target: str) -> None:
        """The first byte of a request to route `address` to `target` leaves."""
        named = f"{replica} asks for {address} at {target}"
        found = self.intending(at, address, target)
        if found is None:
            self.broken(at, "I2", f"{named}: no intent says so")
            return
        name, facts = found
        intent = facts.status["intent"]
        if intent.get("attempts", 0) < 1:
            self.broken(at, "I2", f"{named}: no attempt is recorded")
        if intent["epoch"] != facts.status["fence"]["epoch"]:
            self.broken(at, "I2", f"{named}: the intent is of another epoch")
        if facts.spec.get("mode", "Active") != "Active" and (
            at - facts.active_until > NEWS_SECONDS
        ):
            self.broken(at, "I7", f"{named}: {name} is {facts.spec['mode']}")
        self._judge_target(at, named, target)
        if intent.get("attempts", 0) == 1:
            self._judge_cause(at, named, intent)

    def intending(self, at: float, address: str, target: str) -> tuple[str, ResourceFacts] | None:
        """The resource whose open intent says so."""
        found = [
            (name, facts)
            for name, facts in self.facts.resources.items()
            if any(text.split("/")[0] == address for text in facts.spec["addresses"])
            and (facts.gone_at is None or at - facts.gone_at <= NEWS_SECONDS)
            and self._intends(facts.status, address, target)
        ]
        return found[0] if found else None

    @staticmethod
    def _intends(status: Json, address: str, target: str) -> bool:
        routes: Sequence[Json] = (status.get("intent") or {}).get("routes", [])
        return any(
            route["address"].split("/")[0] == address and route["to"] == target for route in routes
        )

    def _judge_target(self, at: float, named: str, target: str) -> None:
        """I3: the target was well and wanted within what could be seen."""
        there = [facts for _, facts in self.nodes_on(target, at)]
        # An edit of a moment ago need not have been seen.
        there += [
            facts
            for facts in self.facts.nodes.values()
            if target in facts.servers_before and at - facts.servers_at <= NEWS_SECONDS
        ]
        if not there:
            self.broken(at, "I3", f"{named}: no node is on that server")
        elif not any(self._was_alive(facts, at) for facts in there):
            self.broken(at, "I3", f"{named}: its node gives no sign of life")

    def _was_alive(self, facts: NodeFacts, at: float) -> bool:
        return facts.beat_at is not None and at - facts.beat_at <= SIGHT_SECONDS

    def nodes_on(self, target: str, at: float) -> list[tuple[str, NodeFacts]]:
        """The node objects on a server now, or until lately."""
        every = [*self.facts.nodes.items(), *self.facts.former]
        return [
            (name, facts)
            for name, facts in every
            if target in facts.servers
            and (facts.gone_at is None or at - facts.gone_at <= NEWS_SECONDS)
        ]

    def _judge_cause(self, at: float, named: str, intent: Json) -> None:
        """I4, I5: nothing leaves a node that was well all the time, unless somebody asked."""
        cause = intent["cause"]
        node = self.facts.nodes.get(cause.get("node", ""))
        if cause["reason"] not in FAILURES or node is None or node.uid != cause.get("nodeUID"):
            return
        self._mark_silence(at, node)
        if cause["reason"] == "NodeUnreachable" and at - node.silent_at > LEAVING_SECONDS:
            self.broken(at, "I5", f"{named}: {cause['node']} was never silent for long")
        unwell_at = node.unwell_by(at, BEAT_SECONDS)
        if at - unwell_at > WELL_SECONDS:
            self.broken(
                at,
                "I4",
                f"{named} for {cause['reason']}: {cause['node']} is well since {unwell_at:.1f}",
            )

    def refused(self, at: float, replica: str, text: str) -> None:
        """A run-time check of the operator refused what its decision had let through: a defect."""
        self.broken(at, "check", f"{replica} refused its own request: {text}")

    # -- what it reads at the end

    def requests(
        self, entries: Iterable[Any], own: frozenset[str], ledger_lost_at: Sequence[float] = ()
    ) -> None:
        """I6 over Robot's journal; `own` are the sources of this installation.

        Who knows nothing of the logins before, as the ledger is lost, may try one.
        """
        reads: list[float] = []
        writes: list[float] = []
        refused: dict[str, list[float]] = {}
        for entry in entries:
            # A refused connection spends nothing.
            if entry.source not in own or entry.fault == "down":
                continue
            if entry.method == "GET" and entry.path == "/failover":
                reads.append(entry.began)
            elif entry.method == "POST":
                writes.append(entry.began)
            if entry.status == 401:
                refused.setdefault(entry.source, []).append(entry.began)
        self._within(reads, HOUR_SECONDS, READS_PER_HOUR, "reads in an hour")
        self._within(writes, HOUR_SECONDS, WRITES_PER_HOUR, "writes in an hour")
        for source, times in refused.items():
            what = f"failed logins of {source}"
            self._within(times, LOGIN_SPAN_SECONDS, MOST_FAILED_LOGINS, what, ledger_lost_at)

    def _within(
        self,
        times: Sequence[float],
        span: float,
        most: int,
        what: str,
        lost_at: Sequence[float] = (),
    ) -> None:
        """At most so many in any such span, one more where what was known got lost within it."""
        for index, at in enumerate(times):
            recent = [then for then in times[: index + 1] if at - then < span]
            lost = any(recent[0] < then < at for then in lost_at)
            if len(recent) > most + lost:
                self.broken(at, "I6", f"more than {most} {what}")
                return

    def broken(self, at: float, invariant: str, text: str) -> None:
        """One more breach, if it counts here."""
        if self._only is not None and invariant not in self._only:
            return
        self.breaches.append(Breach(at, invariant, text))
        self.on_breach()
