"""Labs for the tests, where this machine can have them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import cache
from pathlib import Path

import pytest
from tests.pacemaker import debian, namespaces
from tests.pacemaker.lab import Lab, running_lab
from tests.support.machine import need_programs, not_here

PROGRAMS = ("corosync", "pacemakerd", "crm_mon", "cibadmin", "crm_resource", "attrd_updater")
TOOLS = ("unshare", "nsenter", "ip")

LabFactory = Callable[[int], Lab]


@pytest.fixture(scope="session")
def cluster_root(pytestconfig: pytest.Config) -> Path:
    """The file system of the nodes: this machine's, or that of another Debian (RELEASE)."""
    need_programs(pytestconfig, TOOLS, "iproute2 util-linux")
    if why := why_not_here():
        not_here(pytestconfig, why)
    if release := debian.release():
        try:
            return debian.root(release)
        except debian.NoDebianError as error:
            not_here(pytestconfig, str(error))
    need_programs(pytestconfig, PROGRAMS, "pacemaker corosync pacemaker-cli-utils resource-agents")
    return Path("/")


why_not_here = cache(namespaces.why_not_here)


@pytest.fixture
def lab_of(cluster_root: Path, tmp_path: Path) -> Iterator[LabFactory]:
    """A running cluster of so many nodes."""
    with ExitStack() as stack:
        yield lambda nodes: stack.enter_context(running_lab(tmp_path / "lab", nodes, cluster_root))


@pytest.fixture
def lab(lab_of: LabFactory) -> Lab:
    """A running cluster of three nodes."""
    return lab_of(3)
