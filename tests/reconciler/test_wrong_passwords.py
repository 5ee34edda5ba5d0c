"""Robot counts failed logins of all users together and locks the source address after three."""

from __future__ import annotations

import asyncio

from tests.reconciler.world import ADDRESS, World, play

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
