"""Secrets and accounts: what is wrong with one stays with it."""

from __future__ import annotations

import asyncio

from tests.reconciler.world import (
    ADDRESS,
    ADDRESS_V6,
    OTHER_PASSWORD,
    OTHER_USER,
    PASSWORD,
    USER,
    World,
    play,
)

from failoverip.simulator.world.links import Link


async def two_accounts(world: World) -> None:
    """`web` on the first account, `other` on the second; both on node-a."""
    await world.lead()
    world.write_secret("other-credentials", OTHER_USER, OTHER_PASSWORD)
    other = {"credentialsSecretRef": {"name": "other-credentials"}}
    world.apply("other", [f"{ADDRESS_V6}/64"], **other)
    await world.settled()
    await world.until_ready("node-a", "other")


def test_a_slow_account_does_not_hold_up_the_move_of_another() -> None:
    async def scenario(world: World) -> None:
        await two_accounts(world)
        world.robot.delays[OTHER_USER] = 14.0
        world.kubelets["node-a"].power_off()
        await world.until(lambda: world.condition("Ready")["status"] == "False", "node-a failed")
        at = world.clock.now()
        await world.until(lambda: world.executed(ADDRESS), "asked")
        assert world.executed(ADDRESS)[0].began - at < 2

    play(scenario)


def test_a_defect_met_by_one_account_is_no_hot_loop_and_does_not_stop_another() -> None:
    async def scenario(world: World) -> None:
        await two_accounts(world)
        world.robot.defects.add(OTHER_USER)
        began = world.clock.now()
        world.kubelets["node-a"].power_off()
        await world.until_ready("node-b")
        await asyncio.sleep(600)
        entries = world.robot.machine.journal.entries
        asked = [e for e in entries if e.user == OTHER_USER and e.began > began]
        # At most once a minute.
        assert len(asked) <= 2 + (world.clock.now() - began) / 60
        world.robot.defects.clear()
        # node-b carries the address of the first.
        await world.until_ready("node-c", "other")

    play(scenario)


def test_a_defect_met_by_a_request_to_switch_leaves_its_outcome_to_be_read() -> None:
    async def scenario(world: World) -> None:
        leader = await world.lead()
        await world.settled()
        leader.at(f"while Robot switches {ADDRESS}", lambda: world.robot.defects.add(USER))
        world.kubelets["node-a"].power_off()
        await world.until(lambda: world.robot.defects, "Robot switches")
        await asyncio.sleep(60)
        world.robot.defects.clear()
        await world.until_ready("node-b")
        assert len(world.executed()) == 1
        assert world.status()["lastMove"]["result"] == "Confirmed"

    play(scenario)


def test_a_secret_that_cannot_be_read_is_told_and_mends_itself() -> None:
    async def scenario(world: World) -> None:
        leader = world.start()
        leader.api.faults["read the Secret"] = Link.FAILS
        world.apply()
        await world.until(
            lambda: "was not read yet" in world.condition("Ready").get("message", ""), "told"
        )
        assert world.reads() == []
        leader.api.faults.clear()
        await world.until_ready("node-a")

    play(scenario)


def test_nothing_is_asked_while_the_secret_cannot_be_read_again() -> None:
    async def scenario(world: World) -> None:
        leader = await world.lead()
        await world.settled()
        leader.at("after open the intent", lambda: leader.api.faults.update(FAILING))
        world.kubelets["node-a"].power_off()
        await world.until(lambda: "intent" in world.status(), "the intent is open")
        await asyncio.sleep(120)
        assert world.posts() == []
        leader.api.faults.clear()
        await world.until_ready("node-b")
        assert len(world.posts()) == 1

    play(scenario)


FAILING = {"read the Secret": Link.FAILS}


def test_a_secret_is_rotated_without_a_restart() -> None:
    async def scenario(world: World) -> None:
        leader = await world.lead()
        await world.settled()
        world.write_secret("robot-credentials", USER, "second-password")
        world.robot.machine.change_password({"name": USER, "password": "second-password"})
        await asyncio.sleep(150)
        world.kubelets["node-a"].power_off()
        await world.until_ready("node-b")
        assert [e for e in world.robot.machine.journal.entries if e.status == 401] == []
        assert len(world.posts()) == 1
        assert leader.lost == 0

    play(scenario)


def test_a_secret_rotated_between_intent_and_request_sends_the_new_password() -> None:
    async def scenario(world: World) -> None:
        leader = await world.lead()
        await world.settled()

        def rotate() -> None:
            world.write_secret("robot-credentials", USER, "second-password")
            world.robot.machine.change_password({"name": USER, "password": "second-password"})

        leader.at("after open the intent", rotate)
        world.kubelets["node-a"].power_off()
        await world.until_ready("node-b")
        assert [e.status for e in world.posts()] == [200]
        assert [e for e in world.robot.machine.journal.entries if e.status == 401] == []

    play(scenario)


def test_a_login_that_is_refused_for_a_while_is_told_as_such_by_the_next_leader_too() -> None:
    async def scenario(world: World) -> None:
        leader = await world.lead()
        await world.settled()
        world.robot.machine.change_password({"name": USER, "password": "another"})
        await world.until(
            lambda: world.condition("ProviderReachable")["reason"] == "CredentialsRefused", "told"
        )
        leader.terminate()
        await leader.ended
        await world.lead("two")
        # Longer than the last route is believed without a new one.
        await asyncio.sleep(400)
        assert world.condition("ProviderReachable")["reason"] == "CredentialsRefused"
        assert world.condition("Ready")["reason"] != "BudgetExhausted"

    play(scenario)


def test_a_secret_that_robot_refused_falsely_is_tried_again_when_it_is_written_again() -> None:
    """There was no way out but another password, or another leader."""

    async def scenario(world: World) -> None:
        world.robot.machine.change_password({"name": USER, "password": "another"})
        await world.lead()
        world.apply()
        await world.until(lambda: len(refusals(world)) == 1, "Robot refuses it")
        world.robot.machine.change_password({"name": USER, "password": PASSWORD})
        await asyncio.sleep(7200)
        assert len(refusals(world)) == 1

        world.delete("/api/v1/namespaces/failoverip-system/secrets/robot-credentials")
        world.write_secret("robot-credentials", USER, PASSWORD)
        await world.until_ready("node-a")
        assert len(refusals(world)) == 1

    play(scenario)


def test_of_two_secrets_with_the_same_wrong_password_one_is_tried_once() -> None:
    async def scenario(world: World) -> None:
        world.robot.machine.change_password({"name": USER, "password": "another"})
        await world.lead()
        world.apply()
        await world.until(lambda: len(refusals(world)) == 1, "Robot refuses it")
        world.write_secret("twin", USER, PASSWORD)
        world.apply("other", [f"{ADDRESS_V6}/64"], credentialsSecretRef={"name": "twin"})
        await asyncio.sleep(7200)
        assert len(refusals(world)) == 1

    play(scenario)


def refusals(world: World) -> list[object]:
    return [entry for entry in world.robot.machine.journal.entries if entry.status == 401]


def test_a_robot_too_slow_to_act_on_is_told_and_does_not_use_up_the_reads() -> None:
    async def scenario(world: World) -> None:
        await world.lead()
        await world.settled()
        world.robot.delays[USER] = 11.0
        world.kubelets["node-a"].power_off()
        await asyncio.sleep(1800)
        assert world.posts() == []
        assert world.condition("ProviderReachable")["status"] == "False"
        assert len(world.reads()) < 40
        world.robot.delays.clear()
        await world.until_ready("node-b")

    play(scenario)
