"""What the scanners find in a file of objects, as values."""

from __future__ import annotations

import json
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

from tests.manifests.documents import Json

# kube-score grades: 10 is fine, below 10 is something to look at.
_FINE = 10
_MORE_CHECKS = ("container-seccomp-profile", "container-ports-check")
KUBERNETES = "v1.36"


@dataclass(frozen=True, order=True)
class Finding:
    """`what` is kube-score's comment, or the name of checkov's check."""

    scanner: str
    subject: str
    check: str
    what: str


@dataclass(frozen=True)
class Excuse:
    """A finding that an annotation of the object itself leaves out, and the reason it gives."""

    subject: str
    check: str
    reason: str


def by_kube_score(program: Path, file: Path) -> set[Finding]:
    """Its default checks and two more. An annotation, which gives no reason, switches none off."""
    command = [str(program), "score", f"--kubernetes-version={KUBERNETES}", "-o", "json"]
    command += ["--disable-ignore-checks-annotations"]
    command += [f"--enable-optional-test={check}" for check in _MORE_CHECKS]
    return {
        Finding(
            "kube-score",
            f"{scored['type_meta']['kind']}/{scored['object_meta']['name']}",
            check["check"]["id"],
            _text(comment),
        )
        # null for a file of which it knows no kind
        for scored in json.loads(_output([*command, str(file)])) or []
        for check in scored["checks"]
        if not check["skipped"] and check["grade"] < _FINE
        for comment in check["comments"]
    }


def by_checkov(command: list[str], directory: Path) -> tuple[set[Finding], set[Excuse]]:
    """Of all YAML files in a directory."""
    flags = ["--framework", "kubernetes", "--skip-download", "--compact", "-o", "json"]
    report = json.loads(_output([*command, "-d", str(directory), *flags]))["results"]
    assert report["parsing_errors"] == []
    findings = {
        Finding("checkov", _subject(check), check["check_id"], check["check_name"])
        for check in report["failed_checks"]
    }
    excuses = {
        Excuse(_subject(check), check["check_id"], check["check_result"]["suppress_comment"])
        for check in report["skipped_checks"]
    }
    return findings, excuses


def _subject(check: Json) -> str:
    """`Deployment.namespace.name`, where a Pod has its labels behind."""
    kind, _, rest = check["resource"].partition(".")
    return f"{kind}/{rest.split('.')[1] if '.' in rest else rest}"


def _text(comment: Json) -> str:
    parts = (comment.get("path"), comment.get("summary"))
    return ": ".join(part for part in parts if part)


def _output(command: list[str]) -> str:
    """Their exit code says that there are findings, so it is not looked at."""
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, env={"PATH": os.defpath}
    )
    assert done.stdout, done.stderr
    return done.stdout
