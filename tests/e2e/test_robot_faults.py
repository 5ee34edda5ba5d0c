"""Robot in trouble while the active node dies: nothing wrong is sent, and the right end after."""

from __future__ import annotations

import pytest
from tests.controlplane.fixtures import KubeletFactory
from tests.controlplane.kubelet import Kubelet
from tests.controlplane.rest import Json
from tests.controlplane.waiting import eventually
from tests.e2e.installation import (
    ADDRESS,
    BRISK,
    PROMPT,
    USER,
    Installation,
    server_ip,
    told,
    write_secret,
)

pytestmark = pytest.mark.e2e

ROTATED = "canary-password-rotated"
READ_FAULTS = {
    "down": ({"kind": "down"}, "ProviderUnreachable"),
    "503": ({"kind": "unavailable"}, "ProviderUnreachable"),
    "HTML": ({"kind": "html"}, "ProviderUnreachable"),
    "rate limit": ({"kind": "rate_limited"}, "RateLimited"),
}


@pytest.mark.parametrize("trouble", READ_FAULTS)
def test_a_failed_node_waits_for_robot_that_cannot_be_read_and_moves_once_when_it_is_back(
    installation: Installation, brisk_nodes: dict[str, Kubelet], trouble: str
) -> None:
    fault, reason = READ_FAULTS[trouble]
    # Robot names this as the interval of its rate limit.
    ready_on_node_a(installation, rate_window_seconds=12)
    fail_node_a_under(installation, brisk_nodes, reason, **fault)
    assert installation.simulator.posts() == []

    installation.simulator.heal()
    until_moved_once(installation)
    assert installation.condition("ProviderReachable")["status"] == "True"


def test_after_a_bare_403_robot_is_left_alone_and_the_move_comes_later(
    installation: Installation, brisk_nodes: dict[str, Kubelet], kubelet: KubeletFactory
) -> None:
    """Bare 403 may be a ban that each further request prolongs: ten minutes, here one."""
    # For a node without a server Robot's list of servers is read more often.
    kubelet("node-x", "10.9.9.9")
    ready_on_node_a(installation)
    fail_node_a_under(installation, brisk_nodes, "ProviderUnreachable", kind="forbidden")
    journal = installation.simulator.journal()
    assert [entry["status"] for entry in journal].count(403) == 1
    assert journal[-1]["status"] == 403
    installation.simulator.heal()
    until_moved_once(installation, deadline_seconds=120)


def test_an_answer_that_never_comes_is_given_up_and_moves_nothing(
    installation: Installation, brisk_nodes: dict[str, Kubelet]
) -> None:
    ready_on_node_a(installation)
    fail_node_a_under(installation, brisk_nodes, "ProviderUnreachable", kind="hang")
    assert installation.simulator.posts() == []
    installation.simulator.heal()
    until_moved_once(installation)


def test_a_slow_robot_is_waited_for_and_asked_once(
    installation: Installation, brisk_nodes: dict[str, Kubelet]
) -> None:
    ready_on_node_a(installation)
    installation.simulator.fault(kind="slow", seconds=4)
    brisk_nodes["node-a"].power_off()
    until_moved_once(installation)
    assert len(installation.simulator.posts()) == 1


def test_a_switch_of_a_stranger_that_holds_the_lock_is_waited_for(
    installation: Installation, brisk_nodes: dict[str, Kubelet]
) -> None:
    ready_on_node_a(installation)
    installation.simulator.fault(kind="locked", methods=["POST"])
    brisk_nodes["node-a"].power_off()
    eventually(lambda: "FAILOVER_LOCKED" in codes(installation.simulator.posts()), "it is locked")
    assert installation.status()["intent"]["node"] == "node-b"
    assert installation.condition("Reconciling")["status"] == "True"
    installation.simulator.heal()
    until_moved_once(installation)


def test_a_password_revoked_at_robot_costs_two_failed_logins_at_most_and_its_rotation_moves(
    installation: Installation, brisk_nodes: dict[str, Kubelet]
) -> None:
    ready_on_node_a(installation)
    installation.simulator.password(USER, ROTATED)
    fail_node_a_under(installation, brisk_nodes, "CredentialsRefused")
    assert "correct the Secret" in installation.condition("ProviderReachable")["message"]
    assert installation.simulator.posts() == []

    write_secret(installation.cluster, "robot-credentials", USER, ROTATED)
    until_moved_once(installation)
    assert installation.condition("ProviderReachable")["status"] == "True"


SPOILT_ANSWERS: tuple[Json, ...] = (
    {"kind": "reset", "executed": True},
    {"kind": "html", "executed": True},
    {"kind": "gateway_timeout", "executed": True},
    {"kind": "truncated"},
    {"kind": "empty"},
    {"kind": "unavailable"},
    {"kind": "failed"},
)


def test_a_switch_whose_answer_is_lost_or_spoilt_is_executed_once(
    installation: Installation, brisk_nodes: dict[str, Kubelet]
) -> None:
    """Whether it took effect is read, never guessed; only what did not is asked for again."""
    ready_on_node_a(installation)
    targets = ("node-b", "node-c", "node-a") * 3
    for spoilt, target in zip(SPOILT_ANSWERS, targets, strict=False):
        posts, executed = len(installation.simulator.posts()), len(effective(installation))
        installation.simulator.fault(**spoilt, methods=["POST"], count=1)
        installation.cluster.kubectl(
            "annotate", "--overwrite", "failoverip/web", f"failoverip.io/switch-to={target}"
        )
        installation.until_ready(target)
        assert len(effective(installation)) == executed + 1, spoilt
        took_effect = spoilt.get("executed") or spoilt["kind"] == "truncated"
        assert len(installation.simulator.posts()) == posts + (1 if took_effect else 2), spoilt


def ready_on_node_a(home: Installation, **switches: float) -> None:
    """One replica leads, and the address is where it belongs."""
    home.simulator.switches(**PROMPT, **switches)
    home.start_replica("one", flags=BRISK)
    home.apply()
    home.until_ready("node-a")


def fail_node_a_under(
    home: Installation, nodes: dict[str, Kubelet], reason: str, **fault: object
) -> None:
    """The trouble is told first; then the node fails, and the wanted move waits because of it."""
    if fault:
        home.simulator.fault(**fault)
    home.until(
        lambda s: told(s, "ProviderReachable") == ("False", reason), f"Robot's {reason} is told"
    )
    nodes["node-a"].power_off()

    def waiting(status: Json) -> bool:
        failed = any(
            (c["node"], c["reason"]) == ("node-a", "NodeUnreachable")
            for c in status.get("candidates", [])
        )
        return failed and told(status, "Degraded") == ("True", reason)

    home.until(waiting, f"the move waits because of {reason}")
    assert told(home.status(), "ProviderReachable") == ("False", reason)


def until_moved_once(home: Installation, deadline_seconds: float = 60.0) -> None:
    """The right end, by one executed switch and at most two failed logins."""
    eventually(
        lambda: home.simulator.routes()[ADDRESS] == server_ip(322),
        "the address is routed to node-b",
        deadline_seconds,
    )
    home.until_ready("node-b")
    assert len(home.simulator.executed()) == 1
    assert len([entry for entry in home.simulator.journal() if entry["status"] == 401]) <= 2
    status = home.status()
    assert (status["lastMove"]["result"], len(status["moves"])) == ("Confirmed", 1)


def effective(home: Installation) -> list[Json]:
    """The switches that were executed and did not fail at Robot."""
    return [entry for entry in home.simulator.executed() if entry["code"] != "FAILOVER_FAILED"]


def codes(entries: list[Json]) -> set[str | None]:
    """Robot's error codes in these requests."""
    return {entry["code"] for entry in entries}
