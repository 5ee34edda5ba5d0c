"""What users ask for, and get or are told why not, on the real API server."""

from __future__ import annotations

import time
from typing import Any

import pytest
from tests.controlplane.fixtures import KubeletFactory
from tests.controlplane.kubelet import Kubelet
from tests.controlplane.rest import Json
from tests.controlplane.waiting import eventually, holds_throughout
from tests.e2e.installation import ADDRESS, PROMPT, Installation, is_true, server_ip

pytestmark = pytest.mark.e2e

# Longer than what a move needs, and than the passes of the loop are apart.
QUIET_SECONDS = 5


def ready_on_node_a(home: Installation, **spec: Any) -> None:
    """One replica leads, and the address is where it belongs."""
    home.simulator.switches(**PROMPT)
    home.start_replica("one")
    home.apply(**spec)
    home.until_ready("node-a")


def nothing_more_is_sent(home: Installation, why: str) -> None:
    """Robot gets no further request to switch."""
    posts = len(home.simulator.posts())
    holds_throughout(lambda: len(home.simulator.posts()) == posts, why, QUIET_SECONDS)


def test_cordon_moves_the_address_uncordon_does_not_bring_it_back_and_stay_stays(
    installation: Installation, nodes: dict[str, Kubelet]
) -> None:
    ready_on_node_a(installation)
    kubectl = installation.cluster.kubectl

    kubectl("cordon", "node-a")
    status = installation.until_ready("node-b")
    assert status["moves"][0]["cause"] == "NodeCordoned"
    kubectl("uncordon", "node-a")
    installation.until(lambda s: s["eligibleCount"] == 3, "node-a is a candidate again")
    nothing_more_is_sent(installation, "it does not come back")

    installation.patch("web", {"spec": {"onCordon": "Stay"}})
    kubectl("cordon", "node-b")
    installation.until(lambda s: s["eligibleCount"] == 2, "the cordon is seen")
    nothing_more_is_sent(installation, "Stay stays")
    assert installation.status()["activeNode"] == "node-b"
    assert len(installation.simulator.posts()) == 1


def test_an_address_leaves_a_node_that_node_selector_no_longer_selects(
    installation: Installation, nodes: dict[str, Kubelet]
) -> None:
    installation.cluster.kubectl("label", "node", "node-a", "node-b", "role=ingress")
    ready_on_node_a(installation, nodeSelector={"role": "ingress"})
    assert installation.status()["candidateCount"] == 2
    installation.cluster.kubectl("label", "node", "node-a", "role-")
    status = installation.until_ready("node-b")
    assert status["moves"][0]["cause"] == "NodeNotSelected"

    installation.patch("web", {"spec": {"nodeSelector": {"role": None, "zone": "1"}}})
    installation.until(lambda s: is_true(s, "Degraded"), "nobody is selected")
    assert installation.condition("Degraded")["reason"] == "NoTarget"
    assert len(installation.simulator.posts()) == 1


def test_switch_to_is_answered_once_and_asked_again_with_a_suffix(
    installation: Installation, nodes: dict[str, Kubelet]
) -> None:
    ready_on_node_a(installation)
    nodes["node-c"].set_ready(False)
    installation.until(lambda s: s["eligibleCount"] == 2, "node-c is unhealthy")
    for value, reason in (
        ("node-x", "UnknownNode"),
        ("node-a", "AlreadyThere"),
        ("node-c", "NodeUnhealthy"),
    ):
        assert ask(installation, value) == (False, reason)

    nodes["node-c"].set_ready(True)
    installation.until(lambda s: s["eligibleCount"] == 3, "node-c is healthy again")
    nothing_more_is_sent(installation, "what was refused is not tried again")
    assert installation.simulator.posts() == []

    assert ask(installation, "node-c@2") == (True, "SwitchRequested")
    status = installation.until_ready("node-c")
    assert status["moves"][0]["cause"] == "SwitchRequested"
    assert ask(installation, "node-a@3") == (True, "SwitchRequested")
    installation.until_ready("node-a")

    installation.patch("web", {"spec": {"mode": "DryRun"}})
    assert ask(installation, "node-b") == (False, "DryRun")
    installation.patch("web", {"spec": {"mode": "Active"}})
    nothing_more_is_sent(installation, "an answered request is never tried again")
    assert len(installation.simulator.posts()) == 2


def test_a_lost_mapping_of_the_active_node_is_told_and_moves_nothing(
    installation: Installation, kubelet: KubeletFactory
) -> None:
    for name, number in (("node-a", 321), ("node-b", 322)):
        kubelet(name, f"10.0.0.{number - 320}", annotations={"failoverip.io/server": str(number)})
    ready_on_node_a(installation)
    installation.cluster.kubectl("annotate", "node", "node-a", "failoverip.io/server-")
    installation.until(lambda s: is_true(s, "Degraded"), "the loss is told")
    assert installation.condition("Degraded")["reason"] == "MappingLost"
    assert "node-a" in installation.condition("Degraded")["message"]
    nothing_more_is_sent(installation, "an edit is no failure")

    installation.cluster.kubectl("annotate", "node", "node-a", "failoverip.io/server=321")
    installation.until_ready("node-a")
    assert installation.simulator.posts() == []


def test_dry_run_says_what_it_would_do_paused_does_nothing_and_active_does_it(
    installation: Installation, nodes: dict[str, Kubelet]
) -> None:
    ready_on_node_a(installation, mode="DryRun")
    nodes["node-a"].power_off()
    installation.until(lambda s: is_true(s, "Degraded"), "the dry run is told")
    told = installation.condition("Degraded")
    assert told["reason"] == "DryRun"
    assert "moving to node-b" in told["message"]
    eventually(
        lambda: [e for e in installation.events() if e["reason"] == "DryRun"], "it is an Event too"
    )
    assert installation.condition("Ready")["reason"] == "NodeUnreachable"

    installation.patch("web", {"spec": {"mode": "Paused"}})
    installation.until(lambda s: not is_true(s, "Degraded"), "Paused is seen")
    nothing_more_is_sent(installation, "Paused watches")
    status = installation.status()
    assert (status.get("intent"), status.get("moves", [])) == (None, [])
    assert installation.simulator.posts() == []

    installation.patch("web", {"spec": {"mode": "Active"}})
    installation.until_ready("node-b")
    assert len(installation.simulator.posts()) == 1


def test_of_two_that_name_one_address_the_younger_stands_back_until_the_older_is_gone(
    installation: Installation, nodes: dict[str, Kubelet]
) -> None:
    ready_on_node_a(installation)
    # Creation times have whole seconds; of two in one second the smaller UID counts as older.
    born = installation.resource()["metadata"]["creationTimestamp"]
    eventually(lambda: time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()) > born, "a second later")
    installation.apply("younger")
    installation.until(lambda s: is_true(s, "Stalled"), "it stands back", "younger")
    told = installation.condition("Stalled", "younger")
    assert told["reason"] == "Overlap"
    assert "FailoverIP web" in told["message"]
    assert is_true(installation.status(), "Ready")

    installation.cluster.kubectl("delete", "failoverip", "web")
    installation.until_ready("node-a", "younger")
    installation.cluster.kubectl("cordon", "node-a")
    installation.until_ready("node-b", "younger")


def test_deleting_in_the_middle_of_a_switch_returns_at_once_and_only_logs_its_outcome(
    installation: Installation, nodes: dict[str, Kubelet]
) -> None:
    ready_on_node_a(installation)
    installation.simulator.switches(switch_seconds=8)
    replica = installation.leader()
    ask(installation, "node-b")
    eventually(installation.simulator.executed, "Robot switches")

    installation.cluster.kubectl("delete", "failoverip", "web", "--timeout=5s")
    assert installation.simulator.routes()[ADDRESS] == server_ip(321)
    (answer,) = eventually(lambda: replica.said("robot answered"), "the outcome is logged")
    assert answer["answer"] == "Switched"
    assert len(installation.simulator.posts()) == 1

    installation.apply()
    installation.until_ready("node-b")
    assert replica.process.running
    assert len(installation.simulator.posts()) == 1


def ask(home: Installation, value: str) -> tuple[bool, str]:
    """Request a move; the answer."""
    home.cluster.kubectl(
        "annotate", "--overwrite", "failoverip/web", f"failoverip.io/switch-to={value}"
    )

    def answered(status: Json) -> bool:
        return bool(status.get("switchRequest", {}).get("value") == value)

    answer = home.until(answered, f"switch-to {value} is answered")["switchRequest"]
    return answer["answer"] == "Accepted", answer["reason"]
