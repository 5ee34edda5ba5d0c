"""One monitor of the Pacemaker agent, against bash, curl and grep; and what an hour of them reads.

Start-up is part of every monitor: each sample is a process, as Pacemaker starts it.
"""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.bench.figures import Figure, Goal, distribution
from tests.bench.ground import say
from tests.bench.machine import MIB_IN_KIB
from tests.e2e.installation import PASSWORD, Simulator
from tests.repo.files import ROOT
from tests.simulator_robot.tls import self_signed

MEASURE = "agents"
AGENT = ROOT / "ocf-compat" / "hetzner-failover-ip"
MONITOR = [str(AGENT), "monitor"]
CACHED, READ, SHELL = "monitor, cached answer", "monitor with a read", "bash, curl, grep"
ONE, TEN = "Robot reads an hour, 1 resource", "Robot reads an hour, 10 resources"
CACHED_CPU_GOAL, READ_CPU_GOAL = Goal("p50", 60.0), Goal("p50", 120.0)
READ_TIMES = 2.5
# What a node may spend of the reads of a user whose cluster is one node.
READS_GOAL = Goal("max", 80.0)
INTERVAL_SECONDS = 10
HOUR_SECONDS = 3600
ADDRESSES = [f"203.0.113.{number}" for number in range(10, 20)]
# The reads of a sample would use an hour's budget up: users take turns.
SAMPLES_OF_A_USER = 50
SYSTEM_AUTHORITIES = Path("/etc/ssl/certs/ca-certificates.crt")
USERS = ("#ws+agent", "#ws+shell", "#ws+one", "#ws+ten")
# What a script of 2011 would do: the same request over TLS, and a look at the answer.
SCRIPT = 'curl -sS --cacert "$CA" -u "$LOGIN" "$URL/failover" | grep -q "\\"active_server_ip\\""'
MEMORY_OF = """
import os, sys
_, _, used = os.wait4(os.spawnv(os.P_NOWAIT, sys.argv[1], sys.argv[1:]), 0)
print(used.ru_maxrss)
"""
MEMORY_SAMPLES = 5
# One round of monitors: in one process, because only what they read is counted.
ROUND = """
import os, sys
sys.path[:0] = [{ocf!r}, {controller!r}]
from failoverip_ocf.agent import main
for address in sys.argv[1:]:
    os.environ["OCF_RESKEY_ip"] = address
    if main(["monitor"], os.environ) != 0:
        sys.exit(f"a monitor of {{address}} did not say 0")
"""


@dataclass(frozen=True, slots=True)
class Run:
    """One process: how long it took, and its CPU with that of its children."""

    seconds: float
    cpu_milliseconds: float


def measure(samples: int, hour_seconds: int) -> list[Figure]:
    """The figures; `samples` of each kind of process, and the reads in so many seconds."""
    with TemporaryDirectory() as name, _robot(Path(name)) as robot:
        home = Path(name)
        say(f"{samples} monitors of each kind")
        cached, read, shell = _monitors(home, robot, min(samples, SAMPLES_OF_A_USER))
        base = distribution([run.seconds for run in shell]).p50
        figures = [
            *_figures(CACHED, cached, CACHED_CPU_GOAL, Goal("p50", base)),
            *_figures(READ, read, READ_CPU_GOAL, Goal("p50", READ_TIMES * base)),
            *_figures(SHELL, shell, None, None),
        ]
        told = _environment(home, robot, USERS[0], ADDRESSES[0])
        for title, seconds in ((CACHED, 3600), (READ, 0)):
            environment = _recurring(told, reuse_seconds=seconds)
            mib = [_memory(MONITOR, environment) for _ in range(MEMORY_SAMPLES)]
            figures.append(Figure(MEASURE, f"{title}: memory", "MiB", tuple(mib)))
        for title, user, number, base_title in ((ONE, USERS[2], 1, ""), (TEN, USERS[3], 10, ONE)):
            say(f"{hour_seconds} s of monitors: {title}")
            reads = _reads_an_hour(home, robot, user, ADDRESSES[:number], hour_seconds)
            figures.append(Figure(MEASURE, title, "reads", (reads,), READS_GOAL, base_title))
    return figures


def _figures(name: str, runs: Sequence[Run], cpu: Goal | None, wall: Goal | None) -> list[Figure]:
    base = "" if name == SHELL else SHELL
    return [
        Figure(MEASURE, name, "s", tuple(run.seconds for run in runs), wall, base),
        Figure(
            MEASURE, f"{name}: CPU", "ms", tuple(run.cpu_milliseconds for run in runs), cpu,
            base and f"{SHELL}: CPU",
        ),
    ]  # fmt: skip


def _monitors(home: Path, robot: Simulator, samples: int) -> tuple[list[Run], list[Run], list[Run]]:
    """Taken in turns, so that a busy moment of the machine meets all three."""
    told = _environment(home, robot, USERS[0], ADDRESSES[0])
    assert _run([str(AGENT), "start"], told)[0] == 0, "the agent does not start"
    kinds: list[tuple[list[str], Mapping[str, str]]] = [
        (MONITOR, _recurring(told, reuse_seconds=3600)),
        (MONITOR, _recurring(told, reuse_seconds=0)),
        (
            ["bash", "-c", SCRIPT],
            {
                "PATH": os.environ["PATH"],
                "CA": str(home / "authorities.pem"),
                "LOGIN": f"{USERS[1]}:{PASSWORD}",
                "URL": robot.url,
            },
        ),
    ]
    before = _reads(robot, USERS[0])
    found: list[list[Run]] = [[], [], []]
    for turn in range(samples + 1):
        for runs, (command, environment) in zip(found, kinds, strict=True):
            code, run = _run(command, environment)
            assert code == 0, f"{command} ended with {code}"
            # The first one fills the caches of the machine.
            if turn:
                runs.append(run)
    assert _reads(robot, USERS[0]) - before == samples + 1, "a monitor with a read did not read"
    return found[0], found[1], found[2]


def _reads_an_hour(
    home: Path, robot: Simulator, user: str, addresses: Sequence[str], hour_seconds: int
) -> float:
    """Reads by monitors every ten seconds, in a time namespace for each round: nobody waits."""
    for address in addresses:
        started, _ = _run([str(AGENT), "start"], _environment(home, robot, user, address))
        assert started == 0, f"the agent does not start {address}"
    before = _reads(robot, user)
    controller, ocf = str(ROOT / "controller"), str(ROOT / "ocf-compat")
    program = ROUND.format(ocf=ocf, controller=controller)
    environment = _recurring(_environment(home, robot, user, ""))
    began, ahead = time.monotonic(), 0
    while ahead + time.monotonic() - began < hour_seconds:
        ahead += INTERVAL_SECONDS
        later = ["unshare", "--time", "--boottime", str(ahead)]
        command = [*later, "/usr/bin/python3", "-IS", "-c", program, *addresses]
        code, _ = _run(command, environment)
        assert code == 0, "the monitors of a round failed (a time namespace needs root)"
    return (_reads(robot, user) - before) * HOUR_SECONDS / hour_seconds


def _reads(robot: Simulator, user: str) -> int:
    return sum(
        entry["method"] == "GET" and entry["path"] == "/failover" and entry["user"] == user
        for entry in robot.journal()
    )


def _environment(home: Path, robot: Simulator, user: str, address: str) -> dict[str, str]:
    credentials = home / f"credentials-{USERS.index(user)}"
    if not credentials.exists():
        credentials.touch(0o600)
        credentials.write_text(f"username={user}\npassword={PASSWORD}\n")
    return {
        "PATH": os.environ["PATH"],
        "HA_RSCTMP": str(home / f"run-{USERS.index(user)}"),
        "OCF_RA_VERSION_MINOR": "1",
        "OCF_RESOURCE_INSTANCE": f"vip-{address}",
        "OCF_RESKEY_CRM_meta_timeout": "60000",
        "OCF_RESKEY_ip": address,
        "OCF_RESKEY_server": "321",
        "OCF_RESKEY_robot_url": robot.url,
        "OCF_RESKEY_ca_file": str(home / "authorities"),
        "OCF_RESKEY_credentials": str(credentials),
    }


def _recurring(told: Mapping[str, str], reuse_seconds: int | None = None) -> dict[str, str]:
    interval = {"OCF_RESKEY_CRM_meta_interval": str(INTERVAL_SECONDS * 1000)}
    reuse = {} if reuse_seconds is None else {"OCF_RESKEY_reuse_seconds": str(reuse_seconds)}
    return {**told, **interval, **reuse}


def _run(command: Sequence[str], environment: Mapping[str, str]) -> tuple[int, Run]:
    began = time.monotonic()
    process = subprocess.Popen(command, env=environment, stdin=subprocess.DEVNULL)
    _, status, used = os.wait4(process.pid, 0)
    seconds = time.monotonic() - began
    process.returncode = os.waitstatus_to_exitcode(status)
    return process.returncode, Run(seconds, (used.ru_utime + used.ru_stime) * 1000)


def _memory(command: Sequence[str], environment: Mapping[str, str]) -> float:
    """The largest resident set of a process in MiB. A process begins with that of its parent, so a
    small one starts it.
    """
    small = ["/usr/bin/python3", "-IS", "-c", MEMORY_OF, *command]
    told = subprocess.run(small, env=environment, stdout=subprocess.PIPE, text=True, check=True)
    return int(told.stdout) / MIB_IN_KIB


def _trust(home: Path, certificate: Path) -> None:
    """As on a Debian node: curl reads the file of all authorities, the agent looks one up."""
    ours = certificate.read_text()
    system = SYSTEM_AUTHORITIES.read_text() if SYSTEM_AUTHORITIES.exists() else ""
    (home / "authorities.pem").write_text(system + ours)
    command = ["openssl", "x509", "-noout", "-hash", "-in", str(certificate)]
    name = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout.strip()
    (home / "authorities").mkdir()
    (home / "authorities" / f"{name}.0").write_text(ours)


@contextmanager
def _robot(home: Path) -> Iterator[Simulator]:
    certificate, key = self_signed(home)
    _trust(home, certificate)
    users = [f'[[users]]\nname = "{user}"\npassword = "{PASSWORD}"\n' for user in USERS]
    routes = [
        f'[[failovers]]\nip = "{address}"\nserver_number = 321\nactive = 321\n'
        for address in ADDRESSES
    ]
    server = '[[servers]]\nnumber = 321\nname = "node1"\nipv4 = "198.51.100.1"\n'
    world = "\n".join([*users, server, *routes])
    flags = ["--tls-cert", str(certificate), "--tls-key", str(key)]
    robot = Simulator(home, world, flags)
    try:
        yield robot
    finally:
        robot.close()
