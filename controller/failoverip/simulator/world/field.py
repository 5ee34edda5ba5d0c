"""Incidents that users of this and of related software met, each a world and what it promises.

A plot draws what happens from the dice: times, kinds of acts and their values, as `script.KINDS`
has them. The addresses begin at the first node. Pure.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

# Seconds after the beginning, the kind of act, its values.
Deed = tuple[float, str, Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Cast:
    """Whom a plot is about: the names of nodes and replicas, and how many resources there are."""

    dice: random.Random
    nodes: Sequence[str]
    replicas: Sequence[str]
    resources: int


Plot = Callable[[Cast], Iterator[Deed]]

_LINKS = ("HANGS", "REFUSES", "FAILS", "CONFLICTS", "THROTTLES", "LOSES_ANSWERS")


@dataclass(frozen=True, slots=True)
class Promise:
    """What must be so besides the invariants, for each address of the resources at the end.

    Moves are switches that Robot executed, posts all requests to switch.
    """

    least_moves: int = 0
    most_moves: int | None = None
    most_posts: int | None = None
    together: bool = False


@dataclass(frozen=True, slots=True)
class Incident:
    """One field bug: where it was told, in one sentence what is done about it here."""

    name: str
    reference: str
    promise: Promise
    plot: Plot
    trouble_seconds: float = 400.0
    grouped: float = 0.4
    enforced: float = 0.0


@dataclass(frozen=True, slots=True)
class Ends:
    """How an address ended: who counts is the judge."""

    address: str
    moves: int
    posts: int


def broken(promise: Promise, ends: Sequence[Ends], servers: Mapping[str, int]) -> Iterator[str]:
    """In words, what of a promise was not kept; `servers`: how many a resource is on."""
    for end in ends:
        if end.moves < promise.least_moves:
            yield f"{end.address} was moved {end.moves} times, at least {promise.least_moves} due"
        if promise.most_moves is not None and end.moves > promise.most_moves:
            yield f"{end.address} was moved {end.moves} times, at most {promise.most_moves} allowed"
        if promise.most_posts is not None and end.posts > promise.most_posts:
            yield f"{end.posts} requests for {end.address}, at most {promise.most_posts} allowed"
    if promise.together:
        yield from (f"{name} is on {count} servers" for name, count in servers.items() if count > 1)


def _flapping(cast: Cast) -> Iterator[Deed]:
    for step in range(20):
        for resource in range(cast.resources):
            at = 60.0 + step * 130.0 + cast.dice.uniform(0, 10)
            yield at, "cut_active", {"resource": resource, "seconds": cast.dice.uniform(75, 105)}


def _api_down(cast: Cast) -> Iterator[Deed]:
    at = 60.0
    while at < 500.0:
        seconds = cast.dice.uniform(20, 240)
        yield at, "api_down", {"seconds": seconds, "link": cast.dice.choice(("HANGS", "REFUSES"))}
        at += seconds + cast.dice.uniform(30, 90)


def _elections(cast: Cast) -> Iterator[Deed]:
    for step in range(8):
        at, name = 50.0 + step * 30.0, cast.dice.choice(cast.replicas)
        yield at, "delete_lease", {}
        if step % 2:
            yield at + 2, "kill", {"replica": name, "boundaries": 0, "back_after_seconds": 10.0}
        else:
            yield at + 2, "freeze", {"replica": name, "boundaries": 0, "seconds": 20.0}
    yield 200.0, "power_off", {"node": cast.nodes[0]}


def _slow_etcd(cast: Cast) -> Iterator[Deed]:
    for name in cast.replicas:
        slow = {"latency_seconds": cast.dice.uniform(0.5, 2.5), "seconds": 300.0}
        yield 50.0 + cast.dice.uniform(0, 5), "api_slow", {"replica": name, **slow}
        for step in range(6):
            fails = {"replica": name, "seconds": cast.dice.uniform(2, 20), "link": "FAILS"}
            yield 80.0 + step * 45.0 + cast.dice.uniform(0, 20), "api_link", fails


def _timeouts(cast: Cast) -> Iterator[Deed]:
    for name in cast.replicas:
        slow = {"latency_seconds": cast.dice.uniform(2, 5), "seconds": 120.0}
        yield 50.0 + cast.dice.uniform(0, 5), "api_slow", {"replica": name, **slow}
        for step, link in enumerate(_LINKS):
            meets = {"replica": name, "seconds": cast.dice.uniform(5, 35), "link": link}
            yield 180.0 + step * 35.0, "api_link", meets
    yield 100.0, "robot_slow", {"seconds": 200.0, "slow_seconds": cast.dice.uniform(2, 5)}


def _etcd_fails_over(cast: Cast) -> Iterator[Deed]:
    for step in range(3):
        at, seconds = 60.0 + step * 110.0, cast.dice.uniform(15, 45)
        yield at, "api_down", {"seconds": seconds, "link": "HANGS"}
        silent = {"seconds": cast.dice.uniform(10, 40), "stagger_seconds": cast.dice.uniform(0, 10)}
        yield at + seconds + 1.0, "cut_all", silent


def _wins_again(cast: Cast) -> Iterator[Deed]:
    yield 60.0, "power_off", {"node": cast.nodes[0]}
    for resource in range(cast.resources):
        # Its server, though nobody is there: the first of the world.
        yield 460.0 + cast.dice.uniform(0, 60), "stranger", {"resource": resource, "server": 321}


def _race(cast: Cast) -> Iterator[Deed]:
    for resource in range(cast.resources):
        rival = {"then": "second_cluster", "resource": resource, "server": 390}
        stage = cast.dice.choice(("before asking", "while Robot switches", "after the answer"))
        yield 50.0, "at_stage", {"stage": stage, **rival}
    yield 60.0, "power_off", {"node": cast.nodes[0]}


def _outage(cast: Cast) -> Iterator[Deed]:
    fault = cast.dice.choice(("down", "gateway_timeout", "unavailable", "reset"))
    yield 60.0, "power_off", {"node": cast.nodes[0]}
    yield 118.0, "robot_fault", {"fault": fault, "seconds": 400.0}


def _split(cast: Cast) -> Iterator[Deed]:
    for resource in range(cast.resources):
        yield 50.0, "refuse_part", {"resource": resource}
    yield 60.0, "power_off", {"node": cast.nodes[0]}


def _no_server(cast: Cast) -> Iterator[Deed]:
    yield 50.0, "map_wrongly", {"node": cast.dice.choice(cast.nodes[1:-1]), "server": 999}
    yield 70.0, "power_off", {"node": cast.nodes[0]}


_KEEP, _LEAVE = Promise(most_moves=0), Promise(least_moves=1)
_PATRONI = "patroni/patroni#3572, #3344, #3550"
INCIDENTS = (
    Incident("flapping-network", "a user's report", Promise(1, 6), _flapping, 2700.0, 0.0),
    Incident("control-plane-down", "kube-vip/kube-vip#732", _KEEP, _api_down, 600.0),
    Incident("election-stalls", "kube-vip/kube-vip#1377", _LEAVE, _elections),
    Incident("slow-etcd", "kube-vip/kube-vip#282", _KEEP, _slow_etcd),
    Incident("read-timeouts", _PATRONI, _KEEP, _timeouts),
    Incident("etcd-fails-over", "kubernetes/kubernetes#121793", _KEEP, _etcd_fails_over),
    Incident("master-wins-again", "acassen/keepalived#100", Promise(2), _wins_again, 560.0, 0.0),
    Incident("two-routers", "a user's report", _LEAVE, _race, enforced=1.0),
    Incident("robot-outage", "measured on a peer", Promise(1, most_posts=9), _outage, 560.0),
    Incident("split-group", "seen at a peer", Promise(1, together=True), _split, grouped=1.0),
    Incident("no-server", "Obmondo/KubeAid#64", _LEAVE, _no_server),
)
PROMISES = {incident.name: incident.promise for incident in INCIDENTS}
