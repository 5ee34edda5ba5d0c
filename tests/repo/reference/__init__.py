"""docs/reference.md, made from the code and the CRD: `make reference`, then read the diff."""

from __future__ import annotations

from tests.repo.files import ROOT
from tests.repo.reference import metrics, resource, settings, words

PAGE = ROOT / "docs" / "reference.md"

HEAD = """\
# Reference

This page is made from the code and from the CRD by `make reference`; a test fails when it is stale.

* [The resource](#the-resource): its fields, and what the API server refuses
* [Annotations](#annotations)
* [Conditions](#conditions) and [reasons](#reasons)
* [Events](#events)
* [Metrics](#metrics)
* [Settings](#settings)
* [Exit codes](#exit-codes)
"""


def page() -> str:
    """The page as it should be."""
    return "\n".join(
        [
            HEAD,
            *resource.sections(),
            *words.sections(),
            metrics.section(),
            *settings.sections(),
        ]
    )
