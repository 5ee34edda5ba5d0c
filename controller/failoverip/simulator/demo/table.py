"""The FailoverIP as `kubectl get` prints it: the printer columns of the CRD."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any

Json = dict[str, Any]
HEADERS = ("NAME", "ADDRESSES", "NODE", "READY", "SINCE", "REASON", "MODE", "AGE")
_GAP = 3


def row(document: Json, now: dt.datetime) -> tuple[str, ...]:
    """The cells below `HEADERS`."""
    status = document.get("status", {})
    conditions = status.get("conditions", [])
    ready: Json = next((c for c in conditions if c["type"] == "Ready"), {})
    return (
        document["metadata"]["name"],
        json.dumps(document["spec"]["addresses"], separators=(",", ":")),
        status.get("activeNode", ""),
        ready.get("status", ""),
        _age(ready.get("lastTransitionTime"), now),
        ready.get("reason", ""),
        document["spec"].get("mode", ""),
        _age(document["metadata"].get("creationTimestamp"), now),
    )


def table(cells: tuple[str, ...]) -> list[str]:
    """Header and row, aligned."""
    widths = [max(len(h), len(c)) + _GAP for h, c in zip(HEADERS, cells, strict=True)]
    return [_aligned(HEADERS, widths), _aligned(cells, widths)]


def _aligned(texts: tuple[str, ...], widths: list[int]) -> str:
    padded = (text.ljust(width) for text, width in zip(texts, widths, strict=True))
    return "".join(padded).rstrip()


def _age(timestamp: str | None, now: dt.datetime) -> str:
    """As kubectl writes it: `12s`, `3m20s`."""
    if timestamp is None:
        return "<unknown>"
    then = dt.datetime.fromisoformat(timestamp)
    seconds = max(int((now - then).total_seconds()), 0)
    return f"{seconds}s" if seconds < 120 else f"{seconds // 60}m{seconds % 60}s"
