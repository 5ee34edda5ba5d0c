"""ConfigMaps: the simplest objects for the rig's own tests to write."""

from __future__ import annotations

from tests.controlplane.rest import Json

CONFIG_MAPS = "/api/v1/namespaces/default/configmaps"


def config_map(name: str) -> Json:
    """A ConfigMap with one key."""
    return {"metadata": {"name": name}, "data": {"key": "value"}}
