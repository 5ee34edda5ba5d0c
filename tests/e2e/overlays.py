"""What `kubectl apply -k` takes: the default and the overlays."""

from __future__ import annotations

from dataclasses import dataclass

from tests.e2e.installed_crd import MANIFESTS


@dataclass(frozen=True)
class Overlay:
    """A folder under manifests/, and how many replicas come of it."""

    path: str
    replicas: int

    @property
    def folder(self) -> str:
        return str(MANIFESTS / self.path)


OVERLAYS = (
    Overlay(".", 2),
    Overlay("overlays/single-node", 1),
    Overlay("overlays/prometheus-operator", 2),
    Overlay("overlays/single-node-prometheus-operator", 1),
)
