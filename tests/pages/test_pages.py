"""/metrics, /healthz and /readyz, asked over HTTP."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from http.client import HTTPConnection

import pytest
from prometheus_client.parser import text_string_to_metric_families

from failoverip.metrics import PAGE_CONTENT_TYPE, Metrics
from failoverip.reconciler.pages import (
    EVENT_LOOP_STALL_SECONDS,
    ListenError,
    PageServer,
    Phase,
    ProcessHealth,
)
from failoverip.settings import ListenAddress

DEADLINE_SECONDS = 60.0
LOOPBACK = ListenAddress("127.0.0.1", 0)


class Stopwatch:
    """A clock that stands until it is told otherwise."""

    def __init__(self) -> None:
        self.seconds = 1000.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def clock() -> Stopwatch:
    return Stopwatch()


@pytest.fixture
def health(clock: Stopwatch) -> ProcessHealth:
    return ProcessHealth(clock)


@pytest.fixture
def server(clock: Stopwatch, health: ProcessHealth) -> Iterator[PageServer]:
    with PageServer(LOOPBACK, Metrics(clock, "0.1.0"), health) as running:
        yield running


def ask(server: PageServer, path: str, method: str = "GET") -> tuple[int, str, str]:
    connection = HTTPConnection(server.address.host, server.address.port, timeout=DEADLINE_SECONDS)
    try:
        connection.request(method, path)
        answer = connection.getresponse()
        return answer.status, answer.getheader("Content-Type", ""), answer.read().decode()
    finally:
        connection.close()


def eventually(condition: Callable[[], bool], what: str) -> None:
    end = time.monotonic() + DEADLINE_SECONDS
    while not condition():
        assert time.monotonic() < end, f"not in time: {what}"
        time.sleep(0.02)


def test_metrics_parse_as_prometheus_reads_them(server: PageServer) -> None:
    status, content_type, page = ask(server, "/metrics")
    assert (status, content_type) == (200, PAGE_CONTENT_TYPE)
    names = {family.name for family in text_string_to_metric_families(page)}
    assert {"failoverip_leading", "failoverip_build_info"} <= names


def test_alive_until_the_event_loop_has_been_silent_for_too_long(
    server: PageServer, health: ProcessHealth, clock: Stopwatch
) -> None:
    clock.seconds += EVENT_LOOP_STALL_SECONDS
    assert ask(server, "/healthz")[0] == 200
    clock.seconds += 1
    status, _, text = ask(server, "/healthz")
    assert (status, text) == (503, "the event loop is silent for 31 s, limit 30 s\n")
    health.beat()
    assert ask(server, "/healthz")[0] == 200


@pytest.mark.parametrize(
    ("phase", "listed", "status", "text"),
    [
        (Phase.STARTING, False, 503, "starting\n"),
        (Phase.CANDIDATE, False, 200, "candidate\n"),
        (Phase.LEADER, False, 503, "leader, before its first list\n"),
        (Phase.LEADER, True, 200, "leader\n"),
        (Phase.STOPPING, True, 503, "stopping\n"),
    ],
)
def test_ready_as_a_candidate_or_as_a_leader_that_has_listed(
    server: PageServer, health: ProcessHealth, phase: Phase, listed: bool, status: int, text: str
) -> None:
    health.became(phase)
    if listed:
        health.listed()
    assert ask(server, "/readyz")[::2] == (status, text)
    assert ask(server, "/healthz")[0] == 200


def test_a_stalled_loop_is_not_ready_either(
    server: PageServer, health: ProcessHealth, clock: Stopwatch
) -> None:
    health.became(Phase.CANDIDATE)
    clock.seconds += EVENT_LOOP_STALL_SECONDS + 1
    assert ask(server, "/readyz")[0] == 503


def test_a_new_leader_is_not_ready_by_what_a_former_phase_listed(health: ProcessHealth) -> None:
    health.became(Phase.CANDIDATE)
    health.listed()
    health.became(Phase.LEADER)
    assert not health.readiness().ok


def test_another_path_is_told_which_pages_there_are(server: PageServer) -> None:
    status, _, text = ask(server, "/")
    assert (status, text) == (404, "there are /metrics, /healthz, /readyz\n")


def test_nothing_but_get_is_answered(server: PageServer) -> None:
    assert ask(server, "/healthz", "POST")[0] == 501


def test_a_port_in_use_is_one_line_that_names_the_setting(server: PageServer) -> None:
    second = PageServer(server.address, Metrics(time.monotonic, "0"), ProcessHealth(time.monotonic))
    with pytest.raises(ListenError) as caught:
        second.start()
    assert str(caught.value) == (
        f"--listen: '{server.address}' cannot be listened on (address already in use);"
        " give a free port of this host"
    )


def test_ipv6_is_served_and_the_wildcard_serves_ipv4_too(
    clock: Stopwatch, health: ProcessHealth
) -> None:
    if not has_ipv6():
        pytest.skip("NO IPV6 on this host: [::] was not tried")
    with PageServer(ListenAddress("::", 0), Metrics(clock, "0"), health) as server:
        port = server.address.port
        for host in ("::1", "127.0.0.1"):
            with socket.create_connection((host, port), timeout=DEADLINE_SECONDS) as connection:
                connection.sendall(b"GET /healthz HTTP/1.0\r\n\r\n")
                assert connection.makefile("rb").readline().split()[1] == b"200"


def has_ipv6() -> bool:
    try:
        with socket.create_server(("::1", 0), family=socket.AF_INET6):
            return True
    except OSError:
        return False


def test_silent_connections_cannot_take_all_of_the_process(server: PageServer) -> None:
    """Sixteen connections that say nothing keep sixteen threads; the next are turned away."""
    before = threading.active_count()
    address = (server.address.host, server.address.port)
    held = [socket.create_connection(address, timeout=DEADLINE_SECONDS) for _ in range(40)]
    try:
        assert held[-1].recv(1) == b"", "the last one is closed unanswered"
        assert threading.active_count() <= before + 16
    finally:
        for connection in held:
            connection.close()
    eventually(lambda: answers(server), "pages are served again")


def answers(server: PageServer) -> bool:
    try:
        return ask(server, "/healthz")[0] == 200
    except OSError:
        return False


def test_a_closed_server_frees_its_port(server: PageServer) -> None:
    address = server.address
    server.close()
    with PageServer(address, Metrics(time.monotonic, "0"), ProcessHealth(time.monotonic)) as again:
        assert ask(again, "/healthz")[0] == 200
