"""Secrets stay secret: every library at debug, through faults that are met with the login in hand.

Each end-to-end test ends in a search for its credentials (`tests/e2e/canaries.py`); here more is
said, and more is searched. The memory of a process is not: who reads that reads the password.
"""

from __future__ import annotations

import base64
import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from tests.controlplane.controlplane import ControlPlane
from tests.controlplane.kubelet import Kubelet
from tests.controlplane.rest import Api, ApiError, Json
from tests.controlplane.waiting import eventually
from tests.e2e.canaries import leaks, process_texts
from tests.e2e.installation import (
    BRISK,
    NAMESPACE,
    PASSWORD,
    PROMPT,
    USER,
    Installation,
    Replica,
    installed,
    told,
    world_toml,
    write_secret,
)
from tests.simulator_robot.tls import self_signed

pytestmark = pytest.mark.e2e

LATER = "canary-password-of-later"
LIBRARIES = ("httpx", "httpcore", "kopf", "aiohttp", "kubernetes", "asyncio", "urllib3")
# Runs the program with the libraries at debug, whatever level it gives them: as a person would who
# changes it to find a fault.
TALKATIVE = f"""
import logging, sys
quiet = logging.Logger.isEnabledFor
def talkative(self, level):
    return self.name.partition(".")[0] in {LIBRARIES!r} or quiet(self, level)
logging.Logger.isEnabledFor = talkative
from failoverip.cli import main
sys.exit(main())
"""
READ_FAULTS = ("reset", "html", "truncated", "empty")


@pytest.fixture
def secured(
    control_plane: ControlPlane, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Installation]:
    """Robot behind TLS; what is started here runs asyncio in debug mode."""
    monkeypatch.setenv("PYTHONASYNCIODEBUG", "1")
    tls = self_signed(tmp_path)
    with installed(control_plane, tmp_path, world_toml(**PROMPT), robot_tls=tls) as home:
        yield home


def test_with_every_library_at_debug_no_fault_brings_a_secret_to_light(
    secured: Installation, brisk_nodes: dict[str, Kubelet], tmp_path: Path
) -> None:
    (tmp_path / "other").mkdir()
    other_ca, _ = self_signed(tmp_path / "other")
    secured.apply()
    distrustful = talkative(secured, "one", "--robot-ca-file", str(other_ca))
    until_unreachable(secured, "ProviderUnreachable")
    distrustful.stop()

    replica = talkative(secured, "two")
    secured.until_ready("node-a")
    for kind in READ_FAULTS:
        secured.simulator.fault(kind=kind, methods=["GET"], count=1)
    eventually(
        lambda: faults_met(secured) >= set(READ_FAULTS), "every fault is met by a read", 240.0
    )
    secured.simulator.fault(kind="reset", executed=True, methods=["POST"], count=1)
    secured.cluster.kubectl("annotate", "failoverip/web", "failoverip.io/switch-to=node-b")
    secured.until_ready("node-b")
    secured.simulator.password(USER, LATER)
    until_unreachable(secured, "CredentialsRefused")
    write_secret(secured.cluster, "robot-credentials", USER, LATER)
    secured.until_ready("node-b")

    spoke = {line["logger"].partition(".")[0] for line in replica.log() if line["level"] == "debug"}
    assert {"httpcore", "kopf", "asyncio"} <= spoke
    assert "send_request_headers" in replica.process.log.read_text()
    assert leaks([*secured.pages(), *secured.texts(), *everything(secured), *all_processes()]) == []


def test_the_search_finds_a_secret_wherever_it_is_planted(
    secured: Installation, tmp_path: Path
) -> None:
    """Without this, a search that looks nowhere would be as silent as one that finds nothing."""
    home, admin = secured, secured.cluster.admin
    replica = home.start_replica("one")
    home.apply()
    home.until(lambda status: status.get("conditions"), "the operator has seen it")
    assert leaks([*home.pages(), *home.texts()]) == []
    login = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
    try:
        home.patch("web", {"metadata": {"annotations": {"note": f"user={USER}"}}})
        assert found(home, "failoverips")
        admin.create("/apis/events.k8s.io/v1/namespaces/default/events", event(login))
        assert found(home, "events")
        lease = f"/apis/coordination.k8s.io/v1/namespaces/{NAMESPACE}/leases"
        hidden = {"metadata": {"name": "hidden", "annotations": {"a": PASSWORD.encode().hex()}}}
        admin.create(lease, hidden)
        assert found(home, "leases")
        config = {"metadata": {"name": "hidden"}, "data": {"a": PASSWORD}}
        admin.create(f"/api/v1/namespaces/{NAMESPACE}/configmaps", config)
        assert leaks(everything(home))
        with replica.process.log.open("a") as log:
            log.write(json.dumps({"message": f"Authorization: Basic {login}"}) + "\n")
        assert found(home, "one.log")
        search_a_process()
    finally:
        # The search at the end of this test is to find nothing again.
        replica.process.log.write_text("")
        home.cluster.clean()
        admin.delete(f"/api/v1/namespaces/{NAMESPACE}/configmaps/hidden")


def search_a_process() -> None:
    """One that was told a secret in both ways, a secret that no other search looks for."""
    secret = "canary-of-one-process"
    sleeper = [sys.executable, "-c", "input()", f"--password={secret}"]
    with subprocess.Popen(sleeper, stdin=subprocess.PIPE, env={"ROBOT": secret}) as child:
        # The kernel shows nothing of a program that it is just loading.
        eventually(lambda: len(leaks(process_texts(child.pid), [secret])) == 2, "both are found")
        child.kill()


def found(home: Installation, where: str) -> list[str]:
    """The leaks whose place is named so."""
    return [leak for leak in leaks(home.texts()) if where in leak.partition(" holds ")[0]]


def talkative(home: Installation, name: str, *flags: str) -> Replica:
    """A replica that leads, with every library at debug."""
    flags = (*BRISK, "--log-level", "debug", *flags)
    replica = home.start_replica(name, flags=flags, program=("-c", TALKATIVE))
    eventually(lambda: home.holder().startswith(f"{name}_"), f"{name} leads")
    return replica


def until_unreachable(home: Installation, reason: str) -> None:
    """Robot's trouble is told."""
    home.until(lambda s: told(s, "ProviderReachable") == ("False", reason), f"{reason} is told")


def faults_met(home: Installation) -> set[str]:
    """The kinds of the faults that requests met so far."""
    return {entry["fault"] for entry in home.simulator.journal() if entry["fault"]}


def everything(home: Installation) -> Iterator[tuple[str, str]]:
    """Every object of the API but the Secrets, by the path of its kind."""
    admin = home.cluster.admin
    for path in ("/api/v1", *group_paths(admin)):
        for kind in admin.get(path)["resources"]:
            if "list" in kind["verbs"] and kind["name"] != "secrets":
                with_list = f"{path}/{kind['name']}"
                # A kind that is just being removed.
                with suppress(ApiError):
                    yield with_list, json.dumps(admin.list(with_list))


def group_paths(admin: Api) -> list[str]:
    """Every version of every group."""
    groups: list[Json] = admin.get("/apis")["groups"]
    return [f"/apis/{version['groupVersion']}" for g in groups for version in g["versions"]]


def all_processes() -> Iterator[tuple[str, str]]:
    """Command lines and environments of all processes of the machine."""
    for path in Path("/proc").glob("[0-9]*"):
        yield from process_texts(int(path.name))


def event(note: str) -> Json:
    """An Event with this note."""
    regarding = {"apiVersion": "failoverip.io/v1alpha1", "kind": "FailoverIP", "name": "web"}
    return {
        "metadata": {"name": "web.planted"},
        "eventTime": "2026-01-02T03:04:05.000001Z",
        "type": "Normal",
        "reason": "Planted",
        "action": "Plant",
        "note": note,
        "reportingController": "failoverip.io/test",
        "reportingInstance": "test",
        "regarding": regarding,
    }
