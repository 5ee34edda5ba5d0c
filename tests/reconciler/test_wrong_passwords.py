"""Robot counts failed logins of all users together and locks the source address after three."""

from __future__ import annotations

import asyncio
import itertools

import pytest
from tests.reconciler.world import ADDRESS, USER, World, kept_back, play

WRONG = ("first", "second", "third")


def test_however_many_secrets_are_wrong_two_logins_fail_and_the_good_account_goes_on() -> None:
    async def scenario(world: World) -> None:
        await world.lead()
        await world.settled()
        for number, name in enumerate(WRONG):
            world.write_secret(f"{name}-secret", f"#ws+{name}", "wrong")
            secret = {"credentialsSecretRef": {"name": f"{name}-secret"}}
            world.apply(name, [f"203.0.113.{200 + number}"], **secret)
        await world.until(
            lambda: all(world.condition("Ready", name) for name in WRONG), "all are looked at"
        )
        world.kubelets["node-a"].power_off()
        await world.until_ready("node-b")
        await asyncio.sleep(60)

        failed = [e.began for e in world.robot.machine.journal.entries if e.status == 401]
        assert len(failed) == 2
        assert len(world.executed(ADDRESS)) == 1
        waiting = [world.condition("ProviderReachable", name)["reason"] for name in WRONG]
        assert sorted(waiting) == [
            "CredentialsRefused",
            "CredentialsRefused",
            "ProviderUnreachable",
        ]

        # Once the first two are forgotten, the third is tried, and is refused as well.
        await asyncio.sleep(1200)
        failed = [e.began for e in world.robot.machine.journal.entries if e.status == 401]
        assert len(failed) == 3
        assert failed[2] - failed[0] >= 900

    play(scenario)


def test_requests_whose_connection_is_opening_when_a_login_fails_are_not_sent(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The password is changed right before the first byte of the first of several requests."""
    pairs = {f"web-{n}": (f"203.0.113.{n}", f"203.0.113.{n + 1}") for n in (10, 12)}

    async def scenario(world: World) -> None:
        leader = await world.lead()
        for name, pair in pairs.items():
            world.apply(name, pair)
        for name in pairs:
            await world.until_ready("node-a", name)
        password = {"name": USER, "password": "another"}
        leader.at(
            f"before asking for {ADDRESS}", lambda: world.robot.machine.change_password(password)
        )
        world.kubelets["node-a"].power_off()
        await world.until(world.posts, "the first request")
        await asyncio.sleep(120)

        refused = [e for e in world.robot.machine.journal.entries if e.status == 401]
        assert len(refused) == 2

    caplog.set_level("INFO")
    play(scenario, addresses=tuple(itertools.chain(*pairs.values())))
    told = kept_back(caplog)
    assert len(told) >= 2
    assert set(told) == {"another request learned meanwhile that the login fails"}


def test_a_switch_asked_for_before_a_login_failed_does_not_make_it_right() -> None:
    """Seed 12965: Robot answers a switch minutes later, and another login followed at once."""

    async def scenario(world: World) -> None:
        await world.lead()
        await world.settled()
        world.kubelets["node-a"].power_off()
        await world.until(world.posts, "the request to switch")
        password = {"name": USER, "password": "another"}
        world.robot.machine.change_password(password)
        await world.until(lambda: world.executed(ADDRESS), "the switch")
        await asyncio.sleep(600)

        refused = [e for e in world.robot.machine.journal.entries if e.status == 401]
        assert [e.method for e in refused] == ["GET"]

    play(scenario)


def test_a_read_whose_connection_is_opening_when_a_login_fails_is_not_sent() -> None:
    """Seed 9879: it was the third failed login, after those of two requests to switch."""

    async def scenario(world: World) -> None:
        leader = await world.lead()
        world.apply("web-1", ["203.0.113.11", "203.0.113.12"])
        await world.settled()
        await world.until_ready("node-a", "web-1")
        password = {"name": USER, "password": "another"}
        # A lost answer is followed by a read at once.
        world.fault(kind="reset", methods=["POST"], count=1)
        leader.at(
            f"after the answer for {ADDRESS}",
            lambda: world.robot.machine.change_password(password),
        )
        world.kubelets["node-a"].power_off()
        await world.until(lambda: len(world.posts()) == 3, "all requests to switch")
        await asyncio.sleep(120)

        refused = [e for e in world.robot.machine.journal.entries if e.status == 401]
        assert [e.method for e in refused] == ["POST", "POST"]

    addresses = (ADDRESS, "203.0.113.11", "203.0.113.12")
    play(scenario, addresses=addresses)
