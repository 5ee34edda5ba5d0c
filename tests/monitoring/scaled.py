"""The rules for a world whose times are shortened, as the operator's `--time-scale` shortens them.

Only durations change: each `for`, each range, and each number that an age in seconds is compared
with. Nothing is added, removed or reordered.
"""

from __future__ import annotations

import re

UNITS_SECONDS = {"s": 1, "m": 60, "h": 3600}
DURATION = r"(\d+)([smh])"


def scaled(rules: str, factor: float) -> str:
    """A rules file with every duration times `factor`."""

    def shorter(found: re.Match[str]) -> str:
        seconds = int(found[2]) * UNITS_SECONDS[found[3]] * factor
        return f"{found[1]}{round(seconds * 1000)}ms{found[4]}"

    text = re.sub(rf"(\bfor: ){DURATION}()$", shorter, rules, flags=re.MULTILINE)
    text = re.sub(rf"(\[){DURATION}(\])", shorter, text)
    return re.sub(
        r"(_seconds:\w+ > )(\d+)", lambda found: f"{found[1]}{int(found[2]) * factor:g}", text
    )
