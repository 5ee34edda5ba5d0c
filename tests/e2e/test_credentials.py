"""Secrets and addresses that are wrong: told with the fix, and never in the way of others."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.controlplane.cluster import Cluster
from tests.controlplane.controlplane import ControlPlane
from tests.controlplane.fixtures import KubeletFactory
from tests.controlplane.kubelet import Kubelet
from tests.e2e.installation import (
    NAMESPACE,
    PROMPT,
    SERVICE_ACCOUNT,
    USER,
    Installation,
    installed,
    is_true,
    told,
    world_toml,
    write_secret,
)

pytestmark = pytest.mark.e2e

SECRET, OTHER_SECRET = "robot-credentials", "other-account"
OTHER_USER, OTHER_PASSWORD = "#ws+canary-other", "canary-other-password"
OTHER_ADDRESS = "203.0.113.20"
ROTATED = "canary-password-rotated"
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


@pytest.fixture
def two_accounts(control_plane: ControlPlane, tmp_path: Path) -> Iterator[Installation]:
    """An account more, and the right to read its Secret, which does not exist yet."""
    with installed(control_plane, tmp_path, world_toml(extra=OTHER_ACCOUNT, **PROMPT)) as home:
        allow_other_secret(control_plane)
        yield home
        for kind in ("rolebindings", "roles"):
            control_plane.admin.delete(f"{ROLES}/{kind}/{OTHER_SECRET}")
        control_plane.kubectl(
            "delete", "secret", OTHER_SECRET, f"--namespace={NAMESPACE}", "--ignore-not-found"
        )


def test_of_two_accounts_the_wrong_password_of_one_is_never_in_the_way_of_the_other(
    two_accounts: Installation, nodes: dict[str, Kubelet]
) -> None:
    home = two_accounts
    write_secret(home.cluster, OTHER_SECRET, OTHER_USER, "canary-other-typo")
    home.start_replica("one")
    home.apply("other", addresses=[OTHER_ADDRESS], credentialsSecretRef={"name": OTHER_SECRET})
    home.apply()
    home.until_ready("node-a")
    home.until(lambda s: is_true(s, "Stalled"), "the refusal is told", "other")
    refused = home.condition("ProviderReachable", "other")
    assert (refused["status"], refused["reason"]) == ("False", "CredentialsRefused")
    assert "correct the Secret" in refused["message"]

    home.cluster.kubectl("cordon", "node-a")
    home.until(lambda s: s.get("moves"), "the other account moves its address")
    assert is_true(home.status(), "ProviderReachable")

    write_secret(home.cluster, OTHER_SECRET, OTHER_USER, OTHER_PASSWORD)
    home.until_ready("node-b", "other")
    home.cluster.kubectl("cordon", "node-b")
    home.until_ready("node-c", "other")
    failed = [entry for entry in home.simulator.journal() if entry["status"] == 401]
    assert [entry["user"] for entry in failed] == [OTHER_USER]
    moved = {(post["user"], post["address"]) for post in home.simulator.posts()}
    assert (OTHER_USER, OTHER_ADDRESS) in moved
    assert {user for user, address in moved if address != OTHER_ADDRESS} == {USER}


def test_what_is_wrong_with_one_resource_is_told_with_its_fix_and_the_others_work(
    two_accounts: Installation, nodes: dict[str, Kubelet], kubelet: KubeletFactory
) -> None:
    home = two_accounts
    kubelet("node-x", "10.9.9.9")
    home.start_replica("one")
    home.apply("missing", addresses=[OTHER_ADDRESS], credentialsSecretRef={"name": OTHER_SECRET})
    home.apply("typo", addresses=["203.0.113.99"])
    home.apply("no-right", addresses=["203.0.113.98"], credentialsSecretRef={"name": "unnamed"})
    home.apply()

    status = home.until_ready("node-a")
    (unmapped,) = [c for c in status["candidates"] if c["node"] == "node-x"]
    assert (unmapped["eligible"], unmapped["reason"]) == (False, "Unmapped")
    stalled(home, "typo", "UnknownAddress", "203.0.113.99", "correct spec.addresses")
    stalled(home, "no-right", "CredentialsMissing", "unnamed", "get secrets", "grant it")
    stalled(home, "missing", "CredentialsMissing", f"{NAMESPACE}/{OTHER_SECRET}", "create it")

    write_secret(home.cluster, OTHER_SECRET, OTHER_USER, None)
    stalled(home, "missing", "CredentialsIncomplete", "lacks password", "add it")
    write_secret(home.cluster, OTHER_SECRET, OTHER_USER, OTHER_PASSWORD)
    home.until_ready("node-b", "missing")

    home.cluster.kubectl("cordon", "node-a")
    home.until(lambda s: s.get("moves"), "the address without troubles moves")
    assert [entry for entry in home.simulator.journal() if entry["status"] == 401] == []


def test_a_password_changed_at_robot_and_in_the_secret_needs_no_restart(
    installation: Installation, nodes: dict[str, Kubelet]
) -> None:
    replica = installation.start_replica("one")
    installation.apply()
    installation.until_ready("node-a")
    installation.simulator.password(USER, ROTATED)
    write_secret(installation.cluster, SECRET, USER, ROTATED)
    rotated_after = len(installation.simulator.journal())

    installation.cluster.kubectl("cordon", "node-a")
    installation.until_ready("node-b")
    assert len(installation.simulator.executed()) == 1
    since = installation.simulator.journal()[rotated_after:]
    assert len([entry for entry in since if entry["status"] == 401]) <= 2
    assert len(replica.said("operator started")) == 1


def stalled(home: Installation, name: str, reason: str, *parts: str) -> None:
    """The condition says why, and what to do about it."""

    home.until(
        lambda s: told(s, "Stalled") == ("True", reason), f"{name} is Stalled: {reason}", name
    )
    message = home.condition("Stalled", name)["message"]
    assert [part for part in parts if part not in message] == []


def allow_other_secret(cluster: Cluster) -> None:
    """A Role for one more Secret, and its binding."""
    cluster.kubectl(
        "create", "role", OTHER_SECRET, f"--namespace={NAMESPACE}", "--verb=get",
        "--resource=secrets", f"--resource-name={OTHER_SECRET}",
    )  # fmt: skip
    cluster.kubectl(
        "create", "rolebinding", OTHER_SECRET, f"--namespace={NAMESPACE}",
        f"--role={OTHER_SECRET}", f"--serviceaccount={NAMESPACE}:{SERVICE_ACCOUNT}",
    )  # fmt: skip
