"""What ServiceAccounts asked of an API server and were allowed, out of its audit log."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

# Who, what and whether it was allowed; no bodies, so no Secret either.
POLICY = """\
apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules:
  - level: Metadata
    userGroups: ["system:serviceaccounts"]
  - level: None
"""
LOG_SUFFIX = "-audit.log"
_ALLOWED_BY = re.compile(r'of ((?:Cluster)?Role) "([^"]+)" to ServiceAccount')


@dataclass(frozen=True, order=True)
class Allowed:
    """One kind of request that RBAC allowed. `name` is empty where the request had none.

    `role` is the one that RBAC found first, as `ClusterRole NAME` or `Role NAME`.
    """

    account: str
    verb: str
    group: str
    resource: str
    namespace: str
    name: str
    role: str


def write_policy(directory: Path) -> Path:
    """A file for --audit-policy-file."""
    path = directory / "audit-policy.yaml"
    path.write_text(POLICY)
    return path


def allowed_requests(directory: Path) -> set[Allowed]:
    """What the audit logs in this directory hold, rotated ones and cut last lines included."""
    logs = directory.glob(f"*{LOG_SUFFIX.removesuffix('.log')}*.log")
    return {allowed for log in logs for allowed in _read(log)}


def write_requests(requests: set[Allowed], path: Path) -> None:
    """Keep them for `read_requests`."""
    path.write_text(json.dumps([asdict(request) for request in sorted(requests)]))


def read_requests(directory: Path) -> set[Allowed]:
    """All that `write_requests` kept in this directory."""
    return {
        Allowed(**request)
        for path in directory.glob("*.json")
        for request in json.loads(path.read_text())
    }


def _read(log: Path) -> Iterator[Allowed]:
    for line in log.read_text(errors="replace").splitlines():
        try:
            event = json.loads(line)
        except ValueError:
            # The last line of an API server that was killed.
            continue
        annotations, what = event.get("annotations", {}), event.get("objectRef")
        found = _ALLOWED_BY.search(annotations.get("authorization.k8s.io/reason", ""))
        if found is None or what is None:
            continue
        subresource = what.get("subresource")
        yield Allowed(
            account=event["user"]["username"].removeprefix("system:serviceaccount:"),
            verb=event["verb"],
            group=what.get("apiGroup", ""),
            resource=f"{what['resource']}/{subresource}" if subresource else what["resource"],
            namespace=what.get("namespace", ""),
            name=what.get("name", ""),
            role=f"{found[1]} {found[2]}",
        )
