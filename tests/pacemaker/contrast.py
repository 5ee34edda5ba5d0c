"""The contrast, measured: each scenario, what became of our address and of that of 2011.

`python -m tests.pacemaker.contrast` runs all scenarios, a few labs side by side, and prints the
table of docs/pacemaker.md with the versions used. RELEASE: as for `make pacemaker`.
"""

from __future__ import annotations

import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.pacemaker import debian
from tests.pacemaker.lab import Lab, running_lab
from tests.pacemaker.scenarios import SCENARIOS, Scenario
from tests.pacemaker.stage import AGENT_OF_2011, OUR_AGENT, Outcome, Stage

LABS = 3
# What does not serve so long after the world is well again needs a person.
SETTLE_SECONDS = 90.0

HEAD = """\
| What happens | This agent: starts of the address and of what depends on it | at the end | \
The agent of 2011: starts | at the end |
|---|---|---|---|---|"""


def row(scenario: Scenario, directory: Path, root: Path) -> tuple[str, str]:
    """One line of the table, and the versions."""
    with running_lab(directory, 3, root) as lab:
        stage = Stage(lab, (OUR_AGENT, AGENT_OF_2011))
        scenario.act(stage)
        ends = []
        for subject in stage.subjects:
            serves = stage.settle(subject, SETTLE_SECONDS)
            outcome = stage.outcome(subject)
            ends += [_restarts(outcome), _end(lab, outcome, serves=serves)]
        return f"| {scenario.title} | {' | '.join(ends)} |", versions(lab)


def versions(lab: Lab) -> str:
    """Of what the nodes run."""
    said = lab.running_nodes[0].shell("pacemakerd --version; corosync -v; cat /etc/debian_version")
    words = said.split()
    corosync = words[words.index("version") + 1].strip("'")
    return f"Pacemaker {words[1]}, Corosync {corosync}, Debian {words[-1]}"


def _restarts(outcome: Outcome) -> str:
    return f"{outcome.starts} and {outcome.dependent_starts}"


def _end(lab: Lab, outcome: Outcome, *, serves: bool) -> str:
    if serves:
        return f"serves on {outcome.active_on[0]}"
    banned = set(outcome.banned) & {node.name for node in lab.running_nodes}
    barred = f", barred from {len(banned)} of {len(lab.running_nodes)} nodes" if banned else ""
    active = f"on {', '.join(outcome.active_on)}" if outcome.active_on else "**stopped**"
    return f"{active}{barred}"


def main() -> int:
    """Run, print; exit code."""
    release = debian.release()
    root = debian.root(release) if release else Path("/")
    with tempfile.TemporaryDirectory(prefix="contrast-") as name, ThreadPoolExecutor(LABS) as pool:
        directories = [Path(name, str(number)) for number in range(len(SCENARIOS))]
        rows = list(pool.map(row, SCENARIOS, directories, [root] * len(SCENARIOS)))
    print(HEAD)
    for line, _ in rows:
        print(line)
    print(f"\n{rows[0][1]}; a monitor every 2 s; the agent of 2011 slept 2 s, not 30 s.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
