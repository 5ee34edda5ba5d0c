"""One machine of a Pacemaker cluster: its runtime directory, its login, and calls of the agent."""

from __future__ import annotations

import asyncio
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

from tests.repo.files import ROOT
from tests.simulator_robot.worlds import ADDRESS, PASSWORD, USER

from failoverip_ocf.agent import Agent
from failoverip_ocf.cache import Cache, decode
from failoverip_ocf.decide import Outcome
from failoverip_ocf.parameters import Parameters
from failoverip_ocf.state import now

AGENT = ROOT / "ocf-compat" / "hetzner-failover-ip"
HELPER = ROOT / "ocf-compat" / "hetzner-failover-ip-helper"
# Tests wait for conditions; this only ends a run that went wrong.
PATIENCE_SECONDS = 120


@dataclass(frozen=True)
class Ended:
    """How a process ended."""

    code: int
    stdout: str
    stderr: str

    @property
    def reason(self) -> str:
        """What crm_mon would show."""
        marked = [
            line.removeprefix("ocf-exit-reason:")
            for line in self.stderr.splitlines()
            if line.startswith("ocf-exit-reason:")
        ]
        return "\n".join(marked)


class Node:
    """Times are short: an operation may take 20 s, and a monitor asks each time."""

    def __init__(self, folder: Path, robot_url: str, ca_file: Path, server: str) -> None:
        folder.mkdir()
        self.run_directory = folder / "run"
        self.runtime = self.run_directory / "failoverip"
        self.credentials = folder / "credentials"
        self.write_login(USER, PASSWORD)
        self.parameters = {
            "ip": ADDRESS,
            "credentials": str(self.credentials),
            "server": server,
            "robot_url": robot_url,
            "ca_file": str(ca_file),
            "reuse_seconds": "0",
        }

    def write_login(self, username: str, password: str) -> None:
        self.credentials.write_text(f"username={username}\npassword={password}\n")
        self.credentials.chmod(0o600)

    def environment(self, **changed: str) -> dict[str, str]:
        """What Pacemaker would hand over; `timeout` in seconds."""
        meta = {
            "CRM_meta_timeout": str(int(float(changed.pop("timeout", "20")) * 1000)),
            "CRM_meta_interval": changed.pop("interval", "0"),
        }
        parameters = {**self.parameters, **changed, **meta}
        return {
            **{f"OCF_RESKEY_{key}": value for key, value in parameters.items()},
            "OCF_RA_VERSION_MAJOR": "1",
            "OCF_RA_VERSION_MINOR": "1",
            "OCF_RESOURCE_INSTANCE": "vip",
            "HA_RSCTMP": str(self.run_directory),
            "PATH": "/usr/bin:/bin",
        }

    async def call(self, action: str, **changed: str) -> Outcome:
        """One action inside of this process, as a thread."""
        environment = self.environment(**changed)
        return await asyncio.to_thread(Agent(Parameters(environment), now()).run, action)

    async def start(self, **changed: str) -> Outcome:
        return await self.call("start", **changed)

    async def monitor(self, **changed: str) -> Outcome:
        """A recurring one."""
        return await self.call("monitor", **{"interval": "10000", **changed})

    async def probe(self) -> Outcome:
        return await self.call("probe")

    async def stop(self, **changed: str) -> Outcome:
        return await self.call("stop", **changed)

    async def process(self, action: str, **changed: str) -> Ended:
        """One action as a process."""
        return await self.program([str(AGENT), action], **changed)

    async def helper(self, *arguments: str, **changed: str) -> Ended:
        return await self.program([str(HELPER), *arguments], **changed)

    async def program(self, command: list[str], **changed: str) -> Ended:
        return await asyncio.to_thread(run, command, self.environment(**changed))

    def cache(self) -> Cache:
        """What the account's resources share."""
        (file,) = self.runtime.glob("robot-*.cache")
        return decode(file.read_text())

    def contents(self) -> list[str]:
        """All that lies in the runtime directory."""
        return [path.read_text() for path in self.runtime.iterdir()]

    def files(self) -> set[str]:
        return {path.name for path in self.runtime.iterdir()} if self.runtime.exists() else set()


def run(command: list[str], environment: dict[str, str]) -> Ended:
    """A program to its end, with nothing of this process' environment."""
    ended = subprocess.run(
        command,
        env=environment,
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
        check=False,
        cwd=os.sep,
    )
    return Ended(ended.returncode, ended.stdout, ended.stderr)


def begin(command: list[str], environment: dict[str, str]) -> subprocess.Popen[str]:
    """A program that the test goes on beside."""
    pipe = subprocess.PIPE
    return subprocess.Popen(command, env=environment, stdin=pipe, stderr=pipe, text=True)
