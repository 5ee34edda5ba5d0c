"""What a person reads of a trace: what happened, and each decision once between two happenings."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

_HAPPENED = (" world: ", ": first byte: ", ": refuses: ")
_DECIDED = ": decides "


def story_of(trace: Iterable[str]) -> Iterator[str]:
    """Not every request to the API server, and no decision that was told since the last act."""
    told: set[str] = set()
    left_out = 0
    for line in trace:
        if _DECIDED in line:
            *_, what = line.split(maxsplit=2)
            if what in told:
                left_out += 1
                continue
            told.add(what)
        elif any(word in line for word in _HAPPENED):
            told.clear()
        else:
            continue
        if left_out:
            yield f"           ... decisions as before: {left_out}"
            left_out = 0
        yield line
