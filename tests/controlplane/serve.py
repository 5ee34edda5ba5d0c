"""A control plane for `failoverip demo --control-plane real`, until stdin closes.

`python -m tests.controlplane.serve DIRECTORY GRACE_SECONDS` keeps its data in DIRECTORY, which must
be empty, and calls a node NotReady after GRACE_SECONDS. It says one JSON object a line:
`{"progress": ...}` while programs are built, then `{"kubeconfig": ...}` with every right, or
`{"error": ...}`, one line that says why the rig cannot run here.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from tests.controlplane.build import RigError, find_assets
from tests.controlplane.controlplane import ControlPlaneOptions, start_control_plane
from tests.controlplane.servers import NodeTimings


def serve(directory: Path, grace_seconds: int) -> int:
    """0 once stdin has closed and everything has ended, 2 when the rig cannot run here."""
    options = ControlPlaneOptions(NodeTimings(1, grace_seconds))
    try:
        assets = find_assets(lambda line: _say(progress=line))
        if assets.kube_controller_manager is None:
            raise RigError("KUBEBUILDER_ASSETS has no kube-controller-manager: nodes stay Ready")
        plane = start_control_plane(assets, directory, options)
    except RigError as error:
        _say(error=str(error))
        return 2
    try:
        _say(kubeconfig=str(plane.admin_kubeconfig))
        sys.stdin.read()
    finally:
        plane.stop()
    return 0


def _say(**said: str) -> None:
    sys.stdout.write(json.dumps(said) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(serve(Path(sys.argv[1]), int(sys.argv[2])))
