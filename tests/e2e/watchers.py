"""A real Prometheus and a real Alertmanager with what we ship, and a webhook that is told."""

from __future__ import annotations

import json
import os
import re
import socket
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import yaml
from tests.controlplane.processes import Process
from tests.controlplane.waiting import eventually
from tests.e2e.installation import NAMESPACE, Replica
from tests.monitoring.dashboard import queries
from tests.monitoring.generated import MADE, MONITORING
from tests.monitoring.rules import alerts, records
from tests.monitoring.scaled import scaled

Json = dict[str, Any]
# A tenth of what the docs allow at most is 3 s, and a busy machine may need one for an answer.
SCRAPE_INTERVAL = "2s"
# Where a real alert waits for a minute for others of its kind, and is repeated after hours.
ROUTE: Json = {
    "receiver": "test",
    "group_by": ["..."],
    "group_wait": "1s",
    "group_interval": "1s",
    "repeat_interval": "1h",
}


@dataclass(frozen=True, order=True)
class Heard:
    """An alert as it arrived; of its labels those that tell it from others of its name."""

    alert: str
    about: str = ""


def _heard(labels: Json) -> Heard:
    about = labels.get("failoverip") or labels.get("account") or ""
    return Heard(labels["alertname"], about)


class Webhook:
    """Receives what Alertmanager sends."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._firing: set[Heard] = set()
        self._ever: set[Heard] = set()
        webhook = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                webhook.take(json.loads(body))
                self.send_response(200)
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def take(self, message: Json) -> None:
        """One notification, of alerts that began or ended."""
        with self._lock:
            for alert in message["alerts"]:
                heard = _heard(alert["labels"])
                if alert["status"] == "firing":
                    self._firing.add(heard)
                    self._ever.add(heard)
                else:
                    self._firing.discard(heard)

    @property
    def firing(self) -> set[Heard]:
        """What was told and not taken back."""
        with self._lock:
            return set(self._firing)

    def ever(self) -> set[Heard]:
        """Everything that was told since this was asked last."""
        with self._lock:
            told, self._ever = self._ever, set()
            return told

    def close(self) -> None:
        """Stop listening."""
        self._server.shutdown()
        self._server.server_close()


@dataclass
class Watchers:
    """`unanswered` are the queries that had no data yet, by what they are."""

    directory: Path
    url: str
    alertmanager_url: str
    webhook: Webhook
    unanswered: dict[str, str] = field(default_factory=dict)
    _looked_at: float = float("-inf")

    def scrape(self, replicas: Sequence[Replica]) -> None:
        """Follow these, as if Kubernetes had listed their pods."""
        targets = [_pod(replica) for replica in replicas]
        path = self.directory / "pods.json.new"
        path.write_text(json.dumps(targets))
        path.rename(self.directory / "pods.json")

    def query(self, expression: str) -> list[Json]:
        """The result of an instant query."""
        answer = httpx.get(f"{self.url}/api/v1/query", params={"query": expression}, timeout=30)
        assert answer.status_code == httpx.codes.OK, answer.text
        result: list[Json] = answer.json()["data"]["result"]
        return result

    def value(self, expression: str) -> float | None:
        """The one value of a query, None without one."""
        found = self.query(expression)
        return float(found[0]["value"][1]) if len(found) == 1 else None

    def look(self) -> bool:
        """Ask again what had no data yet; always true, to be asked while something is waited for.

        Not more often than Prometheus learns anything. A NaN is no data: so Prometheus says that
        something was divided by nothing.
        """
        if time.monotonic() < self._looked_at + 0.5:
            return True
        self._looked_at = time.monotonic()
        for name, expression in list(self.unanswered.items()):
            if any(sample["value"][1] != "NaN" for sample in self.query(expression)):
                del self.unanswered[name]
        return True

    def inhibited(self) -> set[Heard]:
        """The alerts that fire, and that Alertmanager keeps to itself because of another."""
        found = httpx.get(f"{self.alertmanager_url}/api/v2/alerts", timeout=30).json()
        return {_heard(alert["labels"]) for alert in found if alert["status"]["inhibitedBy"]}

    def rules(self) -> list[Json]:
        """The rules as Prometheus knows them."""
        groups = httpx.get(f"{self.url}/api/v1/rules", timeout=30).json()["data"]["groups"]
        return [rule for group in groups for rule in group["rules"]]


def everything_asked() -> dict[str, str]:
    """Each query of the dashboard, each recorded series, and each series that an alert looks at."""
    asked = {f"dashboard: {name}": expression for name, expression in queries().items()}
    asked |= {f"rule: {rule['record']}": rule["record"] for rule in records()}
    for rule in alerts():
        for name in re.findall(r"\b(?:\w+:)?failoverip_\w+(?::\w+)?", rule["expr"]):
            asked[f"alert: {rule['alert']} {name}"] = name
    return asked


@contextmanager
def watchers(directory: Path, scale: float) -> Iterator[Watchers]:
    """Both run until the end; no replica is scraped yet."""
    webhook = Webhook()
    alertmanager = _alertmanager(directory, webhook.url)
    prometheus = _prometheus(directory, alertmanager.port, scale)
    programs = (alertmanager, prometheus)
    try:
        for program in programs:
            program.process.start()
        for program in programs:
            eventually(program.ready, f"{program.process.argv[0]} is ready")
        yield Watchers(directory, prometheus.url, alertmanager.url, webhook, everything_asked())
    finally:
        for program in programs:
            program.process.kill()
        webhook.close()


@dataclass(frozen=True)
class _Program:
    process: Process
    port: int

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def ready(self) -> bool:
        assert self.process.running, self.process.log_tail()
        try:
            answer = httpx.get(f"{self.url}/-/ready", timeout=5)
        except httpx.TransportError:
            return False
        return answer.status_code == httpx.codes.OK


def _alertmanager(directory: Path, webhook: str) -> _Program:
    inhibitions = yaml.safe_load((MONITORING / "alertmanager-inhibit.yml").read_text())
    hook = {"url": webhook, "send_resolved": True}
    receivers = [{"name": "test", "webhook_configs": [hook]}]
    config = directory / "alertmanager.yml"
    config.write_text(yaml.safe_dump({"route": ROUTE, "receivers": receivers, **inhibitions}))
    port = _free_port()
    argv = ["/usr/bin/prometheus-alertmanager", f"--config.file={config}"]
    argv += [f"--web.listen-address=127.0.0.1:{port}", "--cluster.listen-address="]
    argv += [f"--storage.path={directory / 'alertmanager'}"]
    return _Program(Process(argv, directory / "alertmanager.log", os.environ), port)


def _prometheus(directory: Path, alertmanager_port: int, scale: float) -> _Program:
    for plain in MADE:
        (directory / plain.name).write_text(scaled(plain.read_text(), scale))
    (scrape,) = yaml.safe_load((MONITORING / "scrape.yml").read_text())["scrape_configs"]
    # Debian's Prometheus is built without service discovery of Kubernetes: the pods stand in a
    # file, with the labels that it would give them. What is done with these is the shipped job's.
    del scrape["kubernetes_sd_configs"]
    scrape["file_sd_configs"] = [{"files": ["pods.json"], "refresh_interval": "1s"}]
    scrape["scrape_interval"] = SCRAPE_INTERVAL
    (directory / "pods.json").write_text("[]")
    peers = [{"static_configs": [{"targets": [f"127.0.0.1:{alertmanager_port}"]}]}]
    document = {
        "global": {"scrape_timeout": SCRAPE_INTERVAL, "evaluation_interval": "1s"},
        "rule_files": [plain.name for plain in MADE],
        "alerting": {"alertmanagers": peers},
        "scrape_configs": [scrape],
    }
    config = directory / "prometheus.yml"
    config.write_text(yaml.safe_dump(document))
    port = _free_port()
    argv = ["/usr/bin/prometheus", f"--config.file={config}"]
    argv += [f"--web.listen-address=127.0.0.1:{port}"]
    argv += [f"--storage.tsdb.path={directory / 'prometheus'}"]
    return _Program(Process(argv, directory / "prometheus.log", os.environ), port)


def _pod(replica: Replica) -> Json:
    url = urlsplit(replica.url)
    meta = "__meta_kubernetes_pod"
    labels = {
        f"{meta}_annotation_prometheus_io_scrape": "true",
        f"{meta}_annotation_prometheus_io_port": str(url.port),
        f"{meta}_annotation_prometheus_io_path": "/metrics",
        f"{meta}_label_app_kubernetes_io_name": "failoverip",
        f"{meta}_ip": str(url.hostname),
        f"{meta}_name": replica.name,
        "__meta_kubernetes_namespace": NAMESPACE,
    }
    return {"targets": [f"{url.hostname}:{url.port}"], "labels": labels}


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port: int = one.getsockname()[1]
        return port
