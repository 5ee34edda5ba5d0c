"""A real DNS server that takes signed updates: Debian's knot, on a loopback port of its own."""

from __future__ import annotations

import base64
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from failoverip_ocf.dns.tsig import Key

ZONE = "example.com"
_CONFIG = """
server:
  rundir: {home}
  listen: 127.0.0.1@{port}
database:
  storage: {home}/db
key:
{keys}
acl:
  - id: nodes
    key: [{names}]
    action: update
zone:
  - domain: {zone}
    storage: {home}
    acl: nodes
"""
_ZONE = """$ORIGIN {zone}.
@ 60 IN SOA ns hostmaster 1 3600 600 86400 60
@ 60 IN NS ns
ns 60 IN A 127.0.0.1
"""


@dataclass(frozen=True, slots=True)
class Knot:
    """A running server."""

    home: Path
    port: int

    def records(self, name: str, kind: str) -> list[str]:
        """What it says of a name."""
        read = self._ctl("zone-read", ZONE, f"{name}.", kind)
        return [line.split()[-1] for line in read.stdout.splitlines() if f" {kind} " in line]

    def is_up(self) -> bool:
        """Whether it answers for the zone."""
        read = self._ctl("zone-read", ZONE, "@", "SOA")
        return read.returncode == 0 and "SOA" in read.stdout

    def _ctl(self, *words: str) -> subprocess.CompletedProcess[str]:
        command = ["knotc", "-s", str(self.home / "knot.sock"), *words]
        return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


@contextmanager
def knot_server(home: Path, keys: Sequence[Key], port: int = 0) -> Iterator[Knot]:
    """Start it, wait until it answers, end it. Port 0: any that is free."""
    with socket.create_server(("127.0.0.1", port)) as free:
        port = free.getsockname()[1]
    told = "".join(
        f"  - id: {key.name}\n    algorithm: {key.algorithm}\n"
        f"    secret: {base64.b64encode(key.secret).decode()}\n"
        for key in keys
    )
    (home / "db").mkdir()
    names = ", ".join(key.name for key in keys)
    config = _CONFIG.format(home=home, port=port, keys=told, names=names, zone=ZONE)
    (home / "knot.conf").write_text(config)
    (home / f"{ZONE}.zone").write_text(_ZONE.format(zone=ZONE))
    server = Knot(home, port)
    with (home / "log").open("wb") as log:
        process = subprocess.Popen(
            ["knotd", "-c", str(home / "knot.conf")], stdout=log, stderr=subprocess.STDOUT
        )
        try:
            deadline = time.monotonic() + 120
            while not server.is_up():
                said = (home / "log").read_text()
                assert process.poll() is None, said
                assert time.monotonic() < deadline, said
                time.sleep(0.1)
            yield server
        finally:
            process.terminate()
            process.wait(60)
