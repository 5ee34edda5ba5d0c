"""The client and the simulator, written apart from one fact sheet, understand each other."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from tests.robot.loopback import until

from failoverip.core.addresses import AddressKey, TargetAddress
from failoverip.core.provider import (
    AlreadyRouted,
    CannotTell,
    Fault,
    Locked,
    NotExecuted,
    OutcomeUnknown,
    Refused,
    Route,
    Server,
    SwitchAnswer,
    Switched,
)
from failoverip.robot import Credentials
from failoverip.robot.client import Limits, RobotClient
from failoverip.simulator.robot import parse_world
from failoverip.simulator.robot.server import RunningSimulator, running

USER, PASSWORD = "#ws+user", "right-password"
ADDRESS, SUBNET, ADDRESS_V6 = map(AddressKey, ("203.0.113.10", "203.0.113.16", "2001:db8:fff1::"))
FIRST, SECOND = TargetAddress("192.0.2.11"), TargetAddress("192.0.2.12")
FIRST_NET, SECOND_NET = TargetAddress("2001:db8:a:1::"), TargetAddress("2001:db8:a:2::")
# The simulator's switches take 30 s of its own clock, which the tests advance.
WORLD: dict[str, Any] = {
    "users": [{"name": USER, "password": PASSWORD}],
    "servers": [
        {"number": 321, "name": "one", "ipv4": FIRST, "ipv6_net": FIRST_NET},
        {"number": 322, "name": "two", "ipv4": SECOND, "ipv6_net": SECOND_NET},
        {"number": 323, "name": "six", "ipv6_net": "2001:db8:a:3::"},
    ],
    "failovers": [
        {"ip": ADDRESS, "server_number": 321, "active": 321},
        {"ip": SUBNET, "netmask": "255.255.255.248", "server_number": 321},
        {"ip": ADDRESS_V6, "server_number": 321, "active": 322},
    ],
}


@asynccontextmanager
async def robot(
    password: str = PASSWORD, *, failovers: list[dict[str, Any]] | None = None, **switches: Any
) -> AsyncIterator[tuple[RunningSimulator, RobotClient]]:
    changed = {"switches": switches} | ({} if failovers is None else {"failovers": failovers})
    async with running(parse_world(WORLD | changed)) as simulator:
        limits = Limits(connect_seconds=60.0, read_seconds=60.0)
        client = RobotClient(simulator.base_url, Credentials(USER, password), limits=limits)
        try:
            yield simulator, client
        finally:
            await client.aclose()


async def post(
    client: RobotClient, target: TargetAddress = SECOND, address: AddressKey = ADDRESS
) -> SwitchAnswer:
    return await client.switch(address, target, lambda: True)


async def begun(simulator: RunningSimulator) -> None:
    await until(lambda: bool(simulator.controls.state()["switching"]))


def executed(simulator: RunningSimulator) -> int:
    return sum(entry.executed for entry in simulator.controls.journal)


async def test_the_lists_are_understood() -> None:
    async with robot() as (_, client):
        assert await client.read_routes() == (
            Route(AddressKey("2001:db8:fff1::"), SECOND_NET, None, 64),
            Route(ADDRESS, FIRST, None, 32),
            Route(SUBNET, None, None, 29),
        )
        assert await client.read_servers() == (
            Server(321, "one", FIRST, FIRST_NET),
            Server(322, "two", SECOND, SECOND_NET),
            Server(323, "six", None, TargetAddress("2001:db8:a:3::")),
        )


@pytest.mark.parametrize("empty_list", ["404", "200"])
async def test_an_account_without_addresses_has_none(empty_list: str) -> None:
    async with robot(failovers=[], empty_list=empty_list) as (_, client):
        assert await client.read_routes() == ()


@pytest.mark.parametrize(
    ("address", "target", "length"), [(ADDRESS, SECOND, 32), (ADDRESS_V6, FIRST_NET, 64)]
)
async def test_a_switch_blocks_and_is_executed(
    address: AddressKey, target: TargetAddress, length: int
) -> None:
    async with robot() as (simulator, client):
        switching = asyncio.create_task(post(client, target, address))
        await begun(simulator)
        assert not switching.done()
        simulator.controls.advance(31)
        assert await switching == Switched(Route(address, target, None, length))
        assert simulator.controls.route(address) == target
        assert await post(client, target, address) == AlreadyRouted()
        assert executed(simulator) == 1


async def test_a_second_switch_meets_the_lock_and_the_status_tells_of_the_first() -> None:
    async with robot(status_field="present", route_during_switch="new", first_check="locked") as (
        simulator,
        client,
    ):
        switching = asyncio.create_task(post(client))
        await begun(simulator)
        assert await post(client) == Locked()
        routes = await client.read_routes()
        assert isinstance(routes, tuple)
        assert Route(ADDRESS, SECOND, False, 32) in routes
        simulator.controls.advance(31)
        assert await switching == Switched(Route(ADDRESS, SECOND, True, 32))


@pytest.mark.parametrize(
    ("target", "code"),
    [
        ("198.51.100.99", "FAILOVER_NEW_SERVER_NOT_FOUND"),
        ("2001:db8:a:2::", "INVALID_INPUT"),
    ],
)
async def test_a_wrong_target_is_refused(target: str, code: str) -> None:
    async with robot() as (simulator, client):
        answer = await post(client, TargetAddress(target))
        assert isinstance(answer, Refused)
        assert answer.code == code
        assert executed(simulator) == 0


async def test_a_wrong_password_is_told_and_a_switch_was_not_executed() -> None:
    async with robot("wrong-password") as (simulator, client):
        read, switched = await client.read_routes(), await post(client)
        assert isinstance(read, CannotTell)
        assert read.fault is Fault.CREDENTIALS_REFUSED
        assert isinstance(switched, NotExecuted)
        assert switched.reason.fault is Fault.CREDENTIALS_REFUSED
        assert executed(simulator) == 0


@pytest.mark.parametrize("rate_error", ["max_request", "max_requests"])
async def test_used_up_budgets_are_told_with_their_interval(rate_error: str) -> None:
    async with robot(
        rate_error=rate_error, reads_per_window=1, writes_per_window=1, switch_seconds=0
    ) as (simulator, client):
        assert isinstance(await client.read_routes(), tuple)
        assert isinstance(await post(client), Switched)
        read, switched = await client.read_routes(), await post(client, FIRST)
        assert isinstance(read, CannotTell)
        assert read.fault is Fault.RATE_LIMITED
        assert read.retry_after_seconds is not None
        assert 3500 < read.retry_after_seconds <= 3600
        assert isinstance(switched, NotExecuted)
        assert switched.reason.fault is Fault.RATE_LIMITED
        assert executed(simulator) == 1


@pytest.mark.parametrize(
    ("kind", "fault"),
    [
        ("unavailable", Fault.MAINTENANCE),
        ("forbidden", Fault.FORBIDDEN),
        ("html", Fault.GARBLED),
        ("empty", Fault.GARBLED),
        ("gateway_timeout", Fault.SERVER_ERROR),
        ("reset", Fault.CONNECTION_LOST),
        ("failed", Fault.SERVER_ERROR),
        ("not_complete", Fault.SERVER_ERROR),
    ],
)
async def test_a_spoilt_answer_leaves_the_outcome_unknown(kind: str, fault: Fault) -> None:
    async with robot(switch_seconds=0) as (simulator, client):
        simulator.controls.add_fault({"kind": kind})
        answer = await post(client)
        assert isinstance(answer, OutcomeUnknown)
        assert answer.reason.fault is fault
        if kind not in {"failed", "not_complete"}:
            read = await client.read_routes()
            assert isinstance(read, CannotTell)
            assert read.fault is fault
        simulator.controls.clear_faults()
        assert isinstance(await client.read_routes(), tuple)


async def test_a_robot_that_is_down_is_unreachable_and_comes_back() -> None:
    async with robot() as (simulator, client):
        assert isinstance(await client.read_routes(), tuple)
        simulator.controls.add_fault({"kind": "down"})

        async def refused() -> bool:
            answer = await post(client)
            return isinstance(answer, NotExecuted) and answer.reason.fault is Fault.UNREACHABLE

        async with asyncio.timeout(60):
            while not await refused():
                pass
        assert isinstance(await client.read_routes(), CannotTell)
        simulator.controls.clear_faults()
        async with asyncio.timeout(60):
            while isinstance(await client.read_routes(), CannotTell):
                pass


async def test_a_shut_window_is_nothing_that_robot_hears_of() -> None:
    async with robot() as (simulator, client):
        answer = await client.switch(ADDRESS, SECOND, lambda: False)
        assert isinstance(answer, NotExecuted)
        assert answer.reason.fault is Fault.WINDOW_SHUT
        assert simulator.controls.journal == ()
