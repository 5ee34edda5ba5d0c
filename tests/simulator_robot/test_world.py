"""The world file: what it may say, and one clear line for each way to get it wrong."""

from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.simulator_robot.worlds import FIRST, PASSWORD, SECOND_NET, SUBNET, WORLD

from failoverip.simulator.robot import Switches, WorldError, load_world, parse_world

Edit = Callable[[dict[str, Any]], Any]

TYPOS: list[tuple[Edit, str]] = [
    (lambda w: w["servers"][1].update(ipv4="192.0.2.300"), "servers[1].ipv4: '192.0.2.300' is not"),
    (lambda w: w["servers"][1].update(ipv4="2001:db8::"), "servers[1].ipv4: '2001:db8::' is not"),
    (lambda w: w["servers"][1].update(ipv4=FIRST), "servers[1].ipv4: '192.0.2.11' is taken by"),
    (
        lambda w: w["servers"][0].update(ip_v4=FIRST),
        "servers[0].ip_v4: unknown key; did you mean 'ipv4'?",
    ),
    (lambda w: w["servers"][0].update(number="321"), "servers[0].number: must be a whole number"),
    (lambda w: w["servers"][0].pop("name"), "servers[0].name: is missing"),
    (lambda w: w["servers"][1].update(number=321), "servers[1].number: 321 is taken by"),
    (
        lambda w: w["servers"][0].update(ipv6_net="2001:db8:a:1::2"),
        "servers[0].ipv6_net: '2001:db8:a:1::2' is not the address of a /64",
    ),
    (lambda w: w["servers"][2].pop("ipv6_net"), "servers[2].ipv4: is missing, and so is ipv6_net"),
    (lambda w: w.pop("servers"), "servers: is missing"),
    (lambda w: w.update(servers={}), "servers: must be a list"),
    (lambda w: w.update(servers=["one"]), "servers[0]: must be a table"),
    (lambda w: w["failovers"][0].update(ip="203.0.113"), "failovers[0].ip: '203.0.113' is not"),
    (lambda w: w["failovers"][0].update(ip="203.0.113.16"), "failovers[1].ip: '203.0.113.16' is t"),
    (
        lambda w: w["failovers"][1].update(netmask="255.255.0.255"),
        "failovers[1].netmask: '255.255.0.255' is not a netmask",
    ),
    (
        lambda w: w["failovers"][1].update(ip="203.0.113.17"),
        "failovers[1].netmask: 203.0.113.17 is not the first address of a net",
    ),
    (
        lambda w: w["failovers"][0].update(server_number=999),
        "failovers[0].server_number: no server has number 999; known: 321, 322, 323",
    ),
    (lambda w: w["failovers"][0].update(active=999), "failovers[0].active: no server has number"),
    (lambda w: w["failovers"][0].update(active=323), "failovers[0].active: server 323 has no IPv4"),
    (
        lambda w: w["failovers"][0].update(acitve=321),
        "failovers[0].acitve: unknown key; did you mean 'active'?",
    ),
    (lambda w: w["users"][0].pop("password"), "users[0].password: is missing"),
    (
        lambda w: w["users"][0].update(passwort=w["users"][0].pop("password")),
        "users[0].password: is missing (you wrote 'passwort')",
    ),
    (lambda w: w["users"][0].update(password=17), "users[0].password: must be text"),
    (lambda w: w["users"][1].update(servers=[999]), "users[1].servers[0]: 999 is not in this"),
    (lambda w: w["users"][1].update(addresses=["x"]), "users[1].addresses[0]: 'x' is not in this"),
    (lambda w: w.update(users=[]), "users: name at least one"),
    (lambda w: w.update(failover=[]), "failover: unknown key; did you mean 'failovers'?"),
    (
        lambda w: w.update(switches={"switch_second": 5}),
        "switches.switch_second: unknown key; did you mean 'switch_seconds'?",
    ),
    (
        lambda w: w.update(switches={"switch_seconds": -1}),
        "switches.switch_seconds: must be a number, 0 or more",
    ),
    (
        lambda w: w.update(switches={"status_field": "presnt"}),
        "switches.status_field: 'presnt' is not one of absent, present; did you mean 'present'?",
    ),
    (
        lambda w: w.update(switches={"reads_per_window": 0.5}),
        "switches.reads_per_window: must be a whole number, 1 or more",
    ),
    (lambda w: w.update(switches=[]), "switches: must be a table"),
]


@pytest.mark.parametrize(("edit", "message"), TYPOS, ids=[message for _, message in TYPOS])
def test_a_typo_is_told_in_one_line_with_its_key_path(edit: Edit, message: str) -> None:
    document = copy.deepcopy(WORLD)
    edit(document)
    with pytest.raises(WorldError) as refused:
        parse_world(document)
    assert str(refused.value).startswith(message)
    assert "\n" not in str(refused.value)
    assert PASSWORD not in str(refused.value)


def test_a_world_without_switches_has_the_defaults_of_the_fact_sheet() -> None:
    assert parse_world(WORLD).switches == Switches()
    assert Switches().as_dict() == {
        "switch_seconds": 30.0,
        "answer": "at_end",
        "route_during_switch": "old",
        "failure_leaves": "old",
        "first_check": "already_routed",
        "status_field": "absent",
        "owner_ip": "present",
        "owner_ipv6_net": "present",
        "empty_list": "404",
        "unknown_target": "404",
        "ipv6_host_target": "400",
        "reads_per_window": 100,
        "writes_per_window": 50,
        "server_reads_per_window": 200,
        "rate_window_seconds": 3600.0,
        "rate_window": "sliding",
        "rate_scope": "shared",
        "rate_error": "max_request",
        "forbidden_after_limit_seconds": 0.0,
        "failed_logins": 3,
        "login_block_seconds": 600.0,
        "login_block_answer": "403",
        "maintenance_body": "html",
    }


def test_an_active_server_becomes_its_main_address_of_the_family() -> None:
    targets = {failover.ip: failover.target for failover in parse_world(WORLD).failovers}
    assert targets[SUBNET] == FIRST
    assert targets["2001:db8:fff1::"] == SECOND_NET


def test_without_an_active_server_an_address_is_routed_nowhere() -> None:
    document = copy.deepcopy(WORLD)
    del document["failovers"][0]["active"]
    assert parse_world(document).failovers[0].target is None


def test_the_example_of_the_documentation_is_a_world(tmp_path: Path) -> None:
    page = Path(__file__).parents[2] / "docs" / "robot-simulator.md"
    example = page.read_text(encoding="utf-8").split("```toml\n")[1].split("```")[0]
    file = tmp_path / "world.toml"
    file.write_text(example, encoding="utf-8")
    assert len(load_world(file).servers) == 3


def test_every_switch_and_fault_is_documented() -> None:
    from failoverip.simulator.robot.faults import Kind

    page = (Path(__file__).parents[2] / "docs" / "robot-simulator.md").read_text(encoding="utf-8")
    for name in [*Switches().as_dict(), *Kind]:
        assert f"`{name}`" in page, name
