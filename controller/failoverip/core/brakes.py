"""What brakes the operator: the moves of the hour, and the hold-down after a move (design 7).

Both are counted from `status.moves`, which outlives leaders. A requested switch is a person's own
decision, and a repair ends what a move began: neither waits, neither counts among the moves of the
hour.

* `maxMovesPerHour` limits every other move, those off failed nodes too: an address that moves
  more often than that is carried by something that nobody understands yet.
* The hold-down keeps a living node's addresses where they are for a while after any move, a
  requested one too: drift, cordon and failback wait. It never keeps a move off a failed node back.

The times in a status are another machine's, perhaps. An entry is at least as old as this process
knows it, so a clock that ran ahead brakes for an hour at most; one that ran behind by less than
the period shortens the brake by as much.
"""

from __future__ import annotations

from collections.abc import Sequence

from failoverip.core.observation import Observation
from failoverip.core.reasons import Reason
from failoverip.core.resource import Move, MoveResult, Safety

FREE = frozenset({Reason.SWITCH_REQUESTED, Reason.GROUP_SPLIT})
HELD_DOWN = frozenset(
    {
        Reason.FAILBACK,
        Reason.FOREIGN_SERVER,
        Reason.NODE_CORDONED,
        Reason.NODE_DELETING,
        Reason.NODE_NOT_SELECTED,
    }
)


def seconds_since(o: Observation, move: Move) -> float:
    """How long ago a recorded move ended, as far as can be told."""
    known_for = o.now - o.moves_known_since.get(move.id, o.now)
    return max(o.wall_seconds - move.ended_at, known_for)


def moves_of_the_hour(o: Observation) -> int:
    """How many moves count against `maxMovesPerHour` now."""
    return sum(
        is_counted(move) and seconds_since(o, move) < o.timings.hour_seconds
        for move in o.resource.status.moves
    )


def is_held_down(o: Observation, safety: Safety) -> bool:
    """Whether the last move is too recent for one that could as well wait."""
    hold = safety.hold_down_seconds * o.timings.spec_second_seconds
    return any(
        _happened(move) and seconds_since(o, move) < hold for move in o.resource.status.moves
    )


def is_counted(move: Move) -> bool:
    """Whether a move counts among those of the hour."""
    return _happened(move) and move.cause not in FREE


def _happened(move: Move) -> bool:
    """Robot was asked, and did not refuse: the route may have moved."""
    return move.attempts > 0 and move.result is not MoveResult.REFUSED


def keep_moves(moves: Sequence[Move], most: int) -> tuple[Move, ...]:
    """The record with at most `most` entries, newest first.

    What does not count makes room first, and never the newest: so no move of the hour is forgotten
    while `maxMovesPerHour` is at most `most`.
    """
    kept = list(moves)
    while len(kept) > most:
        oldest_first = range(len(kept) - 1, 0, -1)
        del kept[min(oldest_first, key=lambda index: _weight(kept[index]))]
    return tuple(kept)


def _weight(move: Move) -> int:
    if is_counted(move):
        return 2
    return 1 if move.attempts > 0 else 0
