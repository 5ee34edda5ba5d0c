"""One node as update-dns sees it: parameters, the runtime directory, the time limit."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from tests.repo.files import ROOT

from failoverip_ocf.update_dns import main

AGENT = ROOT / "ocf-compat" / "update-dns"
NAME = "active.example.com"
ME, OTHER = "198.51.100.1", "198.51.100.2"


@dataclass
class NamingNode:
    """Runs actions on it, in this process."""

    home: Path
    parameters: dict[str, str]
    capsys: pytest.CaptureFixture[str]
    timeout_seconds: float = 20.0
    reason: str = ""
    environ: dict[str, str] = field(default_factory=dict)

    def act(self, action: str, *, interval_seconds: float = 0.0) -> int:
        """The exit code; `reason` is then what the action told."""
        self.capsys.readouterr()
        code = main([action], self.environment(interval_seconds))
        self.reason = self.capsys.readouterr().err.removeprefix("ocf-exit-reason:").strip()
        return code

    def monitor(self) -> int:
        """A recurring monitor."""
        return self.act("monitor", interval_seconds=30)

    def probe(self) -> int:
        """What Pacemaker asks a node that joins."""
        return self.act("monitor")

    def environment(self, interval_seconds: float = 0.0) -> dict[str, str]:
        """As Pacemaker 2.1 sets it."""
        told = {f"OCF_RESKEY_{name}": value for name, value in self.parameters.items()}
        told["OCF_RESKEY_CRM_meta_timeout"] = str(int(self.timeout_seconds * 1000))
        if interval_seconds:
            told["OCF_RESKEY_CRM_meta_interval"] = str(int(interval_seconds * 1000))
        version = {"OCF_RA_VERSION_MAJOR": "1", "OCF_RA_VERSION_MINOR": "1"}
        return {"HA_RSCTMP": str(self.home / "run"), **version, **told, **self.environ}

    def lose_power(self) -> None:
        """What a reboot leaves: the disk, and an empty runtime directory."""
        for path in (self.home / "run" / "failoverip").iterdir():
            path.unlink()


def run_agent(action: str, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """The program itself, as Pacemaker runs it."""
    return subprocess.run(
        [str(AGENT), action],
        env={"PATH": os.environ["PATH"], **environment},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
