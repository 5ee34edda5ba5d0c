"""`failoverip demo`: its flags and exit codes.

What the show needs is imported when it runs, so that the help needs no package.
"""

from __future__ import annotations

import argparse
import asyncio

from failoverip.simulator.closed_pipe import end_quietly

# 128 + SIGTERM, as shells have it.
_TERMINATED = 143


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the flags of `failoverip demo`."""
    parser.add_argument(
        "--control-plane",
        choices=("embedded", "real"),
        default="embedded",
        help="where the operator runs: the Kubernetes API inside this program, or etcd,"
        " kube-apiserver and kube-controller-manager, which a checkout of the project builds with"
        " Go (default: embedded)",
    )
    parser.add_argument(
        "--json", action="store_true", help="print one JSON document at the end, and nothing else"
    )
    parser.add_argument(
        "--keep",
        action="store_true",
        help="leave everything running until Ctrl-C, and say which KUBECONFIG reaches it",
    )


def run(arguments: argparse.Namespace) -> int:
    """Plays the demo: 0, or 1 when the address is not where it should be or a step did not come.

    BadInputError where `--control-plane real` cannot run.
    """
    from failoverip.simulator.demo.show import play

    playing = play(arguments.control_plane, as_json=arguments.json, keep=arguments.keep)
    try:
        return asyncio.run(playing)
    except asyncio.CancelledError:
        return _TERMINATED
    except BrokenPipeError:
        return end_quietly()
