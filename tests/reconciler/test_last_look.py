"""With one gate switched off, its invariant refuses the harm; with both off, the harm is done.

A gate is off when `decide` sees facts under which it would be open. What is judged before the
request are the facts as they are.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace

import pytest
from tests.reconciler.world import FIPS, World, lease_path, play, server_ip

from failoverip.core.addresses import TargetAddress
from failoverip.core.cluster import Ready
from failoverip.core.decide import decide
from failoverip.core.decision import Attempt, Decision
from failoverip.core.invariants import BEFORE_POST, Broken, Facts, Invariant, find_broken
from failoverip.core.observation import Budget, Claim, Observation
from failoverip.core.reasons import Reason
from failoverip.core.resource import Intent, Mode, Policy
from failoverip.core.storm import StormWatch
from failoverip.reconciler.ledgers import LEDGER_ANNOTATION
from failoverip.simulator.world.replica import Replica

Decide = Callable[[Observation], Decision]
PLENTY = Budget(50, 50, float("-inf"), float("-inf"))


def without_evidence_of_life(o: Observation) -> Decision:
    """I3: every node but the active one is taken for alive."""
    traces = {
        node.uid: replace(o.cluster.traces[node.uid], changed_at=o.now)
        if node.name != "node-a"
        else o.cluster.traces[node.uid]
        for node in o.cluster.nodes
    }
    nodes = tuple(
        replace(node, ready=Ready.TRUE) if node.name != "node-a" else node
        for node in o.cluster.nodes
    )
    return decide(replace(o, cluster=replace(o.cluster, nodes=nodes, traces=traces)))


def without_respect_for_life(o: Observation) -> Decision:
    """I4: the active node is taken for dead though it lives."""
    return decide(_with_source(o, Ready.UNKNOWN))


def without_watching(o: Observation) -> Decision:
    """I5: Unknown is enough, no silence needs to be watched."""
    source = next((node for node in o.cluster.nodes if node.name == "node-a"), None)
    if source is None or source.ready is not Ready.UNKNOWN:
        return decide(o)
    return decide(_with_source(o, Ready.UNKNOWN))


def _with_source(o: Observation, ready: Ready) -> Observation:
    traces = {
        uid: replace(trace, same_since=float("-inf")) for uid, trace in o.cluster.traces.items()
    }
    nodes = tuple(
        replace(node, ready=ready) if node.name == "node-a" else node for node in o.cluster.nodes
    )
    return replace(o, cluster=replace(o.cluster, nodes=nodes, traces=traces), storm=StormWatch())


def without_budget(o: Observation) -> Decision:
    """I6: the ledger is not asked."""
    return decide(replace(o, account=replace(o.account, budget=PLENTY)))


def without_mode(o: Observation) -> Decision:
    """I7: what is paused counts as active."""
    policy = o.resource.policy
    assert isinstance(policy, Policy)
    active = replace(o.resource, policy=replace(policy, mode=Mode.ACTIVE))
    return decide(replace(o, resource=active))


def without_storm(o: Observation) -> Decision:
    """I7: the storm is not looked at."""
    return decide(replace(o, storm=StormWatch()))


async def a_dead_target(world: World) -> None:
    """Node b has been dead for long when a dies; c lives."""
    world.kubelets["node-b"].power_off()
    await asyncio.sleep(150)
    world.kubelets["node-a"].power_off()


async def a_living_source(_: World) -> None:
    """Nothing happens."""


async def a_late_kubelet(world: World) -> None:
    """Node a is called Unknown the moment its kubelet falls silent: for now it is only late."""
    unknown = [{"type": "Ready", "status": "Unknown", "reason": "NodeStatusUnknown"}]
    world.kubelets["node-a"].power_off()
    world.patch("/api/v1/nodes/node-a/status", {"status": {"conditions": unknown}})


async def a_spent_hour(world: World) -> None:
    """The ledger gets lost with the leader: but for the reserve, all counts as spent."""
    world.replicas[0].kill()
    world.patch(
        lease_path("failoverip-system"), {"metadata": {"annotations": {LEDGER_ANNOTATION: None}}}
    )
    reckless = world.start("two")
    reckless.decide, reckless.find_broken = world.replicas[0].decide, world.replicas[0].find_broken
    await world.until(lambda: reckless.leads, "two leads")
    await asyncio.sleep(60)
    note = {"metadata": {"annotations": {"failoverip.io/switch-to": "node-b"}}}
    world.patch(f"{FIPS}/web", note)


async def a_pause(world: World) -> None:
    """Paused, then the active node dies."""
    world.change(mode="Paused")
    world.kubelets["node-a"].power_off()


async def a_storm(world: World) -> None:
    """Two of three nodes fall silent at once."""
    for name in ("node-a", "node-b"):
        world.kubelets[name].power_off()


@dataclass(frozen=True)
class Case:
    invariant: str
    gate_off: Decide
    happens: Callable[[World], Awaitable[None]]
    target: str
    within_seconds: float = 120.0


CASES = (
    Case("I3", without_evidence_of_life, a_dead_target, server_ip(322)),
    Case("I4", without_respect_for_life, a_living_source, server_ip(322)),
    Case("I5", without_watching, a_late_kubelet, server_ip(322), 15.0),
    Case("I6", without_budget, a_spent_hour, server_ip(322)),
    Case("I7", without_mode, a_pause, server_ip(322)),
    Case("I7", without_storm, a_storm, server_ip(323), 100.0),
)


def without_fence(o: Observation) -> Observation:
    """The CRD does not refuse stale writes, and nobody minds."""
    return replace(o, claim=Claim.HELD)


def to_another_target(o: Observation) -> Decision:
    """I2: the attempt goes elsewhere than the intent says."""
    decision = decide(without_fence(o))
    if not isinstance(decision.action, Attempt):
        return decision
    intent = decision.action.intent
    routes = tuple(replace(route, to=TargetAddress(server_ip(323))) for route in intent.routes)
    return replace(decision, action=replace(decision.action, intent=replace(intent, routes=routes)))


class Obstinate:
    """I1: once an outcome is recorded it asks for an intent that was never opened."""

    def __init__(self) -> None:
        self.seen: Intent | None = None

    def __call__(self, o: Observation) -> Decision:
        self.seen = o.resource.status.intent or self.seen
        if self.seen is None or o.resource.status.intent is not None:
            return decide(without_fence(o))
        again = replace(self.seen, id=f"{self.seen.id}-again", attempts=self.seen.attempts + 1)
        addresses = tuple(route.address.key for route in again.routes)
        return Decision(Attempt(again, addresses), Reason.ATTEMPT, "once more", 1.0)


UNFENCED: tuple[tuple[str, Callable[[], Decide], int], ...] = (
    ("I1", Obstinate, 1),
    ("I2", lambda: to_another_target, 0),
)


@pytest.mark.parametrize("checked", [True, False], ids=["refused", "harm with the check off too"])
@pytest.mark.parametrize(("invariant", "gate_off", "rightly"), UNFENCED, ids=["I1", "I2"])
def test_without_the_fence_the_intent_is_still_kept(
    invariant: str, gate_off: Callable[[], Decide], rightly: int, checked: bool
) -> None:
    """`rightly`: how many requests are sent before the harm. With the fence its rules refuse it."""

    async def scenario(world: World) -> None:
        leader = world.start("one")
        leader.decide = gate_off()
        if not checked:
            leader.find_broken = lambda _facts, _judged: None
        await world.until(lambda: leader.leads, "it leads")
        world.apply()
        await asyncio.sleep(30)
        world.kubelets["node-a"].power_off()
        if checked:
            await world.until(lambda: refusals(world, invariant), "it is refused")
            assert len(world.posts()) == rightly
        else:
            await world.until(lambda: len(world.posts()) > rightly, "Robot is asked")

    play(scenario, fenced=False)


def test_a_check_that_refuses_for_ever_lets_another_target_be_tried() -> None:
    """A defect of a check must not end failover: this one takes node b for dead."""

    async def scenario(world: World) -> None:
        leader = world.start("one")

        def wrong(facts: Facts, judged: Mapping[str, Invariant]) -> Broken | None:
            if facts.intent.node == "node-b":
                return Broken("I3", "I3: target node-b shows no life")
            return find_broken(facts, judged)

        leader.find_broken = wrong
        await world.until(lambda: leader.leads, "it leads")
        await world.settled()
        world.kubelets["node-a"].power_off()
        await world.until_ready("node-c")
        assert [post.target for post in world.posts()] == [server_ip(323)]
        first = world.status()["moves"][1]
        assert (first["node"], first["result"], first["reason"], first["attempts"]) == (
            "node-b",
            "Failed",
            "InvariantBroken",
            0,
        )
        assert world.events("InvariantBroken")

    play(scenario)


def test_what_is_refused_after_the_record_is_settled_and_told() -> None:
    """The attempt is used up, nothing was sent, and the next round is judged anew."""

    async def scenario(world: World) -> None:
        leader = world.start("one")
        refused: list[str] = []

        def once(facts: Facts, judged: Mapping[str, Invariant]) -> Broken | None:
            if judged is BEFORE_POST and not refused:
                refused.append(facts.intent.id)
                return Broken("I2", "I2: attempt 1 is not recorded")
            return find_broken(facts, judged)

        leader.find_broken = once
        await world.until(lambda: leader.leads, "it leads")
        await world.settled()
        world.kubelets["node-a"].power_off()
        await world.until(lambda: refused, "it is refused")
        await world.until(
            lambda: world.condition("Degraded")["reason"] == "InvariantBroken", "it is told"
        )
        assert not world.posts()
        await world.until_ready("node-b")
        assert len(world.posts()) == 1
        assert world.status()["moves"][0]["attempts"] == 2
        assert world.condition("Degraded")["status"] == "False"

    play(scenario)


def ids(case: Case) -> str:
    return f"{case.invariant} {case.gate_off.__name__}"


def refusals(world: World, invariant: str) -> float:
    series = f'failoverip_invariant_refusals_total{{invariant="{invariant}"}} '.encode()
    pages = [replica.metrics.page().splitlines() for replica in world.replicas]
    return sum(
        float(line.removeprefix(series))
        for page in pages
        for line in page
        if line.startswith(series)
    )


async def settle_then(world: World, case: Case, *, checked: bool) -> Replica:
    leader = await world.lead()
    await world.settled()
    await asyncio.sleep(30)
    leader.decide = case.gate_off
    if not checked:
        leader.find_broken = lambda _facts, _judged: None
    await restart(world, leader)
    await case.happens(world)
    return leader


async def restart(world: World, leader: Replica) -> None:
    """A process takes its guards when it starts: the same replica leads again with others."""
    assert leader.leadership is not None
    before = leader.leadership.identity
    leader.freeze(20)
    await world.until(
        lambda: leader.leads and leader.leadership and leader.leadership.identity != before,
        "it leads again",
    )
    await asyncio.sleep(30)


@pytest.mark.parametrize("case", CASES, ids=ids)
def test_the_invariant_refuses_what_its_gate_let_through(case: Case) -> None:
    async def scenario(world: World) -> None:
        await settle_then(world, case, checked=True)
        await world.until(
            lambda: refusals(world, case.invariant), "it is refused", seconds=case.within_seconds
        )
        degraded = world.condition("Degraded")
        assert degraded["status"] == "True"
        assert degraded["reason"] in ("InvariantBroken", "StormHold")
        assert not world.posts()

    play(scenario)


@pytest.mark.parametrize("case", CASES, ids=ids)
def test_harm_with_the_invariant_off_too(case: Case) -> None:
    async def scenario(world: World) -> None:
        await settle_then(world, case, checked=False)
        await world.until(world.posts, "Robot is asked", seconds=case.within_seconds)
        assert world.posts()[0].target == case.target

    play(scenario)
