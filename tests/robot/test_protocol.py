"""Every row of hetzner-api 1 to 5: what Robot says, and what it means."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.robot.bodies import ADDRESS, SINGLE, TARGET, V6, body, error, failover

from failoverip.core.addresses import AddressKey, TargetAddress
from failoverip.core.provider import (
    CannotTell,
    Fault,
    NotExecuted,
    OutcomeUnknown,
    Route,
    Server,
    Switched,
)
from failoverip.robot import protocol
from failoverip.robot.objects import prefix_length


class TestRequests:
    def test_one_list_call_serves_all_addresses(self) -> None:
        request = protocol.list_routes()
        assert (request.method, request.path, request.body) == ("GET", "/failover", b"")

    def test_the_servers_are_one_list_call_too(self) -> None:
        request = protocol.list_servers()
        assert (request.method, request.path, request.body) == ("GET", "/server", b"")

    def test_a_switch_is_a_form_on_a_connection_that_is_closed_after_it(self) -> None:
        request = protocol.switch_route(ADDRESS, TARGET)
        assert (request.method, request.path) == ("POST", "/failover/203.0.113.10")
        assert request.body == b"active_server_ip=192.0.2.12"
        assert ("Content-Type", "application/x-www-form-urlencoded") in request.headers
        assert ("Connection", "close") in request.headers

    def test_colons_of_ipv6_stand_unescaped_in_the_path_and_escaped_in_the_form(self) -> None:
        request = protocol.switch_route(
            AddressKey("2001:db8:fff1::"), TargetAddress("2001:db8:a:2::")
        )
        assert request.path == "/failover/2001:db8:fff1::"
        assert request.body == b"active_server_ip=2001%3Adb8%3Aa%3A2%3A%3A"


ROUTES = {
    "single address": (SINGLE, Route(ADDRESS, TARGET, None, 32)),
    "subnet by its network address": (
        SINGLE | {"ip": "203.0.113.16", "netmask": "255.255.255.248"},
        Route(AddressKey("203.0.113.16"), TARGET, None, 29),
    ),
    "IPv6 by net address and textual mask": (
        V6,
        Route(AddressKey("2001:db8:fff1::"), TargetAddress("2001:db8:a:2::"), None, 64),
    ),
    "IPv6 in another spelling is the same address": (
        V6 | {"ip": "2001:0DB8:FFF1:0:0::", "active_server_ip": "2001:db8:a:2:0:0:0:0"},
        Route(AddressKey("2001:db8:fff1::"), TargetAddress("2001:db8:a:2::"), None, 64),
    ),
    "null is routed nowhere": (SINGLE | {"active_server_ip": None}, Route(ADDRESS, None, None, 32)),
    "status ready": (SINGLE | {"status": "ready"}, Route(ADDRESS, TARGET, True, 32)),
    "status processing": (SINGLE | {"status": "processing"}, Route(ADDRESS, TARGET, False, 32)),
    "another status proves nothing": (SINGLE | {"status": "x"}, Route(ADDRESS, TARGET, False, 32)),
    "status null": (SINGLE | {"status": None}, Route(ADDRESS, TARGET, None, 32)),
    "extra keys": (SINGLE | {"mask": 32, "x": {"y": []}}, Route(ADDRESS, TARGET, None, 32)),
    "owner's keys missing": (
        {"ip": "203.0.113.10", "active_server_ip": "192.0.2.12"},
        Route(ADDRESS, TARGET, None, None),
    ),
    "owner without IPv4": (SINGLE | {"server_ip": None}, Route(ADDRESS, TARGET, None, 32)),
}


@pytest.mark.parametrize(("item", "route"), ROUTES.values(), ids=ROUTES.keys())
class TestRoute:
    def test_in_a_list(self, item: dict[str, object], route: Route) -> None:
        assert protocol.routes_answer(200, body([{"failover": item}])) == (route,)

    def test_as_the_answer_to_a_switch(self, item: dict[str, object], route: Route) -> None:
        answer = protocol.switch_answer(route.address, 200, body({"failover": item}))
        assert answer == Switched(route)


MALFORMED_ROUTES: dict[str, object] = {
    "no failover key, as seen on a fresh address": {"x": SINGLE},
    "not an object": 7,
    "failover is a list": {"failover": []},
    "ip missing": {"failover": {"active_server_ip": "192.0.2.12"}},
    "ip no address": failover(ip="203.0.113"),
    "ip with a prefix": failover(ip="203.0.113.16/29"),
    "ip with a zone": failover(ip="fe80::1%eth0", active_server_ip="2001:db8:a:2::"),
    "ip a number": failover(ip=3405803786),
    "target missing is not null": {"failover": {"ip": "203.0.113.10"}},
    "target empty is not null": failover(active_server_ip=""),
    "target a number": failover(active_server_ip=0),
    "target false": failover(active_server_ip=False),
    "target of the other family": failover(active_server_ip="2001:db8:a:2::"),
    "status no text": failover(status=1),
}


@pytest.mark.parametrize("entry", MALFORMED_ROUTES.values(), ids=MALFORMED_ROUTES.keys())
class TestMalformedRoute:
    def test_spoils_the_whole_list(self, entry: object) -> None:
        answer = protocol.routes_answer(200, body([failover(), entry]))
        assert isinstance(answer, CannotTell)
        assert answer.fault is Fault.GARBLED

    def test_leaves_the_outcome_of_a_switch_unknown(self, entry: object) -> None:
        answer = protocol.switch_answer(ADDRESS, 200, body(entry))
        assert isinstance(answer, OutcomeUnknown)


class TestLists:
    def test_404_not_found_means_none(self) -> None:
        assert protocol.routes_answer(404, error(404, "NOT_FOUND")) == ()
        assert protocol.servers_answer(404, error(404, "SERVER_NOT_FOUND")) == ()

    def test_an_empty_list_means_none(self) -> None:
        assert protocol.routes_answer(200, b"[]") == ()
        assert protocol.servers_answer(200, b" [] \n") == ()

    def test_a_404_of_an_intermediary_does_not_mean_none(self) -> None:
        for answer in (
            protocol.routes_answer(404, b"<html>404</html>"),
            protocol.routes_answer(404, b""),
            protocol.routes_answer(404, b"[]"),
            protocol.routes_answer(404, error(404, "PAGE_NOT_FOUND")),
            protocol.servers_answer(404, error(404, "NOT_FOUND")),
        ):
            assert isinstance(answer, CannotTell)

    def test_they_come_sorted(self) -> None:
        document = [{"failover": V6}, failover(ip="203.0.113.9"), failover()]
        answer = protocol.routes_answer(200, body(document))
        assert isinstance(answer, tuple)
        assert [route.address for route in answer] == sorted(route.address for route in answer)
        assert len(answer) == 3

    def test_an_address_listed_twice_is_no_fact(self) -> None:
        answer = protocol.routes_answer(200, body([failover(), failover(active_server_ip=None)]))
        assert isinstance(answer, CannotTell)

    def test_an_object_instead_of_a_list_is_no_fact(self) -> None:
        assert isinstance(protocol.routes_answer(200, body(failover())), CannotTell)


SERVER: dict[str, Any] = {
    "server_ip": "192.0.2.11",
    "server_ipv6_net": "2001:db8:a:1::",
    "server_number": 321,
    "server_name": "node-1",
    "product": "AX41",
    "dc": "FSN1-DC10",
    "status": "in process",
    "cancelled": False,
    "ip": ["192.0.2.11", "203.0.113.10"],
    "subnet": [{"ip": "2001:db8:a:1::", "mask": "64"}],
}
IPV4 = TargetAddress("192.0.2.11")
IPV6 = TargetAddress("2001:db8:a:1::")
SERVERS: dict[str, tuple[dict[str, Any], Server]] = {
    "whole": (SERVER, Server(321, "node-1", IPV4, IPV6)),
    "ip null": (SERVER | {"ip": None, "subnet": None}, Server(321, "node-1", IPV4, IPV6)),
    "IPv6 only, null": (SERVER | {"server_ip": None}, Server(321, "node-1", None, IPV6)),
    "IPv6 only, empty": (SERVER | {"server_ip": ""}, Server(321, "node-1", None, IPV6)),
    "no IPv6 net, null": (SERVER | {"server_ipv6_net": None}, Server(321, "node-1", IPV4, None)),
    "no IPv6 net, absent": (
        {"server_number": 321, "server_name": "node-1", "server_ip": "192.0.2.11"},
        Server(321, "node-1", IPV4, None),
    ),
    "no name": (SERVER | {"server_name": None}, Server(321, "", IPV4, IPV6)),
    "a name unfit for a log": (
        SERVER | {"server_name": "a\n\u001b[1m\ud800b"},
        Server(321, "a[1mb", IPV4, IPV6),
    ),
}


class TestServers:
    @pytest.mark.parametrize(("item", "server"), SERVERS.values(), ids=SERVERS.keys())
    def test_every_quirk_of_the_list(self, item: dict[str, Any], server: Server) -> None:
        assert protocol.servers_answer(200, body([{"server": item}])) == (server,)

    @pytest.mark.parametrize(
        "changed",
        [
            {"server_number": None},
            {"server_number": "321"},
            {"server_number": True},
            {"server_number": 0},
            {"server_ip": "node-1"},
            {"server_ip": 7},
            {"server_ip": "2001:db8:a:1::"},
            {"server_ipv6_net": "192.0.2.11"},
            {"server_ipv6_net": "2001:db8:a:1::/64"},
        ],
    )
    def test_a_malformed_server_spoils_the_list(self, changed: dict[str, object]) -> None:
        document = [{"server": SERVER | {"server_number": 1}}, {"server": SERVER | changed}]
        assert isinstance(protocol.servers_answer(200, body(document)), CannotTell)

    def test_a_server_listed_twice_is_no_fact(self) -> None:
        document = [{"server": SERVER}, {"server": SERVER}]
        assert isinstance(protocol.servers_answer(200, body(document)), CannotTell)


@pytest.mark.parametrize(
    ("mask", "version", "bits"),
    [
        ("255.255.255.255", 4, 32),
        ("255.255.255.248", 4, 29),
        ("255.255.255.0", 4, 24),
        ("ffff:ffff:ffff:ffff::", 6, 64),
        ("ffff:ffff:ffff:ff00::", 6, 56),
        ("::", 6, 0),
        ("255.0.255.0", 4, None),
        ("ffff:0:ffff::", 6, None),
        ("255.255.255.0", 6, None),
        ("64", 6, None),
        (64, 6, None),
        (None, 4, None),
    ],
)
def test_masks_are_counted_bit_by_bit(mask: object, version: int, bits: int | None) -> None:
    assert prefix_length(mask, version) == bits


KEYS = st.sampled_from(
    ["failover", "server", "error", "code", "ip", "active_server_ip", "status", "netmask",
     "server_number", "server_ip", "server_ipv6_net", "server_name", "interval", "max_request"]
)  # fmt: skip
LEAVES = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=8)
    | st.sampled_from(["203.0.113.10", "2001:db8::", "ready", "NOT_FOUND", "RATE_LIMIT_EXCEEDED"])
)
DOCUMENTS = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=5),
    max_leaves=25,
)
BODIES = st.binary(max_size=300) | DOCUMENTS.map(body)


@given(status=st.integers(100, 599), raw=BODIES)
def test_no_bytes_break_the_parser(status: int, raw: bytes) -> None:
    protocol.routes_answer(status, raw)
    protocol.servers_answer(status, raw)
    protocol.switch_answer(ADDRESS, status, raw)


@given(status=st.integers(100, 599), raw=st.binary(max_size=300))
def test_bytes_that_are_no_json_are_never_a_fact_nor_a_no(status: int, raw: bytes) -> None:
    try:
        json.loads(raw.decode())
    except ValueError:
        pass
    else:
        return
    assert isinstance(protocol.routes_answer(status, raw), CannotTell)
    assert isinstance(protocol.servers_answer(status, raw), CannotTell)
    switched = protocol.switch_answer(ADDRESS, status, raw)
    assert isinstance(switched, OutcomeUnknown | NotExecuted)


@given(cut=st.integers(0, 10**4))
def test_no_part_of_a_true_answer_is_a_fact(cut: int) -> None:
    whole = body([failover(), {"failover": V6}])
    part = whole[: cut % len(whole)]
    assert isinstance(protocol.routes_answer(200, part), CannotTell)


@pytest.mark.parametrize("module", ["failoverip.robot", "failoverip.robot.protocol"])
def test_the_agents_can_use_it_without_any_package(module: str) -> None:
    program = (
        "import sys\n"
        "for name in ('httpx', 'httpcore', 'anyio', 'kopf', 'kubernetes'):\n"
        "    sys.modules[name] = None\n"
        f"import {module}\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=120)
