"""What happens in the demo, in order: an active node dies, then the leader in mid-switch.

Each step waits for a state of the world and takes the time at which it was seen. Times of POSTs are
those of Robot's journal, which runs on the same clock.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from failoverip.simulator.demo import world
from failoverip.simulator.demo.cluster import Seen
from failoverip.simulator.demo.stage import Stage, replica_of
from failoverip.simulator.demo.timeline import Timeline, bar
from failoverip.simulator.demo.verdict import Place, Switch
from failoverip.simulator.kubernetes import says_ready
from failoverip.simulator.robot import Entry

Json = dict[str, Any]

NODE_DIES, LEADER_DIES = "node-dies", "leader-dies"


@dataclass(frozen=True, slots=True)
class Begun:
    """A switch that Robot executes now."""

    source: str
    off_at: float
    intent: Json
    leader: str
    epoch: int
    post: Entry
    # Of Robot's journal: where this cause begins.
    journal_from: int


async def set_up(stage: Stage, timeline: Timeline) -> str:
    """Install, start the replicas; the one that leads. Times count from then."""
    await stage.install()
    for name in world.REPLICAS:
        await stage.start_replica(name)
    leader = await stage.until(stage.leader, "a replica leads")
    timeline.begin(time.monotonic())
    return leader


async def node_dies(stage: Stage, timeline: Timeline) -> Switch:
    """A FailoverIP is applied and becomes Ready; its node loses power; the address moves."""
    applied_at = time.monotonic()
    await stage.cluster.apply(world.failoverip_document())
    told = f"FailoverIP {world.RESOURCE} with {world.ADDRESS}"
    timeline.step("apply", told, applied_at)
    ready = await _until_resource(stage, _is_ready, applied_at, "the FailoverIP is Ready")
    active = ready.document["status"]["activeNode"]
    timeline.step("Ready", f"Robot routes it to {active}, which is healthy", ready.at)
    begun = await _begin_switch(stage, timeline)
    confirmed = await _confirmed(stage, timeline, begun)
    return _switch(stage, begun, confirmed.document)


async def leader_dies(stage: Stage, timeline: Timeline) -> Switch:
    """The next node loses power; the leader is killed while Robot switches; its peer goes on."""
    begun = await _begin_switch(stage, timeline)
    stage.kill_replica(begun.leader)
    in_flight = begun.post.ended is None
    killed_at = time.monotonic()
    timeline.step("kill", f"SIGKILL to replica {begun.leader} while Robot switches", killed_at)
    adopted = await _until_resource(
        stage,
        lambda d: d["status"]["fence"]["epoch"] > begun.epoch and _follows(d, begun.intent),
        killed_at,
        "the other replica adopts the switch",
        _switching(begun.post, "the lease of the killed leader runs out"),
    )
    fence = adopted.document["status"]["fence"]
    told = f"replica {replica_of(fence['holder'])} leads and adopts it under epoch {fence['epoch']}"
    timeline.step("adopted", told, adopted.at)
    confirmed = await _confirmed(stage, timeline, begun)
    return _switch(stage, begun, confirmed.document, in_flight)


def find_place(stage: Stage) -> Place:
    """Where the address is now, by Robot itself, and by the status."""
    document = stage.resources.last(world.RESOURCE)
    active = document["status"].get("activeNode", "")
    _, address = world.SERVERS.get(active, (0, None))
    return Place(
        address=world.ADDRESS,
        routed_to=stage.robot.controls.route(world.ADDRESS),
        active_node=active,
        active_node_ip=address,
        ready=_is_ready(document),
        nodes_with_power=frozenset(n for n, kubelet in stage.kubelets.items() if kubelet.is_on),
    )


def _switching(post: Entry, then: str) -> Callable[[], str]:
    """For the live line: how far Robot is with a switch, and what is waited for after it."""
    whole = world.TIMINGS.switch_seconds

    def show() -> str:
        passed = time.monotonic() - post.began
        if passed < whole:
            return bar("Robot switches", passed, whole)
        return f"  Robot has switched; {then} ... {passed - whole:.1f} s"

    return show


async def _begin_switch(stage: Stage, timeline: Timeline) -> Begun:
    """Power off the active node and wait until Robot executes the request to switch."""
    source = stage.resources.last(world.RESOURCE)["status"]["activeNode"]
    journal_from = len(stage.robot.controls.journal)
    await stage.kubelets[source].power_off()
    off_at = time.monotonic()
    timeline.step("power-off", f"{source} falls silent", off_at)
    gone = await stage.until_seen(
        lambda: stage.nodes.first(source, lambda d: not says_ready(d), off_at),
        f"the control plane says that {source} is NotReady",
    )
    timeline.step("detected", f"the control plane says that {source} is NotReady", gone.at)
    opened = await _until_resource(stage, _has_intent, off_at, "the leader writes its intent")
    status = opened.document["status"]
    intent, fence = status["intent"], status["fence"]
    leader = replica_of(fence["holder"]) or ""
    told = f"replica {leader} records: move to {intent['node']} ({intent['cause']['reason']})"
    timeline.step("intent", told, opened.at)
    post = await stage.until_seen(lambda: _executed(stage, journal_from), "Robot is asked")
    timeline.step("POST", f"Robot begins to switch {post.address} to {post.target}", post.began)
    return Begun(source, off_at, intent, leader, fence["epoch"], post, journal_from)


async def _confirmed(stage: Stage, timeline: Timeline, begun: Begun) -> Seen:
    """Wait until the intent is closed and the resource Ready again."""
    intent_id = begun.intent["id"]
    closed = await _until_resource(
        stage,
        lambda d: d["status"].get("lastMove", {}).get("id") == intent_id,
        begun.off_at,
        "the switch ends",
        _switching(begun.post, "the leader reads the route"),
    )
    result = closed.document["status"]["lastMove"]["result"]
    whole = closed.at - begun.off_at
    told = f"{result} on {begun.intent['node']}, {whole:.1f} s after the power-off"
    timeline.step("confirmed", told, closed.at)
    return await _until_resource(stage, _is_ready, closed.at, "the FailoverIP is Ready again")


async def _until_resource(
    stage: Stage,
    met: Callable[[Json], bool],
    since: float,
    what: str,
    show: Callable[[], str] | None = None,
) -> Seen:
    return await stage.until_seen(
        lambda: stage.resources.first(world.RESOURCE, met, since), what, show
    )


def _switch(
    stage: Stage, begun: Begun, ended: Json, in_flight_at_kill: bool | None = None
) -> Switch:
    entries = stage.robot.controls.journal[begun.journal_from :]
    posts = [entry for entry in entries if entry.method == "POST"]
    status = ended["status"]
    took = None if begun.post.ended is None else begun.post.ended - begun.post.began
    return Switch(
        source=begun.source,
        target=begun.intent["node"],
        result=status["lastMove"]["result"],
        posts=len(posts),
        executed=sum(entry.executed for entry in posts),
        leader=begun.leader,
        finisher=replica_of(status["fence"]["holder"]) or "",
        robot_seconds=took,
        in_flight_at_kill=in_flight_at_kill,
    )


def _executed(stage: Stage, journal_from: int) -> Entry | None:
    entries = stage.robot.controls.journal[journal_from:]
    return next((entry for entry in entries if entry.executed), None)


def _is_ready(document: Json) -> bool:
    conditions = document.get("status", {}).get("conditions", [])
    return any(c["type"] == "Ready" and c["status"] == "True" for c in conditions)


def _has_intent(document: Json) -> bool:
    return "intent" in document.get("status", {})


def _follows(document: Json, intent: Json) -> bool:
    """Whether this version was written by one that took the intent over, or ended it."""
    status = document["status"]
    held, ended = status.get("intent", {}), status.get("lastMove", {})
    epoch = status["fence"]["epoch"]
    return any(
        part.get("id") == intent["id"] and part.get("epoch") == epoch for part in (held, ended)
    )
