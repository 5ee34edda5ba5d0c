"""Events, sent beside the work: a slow API server never holds up a move for a story about it."""

from __future__ import annotations

import asyncio

from failoverip.core.events import Note
from failoverip.core.resource import Resource
from failoverip.kube import EventNote, EventType, KubeError
from failoverip.log import get_logger
from failoverip.reconciler.ports import KubernetesDoor

_log = get_logger(__name__)

# More than this many untold Events mean that nobody takes them: the newest are dropped.
_WAITING_AT_MOST = 200
_EVENT_LIMIT_SECONDS = 3.0


class Announcer:
    """A queue and the task that empties it."""

    def __init__(self, kubernetes: KubernetesDoor) -> None:
        self._kubernetes = kubernetes
        self._waiting: asyncio.Queue[EventNote] = asyncio.Queue(_WAITING_AT_MOST)

    def tell(
        self, resource: Resource, notes: tuple[Note, ...], uids: dict[str, str], at: float
    ) -> None:
        """Queue Events about a resource. `uids` gives node UIDs by name, `at` is POSIX seconds."""
        for note in notes:
            event = EventNote(
                resource_name=resource.name,
                resource_uid=resource.uid,
                type=EventType.WARNING if note.warning else EventType.NORMAL,
                reason=note.reason,
                action=note.action,
                note=note.message,
                at=at,
                node=note.node,
                node_uid=uids.get(note.node, ""),
            )
            try:
                self._waiting.put_nowait(event)
            except asyncio.QueueFull:
                _log.warning("event dropped", resource=resource.name, reason=note.reason.value)

    async def run(self) -> None:
        """Send what is queued, one after another, for ever."""
        while True:
            event = await self._waiting.get()
            try:
                await self._kubernetes.create_event(event, _EVENT_LIMIT_SECONDS)
            except KubeError as error:
                _log.warning("event not sent", reason=event.reason.value, error=str(error))
            except Exception as error:
                # A defect met by one Event must not end the telling of all others.
                _log.exception("event not sent", exc=error, reason=event.reason.value)
