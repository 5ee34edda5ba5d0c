"""What is worth an Event: the steps of a move, at most four, and changes for worse or better."""

from __future__ import annotations

from dataclasses import replace

from tests.support.observations import (
    FENCE,
    IP,
    PLENTY,
    an_intent,
    an_observation,
    at,
    foreign,
    healthy,
    silent,
    unclear,
    with_account,
    with_resource,
    with_status,
)

from failoverip.core.decide import decide
from failoverip.core.events import Note, note_of_second_installation, notes_of
from failoverip.core.observation import Claim, Observation, Trouble
from failoverip.core.reasons import Reason
from failoverip.core.resource import Cause, MoveResult, Status
from failoverip.core.status import render_status

TROUBLE = Trouble(Reason.PROVIDER_UNREACHABLE, "Robot gave no usable answer (Timeout)")
NODES = (silent("a"), healthy("b"))


def passed(o: Observation) -> tuple[Observation, tuple[Note, ...]]:
    """One pass: the resource as it is recorded after it, and the Events."""
    decision = decide(o)
    after = render_status(o, decision)
    version = str(int(o.resource.resource_version) + 1)
    stored = with_resource(o, status=after, resource_version=version)
    return stored, notes_of(o.resource.status, after, decision)


def notes(o: Observation) -> list[tuple[bool, Reason]]:
    return [(note.warning, note.reason) for note in passed(o)[1]]


def settled(o: Observation) -> Observation:
    return passed(o)[0]


class TestOfAMove:
    def story(self, adopters: int) -> list[Note]:
        """From the failure to the confirmation, with some changes of leaders on the way."""
        o = settled(an_observation([healthy("a"), healthy("b")]))
        o = replace(o, cluster=an_observation(NODES).cluster)
        told: list[Note] = []
        steps = 3 + 2 * adopters
        for step in range(steps):
            if step >= 2 and step < 2 + adopters:
                epoch = FENCE.epoch + step
                o = with_status(o, fence=replace(FENCE, epoch=epoch))
            if step == steps - 1:
                o = with_account(o, routes=dict.fromkeys(o.account.routes, at("b")))
            o, more = passed(o)
            told += more
        assert o.resource.status.moves[0].result is MoveResult.CONFIRMED
        return told

    def test_the_steps_are_told_with_the_node(self) -> None:
        told = self.story(adopters=0)
        assert [note.reason for note in told] == [
            Reason.NODE_UNREACHABLE,
            Reason.ATTEMPT,
            Reason.CONFIRMED,
        ]
        assert {note.node for note in told} == {"b"}
        assert IP in told[0].message
        assert "from a to b" in told[0].message

    def test_they_are_at_most_four_over_any_number_of_leaders(self) -> None:
        for adopters in (1, 2, 4):
            told = self.story(adopters)
            assert [note.reason for note in told].count(Reason.ADOPTED) == 1
            assert len(told) <= 4

    def test_a_repeated_attempt_is_not_told(self) -> None:
        assert notes(with_status(an_observation(NODES), intent=an_intent(attempts=1))) == []

    def test_the_end_is_a_warning_unless_it_is_confirmed(self) -> None:
        confirmed = an_observation(NODES, {IP: at("b")})
        assert notes(with_status(confirmed, intent=an_intent(attempts=1))) == [
            (False, Reason.CONFIRMED)
        ]
        gone = an_observation([healthy("a"), healthy("b")])
        assert notes(with_status(gone, intent=an_intent())) == [(True, Reason.CAUSE_GONE)]

    def test_a_planned_move_is_no_warning_and_a_failover_is(self) -> None:
        assert notes(an_observation(switch_to="b")) == [(False, Reason.SWITCH_REQUESTED)]
        assert notes(an_observation(NODES)) == [(True, Reason.NODE_UNREACHABLE)]

    def test_a_move_without_a_source_names_none(self) -> None:
        o = an_observation(routes={IP: replace(at("a"), target=None)})
        (note,) = passed(o)[1]
        assert note.reason is Reason.ROUTED_NOWHERE
        assert " from " not in note.message

    def test_an_intent_of_another_form_of_id_is_adopted_in_silence(self) -> None:
        """Only the first adoption is told, and its id shows whose it was."""
        intent = replace(an_intent(epoch=8), cause=Cause(Reason.NODE_UNREACHABLE, "a", "uid-a"))
        o = with_status(an_observation(NODES), intent=intent, fence=replace(FENCE, epoch=9))
        assert notes(o) == []


def test_a_refused_request_is_told() -> None:
    assert notes(an_observation(switch_to="nobody")) == [(True, Reason.UNKNOWN_NODE)]


def test_a_second_installation_is_told_as_a_warning_with_the_fix() -> None:
    decision = decide(replace(an_observation(), claim=Claim.SECOND_INSTALLATION))
    note = note_of_second_installation(decision)
    assert note == Note(True, Reason.SECOND_INSTALLATION, "Claim", decision.message)


class TestOfAChange:
    def test_nothing_is_told_while_nothing_changes(self) -> None:
        for o in (an_observation(), an_observation(routes={IP: foreign()})):
            assert notes(settled(o)) == []

    def test_a_good_beginning_is_no_event(self) -> None:
        assert notes(an_observation()) == []

    def test_worse_and_better_are_told_once_each(self) -> None:
        good = settled(an_observation())
        bad = with_account(good, trouble=TROUBLE)
        assert notes(bad) == [(True, Reason.PROVIDER_UNREACHABLE)]
        better = with_account(settled(bad), trouble=None)
        assert notes(better) == [(False, Reason.ON_HEALTHY_NODE)]
        assert notes(settled(better)) == []

    def test_another_reason_is_told_anew(self) -> None:
        bad = settled(an_observation(routes={IP: foreign()}))
        assert notes(replace(bad, conflict="older")) == [(True, Reason.OVERLAP)]

    def test_of_several_changes_the_gravest_is_told(self) -> None:
        good = settled(an_observation())
        assert notes(replace(good, conflict="older")) == [(True, Reason.OVERLAP)]

    def test_an_unknown_is_no_event(self) -> None:
        o = replace(an_observation(), account=replace(an_observation().account, budget=PLENTY))
        assert notes(with_account(o, routes_read_at=None, listed=None)) == []

    def test_a_node_that_is_unclear_is_no_event(self) -> None:
        good = settled(an_observation())
        assert notes(replace(good, cluster=an_observation([unclear("a")]).cluster)) == []

    def test_a_message_is_never_empty(self) -> None:
        bad = settled(an_observation(routes={IP: foreign()}))
        better = with_account(bad, routes=dict.fromkeys(bad.account.routes, at("a")))
        (note,) = passed(better)[1]
        assert note.message == "Degraded no longer: ForeignServer"


def test_a_status_without_conditions_has_no_past() -> None:
    bad = an_observation(routes={IP: foreign()}, status=Status(fence=FENCE))
    assert notes(bad) == [(True, Reason.FOREIGN_SERVER)]
