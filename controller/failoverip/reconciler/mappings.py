"""Since when a node has no server: `drift: Enforce` waits for a mapping that was just lost."""

from __future__ import annotations

from collections.abc import Sequence

from failoverip.core.cluster import Node, Ready
from failoverip.core.mapping import Unmapped, map_node
from failoverip.core.provider import Server
from failoverip.core.resource import Policy


class Mappings:
    """Remembers, per account, which nodes had a server and when."""

    def __init__(self, grace_seconds: float) -> None:
        self._grace_seconds = grace_seconds
        # (account, node UID) -> local time at which its mapping was last seen to be lost.
        self._lost_at: dict[tuple[str, str], float] = {}
        self._mapped: set[tuple[str, str]] = set()

    def note(
        self, account: str, nodes: Sequence[Node], servers: Sequence[Server], now: float
    ) -> None:
        """Compare the mapping of all nodes with the last one."""
        for node in nodes:
            key = (account, node.uid)
            if isinstance(map_node(node, servers), Unmapped):
                if key in self._mapped:
                    self._mapped.discard(key)
                    self._lost_at[key] = now
            else:
                self._mapped.add(key)
        self._lost_at = {
            key: at for key, at in self._lost_at.items() if now - at < self._grace_seconds
        }
        present = {(account, node.uid) for node in nodes}
        self._mapped = {key for key in self._mapped if key[0] != account or key in present}

    def unmapped_recently(
        self,
        account: str,
        policy: Policy,
        nodes: Sequence[Node],
        servers: Sequence[Server],
        now: float,
    ) -> tuple[str, ...]:
        """Ready selected nodes without a server, and nodes that lost theirs within the grace."""
        selector = set(policy.node_selector)
        found = []
        for node in nodes:
            if not selector <= set(node.labels):
                continue
            unmapped = isinstance(map_node(node, servers), Unmapped)
            lost_at = self._lost_at.get((account, node.uid))
            recently = lost_at is not None and now - lost_at < self._grace_seconds
            if (unmapped and node.ready is Ready.TRUE) or recently:
                found.append(node.name)
        return tuple(found)
