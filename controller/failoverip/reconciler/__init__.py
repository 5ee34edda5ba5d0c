"""Observe, decide, apply; and the election that says which replica may.

Gathers what is known into one value, hands it to `core`, and performs the one action that comes
back. May not decide anything itself, nor speak HTTP: Kubernetes is reached through `kube`, Robot
through `robot`. Only `handlers.py` imports kopf.
"""
