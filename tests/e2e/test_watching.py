"""A real Prometheus and Alertmanager watch the operator: who is told what, and nothing else.

The rules are the shipped ones with their durations shortened as much as the operator's.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from tests.controlplane.controlplane import ControlPlane
from tests.controlplane.kubelet import Kubelet
from tests.controlplane.rest import Json
from tests.controlplane.waiting import eventually
from tests.e2e.installation import (
    NAMESPACE,
    PROMPT,
    SERVICE_ACCOUNT,
    Installation,
    installed,
    told,
    world_toml,
    write_secret,
)
from tests.e2e.installed_crd import MANIFESTS
from tests.e2e.watchers import Heard, Watchers, watchers
from tests.support.machine import need_programs

pytestmark = pytest.mark.e2e

SCALE = 0.15
FLAGS = ("--time-scale", str(SCALE))
OTHER_SECRET = "other-account"
OTHER_USER, OTHER_PASSWORD = "#ws+canary-other", "canary-other-password"
ROTATED = "canary-password-rotated"
OTHER_ADDRESS = "203.0.113.20"
OTHER_ACCOUNT = f"""
[[users]]
name = "{OTHER_USER}"
password = "{OTHER_PASSWORD}"

[[failovers]]
ip = "{OTHER_ADDRESS}"
server_number = 322
active = 322
"""
ROLES = f"/apis/rbac.authorization.k8s.io/v1/namespaces/{NAMESPACE}"
# The last of the alerts below comes ten minutes after its cause; here these are 90 s.
PATIENCE_SECONDS = 240.0
# What a cluster shows in which no address ever moved.
ONLY_AFTER_A_MOVE = {
    "dashboard: Moves that ended A",
    "dashboard: Mean seconds of a move A",
    "dashboard: Mean seconds of a move B",
    "dashboard: Mean seconds of a move C",
    "dashboard: Attempts of open switches A",
}
# A series that comes into being with the first error.
ONLY_AFTER_AN_ERROR = {
    "rule: installation:failoverip_reconcile_errors:rate5m",
    "alert: FailoverIPReconcileErrors installation:failoverip_reconcile_errors:rate5m",
}


@pytest.fixture
def home(control_plane: ControlPlane, tmp_path: Path) -> Iterator[Installation]:
    """Two resources on two Robot accounts: `web` on node-a and `mail` on node-b."""
    with installed(control_plane, tmp_path, world_toml(extra=OTHER_ACCOUNT, **PROMPT)) as home:
        allow_other_secret(control_plane)
        write_secret(control_plane, OTHER_SECRET, OTHER_USER, OTHER_PASSWORD)
        yield home
        for kind in ("rolebindings", "roles"):
            control_plane.admin.delete(f"{ROLES}/{kind}/{OTHER_SECRET}")
        control_plane.kubectl("delete", "secret", OTHER_SECRET, f"--namespace={NAMESPACE}")


@pytest.fixture
def watched(pytestconfig: pytest.Config, tmp_path: Path) -> Iterator[Watchers]:
    """Prometheus and Alertmanager."""
    need_programs(pytestconfig, ["prometheus"], "prometheus")
    need_programs(pytestconfig, ["prometheus-alertmanager"], "prometheus-alertmanager")
    with watchers(tmp_path, SCALE) as both:
        yield both


def allow_other_secret(cluster: ControlPlane) -> None:
    """What the README says for a second account."""
    names = ["--resource=secrets", f"--resource-name={OTHER_SECRET}", "--verb=get"]
    account = f"--serviceaccount={NAMESPACE}:{SERVICE_ACCOUNT}"
    cluster.kubectl("create", "role", OTHER_SECRET, f"--namespace={NAMESPACE}", *names)
    cluster.kubectl(
        "create", "rolebinding", OTHER_SECRET, f"--namespace={NAMESPACE}",
        f"--role={OTHER_SECRET}", account,
    )  # fmt: skip


def test_those_are_told_who_must_know_and_nobody_else(
    home: Installation, brisk_nodes: dict[str, Kubelet], watched: Watchers
) -> None:
    both_lead_and_stand_by(home, watched)
    nobody_is_woken_while_it_is_quiet(watched)
    nobody_is_woken_by_a_power_off_that_moves_the_address(home, brisk_nodes, watched)
    nobody_is_woken_by_a_change_of_leader(home, watched)
    nobody_is_woken_by_a_right_that_is_missing_for_a_moment(home, watched)
    assert watched.unanswered == {}
    refused_credentials_and_a_silent_robot_are_told(home, watched)
    a_storm_and_what_it_leaves_behind_are_told(home, brisk_nodes, watched)
    assert [rule["name"] for rule in watched.rules() if rule["health"] != "ok"] == []


def both_lead_and_stand_by(home: Installation, watched: Watchers) -> None:
    for name in ("one", "two"):
        home.start_replica(name, flags=FLAGS)
    home.leader()
    watched.scrape(home.replicas)
    home.apply()
    home.apply("mail", addresses=[OTHER_ADDRESS], credentialsSecretRef={"name": OTHER_SECRET})
    home.until_ready("node-a")
    home.until_ready("node-b", "mail")
    eventually(
        lambda: watched.value("installation:failoverip_replicas:count") == 2,
        "both replicas are scraped, as one installation",
    )
    # A machine that took long to start them was told that there are none.
    eventually(lambda: not watched.webhook.firing, "what the start set off is over")
    watched.webhook.ever()


def nobody_is_woken_while_it_is_quiet(watched: Watchers) -> None:
    nobody_is_told(watched, 15)
    assert watched.unanswered.keys() == ONLY_AFTER_A_MOVE | ONLY_AFTER_AN_ERROR


def nobody_is_woken_by_a_power_off_that_moves_the_address(
    home: Installation, nodes: dict[str, Kubelet], watched: Watchers
) -> None:
    # Long enough for a scrape to see the switch open.
    home.simulator.switches(switch_seconds=8.0)
    nodes["node-a"].power_off()

    def moved(status: Json) -> bool:
        return watched.look() and status.get("lastMove", {}).get("result") == "Confirmed"

    home.until(moved, "the address moves")
    # Both left nodes carry an address; `mail` is where it was.
    node = home.status()["activeNode"]
    home.until_ready(node)
    nodes["node-a"].power_on()
    for name in ("web", "mail"):
        home.until(lambda status: eligible(status) == 3, f"node-a can carry {name} again", name)
    # Only the process that moved it counts it, and the next step ends that process.
    eventually(
        lambda: watched.look() and watched.unanswered.keys() == ONLY_AFTER_AN_ERROR,
        "what a move shows is scraped",
    )
    home.simulator.switches(**PROMPT)


def nobody_is_woken_by_a_change_of_leader(home: Installation, watched: Watchers) -> None:
    leader = home.leader()
    assert leader.stop() == 0
    home.start_replica("three", flags=FLAGS)
    watched.scrape([replica for replica in home.replicas if replica.process.running])
    assert home.leader() is not leader
    nobody_is_told(watched, 15)


def nobody_is_woken_by_a_right_that_is_missing_for_a_moment(
    home: Installation, watched: Watchers
) -> None:
    role = yaml.safe_load((MANIFESTS / "rbac" / "cluster.yaml").read_text().partition("---")[0])
    for rule in role["rules"]:
        if rule["resources"] == ["failoverips"]:
            rule["verbs"] = ["watch"]
    home.cluster.kubectl("apply", "-f", "-", stdin=yaml.safe_dump(role))
    eventually(lambda: watched.look() and not watched.unanswered, "the errors are counted")
    home.cluster.kubectl("apply", "-k", str(MANIFESTS / "rbac"))
    assert watched.webhook.ever() == set()


def refused_credentials_and_a_silent_robot_are_told(home: Installation, watched: Watchers) -> None:
    home.simulator.password(OTHER_USER, ROTATED)
    home.until(
        lambda status: told(status, "ProviderReachable") == ("False", "CredentialsRefused"),
        "the 401 is told",
        "mail",
    )
    home.simulator.fault(kind="down")
    expect(
        watched,
        Heard("FailoverIPCredentialsRefused", "mail"),
        Heard("FailoverIPRouteUnconfirmed", "web"),
    )
    # The route of `mail` is as unknown as that of `web`, and everybody knows why.
    eventually(
        lambda: Heard("FailoverIPRouteUnconfirmed", "mail") in watched.inhibited(),
        "what follows from the 401 is kept back",
    )
    home.simulator.heal()
    write_secret(home.cluster, OTHER_SECRET, OTHER_USER, ROTATED)
    all_is_well_again(home, watched)


def a_storm_and_what_it_leaves_behind_are_told(
    home: Installation, nodes: dict[str, Kubelet], watched: Watchers
) -> None:
    for node in nodes.values():
        node.power_off()
    expect(
        watched,
        *(Heard("FailoverIPStormHold", name) for name in ("web", "mail")),
        *(Heard("FailoverIPAddressOnUnhealthyNode", name) for name in ("web", "mail")),
    )
    # The power-off's. What returns first may take an address from a node that does not.
    assert len(home.simulator.executed()) == 1
    for node in nodes.values():
        node.power_on()
    all_is_well_again(home, watched)


def nobody_is_told(watched: Watchers, seconds: float) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        watched.look()
        assert watched.webhook.ever() == set()
        time.sleep(0.2)


def expect(watched: Watchers, *expected: Heard) -> None:
    """All of these arrive, and nothing else on the way."""
    eventually(
        lambda: watched.webhook.firing >= set(expected),
        f"told: {sorted(expected)}",
        PATIENCE_SECONDS,
    )
    assert watched.webhook.ever() == set(expected)


def all_is_well_again(home: Installation, watched: Watchers) -> None:
    for name in ("web", "mail"):
        home.until(lambda status: told(status, "Ready")[0] == "True", f"{name} is Ready", name)
    eventually(lambda: not watched.webhook.firing, "every alert is taken back", PATIENCE_SECONDS)
    assert watched.webhook.ever() == set()


def eligible(status: Json) -> int:
    count: int = status.get("eligibleCount", 0)
    return count
