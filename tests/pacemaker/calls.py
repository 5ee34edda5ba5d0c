"""The call log: each run of an agent, as the wrapper in front of it wrote it down."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Call:
    """One run of an agent. Times are of CLOCK_MONOTONIC, as in the simulator's journal."""

    began: float
    ended: float | None  # None: it runs, or was killed
    node: str
    agent: str  # provider:name
    resource: str
    action: str
    interval_ms: int
    code: int | None

    @property
    def probe(self) -> bool:
        """A monitor that is not a recurring one."""
        return self.action == "monitor" and self.interval_ms == 0

    @property
    def recurring(self) -> bool:
        """A monitor of a running resource."""
        return self.action == "monitor" and self.interval_ms > 0


def read(path: Path) -> list[Call]:
    """All calls so far, in the order in which they began."""
    begun: dict[str, Call] = {}
    if not path.exists():
        return []
    offset = time.clock_gettime(time.CLOCK_BOOTTIME) - time.monotonic()
    for line in path.read_text().splitlines():
        kind, key, seconds, *rest = line.split("\t")
        at = float(seconds) - offset
        if kind == "begin":
            node, agent, resource, action, interval = rest
            begun[key] = Call(at, None, node, agent, resource, action, int(interval or 0), None)
        else:
            old = begun[key]
            begun[key] = Call(
                old.began, at, old.node, old.agent, old.resource, old.action, old.interval_ms,
                int(rest[0]),
            )  # fmt: skip
    return sorted(begun.values(), key=lambda call: call.began)


def actions(calls: Iterable[Call], resource: str, *names: str) -> list[Call]:
    """Those of one resource with one of these actions."""
    return [call for call in calls if call.resource == resource and call.action in names]


def story(calls: Iterable[Call], since: float) -> str:
    """The calls as lines, for a failure's message; runs of equal ones are one line."""
    lines: list[str] = []
    last, repeated = "", 0
    for call in calls:
        kind = "probe" if call.probe else call.action
        text = f"{call.node} {call.resource} {kind} -> {call.code}"
        if text == last:
            repeated += 1
            continue
        if repeated:
            lines.append(f"          ... and {repeated} more")
        lines.append(f"{call.began - since:+8.2f} {text}")
        last, repeated = text, 0
    if repeated:
        lines.append(f"          ... and {repeated} more")
    return "\n".join(lines)


def now() -> float:
    """The clock of the call log and of Robot's journal before anything was advanced."""
    return time.monotonic()
