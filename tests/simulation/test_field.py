"""Incidents of the field, each a world: what is promised there, and that a broken promise shows."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from failoverip.simulator.demo.manifests import crd_document
from failoverip.simulator.world.field import INCIDENTS, Ends, Incident, Promise, broken
from failoverip.simulator.world.play import play
from failoverip.simulator.world.profiles import PROFILES
from failoverip.simulator.world.script import KINDS, Act, Script, draw

pytestmark = pytest.mark.usefixtures("quiet")
SEEDS = 2
SAFETY = Path(__file__).parents[2] / "docs" / "safety.md"
each_incident = pytest.mark.parametrize("incident", INCIDENTS, ids=lambda each: each.name)


def scripts(incident: Incident) -> list[Script]:
    return [draw(seed, PROFILES[incident.name]) for seed in range(SEEDS)]


@each_incident
def test_an_incident_of_the_field_ends_as_promised(incident: Incident) -> None:
    for script in scripts(incident):
        assert play(script, crd_document()).breaches == ()


@each_incident
def test_a_world_that_goes_the_other_way_breaks_the_promise(incident: Incident) -> None:
    script = scripts(incident)[0]
    asked = (("resource", 0), ("node", script.places[1].node), ("again", 1))
    # Where something must move, nothing happens; where nothing may, somebody asks for a switch.
    acts = () if incident.promise.least_moves else (Act(45.0, "switch_to", asked), *script.acts)
    breaches = play(replace(script, acts=acts), crd_document()).breaches
    assert "promise" in {breach.invariant for breach in breaches}


@pytest.mark.parametrize(
    ("promise", "end", "servers"),
    [
        (Promise(least_moves=2), Ends("a", 1, 1), 1),
        (Promise(most_moves=6), Ends("a", 7, 7), 1),
        (Promise(most_posts=9), Ends("a", 1, 10), 1),
        (Promise(together=True), Ends("a", 1, 1), 2),
    ],
    ids=["too few moves", "too many moves", "too many requests", "split"],
)
def test_each_part_of_a_promise_can_be_broken(promise: Promise, end: Ends, servers: int) -> None:
    assert len(list(broken(promise, [end], {"web": servers}))) == 1
    assert list(broken(Promise(), [end], {"web": servers})) == []


@each_incident
def test_an_incident_is_drawn_from_known_acts_and_stands_in_the_docs(incident: Incident) -> None:
    for script in scripts(incident):
        assert script.acts
        assert {act.kind for act in script.acts} <= set(KINDS)
    (row,) = [line for line in SAFETY.read_text().splitlines() if f"| `{incident.name}` |" in line]
    assert incident.reference in row
