"""`make model`: explore, tell how far, and the shortest way to each harm. Exit code 1 with harm."""

from __future__ import annotations

import argparse
import resource
import sys
from collections.abc import Sequence
from dataclasses import fields, replace

from tests.model.explore import explore
from tests.model.looks import ALL, Rules

NAMES = [field.name for field in fields(Rules)]


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.model", description=__doc__)
    parser.add_argument("--states", type=int, default=1_000_000)
    parser.add_argument("--depth", type=int, default=99)
    parser.add_argument("--without", nargs="*", choices=[*NAMES, "all"], default=[])
    options = parser.parse_args(arguments)
    off = NAMES if "all" in options.without else options.without
    rules = replace(ALL, **dict.fromkeys(off, False))
    found = explore(options.states, options.depth, rules)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    print(f"{found.tell()}, {peak} MiB")
    for harm, story in found.harms.items():
        print(f"\n{harm}:")
        print("\n".join(f"{number:4} {line}" for number, line in enumerate(story, 1)))
    print(f"\n{len(found.harms)} kinds of harm" if found.harms else "no harm")
    return 1 if found.harms else 0


if __name__ == "__main__":
    sys.exit(main())
