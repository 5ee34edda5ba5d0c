"""kubeconfig files: how kubectl, the operator and the tests reach a cluster."""

from __future__ import annotations

import base64
import json
from pathlib import Path

from tests.controlplane.rest import Json


def kubeconfig_document(server: str, token: str, ca: Path | None, namespace: str) -> Json:
    """One cluster, one user with a bearer token. A plain HTTP `server` (a gatekeeper) has no CA."""
    cluster: Json = {"server": server}
    if ca is not None and server.startswith("https"):
        cluster["certificate-authority-data"] = base64.b64encode(ca.read_bytes()).decode()
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "test", "cluster": cluster}],
        "users": [{"name": "test", "user": {"token": token}}],
        "contexts": [
            {"name": "test", "context": {"cluster": "test", "user": "test", "namespace": namespace}}
        ],
        "current-context": "test",
    }


def write_kubeconfig(path: Path, document: Json) -> Path:
    """Write it readable by its owner only; JSON is YAML."""
    path.touch(mode=0o600)
    path.write_text(json.dumps(document, indent=2))
    return path
