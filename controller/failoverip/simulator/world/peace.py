"""Where each address may be once nothing goes wrong any more: I8, from the world's truth.

Belongs to the judge: imports nothing of the operator, and believes its status only where it says
that a budget, a lock or a stranger's server holds it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from failoverip.simulator.world.judge import Json, NodeFacts

# Dead for certain after so long without a beat; they come every 10 s.
SILENT_SECONDS = 30.0
# What may hold a move for up to another hour.
HELD = frozenset(
    {"BudgetExhausted", "MovesExhausted", "CredentialsRefused", "RateLimited", "Contested"}
)


@dataclass(frozen=True, slots=True)
class Wrong:
    """A resource that is not where it should be; `held`: it says what holds it."""

    name: str
    text: str
    held: bool


def wrong(
    now: float,
    resources: Sequence[Json],
    nodes: Mapping[str, NodeFacts],
    routes: Mapping[str, str | None],
) -> list[Wrong]:
    """The resources that are not where they should be."""
    found = []
    for document in resources:
        problem = _problem(document, resources, routes, _Homes(now, nodes))
        if problem is not None:
            name, reasons = document["metadata"]["name"], _reasons(document)
            text = f"{name}: {problem}; it says {', '.join(reasons)}"
            found.append(Wrong(name, text, not HELD.isdisjoint(reasons)))
    return found


def strays(
    now: float, nodes: Mapping[str, NodeFacts], routes: Mapping[str, str | None]
) -> frozenset[str]:
    """The addresses that are on no node that lives and is wanted, whatever is said of them."""
    good = _Homes(now, nodes).good
    return frozenset(address for address, target in routes.items() if target not in good)


class _Homes:
    """Which targets lead to nodes that live, are wanted, and can be moved to."""

    def __init__(self, now: float, nodes: Mapping[str, NodeFacts]) -> None:
        there = [facts for facts in nodes.values() if facts.gone_at is None]
        self._there = there
        good = [facts for facts in there if _lives(facts, now) and not facts.unwanted]
        self.known = {target for facts in there for target in facts.servers}
        self.good = {target for facts in good for target in facts.servers}
        self._free = [facts for facts in good if self._is_alone_on(facts.servers)]
        self.servers = {target: facts.servers for facts in there for target in facts.servers}

    def most(self, targets: Sequence[str | None]) -> frozenset[str]:
        """The server of most of them; of several such the one of the first."""
        servers = [self.servers[target] for target in targets if target is not None]
        return max(servers, key=servers.count)

    def takes(self, server: frozenset[str], addresses: Sequence[str]) -> bool:
        """Whether one node is on it, and it has targets for addresses of these families."""
        return self._is_alone_on(server) and _serves(server, addresses)

    def free_for(self, addresses: Sequence[str]) -> bool:
        """Whether a node can take addresses of these families."""
        return any(_serves(facts.servers, addresses) for facts in self._free)

    def _is_alone_on(self, server: frozenset[str]) -> bool:
        return sum(not server.isdisjoint(facts.servers) for facts in self._there) == 1


def _serves(server: frozenset[str], addresses: Sequence[str]) -> bool:
    return all(
        any((":" in target) == (":" in address) for target in server) for address in addresses
    )


def _lives(facts: NodeFacts, now: float) -> bool:
    beats = facts.beat_at is not None and now - facts.beat_at <= SILENT_SECONDS
    return beats and facts.ready == "True"


def _problem(
    document: Json, resources: Sequence[Json], routes: Mapping[str, str | None], homes: _Homes
) -> str | None:
    spec, status = document["spec"], document.get("status") or {}
    if spec.get("mode", "Active") != "Active" or _is_younger_twin(document, resources):
        return None
    if "intent" in status:
        return "a switch is open"
    targets = {routes[address] for address in _addresses(document)}
    reports = spec.get("drift", "Report") == "Report"
    free = homes.free_for(_addresses(document))
    if targets <= homes.good:
        together = len({homes.servers[target] for target in targets if target}) == 1
        ready = _condition(document, "Ready")
        if together and ready.get("status") != "True":
            return f"on a healthy node, and not Ready: {ready.get('message')}"
        most = homes.most([routes[address] for address in _addresses(document)])
        # Not even the rest of a group is moved to a server that may not take it.
        apart = not together and homes.takes(most, _addresses(document))
        return "on two servers" if apart and free and not reports else None
    if not free or _is_told(document, routes, homes, reports=reports):
        return None
    return f"at {', '.join(sorted(map(str, targets)))}, though a healthy node is there"


def _is_told(
    document: Json, routes: Mapping[str, str | None], homes: _Homes, *, reports: bool
) -> bool:
    """A stranger's server keeps an address under drift: Report; the operator says so.

    So does one to which somebody mapped a node by mistake, whatever drift is: an edit moves
    nothing. Of the routes as they are: what it said before the stranger came does not count. What
    else is in the group is where it should be.
    """
    told = {"MappingLost", "ForeignServer", "GroupSplit"} if reports else {"MappingLost"}
    if told.isdisjoint(_condition(document, name).get("reason") for name in ("Ready", "Routed")):
        return False
    shown = {
        entry["address"].split("/")[0]: entry.get("activeServerIP")
        for entry in document["status"].get("addresses", [])
    }
    foreign = {
        address: target
        for address in _addresses(document)
        if (target := routes[address]) is not None and target not in homes.known
    }
    rest = {routes[address] for address in _addresses(document) if address not in foreign}
    return bool(foreign) and foreign.items() <= shown.items() and rest <= homes.good


def _is_younger_twin(document: Json, resources: Sequence[Json]) -> bool:
    mine = set(_addresses(document))
    return any(
        _age(other) < _age(document) and not mine.isdisjoint(_addresses(other))
        for other in resources
    )


def _age(document: Json) -> tuple[str, str]:
    metadata = document["metadata"]
    return metadata["creationTimestamp"], metadata["uid"]


def _addresses(document: Json) -> list[str]:
    return [text.split("/")[0] for text in document["spec"]["addresses"]]


def _reasons(document: Json) -> list[str]:
    conditions = (document.get("status") or {}).get("conditions", [])
    return sorted({condition["reason"] for condition in conditions})


def _condition(document: Json, name: str) -> Json:
    conditions: Sequence[Json] = (document.get("status") or {}).get("conditions", [])
    return next((c for c in conditions if c["type"] == name), {})
