"""Random rounds on real processes. ROUNDS: how many; SEED: the first, to repeat one or go on."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable

import pytest
from tests.e2e.chaos.audits import audit
from tests.e2e.chaos.player import Player
from tests.e2e.chaos.route import RIGHT_WITHIN_SECONDS, STAYS_SECONDS, became_right, stays
from tests.e2e.chaos.script import Script, draw
from tests.e2e.chaos.stage import Rig, Stage, node_facts, staged

pytestmark = pytest.mark.e2e

ROUNDS = int(os.environ.get("ROUNDS") or os.environ.get("FAILOVERIP_TEST_CHAOS_ROUNDS") or 2)
SEED = int(os.environ.get("SEED") or 1)


@pytest.mark.parametrize("seed", range(SEED, SEED + ROUNDS))
def test_a_round_breaks_no_promise(
    seed: int, rig: Rig, record_property: Callable[[str, object], None]
) -> None:
    script = draw(seed)
    with staged(rig, script) as stage:
        nodes = node_facts(stage)
        player = Player(stage, script)
        player.play()
        began = time.monotonic()
        late = became_right(stage, player.tick, RIGHT_WITHIN_SECONDS)
        took = time.monotonic() - began
        moved = "" if late else stays(stage, player.tick, STAYS_SECONDS)
        facts = stage.facts(nodes, player.ended)
        broken = [text for text in (late, moved) if text] + audit(facts)
        posts = facts.posts()
        leaders = len({write.holder for write in facts.leases if write.holder})
        line = (
            f"seed {seed}: right after {took:.1f} s, requests to switch {len(posts)}, executed "
            f"{len([post for post in posts if post['executed']])}, leaders {leaders}, broken "
            f"{len(broken)}"
        )
        print(line)
        record_property("round", line)
        assert broken == [], told(script, stage, broken, rig)


def told(script: Script, stage: Stage, broken: list[str], rig: Rig) -> str:
    """All that a person needs to go on from here."""
    journal = [
        f"{e['began']:.3f} {e['source']} {e['method']} {e['path']} -> {e['target']}: "
        f"{e['status']} {e['code']} fault={e['fault']} executed={e['executed']}"
        for e in stage.home.simulator.journal()
    ]
    parts = [
        f"seed {script.seed} broke what was promised:",
        *broken,
        "--- drawn",
        str(script),
        "--- done",
        *stage.diary.notes,
        "--- asked of Robot",
        *journal[-60:],
        "--- Lease",
        *stage.holders(),
        "--- status",
        json.dumps(stage.home.status(), indent=1),
        f"--- logs: {rig.directory}, and of the control plane: {rig.plane.directory}",
        f"--- again: make chaos ROUNDS=1 SEED={script.seed}",
    ]
    return "\n".join(parts)
