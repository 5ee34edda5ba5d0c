"""A client of a scripted server, with a canary for a token."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.controlplane.kubeconfig import kubeconfig_document
from tests.kube.scripted_server import ScriptedServer, scripted_server

from failoverip.kube import KubeClient, KubeconfigFile, Kubernetes

CANARY = "canary-4f8b1c7e2d"


@pytest.fixture
async def server() -> AsyncIterator[ScriptedServer]:
    async with scripted_server() as running:
        yield running


@pytest.fixture
def kubeconfig(server: ScriptedServer, tmp_path: Path) -> Path:
    path = tmp_path / "kubeconfig"
    path.write_text(json.dumps(kubeconfig_document(server.url, CANARY, None, "default")))
    return path


@pytest.fixture
async def client(kubeconfig: Path) -> AsyncIterator[KubeClient]:
    async with await KubeClient.open(KubeconfigFile(str(kubeconfig))) as opened:
        yield opened


@pytest.fixture
def kubernetes(client: KubeClient) -> Kubernetes:
    return Kubernetes(client, "replica-1")
