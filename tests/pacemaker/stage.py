"""Two addresses in one cluster, side by side: one with our agent, one with the agent of 2011.

Both live through the same faults. What became of each is an `Outcome`, taken from the call log,
Robot's journal and crm_mon's XML, never from log texts.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from tests.controlplane.waiting import DeadlineError, eventually
from tests.pacemaker import calls
from tests.pacemaker.calls import Call
from tests.pacemaker.lab import (
    ADDRESS,
    OTHER_ADDRESS,
    OURS,
    ROBOT_URL,
    TEXT_OF_2011,
    USER,
    USER_OF_2011,
    Lab,
    Node,
)

MONITOR_SECONDS = 2
# How long the agent of 2011 sleeps here. Rounds would be long with its 30 s.
SLEEP_SECONDS = 2
SETTLE_SECONDS = 60.0


@dataclass(frozen=True)
class Subject:
    """One failover address in the cluster, and what depends on it."""

    address: str
    resource: str
    dependent: str
    provider: str
    agent: str
    user: str  # at Robot


OUR_AGENT = Subject(ADDRESS, "vip", "service", "failoverip", OURS, USER)
AGENT_OF_2011 = Subject(OTHER_ADDRESS, "old", "oldservice", "kumina", TEXT_OF_2011, USER_OF_2011)
OUR_PARAMETERS = {
    "credentials": "/run/lab/credentials",
    "robot_url": ROBOT_URL,
    "ca_file": "/run/lab/ca.crt",
    "reuse_seconds": "1",
}


@dataclass(frozen=True)
class Outcome:
    """What became of one address since the mark."""

    starts: int
    stops: int
    dependent_starts: int
    dependent_stops: int
    monitors: Mapping[int | None, int]  # recurring ones, by exit code
    active_on: tuple[str, ...]
    dependent_on: tuple[str, ...]
    route: str | None  # the name of the node
    banned: tuple[str, ...]  # the nodes on which it may not run
    failed: int  # the sum of its fail-counts
    reads: int
    posts: int
    switches: int

    @property
    def untouched(self) -> bool:
        """Whether the cluster did nothing to it."""
        return not (self.starts or self.stops or self.dependent_starts or self.dependent_stops)

    @property
    def serves(self) -> bool:
        """Whether it is on one node, with what depends on it, and Robot routes to that node."""
        return (
            len(self.active_on) == 1
            and self.active_on == self.dependent_on
            and self.route == self.active_on[0]
        )


class Stage:
    """A lab with its subjects, and the moment from which on is counted."""

    def __init__(
        self, lab: Lab, subjects: tuple[Subject, ...], *, migration_threshold: int = 3
    ) -> None:
        self.lab = lab
        self._threshold = migration_threshold
        self.subjects = subjects
        self.marked = 0.0
        self._journal_begins = 0
        self._route_names = {node.address: node.name for node in lab.nodes}
        (lab.shared / "sleep").write_text(f"{SLEEP_SECONDS}\n")
        for subject in subjects:
            self.add(subject)
        lab.until(lambda: all(map(self.serves, subjects)), "the addresses serve")
        self.until_monitored()
        self.mark()

    def add(self, subject: Subject) -> None:
        """Configure one address with its dependent on the cluster."""
        self.lab.install(subject.provider, "hetzner-failover-ip", subject.agent)
        ours = subject.agent == OURS
        # The agent of 2011 takes no notice of them, and they are there when it is replaced.
        parameters = {"ip": subject.address, **OUR_PARAMETERS}
        if ours:
            parameters["interface"] = "eth0"
        kind = f"ocf:{subject.provider}:hetzner-failover-ip"
        vip, service = subject.resource, subject.dependent
        configure(
            self.lab,
            primitive(vip, kind, parameters, self._threshold, 120 if ours else 20)
            + primitive(service, "ocf:lab:Dummy", {}, self._threshold),
            f"""
            <rsc_colocation id="{vip}-with" rsc="{service}" with-rsc="{vip}" score="INFINITY"/>
            <rsc_order id="{vip}-before" first="{vip}" then="{service}"/>
            <rsc_location id="{vip}-home" rsc="{vip}" node="node1" score="50"/>""",
        )

    def mark(self) -> float:
        """Count from now on, with the requests of a fresh hour."""
        self.lab.an_hour_later()
        self.marked = time.monotonic()
        self._journal_begins = len(self.lab.robot.journal())
        return self.marked

    def journal(self, subject: Subject) -> list[dict[str, Any]]:
        """What the agent of an address asked Robot since the mark."""
        asked = self.lab.robot.journal()[self._journal_begins :]
        return [entry for entry in asked if entry["user"] == subject.user]

    def serves(self, subject: Subject) -> bool:
        """Whether an address is where it is used, now."""
        return self.outcome(subject).serves

    def outcome(self, subject: Subject) -> Outcome:
        """What became of an address since the mark."""
        lab = self.lab
        made = lab.calls(self.marked)
        status = lab.status()
        asked = self.journal(subject)
        route = lab.robot.routes()[subject.address]
        recurring = [
            call for call in calls.actions(made, subject.resource, "monitor") if call.recurring
        ]
        names = (subject.resource, subject.dependent)
        return Outcome(
            starts=len(calls.actions(made, subject.resource, "start")),
            stops=len(calls.actions(made, subject.resource, "stop")),
            dependent_starts=len(calls.actions(made, subject.dependent, "start")),
            dependent_stops=len(calls.actions(made, subject.dependent, "stop")),
            monitors=Counter(call.code for call in recurring if call.ended is not None),
            active_on=tuple(status.where(subject.resource)) if status else (),
            dependent_on=tuple(status.where(subject.dependent)) if status else (),
            route=self._route_names.get(route or "", route),
            banned=status.banned(*names) if status else (),
            failed=sum(count for (_, name), count in status.fail_counts.items() if name in names)
            if status
            else 0,
            reads=sum(entry["method"] == "GET" for entry in asked),
            posts=sum(entry["method"] == "POST" for entry in asked),
            switches=sum(bool(entry["executed"]) for entry in asked),
        )

    def monitors(self, subject: Subject, since: float) -> list[Call]:
        """The recurring monitors of an address that began since then and have ended."""
        made = calls.actions(self.lab.calls(since), subject.resource, "monitor")
        return [call for call in made if call.recurring and call.ended is not None]

    def until_monitored(
        self, count: int = 1, code: int | None = None, deadline_seconds: float = 120
    ) -> None:
        """Wait until so many monitors of our agent (with this code) began and ended from now on."""
        since = time.monotonic()
        subject = self.subjects[0]

        def met() -> bool:
            made = self.monitors(subject, since)
            return len([call for call in made if code in (None, call.code)]) >= count

        what = f"{count} monitors of {subject.resource} (code {code})"
        self.lab.until(met, what, deadline_seconds)

    def until_serves(self, *nodes: Node, subject: Subject = OUR_AGENT) -> None:
        """Wait until an address is on one of these nodes with its dependent and its route."""
        names = [node.name for node in nodes]

        def met() -> bool:
            found = self.outcome(subject)
            return found.serves and found.active_on[0] in names

        self.lab.until(met, f"{subject.resource} serves on {' or '.join(names)}")

    def settle(self, subject: Subject, seconds: float) -> bool:
        """Give an address this long to serve; whether it does."""
        return self.within(lambda: self.serves(subject), seconds)

    def within(self, condition: Callable[[], object], seconds: float) -> bool:
        """Give a condition this long to come true; whether it did."""
        try:
            eventually(condition, "", seconds, poll_seconds=1.0)
        except DeadlineError:
            return False
        return True

    def owner(self, subject: Subject = OUR_AGENT) -> Node:
        """The node on which an address is active."""
        status = self.lab.status()
        assert status is not None
        return self.lab.node(status.where(subject.resource)[0])

    def others(self) -> list[Node]:
        """The running nodes on which our address is not active."""
        owner = self.owner()
        return [node for node in self.lab.running_nodes if node is not owner]


def configure(lab: Lab, resources: str, constraints: str = "") -> None:
    """Add elements to the CIB, all at once: nothing starts before its constraints are known."""
    added = f"<resources>{resources}</resources><constraints>{constraints}</constraints>"
    argv = ["cibadmin", "--modify", "--allow-create", "-o", "configuration", "--xml-text"]
    lab.running_nodes[0].run(*argv, f"<configuration>{added}</configuration>")


def primitive(
    name: str,
    kind: str,
    parameters: Mapping[str, Any],
    migration_threshold: int = 3,
    start_seconds: int = 120,
) -> str:
    """A resource as CIB XML, with the operations and meta attributes of all tests."""
    standard, provider, agent = kind.split(":")
    given = "".join(
        f'<nvpair id="{name}-{key}" name="{key}" value="{value}"/>'
        for key, value in parameters.items()
    )
    return f"""
    <primitive id="{name}" class="{standard}" provider="{provider}" type="{agent}">
      <instance_attributes id="{name}-attributes">{given}</instance_attributes>
      <operations>
        <op id="{name}-start" name="start" interval="0" timeout="{start_seconds}s"/>
        <op id="{name}-stop" name="stop" interval="0" timeout="60s"/>
        <op id="{name}-monitor" name="monitor" interval="{MONITOR_SECONDS}s" timeout="20s"/>
      </operations>
      <meta_attributes id="{name}-meta">
        <nvpair id="{name}-stickiness" name="resource-stickiness" value="100"/>
        <nvpair id="{name}-threshold" name="migration-threshold"
          value="{migration_threshold}"/>
        <nvpair id="{name}-timeout" name="failure-timeout" value="10min"/>
      </meta_attributes>
    </primitive>"""
