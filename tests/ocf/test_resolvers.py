"""Real resolvers read the lines that update-dns writes."""

from __future__ import annotations

import socket
import struct
import subprocess
from collections.abc import Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path

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
    port = free_port()
    answers(
        port,
        ["dnsmasq", "--keep-in-foreground", f"--port={port}", "--listen-address=127.0.0.1",
         "--bind-interfaces", "--no-resolv", "--no-hosts", "--pid-file=", "--user=",
         f"--conf-file={snippet}"],
    )  # fmt: skip


def test_dnsmasq_answers_with_what_a_hosts_file_says(
    pytestconfig: pytest.Config, tmp_path: Path
) -> None:
    need_programs(pytestconfig, ["dnsmasq"], "dnsmasq-base")
    (tmp_path / "hosts").mkdir()
    written(tmp_path / "hosts", Style.HOSTS)
    port = free_port()
    answers(
        port,
        ["dnsmasq", "--keep-in-foreground", f"--port={port}", "--listen-address=127.0.0.1",
         "--bind-interfaces", "--no-resolv", "--no-hosts", "--pid-file=", "--user=",
         "--conf-file=/dev/null", f"--hostsdir={tmp_path}/hosts"],
    )  # fmt: skip


def test_unbound_answers_with_what_its_snippet_says(
    pytestconfig: pytest.Config, tmp_path: Path
) -> None:
    need_programs(pytestconfig, ["unbound"], "unbound")
    snippet, port = written(tmp_path, Style.UNBOUND), free_port()
    config = tmp_path / "unbound.conf"
    config.write_text(UNBOUND.format(port=port, snippet=snippet))
    answers(port, ["unbound", "-d", "-c", str(config)])


def written(directory: Path, style: Style) -> Path:
    text = "# somebody else's line\n"
    for record in RECORDS:
        text = with_record(text, style, record)
    snippet = directory / "snippet.conf"
    snippet.write_text(text)
    return snippet


def answers(port: int, command: Sequence[str]) -> None:
    """Start a resolver and ask it for every record."""
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        for record in RECORDS:
            eventually(partial(gives, port, record), f"{command[0]} gives {record}")
    finally:
        server.kill()
        server.wait()


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
