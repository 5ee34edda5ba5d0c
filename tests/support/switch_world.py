"""A small world of values: one resource, Robot, three nodes, and leaders that may crash.

Robot executes a switch after some reads of its routes. A leader observes, decides and applies as
the operator does; what it remembers dies with it, what it recorded and sent does not.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import Enum

from tests.support.observations import NOW, PLENTY, WALL, an_observation, number_of, policy, server

from failoverip.core.addresses import AddressKey, TargetAddress
from failoverip.core.cluster import Heartbeat, Node, Ready
from failoverip.core.decide import decide
from failoverip.core.decision import (
    AdoptIntent,
    Attempt,
    CloseIntent,
    Decision,
    Hold,
    OpenIntent,
    Refresh,
)
from failoverip.core.health import ClusterTrace, observe_lists
from failoverip.core.memory import IntentMemory, answered, remember_intent, sent
from failoverip.core.observation import AccountView, Observation
from failoverip.core.provider import (
    AlreadyRouted,
    CannotTell,
    Fault,
    Locked,
    NotExecuted,
    OutcomeUnknown,
    Route,
    SwitchAnswer,
    Switched,
)
from failoverip.core.resource import Resource
from failoverip.core.routes import RouteTrack, track_route
from failoverip.core.status import render_status
from failoverip.core.timings import Timings

# A lease must run out before the next leader begins.
HAND_OVER_SECONDS = 18.0
T = Timings()


class Crash(Enum):
    """Where in a step the leader dies."""

    BEFORE_THE_WRITE = "before the write"
    AFTER_THE_WRITE = "after the write"
    AFTER_THE_REQUEST = "after the request"


class Loss(Enum):
    """What happens to a request."""

    NONE = "none"
    ANSWER = "the answer"
    REQUEST = "the request"


class LeaderDiedError(Exception):
    """The process is gone, with all that it remembered."""


@dataclass
class RobotRoute:
    """Where Robot routes one address; `executed` are the switches that were carried out."""

    target: TargetAddress | None
    running: TargetAddress | None = None
    reads_left: int = 0
    executed: list[TargetAddress] = field(default_factory=list)
    asked: list[TargetAddress] = field(default_factory=list)

    def ask(self, target: TargetAddress, reads_needed: int) -> SwitchAnswer | None:
        """The answer, None while the switch runs."""
        self.asked.append(target)
        if self.running is not None:
            return Locked()
        if self.target == target:
            return AlreadyRouted()
        self.running, self.reads_left = target, reads_needed
        return None

    def pass_a_read(self) -> None:
        """One read nearer to the end of what runs."""
        if self.running is None:
            return
        self.reads_left -= 1
        if self.reads_left <= 0:
            self.target = self.running
            self.executed.append(self.running)
            self.running = None


@dataclass
class Leader:
    """What one process knows."""

    epoch: int
    since: float
    trace: ClusterTrace = field(default_factory=ClusterTrace)
    tracks: dict[AddressKey, RouteTrack] = field(default_factory=dict)
    read_at: float | None = None
    memory: IntentMemory | None = None
    waiting_for: set[AddressKey] = field(default_factory=set)


class SwitchWorld:
    """Node a died long ago, b and c beat; every address is routed to a."""

    def __init__(
        self,
        *addresses: str,
        reads_needed: int,
        tells_ready: bool,
        losses: tuple[Loss, ...] = (),
    ) -> None:
        self.now = NOW
        spec = policy(*addresses)
        self.resource: Resource = replace(an_observation().resource, policy=spec)
        self.robot = {address.key: RobotRoute(server(1).ipv4) for address in spec.addresses}
        self.leader = Leader(epoch=7, since=self.now)
        self._reads_needed = reads_needed
        self._tells_ready = tells_ready
        self._losses = list(losses)

    @property
    def moved(self) -> bool:
        """Whether a switch ended and none is open."""
        return self.resource.status.intent is None and bool(self.resource.status.moves)

    def step(self, crash: Crash | None = None) -> Decision | None:
        """One pass of the leader, which may die in it; None when it did."""
        try:
            return self._pass(crash)
        except LeaderDiedError:
            self.now += HAND_OVER_SECONDS
            self._claim()
            return None

    def _claim(self) -> None:
        fence = self.resource.status.fence
        assert fence is not None
        self.leader = Leader(fence.epoch + 1, self.now)
        claimed = replace(fence, epoch=self.leader.epoch, holder=f"replica-{self.leader.epoch}")
        self._store(replace(self.resource, status=replace(self.resource.status, fence=claimed)))

    def _pass(self, crash: Crash | None) -> Decision:
        self._list_nodes()
        self._hear_from_robot()
        o = self._observe()
        decision = decide(o)
        if crash is Crash.BEFORE_THE_WRITE:
            raise LeaderDiedError
        if isinstance(decision.action, Refresh):
            self._read_routes()
            self.now += 0.5
            return decision
        self._store(replace(self.resource, status=render_status(o, decision)))
        if crash is Crash.AFTER_THE_WRITE:
            raise LeaderDiedError
        self._apply(decision)
        if crash is Crash.AFTER_THE_REQUEST:
            raise LeaderDiedError
        return decision

    def _apply(self, decision: Decision) -> None:
        leader = self.leader
        match decision.action:
            case OpenIntent(intent=intent) | AdoptIntent(intent=intent):
                leader.memory = remember_intent(intent, self.now)
            case CloseIntent():
                leader.memory = None
            case Attempt(intent=intent, addresses=addresses):
                memory = leader.memory or remember_intent(intent, self.now)
                leader.memory = sent(memory, addresses)
                targets = {route.address.key: route.to for route in intent.routes}
                for address in addresses:
                    self._ask(address, targets[address])
            case Hold():
                self._read_if_due(decision.read_routes_at)
                self.now += max(1.0, decision.recheck_after_seconds)
            case _:
                self.now += 1.0

    def _ask(self, address: AddressKey, target: TargetAddress) -> None:
        loss = self._losses.pop(0) if self._losses else Loss.NONE
        if loss is Loss.REQUEST:
            limited = CannotTell(Fault.RATE_LIMITED, "not executed")
            self._hear(address, NotExecuted(limited))
            return
        answer = self.robot[address].ask(target, self._reads_needed)
        if loss is Loss.ANSWER:
            self._hear(address, OutcomeUnknown(CannotTell(Fault.CONNECTION_LOST, "reset")))
        elif answer is None:
            self.leader.waiting_for.add(address)
        else:
            self._hear(address, answer)

    def _hear_from_robot(self) -> None:
        """Answers to requests of this leader's whose switch ended."""
        for address in sorted(self.leader.waiting_for):
            route = self.robot[address]
            if route.running is None:
                self.leader.waiting_for.discard(address)
                shown = Route(address, route.target, True if self._tells_ready else None)
                self._see(shown)
                self._hear(address, Switched(shown))

    def _hear(self, address: AddressKey, answer: SwitchAnswer) -> None:
        assert self.leader.memory is not None
        self.leader.memory = answered(self.leader.memory, address, answer, self.now)

    def _read_if_due(self, wanted_at: float | None) -> None:
        read_at = self.leader.read_at
        due = float("-inf") if read_at is None else read_at + T.route_read_seconds
        if due <= self.now or (wanted_at is not None and wanted_at <= self.now):
            self._read_routes()

    def _read_routes(self) -> None:
        for address, route in self.robot.items():
            route.pass_a_read()
            ready = route.running is None if self._tells_ready else None
            self._see(Route(address, route.target, ready))
        self.leader.read_at = self.now

    def _see(self, route: Route) -> None:
        tracks = self.leader.tracks
        tracks[route.address] = track_route(tracks.get(route.address), route, self.now)

    def _list_nodes(self) -> None:
        beats: Mapping[str, str] = {
            name: f"beat {int(self.now + number_of(name)) // 10}" for name in "bc"
        }
        self.leader.trace = observe_lists(
            self.leader.trace,
            [
                Node(
                    name,
                    f"uid-{name}",
                    ready=Ready.TRUE if name in beats else Ready.UNKNOWN,
                    provider_id=f"hrobot://{number_of(name)}",
                )
                for name in "abc"
            ],
            [Heartbeat("a", "its last"), *(Heartbeat(n, beat) for n, beat in beats.items())],
            sent_at=self.now,
            answered_at=self.now,
            gap_seconds=T.observation_gap_seconds,
        )

    def _observe(self) -> Observation:
        leader = self.leader
        read = leader.read_at is not None
        return replace(
            an_observation(),
            now=self.now,
            wall_seconds=WALL + self.now - NOW,
            resource=self.resource,
            cluster=leader.trace,
            memory=leader.memory,
            account=AccountView(
                routes=dict(leader.tracks),
                listed=frozenset(self.robot) if read else None,
                routes_read_at=leader.read_at,
                servers=tuple(server(number) for number in (1, 2, 3)),
                budget=PLENTY,
            ),
        )

    def _store(self, resource: Resource) -> None:
        if resource != self.resource:
            version = str(int(self.resource.resource_version) + 1)
            self.resource = replace(resource, resource_version=version)
