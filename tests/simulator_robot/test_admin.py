"""The admin port: the same handle as in-process, over HTTP."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from tests.simulator_robot.worlds import ADDRESS, FIRST, PASSWORD, SECOND, USER


async def test_the_journal_tells_each_request_and_no_password(
    robot: httpx.AsyncClient, admin: httpx.AsyncClient
) -> None:
    await admin.patch("/switches", json={"switch_seconds": 0})
    await robot.post(f"/failover/{ADDRESS}", data={"active_server_ip": SECOND})
    await robot.get("/failover", auth=(USER, "wrong-canary"))
    response = await admin.get("/journal")
    entries = response.json()["requests"]
    assert entries[0] == {
        "number": 1,
        "method": "POST",
        "path": f"/failover/{ADDRESS}",
        "user": USER,
        "source": "127.0.0.1",
        "began": entries[0]["began"],
        "address": ADDRESS,
        "target": SECOND,
        "fault": None,
        "executed": True,
        "ended": entries[0]["began"],
        "status": 200,
        "code": None,
        "client_left": None,
    }
    assert (entries[1]["status"], entries[1]["code"]) == (401, "UNAUTHORIZED")
    assert PASSWORD not in response.text
    assert "wrong-canary" not in response.text


async def test_the_journal_can_be_cleared_and_its_numbers_go_on(
    robot: httpx.AsyncClient, admin: httpx.AsyncClient
) -> None:
    await robot.get("/failover")
    await admin.delete("/journal")
    assert (await admin.get("/journal")).json() == {"requests": []}
    await robot.get("/failover")
    assert (await admin.get("/journal")).json()["requests"][0]["number"] == 2


async def test_switches_change_while_it_runs_and_the_others_stay(
    robot: httpx.AsyncClient, admin: httpx.AsyncClient
) -> None:
    changed = await admin.patch("/switches", json={"status_field": "present"})
    assert (changed.json()["status_field"], changed.json()["switch_seconds"]) == ("present", 30.0)
    assert changed.json() == (await admin.get("/switches")).json()
    assert (await robot.get(f"/failover/{ADDRESS}")).json()["failover"]["status"] == "ready"


async def test_a_route_can_be_set_and_taken_away(
    robot: httpx.AsyncClient, admin: httpx.AsyncClient
) -> None:
    for target in ("198.51.100.77", None):
        await admin.put(f"/routes/{ADDRESS}", json={"active_server_ip": target})
        shown = (await robot.get(f"/failover/{ADDRESS}")).json()["failover"]
        assert shown["active_server_ip"] == target


async def test_faults_come_and_go(robot: httpx.AsyncClient, admin: httpx.AsyncClient) -> None:
    added = await admin.post("/faults", json={"kind": "unavailable", "methods": ["GET"]})
    assert added.json()["kind"] == "unavailable"
    assert (await robot.get("/failover")).status_code == 503
    await admin.delete("/faults")
    assert (await robot.get("/failover")).status_code == 200


async def test_time_can_be_advanced(robot: httpx.AsyncClient, admin: httpx.AsyncClient) -> None:
    await admin.patch("/switches", json={"reads_per_window": 1})
    assert (await robot.get("/failover")).status_code == 200
    assert (await robot.get("/failover")).status_code == 403
    before = (await admin.get("/state")).json()["now"]
    after = (await admin.post("/advance", json={"seconds": 3601})).json()["now"]
    assert after - before >= 3601
    assert (await robot.get("/failover")).status_code == 200


async def test_a_password_can_be_changed(
    robot: httpx.AsyncClient, admin: httpx.AsyncClient
) -> None:
    await admin.put("/users", json={"name": USER, "password": "renewed"})
    assert (await robot.get("/failover")).status_code == 401
    assert (await robot.get("/failover", auth=(USER, "renewed"))).status_code == 200


async def test_state_shows_routes_switches_under_way_faults_and_use(
    robot: httpx.AsyncClient, admin: httpx.AsyncClient
) -> None:
    await admin.patch("/switches", json={"answer": "at_once"})
    await robot.post(f"/failover/{ADDRESS}", data={"active_server_ip": SECOND})
    state = (await admin.get("/state")).json()
    assert state["routes"][ADDRESS] == FIRST
    assert [(each["ip"], each["to"]) for each in state["switching"]] == [(ADDRESS, SECOND)]
    assert state["requests_used"] == {USER: {"write": 1}}
    assert (state["faults"], state["blocked_sources"]) == ([], {})


@pytest.mark.parametrize(
    ("method", "path", "document", "error"),
    [
        ("PATCH", "/switches", {"status": 1}, "switches.status: unknown key"),
        ("PATCH", "/switches", [], "switches: must be a table"),
        ("POST", "/faults", {"kind": "hung"}, "fault.kind: 'hung' is not one of"),
        ("POST", "/advance", {"seconds": -1}, "seconds: must be a number, 0 or more"),
        ("POST", "/advance", {"second": 1}, "seconds: is missing (you wrote 'second')"),
        ("PUT", "/routes/203.0.113.99", {"active_server_ip": None}, "route: '203.0.113.99' is no"),
        (
            "PUT",
            f"/routes/{ADDRESS}",
            {"active_server_ip": "2001:db8::"},
            "route.active_server_ip: '2001:db8::' is not an IPv4 address",
        ),
        ("PUT", "/users", {"name": "nobody", "password": "p"}, "user.name: no user is called"),
    ],
)
async def test_what_cannot_be_used_is_refused_in_one_line_and_changes_nothing(
    admin: httpx.AsyncClient, method: str, path: str, document: Any, error: str
) -> None:
    before = (await admin.get("/switches")).json()
    response = await admin.request(method, path, json=document)
    assert response.status_code == 400
    assert response.json()["error"].startswith(error)
    assert (await admin.get("/switches")).json() == before


async def test_a_body_that_is_no_json_and_an_unknown_path_are_told(
    admin: httpx.AsyncClient,
) -> None:
    broken = await admin.post("/faults", content=b"{")
    assert (broken.status_code, broken.json()) == (400, {"error": "body: is not JSON"})
    assert (await admin.get("/nothing")).status_code == 404
