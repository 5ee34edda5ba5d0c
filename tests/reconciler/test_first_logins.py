"""First logins of many accounts: two at a time, and none of them waits long."""

from __future__ import annotations

from tests.reconciler.world import MORE_USERS, PASSWORD, World, play

ADDRESSES = tuple(f"203.0.113.{50 + number}" for number in range(len(MORE_USERS)))


def test_six_accounts_are_ready_within_seconds_of_a_first_start() -> None:
    async def scenario(world: World) -> None:
        for number, (user, address) in enumerate(zip(MORE_USERS, ADDRESSES, strict=True)):
            world.write_secret(f"account-{number}", user, PASSWORD)
            secret = {"name": f"account-{number}"}
            world.apply(f"web-{number}", [address], credentialsSecretRef=secret)
        await world.lead()
        # 10 s until a second list shows heartbeats; a servers' list tried in vain waits 60 s.
        await world.until(lambda: ready(world) == len(MORE_USERS), "all are Ready", seconds=40)

    play(scenario, addresses=ADDRESSES)


def ready(world: World) -> int:
    """How many resources are Ready."""
    names = [f"web-{number}" for number in range(len(MORE_USERS))]
    return sum(world.condition("Ready", name).get("status") == "True" for name in names)
