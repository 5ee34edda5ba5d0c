"""Keeps a Hetzner Failover IP on a healthy Kubernetes node.

The folder tree is the architecture; a line may import the lines below it, never those above::

    cli
    simulator     stand-ins with state and faults: Robot, a small Kubernetes API, the demo
    reconciler    observe -> decide -> apply, and the election
    kube | robot  the only doors to Kubernetes and to Robot
    settings | clock | log | metrics
    core          values in, values out
"""

__version__: str


def __getattr__(name: str) -> str:
    """The version, looked up when it is asked for: that takes 40 ms of CPU, and an agent has 60."""
    if name != "__version__":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib.metadata import version

    return version("failoverip")
