"""Programs in namespaces of their own: a disk that is full, an interface that may be changed."""

from __future__ import annotations

import asyncio
import shlex
import subprocess

import pytest
from tests.ocf.node import AGENT, Ended, Node, run
from tests.support.machine import need_programs, not_here


def need_namespaces(config: pytest.Config) -> None:
    """Skip, or fail where it must run, unless a user may make namespaces."""
    need_programs(config, ["unshare", "ip"], "util-linux iproute2")
    command = ["unshare", "--user", "--map-root-user", "--mount", "--net", "true"]
    if subprocess.run(command, check=False, capture_output=True).returncode != 0:
        not_here(config, "no user namespaces: run as root, or allow them")


async def in_namespace(node: Node, kind: str, steps: list[str], **parameters: str) -> list[Ended]:
    """Run shell lines as root of a new namespace (`--mount`, `--net`), stop at the first failure.

    A step that is the name of an action runs the agent; each gives one result.
    """
    lines = ["set -eu"]
    actions = 0
    for step in steps:
        if step not in {"start", "stop", "probe", "monitor"}:
            lines.append(step)
            continue
        interval = "10000" if step == "monitor" else "0"
        action = "monitor" if step == "probe" else step
        lines.append(
            f"OCF_RESKEY_CRM_meta_interval={interval} {shlex.quote(str(AGENT))} {action} "
            '2>&1 && code=0 || code=$?; echo "=$code"'
        )
        actions += 1
    environment = node.environment(**parameters) | {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin"}
    command = ["unshare", "--user", "--map-root-user", kind, "sh", "-c", "\n".join(lines)]
    ended = await asyncio.to_thread(run, command, environment)
    assert ended.code == 0, ended
    results, said = [], ""
    for line in ended.stdout.splitlines():
        if line.startswith("="):
            results.append(Ended(int(line[1:]), "", said))
            said = ""
        else:
            said += line + "\n"
    assert len(results) == actions, ended
    return results
