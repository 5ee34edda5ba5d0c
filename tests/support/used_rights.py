"""A pytest plugin that fails a whole end-to-end run when a right of the operator was never used.

Each control plane's audit log is read when it stops, on whichever xdist worker it ran. At the end
of the run the process that started the workers judges them all together. A run of only some of the
tests is not judged, and says so.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from tests.controlplane.audit import Allowed, allowed_requests, read_requests, write_requests
from tests.manifests.grants import Grant, grants, unused

_DIRECTORY = pytest.StashKey[Path]()
_VERDICT = pytest.StashKey["Verdict"]()


@dataclass(frozen=True)
class Verdict:
    """What is printed at the end, and whether the run fails by it."""

    text: str
    failed: bool = False


def judge(
    given: list[Grant], requests: set[Allowed], *, not_whole: str, required: bool
) -> Verdict | None:
    """None where no control plane ran and none had to. `not_whole` says why not to judge."""
    if not requests:
        text = "rights: no request of the operator was seen"
        return Verdict(text, failed=True) if required and not not_whole else None
    left = unused(given, requests)
    used = f"rights: {len(given) - len(left)} of {len(given)} were used"
    if not_whole:
        return Verdict(f"{used}; not judged: {not_whole}")
    if not left:
        return Verdict(f"{used} in this run")
    listed = "".join(f"\n  {grant} ({grant.kind} {grant.role})" for grant in left)
    return Verdict(f"{used}; granted and never used, so take it away:{listed}", failed=True)


def keep_requests(config: pytest.Config, plane: Path) -> None:
    """Keep what the audit logs of a control plane that has stopped hold."""
    requests = allowed_requests(plane)
    if requests:
        write_requests(requests, config.stash[_DIRECTORY] / f"{uuid.uuid4()}.json")


def pytest_configure(config: pytest.Config) -> None:
    """One directory for the run, made by the process that starts the workers."""
    given = getattr(config, "workerinput", {}).get("used_rights")
    config.stash[_DIRECTORY] = Path(given or tempfile.mkdtemp(prefix="used-rights-"))


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Tell a worker the directory."""
    node.workerinput["used_rights"] = str(node.config.stash[_DIRECTORY])


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """Judge, once all workers have ended."""
    config = session.config
    if hasattr(config, "workerinput"):
        return
    required = os.environ.get("FAILOVERIP_E2E_REQUIRED", "") not in ("", "0")
    requests = read_requests(config.stash[_DIRECTORY])
    verdict = judge(
        grants(), requests, not_whole=_why_not_whole(config, exitstatus), required=required
    )
    if verdict is None:
        return
    config.stash[_VERDICT] = verdict
    if verdict.failed:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    """Say the verdict."""
    verdict = config.stash.get(_VERDICT, None)
    if verdict is not None:
        terminalreporter.write_line(verdict.text, red=verdict.failed, bold=True)


def pytest_unconfigure(config: pytest.Config) -> None:
    """Remove the directory."""
    if not hasattr(config, "workerinput"):
        shutil.rmtree(config.stash[_DIRECTORY], ignore_errors=True)


def _why_not_whole(config: pytest.Config, exitstatus: int) -> str:
    option = config.option
    if exitstatus != pytest.ExitCode.OK:
        return "a test failed"
    if config.args_source is not pytest.Config.ArgsSource.TESTPATHS:
        return "only the tests of some files ran"
    if option.markexpr not in ("", "e2e") or option.keyword or option.deselect:
        return "only some tests ran"
    if os.environ.get("USE_EXISTING_CLUSTER") == "true":
        return "the cluster is not ours, and its audit log neither"
    return ""
