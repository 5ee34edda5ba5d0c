"""The metrics that the program serves, asked of its own registry."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from prometheus_client import CollectorRegistry
from tests.repo.reference.tables import code, table

from failoverip.metrics import Metrics

OURS = "failoverip_"


def section() -> str:
    """All families of ours."""
    rows = [
        (code(name), kind, ", ".join(map(code, labels)), text)
        for name, kind, labels, text in sorted(families())
    ]
    return (
        "## Metrics\n\nServed at `/metrics`, with the usual `process_*` and `python_info`."
        " A histogram has the series\n`_bucket`, `_sum` and `_count`.\n\n"
        f"{table(('Metric', 'Type', 'Labels', 'Says'), rows)}"
    )


def families() -> Iterator[tuple[str, str, tuple[str, ...], str]]:
    """Name, type, labels and text of each family, whether it has a series now or not."""
    for collector in _collectors(Metrics(lambda: 0.0, "0")):
        # A metric that is set or counted knows its labels itself; of one that is collected when
        # the page is read, each family does.
        labels = vars(collector).get("_labelnames")
        for family in collector.collect():
            if family.name.startswith(OURS):
                name = f"{family.name}_total" if family.type == "counter" else family.name
                own = tuple(labels if labels is not None else vars(family)["_labelnames"])
                yield name, family.type, own, family.documentation


def _collectors(metrics: Metrics) -> list[Any]:
    """prometheus_client has no public list of what is registered."""
    (registry,) = (v for v in vars(metrics).values() if isinstance(v, CollectorRegistry))
    return list(vars(registry)["_collector_to_names"])
