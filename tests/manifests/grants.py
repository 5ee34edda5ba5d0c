"""What the manifests grant the operator, one right at a time, and which requests use it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import product

from tests.controlplane.audit import Allowed
from tests.manifests.documents import Json, objects

ACCOUNT = "failoverip-system:failoverip-operator"


@dataclass(frozen=True, order=True)
class Grant:
    """One verb of one rule on one resource (with subresource) and, where the rule says so, name.

    `namespace` is empty in a ClusterRole.
    """

    kind: str
    role: str
    namespace: str
    verb: str
    group: str
    resource: str
    name: str

    def __str__(self) -> str:
        what = f"{self.resource}.{self.group}" if self.group else self.resource
        where = f" in {self.namespace}" if self.namespace else ""
        return f"{self.verb} {what}{f' {self.name}' if self.name else ''}{where}"

    def as_rule(self) -> Json:
        """A rule that grants this and nothing else."""
        rule = {"apiGroups": [self.group], "resources": [self.resource], "verbs": [self.verb]}
        return rule | ({"resourceNames": [self.name]} if self.name else {})

    def used_by(self, request: Allowed) -> bool:
        """Whether RBAC allowed this request of the operator by this right."""
        return (
            request.account == ACCOUNT
            and request.role == f"{self.kind} {self.role}"
            and (request.verb, request.group) == (self.verb, self.group)
            and request.resource == self.resource
            and self.name in ("", request.name)
            and self.namespace in ("", request.namespace)
        )


def grants(roles: Iterable[Json] | None = None) -> list[Grant]:
    """Every right of these Roles and ClusterRoles, by default those of the manifests."""
    return [
        Grant(
            role["kind"],
            role["metadata"]["name"],
            role["metadata"].get("namespace", ""),
            verb,
            group,
            resource,
            name,
        )
        for role in (objects("Role", "ClusterRole") if roles is None else roles)
        for rule in role["rules"]
        for group, resource, name, verb in product(
            rule["apiGroups"], rule["resources"], rule.get("resourceNames", [""]), rule["verbs"]
        )
    ]


def unused(given: Iterable[Grant], requests: Iterable[Allowed]) -> list[Grant]:
    """The rights that no request used."""
    asked = list(requests)
    return [grant for grant in given if not any(grant.used_by(request) for request in asked)]
