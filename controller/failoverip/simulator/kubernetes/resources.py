"""The kinds of objects that the API serves, and how each kind's strategy differs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, TypeAlias

JsonObject: TypeAlias = dict[str, Any]


@dataclass(frozen=True)
class ResourceType:
    """One resource of one group and version. The flags follow kube-apiserver's own strategies.

    Each of those below is one object, and known by `is`: nothing is compared field by field.
    """

    group: str
    version: str
    plural: str
    kind: str
    namespaced: bool = False
    short_names: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    has_status: bool = False
    # A PUT to a name that is free creates it, even with a resourceVersion in the body.
    creates_on_update: bool = False
    # A PUT without a resourceVersion overwrites whatever is there.
    unconditional_update: bool = True
    has_generation: bool = False
    custom: bool = False
    # Beyond metadata.name and metadata.namespace.
    field_labels: tuple[str, ...] = ()

    @cached_property
    def api_version(self) -> str:
        """`v1` or `group/version`, as objects and paths write it."""
        return f"{self.group}/{self.version}" if self.group else self.version

    @property
    def singular(self) -> str:
        """The name that kubectl also takes."""
        return self.kind.lower()

    @cached_property
    def full_name(self) -> str:
        """`failoverips.failoverip.io`: how messages name the resource."""
        return f"{self.plural}.{self.group}" if self.group else self.plural

    @property
    def path(self) -> str:
        """The prefix of the resource's paths, without namespace and plural."""
        return f"/apis/{self.api_version}" if self.group else f"/api/{self.version}"


@dataclass(frozen=True, slots=True)
class Key:
    """One object's place; `namespace` is empty for a cluster-scoped resource."""

    resource: ResourceType
    namespace: str
    name: str


_EVENT_FIELDS = (
    "involvedObject.kind",
    "involvedObject.namespace",
    "involvedObject.name",
    "involvedObject.uid",
    "involvedObject.apiVersion",
    "involvedObject.resourceVersion",
    "involvedObject.fieldPath",
    "reason",
    "type",
)
_RBAC = "rbac.authorization.k8s.io"

NAMESPACES = ResourceType(
    "",
    "v1",
    "namespaces",
    "Namespace",
    False,
    ("ns",),
    has_status=True,
    field_labels=("status.phase",),
)
NODES = ResourceType(
    "", "v1", "nodes", "Node", False, ("no",), has_status=True, field_labels=("spec.unschedulable",)
)
SECRETS = ResourceType("", "v1", "secrets", "Secret", True, field_labels=("type",))
LEASES = ResourceType(
    "coordination.k8s.io",
    "v1",
    "leases",
    "Lease",
    True,
    creates_on_update=True,
    unconditional_update=False,
)
EVENTS = ResourceType(
    "events.k8s.io", "v1", "events", "Event", True, ("ev",), creates_on_update=True
)
CORE_EVENTS = replace(EVENTS, group="", field_labels=_EVENT_FIELDS)
CRDS = ResourceType(
    "apiextensions.k8s.io",
    "v1",
    "customresourcedefinitions",
    "CustomResourceDefinition",
    False,
    ("crd", "crds"),
    ("api-extensions",),
    True,
    unconditional_update=False,
    has_generation=True,
)

BUILT_IN: tuple[ResourceType, ...] = (
    NAMESPACES,
    NODES,
    SECRETS,
    ResourceType("", "v1", "configmaps", "ConfigMap", True, ("cm",)),
    ResourceType("", "v1", "serviceaccounts", "ServiceAccount", True, ("sa",)),
    # No pod ever exists here; `kubectl describe node` lists them all the same.
    ResourceType(
        "",
        "v1",
        "pods",
        "Pod",
        True,
        ("po",),
        ("all",),
        True,
        field_labels=("spec.nodeName", "status.phase"),
    ),
    CORE_EVENTS,
    EVENTS,
    LEASES,
    CRDS,
    ResourceType(
        "apps",
        "v1",
        "deployments",
        "Deployment",
        True,
        ("deploy",),
        ("all",),
        True,
        has_generation=True,
    ),
    ResourceType(_RBAC, "v1", "roles", "Role", True, creates_on_update=True),
    ResourceType(_RBAC, "v1", "rolebindings", "RoleBinding", True, creates_on_update=True),
    ResourceType(_RBAC, "v1", "clusterroles", "ClusterRole", creates_on_update=True),
    ResourceType(_RBAC, "v1", "clusterrolebindings", "ClusterRoleBinding", creates_on_update=True),
)


def types_of_crd(crd: Mapping[str, Any]) -> tuple[ResourceType, ...]:
    """The resources that a CustomResourceDefinition serves, one per served version."""
    spec = crd["spec"]
    names = spec["names"]
    return tuple(
        ResourceType(
            group=spec["group"],
            version=version["name"],
            plural=names["plural"],
            kind=names["kind"],
            namespaced=spec.get("scope") == "Namespaced",
            short_names=tuple(names.get("shortNames", ())),
            categories=tuple(names.get("categories", ())),
            has_status="status" in (version.get("subresources") or {}),
            unconditional_update=False,
            has_generation=True,
            custom=True,
        )
        for version in spec["versions"]
        if version.get("served", False)
    )


def schema_of_crd(crd: Mapping[str, Any], version: str) -> JsonObject:
    """The structural schema of one version; empty when the CRD carries none."""
    for candidate in crd["spec"]["versions"]:
        if candidate["name"] == version:
            schema: JsonObject = (candidate.get("schema") or {}).get("openAPIV3Schema") or {}
            return schema
    return {}
