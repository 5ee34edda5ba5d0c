"""Which lists are older than one that was seen before."""

from __future__ import annotations

from dataclasses import dataclass

from failoverip.kube.errors import ServerError

# A list with no version in its metadata: nothing can be told about its age.
UNVERSIONED = -1
# A list asks for the newest, so an older one is a defect of the store that may go away (a member
# that lags); one that stays is a store that was set back to a backup.
SET_BACK_AFTER_SECONDS = 60.0


@dataclass
class NewestList:
    """The newest list of one collection so far, by its resource version.

    An older one shows what was no longer so: a heartbeat in it differs from the last seen one, and
    would pass for a sign of life. Versions count up over the whole store (KEP-5504), also for a
    list that is empty.
    """

    version: int = UNVERSIONED
    # Of an object of the same kind, when it was last read or written apart from lists.
    present: int = UNVERSIONED
    # The first of the older lists since the last good one, None while there is none.
    older_since: float | None = None

    def take(self, path: str, version: int, floor: int, present: int, now: float) -> None:
        """Take a list that was asked for when these were the newest and the present version.

        ServerError while it is older than the newest, for at most SET_BACK_AFTER_SECONDS in a row,
        and while it is older than the present: that is set back with the store. `now` in seconds.
        """
        if version == UNVERSIONED:
            return
        if version < present:
            raise ServerError(f"GET {path}: the list is older than a Lease that was read before it")
        if version >= floor:
            self.version, self.older_since = max(version, self.version), None
            return
        if self.older_since is None:
            self.older_since = now
        if now - self.older_since < SET_BACK_AFTER_SECONDS:
            raise ServerError(f"GET {path}: the list is older than one that was seen before")
        self.version, self.older_since = version, None


def version_of(text: object) -> int:
    """The number in a list's `metadata.resourceVersion`, UNVERSIONED when it is none."""
    return int(text) if isinstance(text, str) and text.isascii() and text.isdigit() else UNVERSIONED
