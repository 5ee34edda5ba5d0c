"""Signed updates, against a real DNS server and against broken ones."""

from __future__ import annotations

import base64
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest
from tests.ocf.knot import ZONE, Knot, knot_server
from tests.support.machine import need_programs

from failoverip_ocf.dns import tsig, wire
from failoverip_ocf.dns.records import Record
from failoverip_ocf.dns.server import Updated, UpdateFailed, Zone, update

KEYS = [
    tsig.Key(f"key-{algorithm}", algorithm, algorithm.encode() * 4)
    for algorithm in ("hmac-sha256", "hmac-sha384", "hmac-sha512")
]
ME = Record("web.example.com", "192.0.2.1")
OTHER = replace(ME, address="192.0.2.2")
NOW = 1_700_000_000


@pytest.fixture(scope="module")
def server(pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Knot]:
    need_programs(pytestconfig, ["knotd", "knotc"], "knot")
    with knot_server(tmp_path_factory.mktemp("knot"), KEYS) as knot:
        yield knot


def soon() -> float:
    return time.monotonic() + 60


def zone_of(server: Knot, key: tsig.Key = KEYS[0]) -> Zone:
    return Zone(ZONE, "127.0.0.1", server.port, key)


@pytest.mark.parametrize("key", KEYS, ids=lambda key: key.algorithm)
def test_a_real_server_takes_an_update_signed_by_each_algorithm(
    server: Knot, key: tsig.Key
) -> None:
    record = Record(f"{key.algorithm}.{ZONE}", "192.0.2.1")
    assert update(zone_of(server, key), record, 60, soon()) == Updated(changed=True)
    assert server.records(record.name, "A") == ["192.0.2.1"]


def test_an_update_takes_the_place_of_the_other_address_and_leaves_the_other_family(
    server: Knot,
) -> None:
    name = f"moves.{ZONE}"
    for address in ("192.0.2.2", "2001:db8::2", "192.0.2.1"):
        update(zone_of(server), Record(name, address), 60, soon())
    assert server.records(name, "A") == ["192.0.2.1"]
    assert server.records(name, "AAAA") == ["2001:db8::2"]


def test_a_node_that_leaves_changes_its_own_record_only(server: Knot) -> None:
    zone, mine = zone_of(server), Record(f"leaves.{ZONE}", "192.0.2.1")
    other = replace(mine, address="192.0.2.2")
    update(zone, mine, 60, soon())
    assert update(zone, other, 60, soon(), only_if=mine) == Updated(changed=True)
    successor = replace(mine, address="192.0.2.3")
    update(zone, successor, 60, soon())
    assert update(zone, other, 60, soon(), only_if=mine) == Updated(changed=False)
    assert server.records(mine.name, "A") == ["192.0.2.3"]


def test_a_name_that_is_gone_is_not_made_anew_by_a_node_that_leaves(server: Knot) -> None:
    mine = Record(f"never.{ZONE}", "192.0.2.1")
    other = replace(mine, address="192.0.2.2")
    assert update(zone_of(server), other, 60, soon(), only_if=mine) == Updated(changed=False)
    assert server.records(mine.name, "A") == []


@pytest.mark.parametrize(
    ("key", "why"),
    [
        (replace(KEYS[0], secret=b"wrong" * 8), "refused the signature: BADSIG"),
        (replace(KEYS[0], name="nobody"), "refused the signature: BADKEY"),
    ],
)
def test_a_key_that_the_server_does_not_know_is_named(
    server: Knot, key: tsig.Key, why: str
) -> None:
    record = Record(f"denied.{ZONE}", "192.0.2.1")
    answer = update(zone_of(server, key), record, 60, soon())
    assert isinstance(answer, UpdateFailed)
    assert why in answer.why
    assert server.records(record.name, "A") == []


def test_a_zone_that_the_server_does_not_hold_is_refused(server: Knot) -> None:
    zone = replace(zone_of(server), name="example.net")
    answer = update(zone, Record("a.example.net", "192.0.2.1"), 60, soon())
    assert isinstance(answer, UpdateFailed)
    assert "NOTAUTH" in answer.why


def test_nobody_listening_is_said_at_once() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    answer = update(Zone(ZONE, "127.0.0.1", port, KEYS[0]), ME, 60, soon())
    assert answer == UpdateFailed(f"DNS server 127.0.0.1 port {port}: Connection refused")


@contextmanager
def answering(answer: Callable[[bytes], bytes | None]) -> Iterator[Zone]:
    """A server that sends `answer(request)` with its length; None: it keeps silent."""
    over = threading.Event()

    def serve(listener: socket.socket) -> None:
        connection, _ = listener.accept()
        with connection:
            size = int.from_bytes(connection.recv(2), "big")
            said = answer(connection.recv(size))
            if said is None:
                over.wait(60)
            else:
                connection.sendall(len(said).to_bytes(2, "big") + said)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve, args=(listener,))
        thread.start()
        yield Zone(ZONE, "127.0.0.1", listener.getsockname()[1], KEYS[0])
        over.set()
        thread.join(60)


def unsigned(request: bytes) -> bytes:
    return request[:2] + b"\xa8\x00" + bytes(8)


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (unsigned, "the answer is not signed"),
        (lambda request: b"xx" + unsigned(request)[2:], "an answer to another question"),
        (lambda request: request, "an answer to another question"),
        (lambda _: b"short", "less than twelve bytes"),
        (lambda _: b"", "less than twelve bytes"),
        (lambda request: unsigned(request) + b"more", "length is not that of its records"),
        (lambda request: unsigned(request)[:4] + b"\xff" * 8, "ends within a name"),
    ],
)
def test_an_answer_that_proves_nothing_is_no_update(
    answer: Callable[[bytes], bytes], why: str
) -> None:
    with answering(answer) as zone:
        told = update(zone, ME, 60, soon())
    assert isinstance(told, UpdateFailed)
    assert why in told.why


def test_a_server_that_keeps_silent_is_left_when_the_time_is_over() -> None:
    with answering(lambda _: None) as zone:
        told = update(zone, ME, 60, time.monotonic() + 0.3)
    assert isinstance(told, UpdateFailed)
    assert told.why.endswith("does not answer")


def signed_answer(request: bytes, key: tsig.Key, request_mac: bytes, now: int) -> bytes:
    """What a server that holds the key says: TSIG covers the request's code before the answer."""
    covered = len(request_mac).to_bytes(2, "big") + request_mac
    message = unsigned(request)

    class Chained(tsig.Key):
        def mac(self, data: bytes) -> bytes:
            return key.mac(covered + data)

    return tsig.sign(message, Chained(key.name, key.algorithm, key.secret), now)[0]


@pytest.mark.parametrize(
    ("late_seconds", "why"), [(0, ""), (301, "clock and ours differ by 301 seconds")]
)
def test_an_old_answer_is_not_taken_for_a_new_one(late_seconds: int, why: str) -> None:
    message = wire.update_message(7, ZONE, ME, 60)
    request, mac = tsig.sign(message, KEYS[0], NOW)
    answer = signed_answer(request, KEYS[0], mac, NOW)
    if not why:
        tsig.check_answer(answer, KEYS[0], mac, NOW + late_seconds)
        return
    with pytest.raises(tsig.UnsignedAnswerError, match=why):
        tsig.check_answer(answer, KEYS[0], mac, NOW + late_seconds)


def test_the_answer_to_another_request_is_not_taken_for_ours() -> None:
    request, mac = tsig.sign(wire.update_message(7, ZONE, ME, 60), KEYS[0], NOW)
    answer = signed_answer(request, KEYS[0], mac, NOW)
    with pytest.raises(tsig.UnsignedAnswerError, match="signed with another key"):
        tsig.check_answer(answer, KEYS[0], bytes(32), NOW)


def test_a_name_outside_of_the_zone_is_never_sent() -> None:
    with pytest.raises(ValueError, match=r"web.example.com is not in the zone example.net"):
        wire.update_message(7, "example.net", ME, 60)


SECRET = base64.b64encode(b"canary-secret").decode()


def key_text(algorithm: str = "hmac-sha256", secret: str = SECRET) -> str:
    return f'# made by hand\nkey "Nodes." {{\n  algorithm {algorithm};\n  secret "{secret}";\n}};\n'


def test_a_key_file_is_read_and_its_secret_is_never_shown() -> None:
    key = tsig.parse_key(key_text())
    assert (key.name, key.algorithm, key.secret) == ("nodes", "hmac-sha256", b"canary-secret")
    assert "canary" not in repr(key)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "must hold one key"),
        (key_text() + key_text(), "must hold one key"),
        (key_text(algorithm="hmac-md5"), "the algorithm must be one of hmac-sha256"),
        (key_text(secret="%%%"), "the secret is not base64"),
        (key_text(secret=""), "the secret is missing"),
    ],
)
def test_a_key_file_that_cannot_be_used_says_why_without_its_text(text: str, why: str) -> None:
    with pytest.raises(ValueError, match=why) as refused:
        tsig.parse_key(text)
    assert SECRET not in str(refused.value)
