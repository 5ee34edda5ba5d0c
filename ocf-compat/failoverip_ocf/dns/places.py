"""The places that can keep a name, behind one set of verbs: put, give back, look.

A file is this node's own: while the resource does not run here, its line gives the other's address.
A zone is common to all nodes: who leaves may change it only while it still says what he wrote.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from failoverip_ocf.dns.files import change_file, read_text
from failoverip_ocf.dns.lines import Style, kept_address, with_record
from failoverip_ocf.dns.records import Record


@dataclass(frozen=True, slots=True)
class Done:
    """The place says what was asked for; `changed` when it did not before."""

    changed: bool


@dataclass(frozen=True, slots=True)
class Failed:
    """It may or may not. `why` is one line."""

    why: str


@dataclass(frozen=True, slots=True)
class Look:
    """What is there: `right` is None when that cannot be told from this node."""

    right: bool | None
    why: str = ""


class Place(Protocol):
    """Where one name is kept. `until` is a moment of `time.monotonic`; nothing is ever raised."""

    @property
    def of_this_node(self) -> bool:
        """Whether no other node writes there."""
        ...

    def put(self, mine: Record, until: float) -> Done | Failed:
        """Let the name lead here."""
        ...

    def give_back(self, mine: Record, other: Record, until: float) -> Done | Failed:
        """Let the name lead to the other node, unless somebody else has taken it."""
        ...

    def look(self, mine: Record) -> Look:
        """Whether the name leads here; without any network."""
        ...


@dataclass(frozen=True, slots=True)
class FilePlace:
    """A line in a hosts file, or in a file that dnsmasq or unbound includes."""

    style: Style
    path: Path
    of_this_node: bool = True

    def put(self, mine: Record, until: float) -> Done | Failed:
        """Write the line."""
        try:
            return Done(
                change_file(self.path, lambda text: with_record(text, self.style, mine), until)
            )
        except OSError as error:
            return Failed(f"{self.path}: {error.strerror or error}")
        except ValueError as error:
            return Failed(f"{self.path}: {error}")

    def give_back(self, mine: Record, other: Record, until: float) -> Done | Failed:
        """Write the line with the other's address."""
        del mine
        return self.put(other, until)

    def look(self, mine: Record) -> Look:
        """Read the line."""
        try:
            found = kept_address(read_text(self.path), self.style, mine.name, mine.kind)
        except OSError as error:
            return Look(None, f"{self.path}: {error.strerror or error}")
        if found == mine.address:
            return Look(right=True)
        return Look(False, f"{self.path} gives {mine.name} {found or 'no address'}")
