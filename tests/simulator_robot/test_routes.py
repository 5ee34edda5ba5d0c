"""Reads, switches and their locks: hetzner-api 2, 3 and the first rows of 10."""

from __future__ import annotations

import pytest
from tests.simulator_robot.worlds import (
    ADDRESS,
    ADDRESS_V6,
    FIRST,
    FIRST_NET,
    SECOND,
    SECOND_NET,
    SUBNET,
    USER,
    WORLD,
    Story,
    answer,
    body,
    outcome,
    world,
)

from failoverip.simulator.robot import parse_world

OK = (200, None)
LOCKED = (409, "FAILOVER_LOCKED")
ALREADY_ROUTED = (409, "FAILOVER_ALREADY_ROUTED")


def test_the_list_holds_the_documented_objects() -> None:
    listed = body(Story(world()).get("/failover"))
    assert listed == [
        {
            "failover": {
                "ip": ADDRESS,
                "netmask": "255.255.255.255",
                "server_ip": FIRST,
                "server_ipv6_net": FIRST_NET,
                "server_number": 321,
                "active_server_ip": FIRST,
            }
        },
        {
            "failover": {
                "ip": SUBNET,
                "netmask": "255.255.255.248",
                "server_ip": FIRST,
                "server_ipv6_net": FIRST_NET,
                "server_number": 321,
                "active_server_ip": FIRST,
            }
        },
        {
            "failover": {
                "ip": ADDRESS_V6,
                "netmask": "ffff:ffff:ffff:ffff::",
                "server_ip": FIRST,
                "server_ipv6_net": FIRST_NET,
                "server_number": 321,
                "active_server_ip": SECOND_NET,
            }
        },
    ]


def test_a_post_blocks_for_the_switch_time_and_answers_with_the_new_route() -> None:
    story = Story(world())
    switch = story.post()
    story.later(29.9)
    assert switch.reply is None
    assert story.shown()["active_server_ip"] == FIRST
    story.later(0.1)
    assert body(switch)["failover"]["active_server_ip"] == SECOND
    assert story.shown()["active_server_ip"] == SECOND


@pytest.mark.parametrize("seconds", [0, 60, 110, 200])
def test_the_switch_time_can_be_set(seconds: float) -> None:
    story = Story(world(switch_seconds=seconds))
    switch = story.post()
    assert story.machine.next_due(story.now) == (story.now + seconds if seconds else None)
    story.later(seconds)
    assert outcome(switch) == OK
    assert switch.due == 1000.0 + seconds


def test_a_delete_routes_nowhere_after_the_switch_time() -> None:
    story = Story(world())
    switch = story.delete()
    story.later(30)
    assert body(switch)["failover"]["active_server_ip"] is None
    assert story.shown()["active_server_ip"] is None


def test_a_delete_of_what_is_routed_nowhere_succeeds_at_once_and_executes_nothing() -> None:
    story = Story(world(switch_seconds=0))
    story.delete()
    again = story.delete()
    assert outcome(again) == OK
    assert not again.entry.executed


def test_an_early_answer_shows_the_target_while_reads_still_show_the_old_route() -> None:
    story = Story(world(answer="at_once", status_field="present"))
    shown = body(story.post())["failover"]
    assert (shown["active_server_ip"], shown["status"]) == (SECOND, "processing")
    assert story.shown()["active_server_ip"] == FIRST
    assert story.shown()["status"] == "processing"
    story.later(30)
    assert (story.shown()["active_server_ip"], story.shown()["status"]) == (SECOND, "ready")


@pytest.mark.parametrize(("choice", "shown"), [("old", FIRST), ("new", SECOND), ("null", None)])
def test_the_route_that_is_shown_during_a_switch_can_be_chosen(
    choice: str, shown: str | None
) -> None:
    story = Story(world(route_during_switch=choice))
    story.post()
    assert story.shown()["active_server_ip"] == shown
    story.later(30)
    assert story.shown()["active_server_ip"] == SECOND


def test_a_second_write_of_the_same_address_is_locked_and_executes_nothing() -> None:
    story = Story(world())
    first = story.post()
    assert outcome(story.post()) == LOCKED
    assert outcome(story.delete()) == LOCKED
    story.later(30)
    assert outcome(first) == OK
    assert [entry.executed for entry in story.machine.journal.entries] == [True, False, False]


def test_other_addresses_switch_independently() -> None:
    story = Story(world())
    switches = [story.post(), story.post(address=SUBNET), story.post(FIRST_NET, ADDRESS_V6)]
    story.later(30)
    assert [outcome(switch) for switch in switches] == [OK, OK, OK]


def test_a_switch_goes_on_and_keeps_its_lock_when_its_client_leaves() -> None:
    story = Story(world())
    switch = story.post()
    story.machine.client_left(switch, story.later(1).now)
    assert outcome(story.post()) == LOCKED
    story.later(29)
    assert story.shown()["active_server_ip"] == SECOND
    entry = switch.entry
    assert (entry.executed, entry.client_left, entry.ended) == (True, 1001.0, 1030.0)


def test_a_post_to_the_present_route_is_already_routed() -> None:
    assert outcome(Story(world()).post(FIRST)) == ALREADY_ROUTED


@pytest.mark.parametrize(
    ("first_check", "expected"), [("already_routed", ALREADY_ROUTED), ("locked", LOCKED)]
)
def test_locked_and_already_routed_at_once_are_told_in_the_order_chosen(
    first_check: str, expected: tuple[int, str]
) -> None:
    story = Story(world(first_check=first_check))
    story.post()
    assert outcome(story.post(FIRST)) == expected


@pytest.mark.parametrize("kind", ["failed", "not_complete"])
@pytest.mark.parametrize(("leaves", "shown"), [("old", FIRST), ("new", SECOND), ("null", None)])
def test_a_failed_switch_blocks_and_leaves_the_route_chosen(
    kind: str, leaves: str, shown: str | None
) -> None:
    story = Story(world(failure_leaves=leaves))
    story.machine.add_fault({"kind": kind, "count": 1}, story.now)
    switch = story.post()
    assert story.later(29).machine.route(ADDRESS) == FIRST
    story.later(1)
    assert outcome(switch) == (500, f"FAILOVER_{kind.upper()}")
    assert story.shown()["active_server_ip"] == shown


def test_status_is_absent_unless_it_is_switched_on() -> None:
    assert "status" not in Story(world()).shown()
    assert Story(world(status_field="present")).shown()["status"] == "ready"


def test_the_owners_addresses_can_be_hidden() -> None:
    shown = Story(world(owner_ip="null", owner_ipv6_net="absent")).shown()
    assert shown["server_ip"] is None
    assert "server_ipv6_net" not in shown


BAD_TARGETS = [
    ({"active_server_ip": "192.0.2.99"}, ADDRESS, 404, None),
    ({}, ADDRESS, 400, {"missing": ["active_server_ip"], "invalid": None}),
    ({"active_server_ip": ""}, ADDRESS, 400, {"missing": ["active_server_ip"], "invalid": None}),
    ({"active_server_ip": "one"}, ADDRESS, 400, {"missing": None, "invalid": ["active_server_ip"]}),
    (
        {"active_server_ip": SECOND_NET},
        ADDRESS,
        400,
        {"missing": None, "invalid": ["active_server_ip"]},
    ),
    (
        {"active_server_ip": SECOND},
        ADDRESS_V6,
        400,
        {"missing": None, "invalid": ["active_server_ip"]},
    ),
    (
        {"active_server_ip": f"{FIRST_NET}1"},
        ADDRESS_V6,
        400,
        {"missing": None, "invalid": ["active_server_ip"]},
    ),
]


@pytest.mark.parametrize(("form", "address", "status", "names"), BAD_TARGETS)
def test_a_bad_target_is_refused_and_changes_nothing(
    form: dict[str, str], address: str, status: int, names: dict[str, object] | None
) -> None:
    story = Story(world())
    refused = story.send("POST", f"/failover/{address}", **form)
    error = body(refused)["error"]
    assert (answer(refused).status, error["status"]) == (status, status)
    assert error["code"] == ("INVALID_INPUT" if names else "FAILOVER_NEW_SERVER_NOT_FOUND")
    assert {key: error[key] for key in names or {}} == (names or {})
    assert not refused.entry.executed


def test_an_unknown_target_can_be_answered_with_400() -> None:
    assert outcome(Story(world(unknown_target="400")).post("192.0.2.99")) == (400, "INVALID_INPUT")


@pytest.mark.parametrize(
    ("choice", "expected"),
    [("404", (404, "FAILOVER_NEW_SERVER_NOT_FOUND")), ("accept", OK)],
)
def test_a_host_address_as_ipv6_target_is_treated_as_chosen(
    choice: str, expected: tuple[int, str | None]
) -> None:
    story = Story(world(ipv6_host_target=choice, switch_seconds=0))
    assert outcome(story.post(f"{FIRST_NET}1", ADDRESS_V6)) == expected
    accepted = FIRST_NET if choice == "accept" else SECOND_NET
    assert story.shown(ADDRESS_V6)["active_server_ip"] == accepted


def test_an_address_is_found_in_any_spelling_and_shown_in_one() -> None:
    story = Story(world(switch_seconds=0))
    switch = story.post("2001:0db8:a:1:0::", "2001:db8:fff1:0::")
    assert body(switch)["failover"]["active_server_ip"] == FIRST_NET


@pytest.mark.parametrize(
    ("method", "path", "code"),
    [
        ("GET", "/failover/203.0.113.99", "NOT_FOUND"),
        ("POST", "/failover/203.0.113.99", "NOT_FOUND"),
        ("DELETE", "/failover/word", "NOT_FOUND"),
        ("GET", "/server/999", "SERVER_NOT_FOUND"),
        ("GET", "/server/192.0.2.11", "SERVER_NOT_FOUND"),
        ("GET", "/elsewhere", "NOT_FOUND"),
        ("PUT", f"/failover/{ADDRESS}", "NOT_FOUND"),
    ],
)
def test_what_does_not_exist_is_404(method: str, path: str, code: str) -> None:
    assert outcome(Story(world()).send(method, path)) == (404, code)


@pytest.mark.parametrize(("choice", "status"), [("404", 404), ("200", 200)])
def test_an_account_without_addresses_is_told_so_as_chosen(choice: str, status: int) -> None:
    empty = parse_world({**WORLD, "failovers": [], "switches": {"empty_list": choice}})
    assert Story(empty).get("/failover").status == status


def test_servers_are_listed_with_nulls_for_what_they_lack() -> None:
    listed = {
        each["server"]["server_number"]: each["server"]
        for each in body(Story(world()).get("/server"))
    }
    assert (listed[321]["server_ip"], listed[321]["server_ipv6_net"]) == (FIRST, FIRST_NET)
    assert (listed[323]["server_ip"], listed[323]["ip"]) == (None, None)
    assert ADDRESS in listed[321]["ip"], "the owner lists its failover addresses too"
    assert {"ip": SUBNET, "mask": "29"} in listed[321]["subnet"]


def test_one_server_is_read_by_its_number() -> None:
    server = body(Story(world()).get("/server/322"))["server"]
    assert (server["server_name"], server["server_ip"], server["reset"]) == ("two", SECOND, True)


def test_users_see_only_what_is_theirs() -> None:
    users = [
        {"name": USER, "password": WORLD["users"][0]["password"], "addresses": [SUBNET]},
        {"name": "admin", "password": "other-password", "servers": [321]},
    ]
    story = Story(parse_world({**WORLD, "users": users}))
    assert [each["failover"]["ip"] for each in body(story.get("/failover"))] == [SUBNET]
    assert story.get(f"/failover/{ADDRESS}").status == 404
    admin = {"user": "admin", "password": "other-password"}
    assert len(body(story.get("/failover", **admin))) == 3, "its server owns all three"
    assert [each["server"]["server_number"] for each in body(story.get("/server", **admin))] == [
        321
    ]
    assert story.get("/server/322", **admin).status == 404


def test_a_stranger_moves_a_route_at_once_and_to_anywhere() -> None:
    story = Story(world())
    story.machine.set_route(ADDRESS, "198.51.100.77")
    assert story.shown()["active_server_ip"] == "198.51.100.77"
    story.machine.set_route(ADDRESS, None)
    assert story.shown()["active_server_ip"] is None


def test_a_user_who_sees_no_server_is_told_so() -> None:
    users = [{**WORLD["users"][0], "servers": []}]
    story = Story(parse_world({**WORLD, "users": users}))
    assert outcome(story.send("GET", "/server")) == (404, "SERVER_NOT_FOUND")
    assert outcome(story.send("GET", "/failover")) == (404, "NOT_FOUND")
