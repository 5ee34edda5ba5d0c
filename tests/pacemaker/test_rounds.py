"""Random rounds. ROUNDS: how many; SEED: the first, to repeat one or to go on elsewhere."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.pacemaker import rounds

pytestmark = pytest.mark.pacemaker

ROUNDS = int(os.environ.get("ROUNDS") or 10)
SEED = int(os.environ.get("SEED") or rounds.FIRST_SEED)


@pytest.mark.parametrize("seed", range(SEED, SEED + ROUNDS))
def test_an_outage_restarts_nothing(
    seed: int, tmp_path: Path, cluster_root: Path, record_property: Callable[[str, object], None]
) -> None:
    played = rounds.play(seed, tmp_path / "lab", cluster_root)
    print(played.line)
    record_property("round", played.line)
    told = f"{played.line}\n{played.story}"
    assert played.counts, told
    assert played.ours == 0, told
    assert played.serves, told
    # The same seed is no easy one: the agent of 2011 does restart.
    assert played.of_2011 > 0, told
