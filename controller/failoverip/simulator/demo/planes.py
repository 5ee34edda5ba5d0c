"""The two control planes that the demo runs on: the embedded one, and the real one of a checkout.

Each is a context manager that yields a kubeconfig with every right.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import failoverip
from failoverip.clock import SystemClock
from failoverip.settings import BadInputError
from failoverip.simulator.demo.children import Child
from failoverip.simulator.demo.world import NAMESPACE, TIMINGS
from failoverip.simulator.kubernetes import NodeLifecycle, Store, running, tick_forever

EMBEDDED, REAL = "embedded", "real"
_CHECKOUT = Path(failoverip.__file__).resolve().parents[2]
_RIG = "tests.controlplane.serve"
_TICK_SECONDS = 0.25
_POLL_SECONDS = 0.1

Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Plane:
    """A control plane that runs. `checks_rights`: the operator needs a token of its own there."""

    name: str
    kubeconfig: Path
    checks_rights: bool
    # Raises when it no longer runs.
    check: Callable[[], None]


@asynccontextmanager
async def embedded_plane(directory: Path, _: Progress) -> AsyncIterator[Plane]:
    """The small Kubernetes API of this package, in this process."""
    clock = SystemClock()
    store = Store(time.time)
    lifecycle = NodeLifecycle(store, clock, TIMINGS.node_grace_seconds)
    async with running(store) as (door,):
        ticking = asyncio.create_task(tick_forever(clock, [lifecycle.tick], _TICK_SECONDS))
        document = kubeconfig_document({"server": door.url}, {})
        kubeconfig = write_kubeconfig(directory / "kubeconfig", document)
        try:
            yield Plane(EMBEDDED, kubeconfig, checks_rights=False, check=lambda: _alive(ticking))
        finally:
            ticking.cancel()


@asynccontextmanager
async def real_plane(directory: Path, progress: Progress) -> AsyncIterator[Plane]:
    """etcd, kube-apiserver and kube-controller-manager, run by the checkout's test rig.

    BadInputError where there is no checkout, no Go toolchain, or no development packages.
    """
    if not (_CHECKOUT / "tests" / "controlplane" / "serve.py").is_file():
        raise BadInputError(
            "--control-plane real: the rig is part of a checkout of the project and not of the"
            " package; run `make demo DEMO_FLAGS='--control-plane real'` in one"
        )
    data = directory / "controlplane"
    data.mkdir()
    rig = Child(
        [sys.executable, "-m", _RIG, str(data), str(TIMINGS.node_grace_seconds)],
        directory / "rig.jsonl",
        directory / "rig.log",
        _CHECKOUT,
    )
    try:
        kubeconfig = await _told_kubeconfig(rig, progress)
        yield Plane(REAL, kubeconfig, checks_rights=True, check=lambda: _runs(rig))
    finally:
        rig.stop()


async def _told_kubeconfig(rig: Child, progress: Progress) -> Path:
    """Follow what the rig says, a JSON object a line, to the end of its start."""
    read = 0
    while True:
        # Asked first: what an ended rig has said is then all there.
        ended = rig.exit_code is not None
        whole, _, _ = rig.output.read_text().rpartition("\n")
        lines = whole.splitlines()
        for said in map(json.loads, lines[read:]):
            if "error" in said:
                raise BadInputError(f"--control-plane real: {said['error']}")
            if "kubeconfig" in said:
                return Path(said["kubeconfig"])
            progress(said["progress"])
        read = len(lines)
        if ended:
            why = "; ".join(rig.last_lines(1)) or f"exit code {rig.exit_code}"
            raise BadInputError(
                f"--control-plane real: the rig did not start ({why}); run `make setup` and"
                " `make demo DEMO_FLAGS='--control-plane real'`"
            )
        await asyncio.sleep(_POLL_SECONDS)


def kubeconfig_document(cluster: dict[str, Any], user: dict[str, Any]) -> dict[str, Any]:
    """One cluster, one user, one context."""
    context = {"cluster": "demo", "user": "demo", "namespace": NAMESPACE}
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "demo", "cluster": cluster}],
        "users": [{"name": "demo", "user": user}],
        "contexts": [{"name": "demo", "context": context}],
        "current-context": "demo",
    }


def write_kubeconfig(path: Path, document: dict[str, Any]) -> Path:
    """Write it readable by its owner only; JSON is YAML."""
    path.touch(mode=0o600)
    path.write_text(json.dumps(document, indent=2))
    return path


def _alive(ticking: asyncio.Task[Any]) -> None:
    if ticking.done():
        ticking.result()


def _runs(rig: Child) -> None:
    if rig.exit_code is not None:
        raise RuntimeError(f"the control plane ended: {'; '.join(rig.last_lines(1))}")


PLANES = {EMBEDDED: embedded_plane, REAL: real_plane}
