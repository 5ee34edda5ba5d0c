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
from tests.demo.performance import DEADLINE_SECONDS, performing, runs, steps_of

ROOT = Path(__file__).resolve().parents[2]


def test_the_demo_goes_well_in_plain_lines_and_as_json_which_keep_serves_until_ctrl_c(
    tmp_path: Path,
) -> None:
    """Two demos side by side: neither knows of the other, and most of it is waiting."""
    for name in ("json", "plain"):
        (tmp_path / name).mkdir()
    with (
        performing(tmp_path / "json", "--json", "--keep") as kept,
        performing(tmp_path / "plain") as plain,
    ):
        kept.until_said("\n}\n")
        document = json.loads(kept.out)
        assert_went_well(document, "embedded")
        assert _active_node_by(Path(document["kubeconfig"])) == "node-c"
        eventually(lambda: len(kept.replicas()) == 2, "both replicas run again")
        children = kept.children()

        kept.send(signal.SIGINT)
        assert kept.exit_code() == 0
        assert json.loads(kept.out) == document
        assert not any(runs(pid) for pid in children)

        assert plain.exit_code() == 0
        _assert_tells_the_story(plain.out)
        for demo in (kept, plain):
            assert demo.err == ""
            assert list(demo.temporary.iterdir()) == []


def _active_node_by(kubeconfig: Path) -> str:
    """What the status says, asked as a user's kubectl would."""
    server = json.loads(kubeconfig.read_text())["clusters"][0]["cluster"]["server"]
    path = "/apis/failoverip.io/v1alpha1/failoverips/web"
    node: str = httpx.get(server + path, timeout=30, trust_env=False).json()["status"]["activeNode"]
    return node


def _assert_tells_the_story(out: str) -> None:
    """Every step in order, the shortened times, the table, the end; nothing a file cannot show."""
    assert steps_of(out) == STEPS
    assert "Times are shortened" in out
    assert "NAME   ADDRESSES          NODE     READY" in out
    last = out.splitlines()[-1]
    assert "203.0.113.10 is routed to 192.0.2.13, the server of node-c" in last
    assert "1 from node-a to node-b, 1 from node-b to node-c" in last
    assert "\r" not in out
    assert "\x1b" not in out


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


def test_a_reader_that_goes_away_ends_the_demo_without_a_word(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "failoverip", "demo"],
        env={**os.environ, "TMPDIR": str(tmp_path)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as demo:
        assert demo.stdout is not None
        assert demo.stderr is not None
        assert demo.stdout.readline() == "failoverip demo\n"
        demo.stdout.close()
        assert demo.wait(DEADLINE_SECONDS) == 141
        assert demo.stderr.read() == ""
    assert list(tmp_path.iterdir()) == []


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
