"""What manifests/monitoring holds is whole, and true of the product."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.monitoring.dashboard import dashboard, panels, queries
from tests.monitoring.generated import MADE, MONITORING, prometheus_rule
from tests.monitoring.rules import Json, alerts, groups, names, records
from tests.monitoring.scaled import scaled
from tests.repo.files import ROOT
from tests.support.machine import need_programs

from failoverip.core.addresses import parse_failover_address
from failoverip.core.reasons import Reason
from failoverip.core.resource import AddressStatus, MoveResult, RouteState
from failoverip.metrics import Metrics

RUNBOOKS = ROOT / "docs" / "runbooks"
HEADINGS = ["## Meaning", "## Harm", "## Look at", "## Do"]
METRIC = re.compile(r"\b(?:\w+:)?failoverip_\w+(?::\w+)?")


def served() -> set[str]:
    """The names of all series that the operator can show."""
    metrics = Metrics(lambda: 0.0, "0")
    address = parse_failover_address("203.0.113.10")
    metrics.addresses_routed("web", [AddressStatus(address, RouteState.CONFIRMED, None, "node-1")])
    metrics.move_ended(Reason.NODE_UNREACHABLE, MoveResult.CONFIRMED)
    types = re.findall(r"^# TYPE (\w+) (\w+)", metrics.page().decode(), re.MULTILINE)
    names = {name for name, _ in types}
    for name in [name for name, kind in types if kind == "histogram"]:
        names |= {f"{name}_{part}" for part in ("bucket", "sum", "count")}
    return names


# -- rules


@pytest.mark.parametrize("plain", MADE, ids=lambda path: path.name)
def test_the_prometheus_operator_gets_the_rules_of_the_plain_file(plain: Path) -> None:
    made = MADE[plain].read_text()
    assert made == prometheus_rule(plain), "run: make reference"
    assert yaml.safe_load(made)["spec"] == yaml.safe_load(plain.read_text())


@pytest.mark.parametrize("rule", alerts(), ids=lambda rule: rule["alert"])
def test_every_alert_says_what_it_is_and_where_to_read_on(rule: Json) -> None:
    assert rule["alert"].startswith("FailoverIP")
    assert set(rule["annotations"]) == {"summary", "description", "runbook_url"}
    assert rule["labels"].keys() == {"severity"}
    assert rule["labels"]["severity"] in {"critical", "warning"}
    assert rule["annotations"]["runbook_url"] == f"docs/runbooks/{rule['alert']}.md"
    page = (ROOT / rule["annotations"]["runbook_url"]).read_text()
    assert page.startswith(f"# {rule['alert']}\n\nSeverity {rule['labels']['severity']}. ")
    assert re.findall(r"^## .+$", page, re.MULTILINE) == HEADINGS


def test_every_runbook_belongs_to_an_alert() -> None:
    assert {path.stem for path in RUNBOOKS.glob("*.md")} == set(names())


def test_the_page_on_monitoring_lists_every_alert_with_its_severity() -> None:
    page = (ROOT / "docs" / "monitoring.md").read_text()
    row = re.compile(r"^\| \[(\w+)\]\(runbooks/\1\.md\) \| (\w+) \|", re.MULTILINE)
    told = dict(row.findall(page))
    assert told == {rule["alert"]: rule["labels"]["severity"] for rule in alerts()}


def test_rules_and_dashboard_name_only_what_exists() -> None:
    recorded = {rule["record"] for rule in records()}
    expressions = [rule["expr"] for group in groups() for rule in group["rules"]]
    used = {name for text in [*expressions, *queries().values()] for name in METRIC.findall(text)}
    assert used - served() - recorded == set()


def test_every_recorded_series_is_used() -> None:
    used = {name for rule in alerts() for name in METRIC.findall(rule["expr"])}
    assert {rule["record"] for rule in records()} - used == set()


def test_reasons_and_states_in_the_rules_exist() -> None:
    text = "\n".join(rule["expr"] for rule in alerts())
    reasons = "|".join(re.findall(r'reason!?[=~]+"([^"]+)"', text)).split("|")
    assert set(reasons) <= set(Reason)
    assert set(re.findall(r'state="([^"]+)"', text)) <= set(RouteState)


def test_promtool_finds_no_fault_in_the_rules(pytestconfig: pytest.Config) -> None:
    need_programs(pytestconfig, ["promtool"], "prometheus")
    files = [str(plain) for plain in MADE]
    done = run("promtool", "check", "rules", "--lint=all", "--lint-fatal", *files)
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_scaled_rule_differs_in_its_durations_alone() -> None:
    for plain in MADE:
        before, after = (
            yaml.safe_load(plain.read_text()),
            yaml.safe_load(scaled(plain.read_text(), 0.1)),
        )
        assert bare(before) == bare(after)
        assert durations(before) == {name: 10 * value for name, value in durations(after).items()}
        assert durations(before)


def bare(document: Json) -> str:
    """A rules file without its numbers and their units."""
    return re.sub(r"\d+(?:\.\d+)?(?:ms|[smh])?", "N", yaml.safe_dump(document, width=10_000))


def durations(document: Json) -> dict[str, float]:
    """Each `for`, range and age, in milliseconds, by rule and place in it."""
    units = {"ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000}
    found: dict[str, float] = {}
    for group in document["groups"]:
        for rule in group["rules"]:
            text = f"for [{rule['for']}] " if "for" in rule else ""
            text += rule["expr"]
            name = rule.get("alert") or rule["record"]
            for place, (number, unit) in enumerate(re.findall(r"\[(\d+)(ms|[smh])\]", text)):
                found[f"{name} {place}"] = int(number) * units[unit]
            for number in re.findall(r"_seconds:\w+ > ([\d.]+)", text):
                found[f"{name} age"] = float(number)
    return found


# -- Alertmanager and scraping


def test_alertmanager_takes_the_inhibitions_and_they_name_alerts_that_exist(
    pytestconfig: pytest.Config, tmp_path: Path
) -> None:
    shipped = yaml.safe_load((MONITORING / "alertmanager-inhibit.yml").read_text())
    patterns = re.findall(r'alertname (?:=|=~) "([^"]+)"', yaml.safe_dump(shipped, width=1000))
    assert patterns
    for pattern in patterns:
        for part in re.sub(r"FailoverIP\((.+)\)", spread, pattern).split("|"):
            assert any(re.fullmatch(part, name) for name in names()), part
    need_programs(pytestconfig, ["amtool"], "prometheus-alertmanager")
    config = tmp_path / "alertmanager.yml"
    config.write_text(
        yaml.safe_dump({"route": {"receiver": "one"}, "receivers": [{"name": "one"}], **shipped})
    )
    done = run("amtool", "check-config", str(config))
    assert done.returncode == 0, done.stdout + done.stderr


def spread(found: re.Match[str]) -> str:
    return "|".join(f"FailoverIP{part}" for part in found[1].split("|"))


def test_the_service_monitor_finds_the_metrics_service() -> None:
    monitor = yaml.safe_load((MONITORING / "service-monitor.yaml").read_text())
    service = yaml.safe_load((ROOT / "manifests" / "operator" / "metrics-service.yaml").read_text())
    labels = service["metadata"]["labels"]
    assert monitor["spec"]["selector"]["matchLabels"].items() <= labels.items()
    assert monitor["metadata"]["namespace"] == service["metadata"]["namespace"]
    (endpoint,) = monitor["spec"]["endpoints"]
    assert endpoint["port"] in {port["name"] for port in service["spec"]["ports"]}
    assert labels[monitor["spec"]["jobLabel"]] == "failoverip"


def test_the_scrape_job_finds_the_pods() -> None:
    (job,) = yaml.safe_load((MONITORING / "scrape.yml").read_text())["scrape_configs"]
    path = ROOT / "manifests" / "operator" / "deployment.yaml"
    template = yaml.safe_load(path.read_text())["spec"]["template"]["metadata"]
    (discovery,) = job["kubernetes_sd_configs"]
    assert discovery["namespaces"]["names"] == ["failoverip-system"]
    meta = {
        f"__meta_kubernetes_pod_{kind}_{re.sub('[./-]', '_', key)}": value
        for kind in ("annotation", "label")
        for key, value in template[f"{kind}s"].items()
    }
    kept = [rule for rule in job["relabel_configs"] if rule.get("action") == "keep"]
    assert kept
    for rule in kept:
        assert re.fullmatch(rule["regex"], meta[rule["source_labels"][0]])
    assert {"prometheus_io_port", "prometheus_io_path"} <= {
        name.removeprefix("__meta_kubernetes_pod_annotation_") for name in meta
    }


# -- the dashboard


def test_the_dashboard_has_what_grafana_needs() -> None:
    document = dashboard()
    assert document["uid"] == "failoverip"
    assert "id" not in document
    assert document["schemaVersion"] >= 36
    assert {"title", "tags", "time", "templating", "annotations", "panels"} <= document.keys()
    every = document["panels"]
    assert len({panel["id"] for panel in every}) == len(every)
    for panel in every:
        assert panel["gridPos"].keys() == {"h", "w", "x", "y"}
        assert panel["gridPos"]["x"] + panel["gridPos"]["w"] <= 24
        assert panel["title"]


def test_no_two_panels_lie_on_one_place() -> None:
    taken: dict[tuple[int, int], str] = {}
    for panel in dashboard()["panels"]:
        place = panel["gridPos"]
        for x in range(place["x"], place["x"] + place["w"]):
            for y in range(place["y"], place["y"] + place["h"]):
                assert taken.setdefault((x, y), panel["title"]) == panel["title"]


@pytest.mark.parametrize("panel", panels(), ids=lambda panel: panel["title"])
def test_every_panel_says_what_it_shows_and_asks_the_chosen_data_source(panel: Json) -> None:
    source = {"type": "prometheus", "uid": "${datasource}"}
    assert panel["type"] in {"stat", "table", "timeseries", "state-timeline"}
    assert panel["description"].endswith(".")
    assert panel["datasource"] == source
    letters = [target["refId"] for target in panel["targets"]]
    assert letters == sorted(set(letters))
    for target in panel["targets"]:
        assert target["datasource"] == source
        assert 'job=~"$job"' in target["expr"]
        assert target["instant"] != target["range"]


def test_the_variables_of_the_dashboard_are_those_that_its_queries_use() -> None:
    known: list[Any] = dashboard()["templating"]["list"]
    assert [variable["name"] for variable in known] == ["datasource", "job", "failoverip"]
    assert known[0]["type"] == "datasource"
    assert known[0]["query"] == "prometheus"
    assert [text for text in queries().values() if "$" in text] == []


def run(*argv: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(argv, capture_output=True, text=True, timeout=60, check=False)
