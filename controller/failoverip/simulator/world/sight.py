"""What the judge sees of the cluster: each change of the API, as the API server has it."""

from __future__ import annotations

from failoverip.simulator.kubernetes import Api, Request, Watch
from failoverip.simulator.world import places
from failoverip.simulator.world.judge import Judge
from failoverip.simulator.world.links import Json

_WATCHED = (places.NODES, places.FIPS, places.HEARTBEATS)


class Sight:
    """Watches of what the judge judges by, from the first object on."""

    def __init__(self, api: Api, judge: Judge) -> None:
        self._judge = judge
        self._watches = [_watch(api, path) for path in _WATCHED]

    def see(self, at: float) -> list[Json]:
        """Show the judge what changed since the last look; these documents, in order."""
        seen: list[Json] = []
        for watch in self._watches:
            for event in watch.take():
                self._show(at, event.object, deleted=event.type == "DELETED")
                seen.append(event.object)
        return seen

    def _show(self, at: float, document: Json, *, deleted: bool) -> None:
        match document["kind"]:
            case "Node":
                targets = places.targets_of(places.server_of_node(document))
                self._judge.node(at, document, targets, deleted=deleted)
            case "FailoverIP":
                self._judge.resource(at, document, deleted=deleted)
            case "Lease" if not deleted:
                self._judge.beat(at, document["metadata"]["name"])


def _watch(api: Api, path: str) -> Watch:
    watch = api.handle(Request("GET", path, {"watch": "true"}))
    if not isinstance(watch, Watch):
        raise TypeError(f"{path} cannot be watched")
    watch.begin_with_all(bookmark=False)
    return watch
