"""The audits can fail: each is given a round with one fault in it, and tells that one."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from tests.controlplane.rest import Json
from tests.e2e.chaos.audits import audit
from tests.e2e.chaos.facts import Facts, LeaseWrite, NodeFact, Span, StatusWrite
from tests.e2e.installation import ADDRESS, server_ip

# `one` leads from the start. node-a falls silent at 10.0, and its address is asked for at 25.0.
SILENT_AT, ASKED_AT, END = 10.0, 25.0, 60.0
A, B, C = (server_ip(number) for number in (321, 322, 323))
NODES = [
    NodeFact(f"node-{letter}", f"uid-{letter}", frozenset({target}))
    for letter, target in (("a", A), ("b", B), ("c", C))
]
SOURCES = {"127.0.0.2": "one", "127.0.0.3": "two"}


def test_a_sound_round_passes_every_audit() -> None:
    assert audit(sound()) == []


def test_so_does_one_whose_leader_was_replaced_in_the_middle_of_a_switch() -> None:
    """The successor asks for the same target under the intent that it took over."""
    adopted = status(27.9, "two", 2, intent=intent(epoch=2, attempts=2))
    facts = sound()
    facts = replace(
        facts,
        leases=[*until(facts.leases, 26.0), *renewals("two", 27.0)],
        statuses=[*until(facts.statuses, 26.0), adopted],
        requests=[*facts.requests, post(28.0, "127.0.0.3", B, executed=False)],
    )
    assert audit(facts) == []


def told(facts: Facts) -> str:
    """The one thing that is broken."""
    broken = audit(facts)
    assert len(broken) == 1, broken
    return broken[0]


# -- only within the window of the holder of that moment


def test_a_request_after_its_senders_window() -> None:
    facts = sound()
    facts = replace(facts, leases=until(facts.leases, ASKED_AT - 7))
    assert "s after its window" in told(facts)


def test_a_request_while_another_holds_the_lease() -> None:
    facts = sound()
    facts = replace(facts, leases=[*until(facts.leases, 19.0), *renewals("two", 24.0)])
    assert "while two_1 held the Lease" in told(facts)


def test_a_request_of_a_leader_that_released_the_lease() -> None:
    facts = sound()
    released = LeaseWrite(24.6, 24.7, "one", "")
    facts = replace(facts, leases=[*until(facts.leases, 24.5), released])
    assert "while nobody held the Lease" in told(facts)


def test_a_request_of_a_process_that_was_started_after_the_last_renewal() -> None:
    facts = sound()
    lives = [Span("one", 0.0, 24.6), Span("one", 24.7)]
    facts = replace(facts, lives=lives, leases=until(facts.leases, 24.5))
    assert any("its predecessor did" in text for text in audit(facts))


def test_a_late_read_is_one_too_but_not_of_a_process_that_was_stopped_in_its_middle() -> None:
    facts = sound()
    read = post(END + 7, "127.0.0.2", None, method="GET", path="/failover", executed=False)
    facts = replace(facts, requests=[*facts.requests, read])
    assert "GET /failover" in told(facts)
    assert audit(replace(facts, frozen=[Span("one", END - 1, END + 6.9)])) == []


# -- one executed switch for each cause, to the target of the intent


def test_two_executed_switches_under_one_intent() -> None:
    facts = sound()
    again = post(26.0, "127.0.0.2", B)
    facts = replace(facts, requests=[*facts.requests, again])
    assert "executed a second time under intent 1-1" in told(facts)


def test_a_second_switch_for_a_cause_that_the_address_had_left_by_the_first() -> None:
    facts = sound()
    second = status(30.0, "one", 1, intent=intent(id="1-2", node="node-c", to=C))
    facts = replace(
        facts,
        statuses=[*facts.statuses, status(29.0, "one", 1), second],
        requests=[*facts.requests, post(30.5, "127.0.0.2", C)],
    )
    assert f"while {ADDRESS} was at {B}" in told(facts)


def test_a_switch_that_robot_failed_may_be_asked_for_again() -> None:
    facts = sound()
    failed = post(ASKED_AT, "127.0.0.2", B, code="FAILOVER_FAILED")
    assert audit(replace(facts, requests=[failed, post(26.0, "127.0.0.2", B)])) == []


def test_a_request_without_any_intent() -> None:
    facts = sound()
    broken = audit(replace(facts, statuses=[status(1.0, "one", 1)]))
    assert any("no stored intent" in text for text in broken)
    assert any("I2: one asks" in text for text in broken)


def test_a_request_to_another_target_than_the_intents() -> None:
    assert "I2: one asks" in told(replace(sound(), requests=[post(ASKED_AT, "127.0.0.2", C)]))


# -- not to the dead, not without a cause, not beyond the budget


def test_a_move_to_a_node_that_has_been_dead_for_long() -> None:
    facts = sound()
    beats = [(at, name) for at, name in facts.beats if name != "node-b" or at < 5.0]
    assert "I3: one asks" in told(replace(facts, beats=beats))


def test_a_move_off_a_node_that_beat_all_the_time() -> None:
    facts = sound()
    beats = sorted([*facts.beats, *((at, "node-a") for at in seconds(SILENT_AT, END))])
    never_silent, always_well = audit(replace(facts, beats=beats))
    assert "I5: one asks" in never_silent
    assert "I4: one asks" in always_well


def test_a_move_after_a_time_in_which_nobody_could_beat() -> None:
    facts = sound()
    blind = [Span("API server", SILENT_AT, ASKED_AT - 1)]
    assert "I5: one asks" in told(replace(facts, blind=blind))


def test_more_reads_than_an_hour_allows() -> None:
    facts = sound()
    reads = [
        post(30.0 + number / 10, "127.0.0.2", None, method="GET", path="/failover", executed=False)
        for number in range(101)
    ]
    assert "I6: more than 100 reads" in told(replace(facts, requests=[*facts.requests, *reads]))


def test_an_epoch_that_falls() -> None:
    facts = sound()
    assert "I1: web: epoch fell" in told(
        replace(facts, statuses=[*facts.statuses, status(31.0, "one", 2), status(32.0, "one", 1)])
    )


# -- the operator itself


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"refusals": [("one", "I3: it is dead")]}, "one refused its own request: I3: it is dead"),
        ({"ended": [("two", 1)]}, "two ended by itself, with 1"),
    ],
)
def test_what_a_replica_says_and_does_of_itself(change: dict[str, Any], words: str) -> None:
    assert words in told(replace(sound(), **change))


# -- a round


def sound() -> Facts:
    """node-a dies, its address is moved to node-b by one request, and that is confirmed."""
    return Facts(
        spec={"addresses": [ADDRESS]},
        nodes=NODES,
        replica_of=SOURCES,
        routes={ADDRESS: A},
        requests=[post(ASKED_AT, "127.0.0.2", B)],
        leases=renewals("one", 0.5),
        statuses=[
            status(1.0, "one", 1),
            status(24.0, "one", 1, intent=intent(attempts=0)),
            status(24.5, "one", 1, intent=intent()),
        ],
        beats=sorted(
            [
                *((at, "node-a") for at in seconds(0.2, SILENT_AT)),
                *((at, name) for at in seconds(0.3, END) for name in ("node-b", "node-c")),
            ]
        ),
        lives=[Span("one", 0.0), Span("two", 0.0)],
    )


def intent(
    id: str = "1-1",  # noqa: A002 - as the field is called
    epoch: int = 1,
    node: str = "node-b",
    to: str = B,
    attempts: int = 1,
) -> Json:
    """Because of node-a."""
    return {
        "id": id,
        "epoch": epoch,
        "node": node,
        "routes": [{"address": ADDRESS, "to": to}],
        "cause": {"reason": "NodeUnreachable", "node": "node-a", "nodeUID": "uid-a"},
        "attempts": attempts,
    }


def status(answered: float, replica: str, epoch: int, **parts: Json) -> StatusWrite:
    """A write of the status."""
    fence = {"epoch": epoch, "holder": f"{replica}_1"}
    return StatusWrite(answered, replica, "web", {"fence": fence, **parts})


def renewals(replica: str, began: float) -> list[LeaseWrite]:
    """One a second."""
    return [LeaseWrite(at, at + 0.1, replica, f"{replica}_1") for at in seconds(began, END)]


def until(writes: Any, end: float) -> list[Any]:
    """Those that were answered by then."""
    return [write for write in writes if write.answered <= end]


def seconds(began: float, end: float) -> list[float]:
    """One after another."""
    return [began + number for number in range(int(end - began))]


def post(
    began: float,
    source: str,
    target: str | None,
    *,
    executed: bool = True,
    code: str | None = None,
    method: str = "POST",
    path: str = f"/failover/{ADDRESS}",
) -> Json:
    """A line of Robot's journal."""
    return {
        "number": int(began * 10),
        "method": method,
        "path": path,
        "source": source,
        "began": began,
        "address": ADDRESS if target else None,
        "target": target,
        "fault": None,
        "executed": executed,
        "status": 200,
        "code": code,
    }
