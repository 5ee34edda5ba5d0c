"""Metrics, reasons and words of the API that the docs name are those of the product."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from tests.repo.files import CODE, ROOT, named, pages, prose

from failoverip.core.addresses import parse_failover_address
from failoverip.core.reasons import Reason
from failoverip.core.resource import AddressStatus, MoveResult, RouteState
from failoverip.metrics import Metrics
from failoverip_ocf.textfile import HELP as AGENT_METRICS

CRD = ROOT / "manifests" / "crd" / "failoverips.yaml"
CONDITIONS = {"Ready", "Reconciling", "Stalled", "Routed", "ProviderReachable", "Degraded"}


def served_metrics() -> set[str]:
    """The names of all metric families."""
    metrics = Metrics(lambda: 0.0, "0")
    address = parse_failover_address("203.0.113.10")
    metrics.addresses_routed("web", [AddressStatus(address, RouteState.CONFIRMED, None, "node-1")])
    metrics.move_ended(Reason.NODE_UNREACHABLE, MoveResult.CONFIRMED)
    served = set(re.findall(r"^# TYPE (failoverip_\w+)", metrics.page().decode(), re.MULTILINE))
    return served | set(AGENT_METRICS)


@pytest.mark.parametrize("page", pages(), ids=named)
def test_every_metric_that_a_page_names_is_served(page: Path) -> None:
    told = {name for name in CODE.findall(prose(page)) if re.fullmatch(r"failoverip_[a-z_]+", name)}
    assert told - served_metrics() == set()


def test_every_reason_that_the_failure_modes_name_exists() -> None:
    page = ROOT / "docs" / "failure-modes.md"
    told = {word for word in CODE.findall(prose(page)) if re.fullmatch(r"[A-Z][a-z]\w+", word)}
    words_of_the_crd = set(re.findall(r"\b[A-Z][A-Za-z]+\b", CRD.read_text(encoding="utf-8")))
    assert told
    assert told - words_of_the_crd - CONDITIONS - set(Reason) == set()
