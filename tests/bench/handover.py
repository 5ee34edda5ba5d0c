"""From the end of a leader to its successor's Lease and first claim, again and again."""

from __future__ import annotations

import random
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from tests.bench.figures import Figure, Goal
from tests.bench.ground import (
    FIRST_SERVER,
    Account,
    Unit,
    apply_all,
    prepared,
    say,
    start_replica,
)
from tests.controlplane.waiting import eventually
from tests.e2e.installation import Installation, Replica

MEASURE = "handover"
TERMINATED_GOAL = Goal("max", 2.0)
KILLED_GOAL = Goal("max", 18.0)
START = "start of a process to candidate"
# How exactly an acquisition is seen.
POLL_SECONDS = 0.03
# The end falls anywhere into a renewal's period.
RENEWAL_SECONDS = 2.4
UNIT = Unit("web", ("203.0.113.10",), FIRST_SERVER)


@dataclass(slots=True)
class Samples:
    """Seconds until the Lease names the successor, and until it has claimed the resource."""

    lease: list[float] = field(default_factory=list)
    claim: list[float] = field(default_factory=list)


def measure(times: int) -> list[Figure]:
    """End the leader `times` times by SIGTERM, then as often by SIGKILL."""
    account = Account("#ws+account", "robot-account", (UNIT,))
    servers = range(FIRST_SERVER, FIRST_SERVER + 3)
    starts: list[float] = []
    with prepared([account], servers, None) as (home, _):
        for name in ("first", "second"):
            start_replica(home, name)
        apply_all(home, [account])
        terminated = _end_leaders(home, times, "SIGTERM", _terminate, starts)
        killed = _end_leaders(home, times, "kill -9", Replica.kill, starts)
    return [
        Figure(MEASURE, START, "s", tuple(starts)),
        Figure(MEASURE, "SIGTERM to Lease", "s", tuple(terminated.lease), None, START),
        Figure(MEASURE, "SIGTERM to claim", "s", tuple(terminated.claim), TERMINATED_GOAL, START),
        Figure(MEASURE, "kill -9 to Lease", "s", tuple(killed.lease), None, START),
        Figure(MEASURE, "kill -9 to claim", "s", tuple(killed.claim), KILLED_GOAL, START),
    ]


def _end_leaders(
    home: Installation,
    times: int,
    how: str,
    end: Callable[[Replica], None],
    starts: list[float],
) -> Samples:
    samples = Samples()
    chance = random.Random(how)  # noqa: S311  # a spread of times, no secret
    for number in range(times):
        leader, successor = home.leader(), home.standby()
        time.sleep(chance.uniform(0, RENEWAL_SECONDS))
        ended_at = time.monotonic()
        end(leader)
        samples.lease.append(_seen_at(home.holder, successor) - ended_at)
        samples.claim.append(_seen_at(lambda: _claimant(home), successor) - ended_at)
        leader.process.wait()
        starts.append(_seconds_to_start(home, f"{how.partition(' ')[0].lower()}-{number}"))
        say(f"{MEASURE}: {how} {number + 1} of {times}: {samples.claim[-1]:.2f} s")
    return samples


def _terminate(leader: Replica) -> None:
    leader.process.send_signal(signal.SIGTERM)


def _seen_at(identity: Callable[[], str], successor: Replica) -> float:
    """When `identity` was first seen to be the successor's."""
    mine = f"{successor.name}_"
    eventually(lambda: identity().startswith(mine), f"{mine} succeeds", poll_seconds=POLL_SECONDS)
    return time.monotonic()


def _claimant(home: Installation) -> str:
    holder: str = home.status(UNIT.name)["fence"]["holder"]
    return holder


def _seconds_to_start(home: Installation, name: str) -> float:
    began = time.monotonic()
    start_replica(home, name)
    return time.monotonic() - began
