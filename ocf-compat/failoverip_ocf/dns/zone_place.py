"""A name in a zone that all nodes share."""

from __future__ import annotations

from dataclasses import dataclass

from failoverip_ocf.dns.places import Done, Failed, Look
from failoverip_ocf.dns.records import Record
from failoverip_ocf.dns.server import Updated, UpdateFailed, Zone, update


@dataclass(frozen=True, slots=True)
class ZonePlace:
    """A record in a zone, changed by signed updates."""

    zone: Zone
    ttl: int
    of_this_node: bool = False

    def put(self, mine: Record, until: float) -> Done | Failed:
        """Make it the only record of its name and type."""
        return _told(update(self.zone, mine, self.ttl, until))

    def give_back(self, mine: Record, other: Record, until: float) -> Done | Failed:
        """The server changes it only where it is ours: a successor may have been quicker."""
        return _told(update(self.zone, other, self.ttl, until, only_if=mine))

    def look(self, mine: Record) -> Look:
        """Only the server knows, and a server that is down must not look like a loss."""
        del mine
        return Look(None, "only the DNS server knows")


def _told(answer: Updated | UpdateFailed) -> Done | Failed:
    return Failed(answer.why) if isinstance(answer, UpdateFailed) else Done(answer.changed)
