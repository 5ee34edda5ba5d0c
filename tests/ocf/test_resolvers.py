"""Real resolvers read the lines that update-dns writes."""

from __future__ import annotations

import socket
import struct
import subprocess
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from subprocess import DEVNULL

import pytest
from tests.controlplane.waiting import eventually
from tests.support.machine import need_programs

from failoverip_ocf.dns.lines import Style, with_record
from failoverip_ocf.dns.records import Record
from failoverip_ocf.dns.wire import encode_name

RECORDS = (
    Record("active.example.com", "198.51.100.1"),
    Record("active.example.com", "2001:db8::1"),
    Record("other.example.com", "198.51.100.2"),
)
DNSMASQ = (
    "dnsmasq", "--keep-in-foreground", "--listen-address=127.0.0.1", "--bind-interfaces",
    "--no-resolv", "--no-hosts", "--pid-file=", "--user=",
)  # fmt: skip
UNBOUND = """
server:
  interface: 127.0.0.1
  port: {port}
  username: ""
  chroot: ""
  pidfile: ""
  use-syslog: no
  do-daemonize: no
include: "{snippet}"
"""


def test_dnsmasq_answers_with_what_its_snippet_says(
    pytestconfig: pytest.Config, tmp_path: Path
) -> None:
    need_programs(pytestconfig, ["dnsmasq"], "dnsmasq-base")
    snippet = written(tmp_path, Style.DNSMASQ)
    answers(lambda port: [*DNSMASQ, f"--port={port}", f"--conf-file={snippet}"])


def test_dnsmasq_answers_with_what_a_hosts_file_says(
    pytestconfig: pytest.Config, tmp_path: Path
) -> None:
    need_programs(pytestconfig, ["dnsmasq"], "dnsmasq-base")
    (tmp_path / "hosts").mkdir()
    written(tmp_path / "hosts", Style.HOSTS)
    own = ["--conf-file=/dev/null", f"--hostsdir={tmp_path}/hosts"]
    answers(lambda port: [*DNSMASQ, f"--port={port}", *own])


def test_unbound_answers_with_what_its_snippet_says(
    pytestconfig: pytest.Config, tmp_path: Path
) -> None:
    need_programs(pytestconfig, ["unbound"], "unbound")
    snippet = written(tmp_path, Style.UNBOUND)
    config = tmp_path / "unbound.conf"

    def command(port: int) -> list[str]:
        config.write_text(UNBOUND.format(port=port, snippet=snippet))
        return ["unbound", "-d", "-c", str(config)]

    answers(command)


def written(directory: Path, style: Style) -> Path:
    text = "# somebody else's line\n"
    for record in RECORDS:
        text = with_record(text, style, record)
    snippet = directory / "snippet.conf"
    snippet.write_text(text)
    return snippet


def answers(command: Callable[[int], Sequence[str]]) -> None:
    """Start a resolver and ask it for every record.

    Another process may take the port before the resolver has it: then it ends, and gets another.
    """
    for _ in range(5):
        port = free_port()
        with subprocess.Popen(command(port), stdout=DEVNULL, stderr=DEVNULL) as server:
            try:
                eventually(partial(answered_or_ended, server, port), "an answer or an end")
                if server.poll() is None:
                    assert [record for record in RECORDS if not gives(port, record)] == []
                    return
            finally:
                server.kill()
    raise AssertionError("the resolver ended on each of five ports")


def answered_or_ended(server: subprocess.Popen[bytes], port: int) -> bool:
    return gives(port, RECORDS[0]) or server.poll() is not None


def gives(port: int, record: Record) -> bool:
    return addresses(port, record) == [record.packed]


def addresses(port: int, record: Record) -> list[bytes]:
    """The addresses of an answer; empty while there is none."""
    kind = 28 if record.kind == "AAAA" else 1
    question = encode_name(record.name) + struct.pack("!2H", kind, 1)
    query = struct.pack("!6H", 7, 0x0100, 1, 0, 0, 0) + question
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as wire, suppress(OSError):
        wire.settimeout(1)
        wire.connect(("127.0.0.1", port))
        wire.send(query)
        answer = wire.recv(4096)
        count = int.from_bytes(answer[6:8], "big")
        # Each record: a pointer to the name, type, class, time to live, length, address.
        size = 12 + len(record.packed)
        records = answer[len(query) :]
        return [records[at * size + 12 : (at + 1) * size] for at in range(count)]
    return []


def free_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port
