"""Each case against the shipped `decide`."""

from __future__ import annotations

import pytest
from tests.corpus.build import build
from tests.corpus.expect import MESSAGES, expectation, messages, rendered
from tests.corpus.load import Case, load_all

from failoverip.core.decide import decide

CASES = load_all()


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.place} {case.name}")
def test_what_is_decided_is_what_was_reviewed(case: Case) -> None:
    decided = expectation(decide(build(case)))
    assert decided == case.expected, f"{case.place}: run `make corpus` and review the diff"


def test_the_message_of_each_reason_is_what_was_reviewed() -> None:
    assert MESSAGES.read_text(encoding="utf-8") == rendered(messages(CASES))
