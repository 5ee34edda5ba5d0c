"""What tests that play worlds share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.support.quiet import without_logs


@pytest.fixture
def quiet() -> Iterator[None]:
    """Without the logs of the replicas."""
    with without_logs():
        yield
