"""The last step of the image's build, in the environment that is shipped: trim, compile, date.

* The Kubernetes client is one generated module for each API class and model, and the operator uses
  none of them: it takes the transport and the kubeconfig loader and reads JSON itself. The
  generated modules that are not loaded once *every* module of failoverip is imported are removed,
  and from the package's RECORD too. No other file of any package is touched.
* The root file system is read-only where it runs, so what stays is compiled here: bytecode that
  never looks at a time stamp, one file after the other, the same in each build.
* Each file gets the time of SOURCE_DATE_EPOCH.
"""

from __future__ import annotations

import csv
import importlib
import importlib.metadata
import io
import os
import pkgutil
import py_compile
import sys
import sysconfig
from collections.abc import Iterable
from pathlib import Path

SITE = Path(sysconfig.get_path("purelib"))
GENERATED = tuple(
    SITE / "kubernetes" / part
    for part in ("client/api", "client/models", "aio/client/api", "aio/client/models")
)


def import_everything(package: str) -> None:
    """Import a package and all that is in it."""
    paths = importlib.import_module(package).__path__
    for module in pkgutil.walk_packages(paths, f"{package}."):
        if not module.name.endswith(".__main__"):
            importlib.import_module(module.name)


def loaded_files() -> set[Path]:
    """The files of all modules imported so far."""
    files = (getattr(module, "__file__", None) for module in list(sys.modules.values()))
    return {Path(file) for file in files if file}


def unloaded(directories: Iterable[Path], loaded: set[Path]) -> list[Path]:
    """The modules in `directories` that were not imported; AssertionError when one is missing.

    A package's `__init__` stays: it says which names there are.
    """
    found = []
    for directory in directories:
        if not directory.is_dir():
            raise AssertionError(f"{directory}: the client's layout changed, look at settle.py")
        found += [path for path in sorted(directory.glob("*.py")) if path not in loaded]
    return [path for path in found if path.name != "__init__.py"]


def forget(removed: set[Path], record: Path) -> None:
    """Take the removed files out of a distribution's RECORD."""
    rows = list(csv.reader(record.read_text(encoding="utf-8").splitlines()))
    text = io.StringIO()
    kept = (row for row in rows if SITE / row[0] not in removed)
    csv.writer(text, lineterminator="\n").writerows(kept)
    record.write_text(text.getvalue(), encoding="utf-8")


def record_of(distribution: str) -> Path:
    """The RECORD of an installed distribution."""
    found = importlib.metadata.distribution(distribution)
    (record,) = (path for path in found.files or [] if path.name == "RECORD")
    return Path(str(found.locate_file(record)))


def compile_all(directory: Path) -> None:
    """Bytecode for every module, in one order, that is used without a look at its source."""
    for path in sorted(directory.rglob("*.py")):
        py_compile.compile(
            str(path),
            doraise=True,
            invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH,
            quiet=2,
        )


def date_all(directory: Path, seconds: int) -> None:
    """One time for everything in the directory, and for itself."""
    for path in [*directory.rglob("*"), directory]:
        os.utime(path, (seconds, seconds), follow_symlinks=False)


def main() -> None:
    """Settle the environment that runs this."""
    import_everything("failoverip")
    removed = unloaded(GENERATED, loaded_files())
    size = sum(path.stat().st_size for path in removed)
    for path in removed:
        path.unlink()
    forget(set(removed), record_of("kubernetes"))
    print(f"settle: removed {len(removed)} generated modules of kubernetes, {size >> 20} MiB")
    compile_all(SITE)
    date_all(Path(sys.prefix), int(os.environ.get("SOURCE_DATE_EPOCH") or 0))


if __name__ == "__main__":
    main()
