"""The blocks that install the program with pip, in a fresh virtual environment.

Nothing is fetched: the packages that the extras name are found where the tests have theirs, so that
pip finds them installed. What is built and installed is failoverip itself, from this checkout.
"""

from __future__ import annotations

import os
import sysconfig
from pathlib import Path

from tests.docs.shell import shell
from tests.repo.commands import blocks
from tests.repo.files import ROOT


def test_the_program_is_installed_from_the_checkout_into_a_fresh_environment(
    tmp_path: Path,
) -> None:
    (tmp_path / "checkout").mkdir()
    for name in (
        "controller",
        "manifests",
        "ocf-compat",
        "README.md",
        "LICENSE",
        "CHANGELOG.md",
        "pyproject.toml",
    ):
        (tmp_path / "checkout" / name).symlink_to(ROOT / name)
    environ = {
        "PATH": os.environ["PATH"],
        "HOME": str(tmp_path),
        "PYTHONPATH": sysconfig.get_path("purelib"),
        "PIP_NO_INDEX": "1",
        # pip reads this one the other way round: it turns the isolation off.
        "PIP_NO_BUILD_ISOLATION": "0",
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
    }
    with shell(tmp_path / "checkout", environ) as plain:
        for block in blocks("venv"):
            plain.run(block)
        where = plain.call(
            "venv/bin/python -c 'import failoverip; print(failoverip.__file__)'", "import"
        )
        assert where.startswith(str(tmp_path / "checkout" / "venv"))
        assert "0.1" in plain.call("venv/bin/failoverip --version", "failoverip")
