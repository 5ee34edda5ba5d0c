"""`equivalent.yaml`: mutants that no test can notice, each with the reason."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import yaml

LISTED = Path(__file__).parent / "equivalent.yaml"
WORDS = {"in", "change", "number", "why"}
Key = tuple[str, str, str, int]


def listed(path: Path = LISTED) -> Mapping[Key, str]:
    """The reason of each, by module, function, change and number. Raises ValueError."""
    found: dict[Key, str] = {}
    for module, entries in (yaml.safe_load(path.read_text(encoding="utf-8")) or {}).items():
        for entry in entries:
            if set(entry) - WORDS or not str(entry.get("why", "")).strip():
                raise ValueError(f"{path.name}: {module}: {entry} wants in, change and why")
            key = (module, str(entry.get("in", "")), entry["change"], entry.get("number", 1))
            if key in found:
                raise ValueError(f"{path.name}: {module}: {entry['change']} stands there twice")
            found[key] = entry["why"]
    return found
