"""docs/reasons.md tells every reason with the sentence of the code."""

from __future__ import annotations

from tests.repo.reasons import PAGE, page, sections

from failoverip.core.reasons import Reason


def test_the_page_of_reasons_is_what_the_code_says() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "run: python -m tests.repo.reasons"


def test_the_page_of_reasons_has_every_reason_once() -> None:
    listed = [reason for _, reasons in sections() for reason in reasons]
    assert sorted(listed) == sorted(Reason)
