"""What `failoverip operator` cannot use is one line and exit code 2, before anything is asked."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

KUBECONFIG = """
apiVersion: v1
kind: Config
current-context: here
clusters: [{name: here, cluster: {server: "http://127.0.0.1:1"}}]
users: [{name: me, user: {}}]
contexts: [{name: here, context: {cluster: here, user: me}}]
"""


def operator(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "failoverip", "operator", "--namespace", "x", *arguments],
        env={"PATH": os.environ["PATH"], "HOME": "/nonexistent"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.fixture
def kubeconfig(tmp_path: Path) -> Path:
    path = tmp_path / "kubeconfig"
    path.write_text(KUBECONFIG)
    return path


def refused(shown: subprocess.CompletedProcess[str]) -> str:
    """The one line on stderr that is no log line."""
    assert shown.returncode == 2, shown.stderr
    assert "Traceback" not in shown.stderr
    lines = [line for line in shown.stderr.splitlines() if line.startswith("failoverip operator: ")]
    assert len(lines) == 1, shown.stderr
    return lines[0]


@pytest.mark.parametrize("text", ["{", "[]", "clusters: 3\n", KUBECONFIG.replace("here", "")])
def test_a_kubeconfig_that_cannot_be_used_is_named(tmp_path: Path, text: str) -> None:
    path = tmp_path / "broken"
    path.write_text(text)
    assert str(path) in refused(operator("--kubeconfig", str(path), "--listen", "127.0.0.1:0"))


def test_a_port_in_use_is_named(kubeconfig: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        listen = f"127.0.0.1:{taken.getsockname()[1]}"
        line = refused(operator("--kubeconfig", str(kubeconfig), "--listen", listen))
    assert listen in line
    assert "in use" in line


def test_a_file_without_certificates_is_refused_before_the_operator_starts(
    kubeconfig: Path, tmp_path: Path
) -> None:
    path = tmp_path / "authorities.pem"
    path.write_text("no certificate\n")
    line = refused(
        operator(
            *("--kubeconfig", str(kubeconfig), "--listen", "127.0.0.1:0"),
            *("--robot-ca-file", str(path)),
        )
    )
    assert "--robot-ca-file" in line
    assert str(path) in line
