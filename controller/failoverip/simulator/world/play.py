"""One seed, played: the world is set up, troubled, left in peace, and judged."""

from __future__ import annotations

import asyncio
import json
import random
import zlib
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from copy import deepcopy
from dataclasses import dataclass, field

from failoverip.core import invariants
from failoverip.core.decision import Decision
from failoverip.core.observation import Observation
from failoverip.core.reasons import Reason
from failoverip.metrics import Metrics
from failoverip.simulator import robot as simulated
from failoverip.simulator.kubernetes import PretendNode
from failoverip.simulator.world import field as field_incidents
from failoverip.simulator.world import guards, places
from failoverip.simulator.world.acts import resource_document
from failoverip.simulator.world.aimed import AIMED
from failoverip.simulator.world.aimed_acts import AimedActors
from failoverip.simulator.world.coverage import reasons_in
from failoverip.simulator.world.harm import HARM, Harm
from failoverip.simulator.world.judge import Breach, Judge
from failoverip.simulator.world.links import Json
from failoverip.simulator.world.peace import Wrong, strays, wrong
from failoverip.simulator.world.processes import ProcessLoop, run_processes
from failoverip.simulator.world.profiles import PROFILES
from failoverip.simulator.world.replica import Replica
from failoverip.simulator.world.script import Script
from failoverip.simulator.world.sight import Sight
from failoverip.simulator.world.without import open_doors
from failoverip.simulator.world.world import World

Judged = Mapping[str, invariants.Invariant]
Check = Callable[[invariants.Facts, Judged], invariants.Broken | None]

# What was cut off a moment ago is silent or not by then.
CALM_SECONDS = 60.0
PEACE_SECONDS = 1800.0
LONG_PEACE_SECONDS = 3600.0
STAY_SECONDS = 150.0


@dataclass(slots=True)
class Outcome:
    """What became of a seed."""

    breaches: tuple[Breach, ...]
    reasons: frozenset[str]
    simulated_seconds: float
    moves: int
    trace: list[str] = field(default_factory=list)


class _Metrics(Metrics):
    """Tells each decision."""

    def __init__(self, now: Callable[[], float], told: Callable[[str, Reason], None]) -> None:
        super().__init__(now, "0")
        self._told = told

    def resource_decided(self, failoverip: str, reason: Reason, *, ready: bool) -> None:
        super().resource_decided(failoverip, reason, ready=ready)
        self._told(failoverip, reason)


def play(
    script: Script,
    crd: Json,
    disabled: frozenset[str] = frozenset(),
    *,
    traced: bool = False,
    in_order: bool = False,
) -> Outcome:
    """Run the script to its end, or until a promise is broken.

    Without the guards in `disabled` (see `guards.GUARDS`). `in_order`: what is ready runs in its
    order and nothing is drawn, so that two plays differ only by what their acts did.
    """
    choices = random.Random(f"order {script.seed}")  # noqa: S311  an order, no secret
    jitter = (lambda: 0.5) if in_order else choices.random

    async def run() -> Outcome:
        stage = _Stage(script, crd, jitter, disabled, traced=traced)
        try:
            await stage.play()
            stage.note_the_end()
        finally:
            await stage.world.close()
        return stage.outcome()

    return run_processes(run(), None if in_order else choices)


class _Stage:
    def __init__(
        self,
        script: Script,
        crd: Json,
        jitter: Callable[[], float],
        disabled: frozenset[str],
        *,
        traced: bool,
    ) -> None:
        self._script = script
        self._disabled = disabled
        self._jitter = jitter
        self._traced = traced
        self._trace: list[str] = []
        self._reasons: set[str] = set()
        self._last: dict[tuple[str, str], Reason] = {}
        self._held: set[str] = set()
        nodes = [
            PretendNode(place.node, places.server_ipv4(place.server), labels={"world": "yes"})
            for place in script.places
        ]
        fenced = guards.FENCE not in disabled
        self.world = World(crd if fenced else _without_rules(crd), _robot(script), nodes)
        # Where a guard is left out, its rules of bookkeeping are, too: only harm counts.
        self.judge = Judge(HARM if disabled else None)
        self._broken = asyncio.Event()
        self.judge.on_breach = self._broken.set
        stepped = any(act.kind == "step_wall" for act in script.acts)
        shown_route = self.world.robot.machine.shown_route
        self.harm = Harm(self.judge, shown_route, clocks_are_true=not stepped)
        self.world.robot.on_served = self._served
        self.actors = AimedActors(self.world, script, self._start)
        self.world.create("/api/v1/namespaces", {"metadata": {"name": places.NAMESPACE}})
        self.world.write_secret(places.SECRET, places.USER, places.PASSWORD, places.NAMESPACE)
        self._sight = Sight(self.world.api, self.judge)
        self.world.store.observe(self._see)

    async def play(self) -> None:
        world, script = self.world, self._script
        for name in script.replicas:
            self.actors.bring(name)
        for resource in range(script.resources):
            world.create(places.FIPS, resource_document(script, resource))
        for act in script.acts:
            if await self._broken_before(act.at_seconds):
                return
            self._note("world", str(act))
            self.actors.perform(act)
            # An API server that is down tells nothing of itself.
            self._see()
            self.harm.routes(world.clock.now(), self._routes())
        if await self._broken_before(script.trouble_seconds):
            return
        if script.profile in AIMED:
            self.harm.left_behind(world.clock.now())
        self._judge_requests()
        # A late move is no harm: it is wanted still.
        if self.judge.breaches or self._disabled:
            return
        self._note("world", "peace")
        profile = PROFILES.get(script.profile)
        self.actors.end_all(keeps_limits=profile is not None and profile.keeps_limits)
        await self._judge_peace()
        self._judge_incident()
        self._judge_requests()

    async def _broken_before(self, at_seconds: float) -> bool:
        """Let time pass until then, or until a promise is broken; whether one is."""
        with suppress(TimeoutError):
            async with asyncio.timeout(max(0.0, at_seconds - self.world.clock.now())):
                await self._broken.wait()
        return self._broken.is_set()

    def _judge_requests(self) -> None:
        # What a neighbour behind the same address sends is not the operator's.
        journal = self.world.robot.machine.journal.entries
        entries = [entry for entry in journal if entry.user in (None, places.USER)]
        own = frozenset(self._script.replicas)
        self.judge.requests(entries, own, self.actors.ledger_lost_at)

    async def _judge_peace(self) -> None:
        """I8: within half an hour every address is where it should be, and then it stays.

        What something held in that time, and said so, has an hour more.
        """
        await asyncio.sleep(CALM_SECONDS)
        if not await self.world.until(self._is_right, PEACE_SECONDS, 10.0):
            self._late(self._held)
            if self.actors.login_was_forgotten:
                # One false 401, and nothing that says that it was false: a person is needed.
                self.actors.write_secret_anew()
            if not await self.world.until(self._is_right, LONG_PEACE_SECONDS, 10.0):
                self._late(excused=frozenset())
        if self.judge.breaches:
            return
        moved = len(self._executed())
        # What is told of these may end, as the wait for a mapping does.
        told = strays(self.world.clock.now(), self.judge.facts.nodes, self._routes())
        await asyncio.sleep(STAY_SECONDS)
        if any(entry.address not in told for entry in self._executed()[moved:]):
            now = self.world.clock.now()
            self.judge.broken(now, "I8", "moved again, without a cause, in peace")

    def _late(self, excused: Collection[str]) -> None:
        for found in self._wrong():
            if found.name not in excused:
                self.judge.broken(self.world.clock.now(), "I8", found.text)

    def note_the_end(self) -> None:
        """A checksum over what there is."""
        if not self._traced:
            return
        world = self.world
        there = [self._routes(), *(world.get(path) for path in (places.FIPS, places.NODES))]
        told = zlib.crc32(json.dumps(there, sort_keys=True).encode())
        self._note("world", f"ends as {told:08x}")

    def outcome(self) -> Outcome:
        return Outcome(
            tuple(self.judge.breaches),
            frozenset(self._reasons),
            self.world.clock.now(),
            len(self._executed()),
            self._trace,
        )

    def _judge_incident(self) -> None:
        """What an incident of the field promises besides the invariants."""
        promise = field_incidents.PROMISES.get(self._script.profile)
        if promise is None:
            return
        robot, ends, servers = self.world.robot.machine, [], {}
        entries = [e for e in robot.journal.entries if e.source in self._script.replicas]
        for document in self.world.get(places.FIPS)["items"]:
            addresses = [text.split("/")[0] for text in document["spec"]["addresses"]]
            homes = {places.server_of(robot.route(address)) for address in addresses}
            servers[document["metadata"]["name"]] = len(homes)
            for address in addresses:
                posts = [e for e in entries if e.method == "POST" and e.address == address]
                moves = sum(entry.executed for entry in posts)
                ends.append(field_incidents.Ends(address, moves, len(posts)))
        for text in field_incidents.broken(promise, ends, servers):
            self.judge.broken(self.world.clock.now(), "promise", text)

    # -- what is right

    def _is_right(self) -> bool:
        """Also: what was begun in the trouble and ends later, perhaps badly, has ended.

        Notes what is held by then.
        """
        now = self.world.clock.now()
        # First: what ends at this very moment is in the routes after that.
        if self.world.robot.machine.state(now)["switching"]:
            return False
        found = self._wrong()
        self._held.update(late.name for late in found if late.held)
        return not found

    def _wrong(self) -> list[Wrong]:
        resources = self.world.look(places.FIPS)["items"]
        now, nodes = self.world.clock.now(), self.judge.facts.nodes
        return wrong(now, resources, nodes, self._routes())

    def _routes(self) -> dict[str, str | None]:
        """Where each address really goes."""
        robot = self.world.robot.machine
        return {address: robot.route(address) for address in (*places.IPV4, *places.IPV6)}

    def _executed(self) -> list[simulated.Entry]:
        return [entry for entry in self.world.robot.machine.journal.entries if entry.executed]

    # -- what is seen

    def _see(self) -> None:
        at = self.world.clock.now()
        self.judge.api_is_down(at, down=self.world.api_is_down)
        for document in self._sight.see(at):
            if document["kind"] == "FailoverIP":
                self._reasons.update(reasons_in(document.get("status")))

    def _served(self, entry: simulated.Entry) -> None:
        """A request has reached Robot."""
        at, own = self.world.clock.now(), entry.source in self._script.replicas
        self.harm.routes(at, self._routes())
        self.harm.stranded(at)
        if own and entry.executed and entry.address and entry.target:
            self.harm.executed(at, entry.source, entry.address, entry.target)

    def _start(self, name: str, namespace: str) -> Replica:
        def told(failoverip: str, reason: Reason) -> None:
            if self._last.get((name, failoverip)) is not reason:
                self._last[name, failoverip] = reason
                self._note(name, f"decides {reason.value} for {failoverip}")

        metrics = _Metrics(self.world.clock.now, told)
        replica = self.world.start(name, namespace, metrics=metrics, jitter=self._jitter)
        replica.on_boundary = lambda boundary: self._note(name, boundary)

        def first_byte(address: str, target: str) -> None:
            self._note(name, f"first byte: {address} to {target}")
            at = self.world.clock.now()
            self.judge.api_is_down(at, down=self.world.api_is_down)
            self.judge.first_byte(at, name, address, target)
            self.harm.first_byte(at, name, address, target)

        replica.way.on_first_byte = first_byte
        replica.decide = self._heard(guards.unguarded(self._disabled))
        replica.find_broken = self._checked(name)
        open_doors(replica, self._disabled)
        return replica

    def _heard(
        self, decide: Callable[[Observation], Decision]
    ) -> Callable[[Observation], Decision]:
        """Decisions that end before a status is written are reasons, too."""

        def decided(o: Observation) -> Decision:
            decision = decide(o)
            self._reasons.add(decision.reason.value)
            return decision

        return decided

    def _checked(self, name: str) -> Check:
        """The operator's check before its own request: what it refuses is a defect."""

        def check(facts: invariants.Facts, judged: Judged) -> invariants.Broken | None:
            broken = invariants.find_broken(facts, guards.judged(self._disabled, judged))
            if broken is not None and judged is not invariants.ONLY_TOLD:
                self._note(name, f"refuses: {broken.message}")
                self.judge.refused(self.world.clock.now(), name, broken.message)
            return broken

        return check

    def _note(self, who: str, what: str) -> None:
        if not self._traced:
            return
        loop = asyncio.get_running_loop()
        drawn = loop.choice_digest if isinstance(loop, ProcessLoop) else 0
        self._trace.append(f"{self.world.clock.now():10.3f} {drawn:08x} {who}: {what}")


def _without_rules(crd: Json) -> Json:
    """A CRD that was changed by hand: it refuses nobody."""
    bare: Json = deepcopy(crd)
    for version in bare["spec"]["versions"]:
        version["schema"]["openAPIV3Schema"].pop("x-kubernetes-validations")
    return bare


def _robot(script: Script) -> simulated.World:
    others = {*places.FOREIGN_SERVERS, places.IPV4_SERVER}
    numbers = sorted({place.server for place in script.places} | others)
    first = script.places[0].server
    return simulated.parse_world(
        {
            "users": [{"name": places.USER, "password": places.PASSWORD}],
            "servers": [
                {
                    "number": number,
                    "name": f"server-{number}",
                    "ipv4": places.server_ipv4(number),
                    **_ipv6_of(number),
                }
                for number in numbers
            ],
            "failovers": [
                {"ip": ip, "server_number": first, "active": first}
                for ip in (*places.IPV4, *places.IPV6)
            ],
            "switches": dict(script.switches),
        }
    )


def _ipv6_of(number: int) -> Json:
    has_one = places.server_ipv6(number) in places.targets_of(number)
    return {"ipv6_net": places.server_ipv6(number)} if has_one else {}
