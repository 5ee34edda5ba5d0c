"""One move as it is told: status, Events, log lines, metrics and pages, and no secret in any."""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families
from tests.controlplane.cluster import namespaced_leases
from tests.controlplane.kubelet import Kubelet
from tests.controlplane.rest import Json
from tests.controlplane.waiting import eventually
from tests.e2e.installation import (
    ADDRESS,
    NAMESPACE,
    PASSWORD,
    USER,
    Installation,
    Replica,
)

pytestmark = pytest.mark.e2e


def test_a_move_is_told_in_status_events_log_and_metrics_and_no_secret_in_any_of_them(
    installation: Installation, nodes: dict[str, Kubelet]
) -> None:
    installation.simulator.switches(status_field="present")
    one = installation.start_replica("one", flags=["--log-level", "debug"])
    eventually(installation.holder, "one leads")
    two = installation.start_replica("two", flags=["--log-level", "debug"])
    installation.apply()
    installation.until_ready("node-a")
    nodes["node-a"].power_off()
    status = installation.until_ready("node-b")

    the_move_is_in_the_status(status)
    the_events_are_few_and_name_the_node(installation)
    the_log_tells_who_where_and_why(one, status)
    the_leader_shows_metrics(one)
    both_serve_their_pages(one, two)
    no_secret_is_anywhere(installation)


def the_move_is_in_the_status(status: Json) -> None:
    (move,) = status["moves"]
    assert (move["cause"], move["from"], move["node"]) == ("NodeUnreachable", "node-a", "node-b")
    assert (move["result"], move["attempts"]) == ("Confirmed", 1)
    assert move["detectedAt"] <= move["postedAt"] <= move["confirmedAt"]
    assert status["lastMove"]["id"] == move["id"]


def the_events_are_few_and_name_the_node(home: Installation) -> None:
    told = eventually(
        lambda: [e for e in home.events() if e["reason"] == "Confirmed"] and home.events(),
        "the end is an Event",
    )
    of_the_move = [event for event in told if event["action"] == "Switch"]
    assert [event["reason"] for event in of_the_move] == ["NodeUnreachable", "Attempt", "Confirmed"]
    assert len(told) <= 4
    nodes = {(e["related"]["kind"], e["related"]["name"]) for e in of_the_move}
    assert nodes == {("Node", "node-b")}
    assert of_the_move[0]["type"] == "Warning"
    assert ADDRESS in of_the_move[0]["note"]


def the_log_tells_who_where_and_why(leader: Replica, status: Json) -> None:
    epoch, intent = status["fence"]["epoch"], status["lastMove"]["id"]
    for message in ("asking robot to switch", "robot answered", "switch ended"):
        (line,) = leader.said(message)
        assert (line["intent"], line["epoch"], line["node"]) == (intent, epoch, "node-b")
    (asked,) = leader.said("asking robot to switch")
    assert (asked["address"], asked["cause"]) == (ADDRESS, "NodeUnreachable")
    assert asked["reason"] == "Attempt"
    (ended,) = leader.said("switch ended")
    assert (ended["addresses"], ended["reason"]) == (ADDRESS, "Confirmed")
    (opened,) = leader.said("decided", action="OpenIntent")
    assert (opened["reason"], opened["intent"]) == ("NodeUnreachable", intent)


def the_leader_shows_metrics(leader: Replica) -> None:
    page = leader.page("/metrics").text
    value: dict[tuple[Any, ...], float] = {
        (sample.name, *sorted(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(page)
        for sample in family.samples
    }
    moved = ("failoverip_moves_total", ("cause", "NodeUnreachable"), ("result", "Confirmed"))
    assert value[moved] == 1
    for step in ("detect", "post", "confirm"):
        assert value[(f"failoverip_move_{step}_seconds_count",)] == 1
    detected = value[("failoverip_move_detect_seconds_sum",)]
    assert 6 <= detected <= 60
    where = ("address", ADDRESS), ("failoverip", "web"), ("node", "node-b"), ("state", "Confirmed")
    assert value[("failoverip_address_info", *where)] == 1
    assert value[("failoverip_address_confirmation_age_seconds", *where[:2])] < 60
    switched = ("kind", "write"), ("outcome", "Switched")
    assert value[("failoverip_robot_requests_total", *switched)] == 1
    left = {
        dict(key[1:])["kind"]: number
        for key, number in value.items()
        if key[0] == "failoverip_robot_requests_left"
    }
    assert left["write"] == 49
    assert 50 < left["read"] < 100
    assert value[("failoverip_leading",)] == 1
    assert value[("failoverip_lease_age_seconds",)] < 60
    promtool_accepts(page)


def promtool_accepts(page: str) -> None:
    """Debian's prometheus package has it; where it must be there, its absence is a failure."""
    promtool = shutil.which("promtool")
    if promtool is None:
        assert os.environ.get("FAILOVERIP_E2E_REQUIRED", "") in ("", "0"), "promtool is missing"
        return
    checked = subprocess.run(
        [promtool, "check", "metrics"],
        input=page,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (checked.returncode, checked.stdout + checked.stderr) == (0, "")


def both_serve_their_pages(leader: Replica, standby: Replica) -> None:
    for replica, leads in ((leader, "1.0"), (standby, "0.0")):
        for path in ("/healthz", "/readyz"):
            assert replica.page(path).status_code == httpx.codes.OK
        assert f"\nfailoverip_leading {leads}\n" in replica.page("/metrics").text
    assert "failoverip_address_info{" not in standby.page("/metrics").text


def no_secret_is_anywhere(home: Installation) -> None:
    leases = home.cluster.admin.list(namespaced_leases(NAMESPACE))
    told = [json.dumps(part) for part in (home.resource(), home.events(), leases)]
    told += [replica.process.log.read_text() for replica in home.replicas]
    told += [replica.page("/metrics").text for replica in home.replicas]
    told += [_command_line(replica) for replica in home.replicas]
    login = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
    for text in told:
        assert len(text) > 100
        assert [secret for secret in (USER, PASSWORD, login) if secret in text] == []


def _command_line(replica: Replica) -> str:
    return Path(f"/proc/{replica.process.pid}/cmdline").read_text()
