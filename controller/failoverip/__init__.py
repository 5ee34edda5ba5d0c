"""Keeps a Hetzner Failover IP on a healthy Kubernetes node.

The folder tree is the architecture; a line may import the lines below it, never those above::

    cli
    simulator     stand-ins with state and faults: Robot, a small Kubernetes API, the demo
    reconciler    observe -> decide -> apply, and the election
    kube | robot  the only doors to Kubernetes and to Robot
    settings | clock | log | metrics
    core          values in, values out
"""

from importlib.metadata import version

__version__ = version("failoverip")
