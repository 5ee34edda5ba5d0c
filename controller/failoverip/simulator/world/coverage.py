"""Which reasons the operator gave: in its decisions, and in each status that it wrote."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from failoverip.core.reasons import Reason

# The last look refuses only what a defect let through: no world can ask for that.
UNREACHABLE = frozenset({Reason.INVARIANT_BROKEN.value})
# From so many seeds on, a reason that never occurred is a defect of the world.
SEEDS_THAT_SHOW_ALL = 1500


def reasons_in(status: object) -> Iterator[str]:
    """Those that the status of a FailoverIP gives, wherever in it."""
    if isinstance(status, list):
        for part in status:
            yield from reasons_in(part)
    elif isinstance(status, dict):
        for name, value in status.items():
            if name in ("reason", "cause") and isinstance(value, str):
                yield value
            elif isinstance(value, dict | list):
                yield from reasons_in(value)


def missing(seen: Collection[str]) -> list[str]:
    """The reasons that a run should have shown and did not."""
    return sorted(r.value for r in Reason if r.value not in seen and r.value not in UNREACHABLE)
