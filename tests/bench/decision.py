"""From "the node is Unknown" to the first byte of the POST, move after move on one cluster.

A node's kubelet falls silent; when the operator has observed the silence for its 20 s, the bench
marks the node Unknown and the clock starts. Some nodes are always on their way, but they are marked
one at a time, so that no move waits for another. Each move's target is the next one's victim.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tests.bench.bare_calls import time_bare_calls
from tests.bench.figures import Figure, Goal
from tests.bench.ground import (
    FIRST_SERVER,
    Account,
    Unit,
    apply_all,
    node_name,
    prepared,
    say,
    server_of,
    start_replica,
)
from tests.bench.timetable import paced, timetable
from tests.controlplane.cluster import NODES
from tests.controlplane.kubelet import Kubelet
from tests.controlplane.rest import STRATEGIC_PATCH, Json
from tests.controlplane.servers import NodeTimings
from tests.e2e.installation import Installation

MEASURE = "decision"
GOAL = Goal("p99", 0.3)
# 25 moves an hour for each: within 50 POSTs, and within the reads that are not reserved. With a
# move every 2 s, 16 s lie between two of one account: each must read the route afresh (10 s).
ACCOUNTS, UNITS_PER_ACCOUNT = 8, 3
# 20 s of observed silence, after at most 10 s until a list shows the last beat, and a margin.
SILENCE_SECONDS = 33.0
# Nobody but the bench marks a node Unknown.
NEVER_UNKNOWN = NodeTimings(monitor_period_seconds=5, monitor_grace_period_seconds=7200)
# Looks of ours at the API server must not fall into the time that is measured.
LOOK_AFTER_SECONDS = 0.6
# As kube-controller-manager says it.
UNKNOWN: Json = {
    "status": {
        "conditions": [
            {
                "type": "Ready",
                "status": "Unknown",
                "reason": "NodeStatusUnknown",
                "message": "Kubelet stopped posting node status.",
            }
        ]
    }
}


@dataclass(frozen=True, slots=True)
class Move:
    """One measured move: whose address, and when the node was marked (CLOCK_MONOTONIC)."""

    user: str
    address: str
    marked_at: float


def measure(moves: int) -> list[Figure]:
    """Time `moves` moves. AssertionError when one does not happen or is not whole."""
    accounts = _accounts()
    units = len(_owners(accounts))
    servers = range(FIRST_SERVER, FIRST_SERVER + 2 * units)
    # It owns no address: its reads are of the bare calls' own budget.
    bare = Account("#ws+bare", "robot-bare", ())
    with prepared([*accounts, bare], servers, NEVER_UNKNOWN) as (home, kubelets):
        for name in ("one", "two"):
            start_replica(home, name)
        apply_all(home, accounts)
        made = _move_all(home, kubelets, accounts, moves)
        calls = time_bare_calls(home, bare)
        journal = home.simulator.journal()
    seconds = [_seconds_to_post(journal, move) for move in made]
    return [
        Figure(MEASURE, "same calls, bare", "s", tuple(calls)),
        Figure(
            MEASURE, "Unknown to first byte of POST", "s", tuple(seconds), GOAL, "same calls, bare"
        ),
    ]


def _accounts() -> list[Account]:
    made = []
    for number in range(ACCOUNTS):
        first = number * UNITS_PER_ACCOUNT
        units = tuple(
            Unit(f"unit-{index:02}", (f"203.0.113.{10 + index}",), FIRST_SERVER + index)
            for index in range(first, first + UNITS_PER_ACCOUNT)
        )
        made.append(Account(f"#ws+account{number}", f"robot-account-{number}", units))
    return made


def _owners(accounts: Sequence[Account]) -> list[tuple[str, Unit]]:
    """Users and units in the order of the moves: two of one account are far apart."""
    return [
        (account.user, account.units[index])
        for index in range(UNITS_PER_ACCOUNT)
        for account in accounts
    ]


def _move_all(
    home: Installation, kubelets: Mapping[int, Kubelet], accounts: Sequence[Account], moves: int
) -> list[Move]:
    owners = _owners(accounts)
    at = {unit.name: unit.server for _, unit in owners}
    made: list[Move] = []
    for step in paced(timetable(moves, SILENCE_SECONDS)):
        user, unit = owners[step.move % len(owners)]
        victim = at[unit.name]
        if not step.marks:
            kubelets[victim].power_off()
            continue
        marked_at = time.monotonic()
        home.cluster.admin.patch(f"{NODES}/{node_name(victim)}/status", UNKNOWN, STRATEGIC_PATCH)
        time.sleep(LOOK_AFTER_SECONDS)
        at[unit.name] = _server_after(home, unit.name, victim)
        kubelets[victim].power_on()
        made.append(Move(user, unit.addresses[0], marked_at))
        if len(made) % 20 == 0 or len(made) == moves:
            say(f"{MEASURE}: {len(made)} of {moves} moves")
    return made


def _server_after(home: Installation, name: str, victim: int) -> int:
    """Where the address is once the move is confirmed."""
    status = home.until(
        lambda s: s.get("activeNode", node_name(victim)) != node_name(victim) and "intent" not in s,
        f"{name} leaves {node_name(victim)}",
        name,
    )
    return server_of(status["activeNode"])


def _seconds_to_post(journal: Sequence[Json], move: Move) -> float:
    """Until the first byte reached Robot. AssertionError unless the route was read afresh."""
    after = [entry for entry in journal if entry["began"] >= move.marked_at]
    post = next(e for e in after if e["method"] == "POST" and e["address"] == move.address)
    reads = [e for e in after if e["user"] == move.user and e["path"] == "/failover"]
    if not reads or reads[0]["began"] > post["began"]:
        raise AssertionError(
            f"{move.address} was moved without a fresh read: the figure is not whole"
        )
    seconds: float = post["began"] - move.marked_at
    return seconds
