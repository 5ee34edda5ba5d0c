"""Fixtures of the rig's own tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.controlplane.cluster import Cluster
from tests.controlplane.config_maps import CONFIG_MAPS
from tests.controlplane.rest import Api


@pytest.fixture
def config_maps(cluster: Cluster) -> Iterator[Api]:
    """The API, without the ConfigMaps of the test once it is done."""
    yield cluster.admin
    for item in cluster.admin.list(CONFIG_MAPS):
        if not item["metadata"]["name"].startswith("kube-"):
            cluster.admin.delete(f"{CONFIG_MAPS}/{item['metadata']['name']}")
