"""`failoverip demo` as a person runs it: what it prints, how it ends, what it leaves behind."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import httpx
import pytest
from tests.controlplane.waiting import eventually
from tests.demo.outcome import STEPS, assert_went_well
from tests.demo.performance import DEADLINE_SECONDS, performing, runs

ROOT = Path(__file__).resolve().parents[2]


def test_json_is_one_true_document_and_keep_serves_until_ctrl_c_then_nothing_is_left(
    tmp_path: Path,
) -> None:
    with performing(tmp_path, "--json", "--keep") as demo:
        demo.until_said("\n}\n")
        document = json.loads(demo.out)
        assert_went_well(document, "embedded")

        kubeconfig = json.loads(Path(document["kubeconfig"]).read_text())
        server = kubeconfig["clusters"][0]["cluster"]["server"]
        path = "/apis/failoverip.io/v1alpha1/failoverips/web"
        kept = httpx.get(server + path, timeout=30, trust_env=False).json()
        assert kept["status"]["activeNode"] == "node-c"
        eventually(lambda: len(demo.replicas()) == 2, "both replicas run again")
        children = demo.children()

        demo.send(signal.SIGINT)
        assert demo.exit_code() == 0
        assert json.loads(demo.out) == document
        assert demo.err == ""
        assert not any(runs(pid) for pid in children)
        assert list(demo.temporary.iterdir()) == []


def test_plain_output_tells_every_step_in_order_and_that_times_are_shortened(
    tmp_path: Path,
) -> None:
    with performing(tmp_path) as demo:
        assert demo.exit_code() == 0
        assert demo.steps() == STEPS
        assert "Times are shortened" in demo.out
        assert "NAME   ADDRESSES          NODE     READY" in demo.out
        last = demo.out.splitlines()[-1]
        assert "203.0.113.10 is routed to 192.0.2.13, the server of node-c" in last
        assert "1 from node-a to node-b, 1 from node-b to node-c" in last
        # Not a terminal: no live line, no colour.
        assert "\r" not in demo.out
        assert "\x1b" not in demo.out
        assert demo.err == ""
        assert list(demo.temporary.iterdir()) == []


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_demo_that_is_interrupted_takes_everything_with_it(
    number: signal.Signals, code: int, tmp_path: Path
) -> None:
    with performing(tmp_path) as demo:
        demo.until_said("replica")
        demo.until_said(" leads\n")
        children = demo.children()
        assert len(children) == 2
        demo.send(number)
        assert demo.exit_code() == code
        assert demo.err == ""
        assert not any(runs(pid) for pid in children)
        assert list(demo.temporary.iterdir()) == []


def test_the_replicas_die_with_a_demo_that_is_killed(tmp_path: Path) -> None:
    with performing(tmp_path) as demo:
        demo.until_said(" leads\n")
        children = demo.children()
        assert len(children) == 2
        demo.send(signal.SIGKILL)
        demo.exit_code()
        eventually(lambda: not any(runs(pid) for pid in children), "the replicas end", 60)


def test_a_replica_that_ends_ends_the_demo_with_1_the_reason_and_the_last_log_lines(
    tmp_path: Path,
) -> None:
    with performing(tmp_path, "--json") as demo:
        eventually(lambda: demo.logs().count("operator started") == 2, "both replicas run")
        replicas = demo.replicas()
        os.kill(replicas["two"], signal.SIGKILL)
        assert demo.exit_code() == 1
        reason = "replica two ended with exit code -9"
        assert demo.err.startswith(f"failoverip demo: {reason}")
        assert "--- one\n" in demo.err
        assert "operator started" in demo.err
        document = json.loads(demo.out)
        assert (document["ok"], document["problems"]) == (False, [reason])
        assert not runs(replicas["one"])


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (["--control-plane", "pretended"], "argument --control-plane: invalid choice: 'pretended'"),
        (["--jsn"], "there is no flag '--jsn'; did you mean --json?"),
        (["--keep=yes"], "argument --keep: ignored explicit argument 'yes'"),
        (["web"], "there is an argument that belongs to no flag"),
    ],
)
def test_a_bad_flag_is_one_line_and_exit_code_2(flags: list[str], words: str) -> None:
    shown = _demo(*flags)
    assert (shown.returncode, shown.stdout) == (2, "")
    assert shown.stderr.startswith(f"failoverip demo: {words}")
    assert shown.stderr.count("\n") == 1


def test_the_real_control_plane_without_go_is_one_line_and_exit_code_2(tmp_path: Path) -> None:
    environ = {"PATH": str(tmp_path), "FAILOVERIP_CACHE": str(tmp_path / "cache")}
    shown = _demo("--control-plane", "real", "--json", environ=environ)
    assert (shown.returncode, shown.stdout) == (2, "")
    assert shown.stderr.startswith(
        "failoverip demo: --control-plane real: no real control plane: the Go toolchain is missing"
    )
    assert shown.stderr.count("\n") == 1


def test_the_real_control_plane_without_a_checkout_is_one_line_and_exit_code_2(
    tmp_path: Path,
) -> None:
    package = tmp_path / "site" / "failoverip"
    shutil.copytree(ROOT / "controller" / "failoverip", package)
    environ = {"PYTHONPATH": str(package.parent)}
    shown = _demo("--control-plane", "real", "--json", environ=environ)
    assert (shown.returncode, shown.stdout) == (2, "")
    assert shown.stderr.startswith(
        "failoverip demo: --control-plane real: the rig is part of a checkout"
    )
    assert shown.stderr.count("\n") == 1


def _demo(*flags: str, environ: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    kept = {k: v for k, v in os.environ.items() if k != "KUBEBUILDER_ASSETS"}
    return subprocess.run(
        [sys.executable, "-m", "failoverip", "demo", *flags],
        env={**kept, **(environ or {})},
        capture_output=True,
        text=True,
        timeout=DEADLINE_SECONDS,
        check=False,
    )
