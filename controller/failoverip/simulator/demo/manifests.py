"""The project's manifests, as a user applies them, and the paths of what is in them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

import failoverip
from failoverip.settings import BadInputError

_PACKAGE = Path(failoverip.__file__).resolve().parent
# A wheel carries them in the package; a checkout has them beside the source root.
_PLACES = (_PACKAGE / "manifests", _PACKAGE.parents[1] / "manifests")
_RBAC = "/apis/rbac.authorization.k8s.io/v1"
# By kind: the path before the namespace, and the plural.
_PATHS = {
    "CustomResourceDefinition": (
        "/apis/apiextensions.k8s.io/v1",
        "customresourcedefinitions",
    ),
    "Namespace": ("/api/v1", "namespaces"),
    "Secret": ("/api/v1", "secrets"),
    "ServiceAccount": ("/api/v1", "serviceaccounts"),
    "ClusterRole": (_RBAC, "clusterroles"),
    "ClusterRoleBinding": (_RBAC, "clusterrolebindings"),
    "Role": (_RBAC, "roles"),
    "RoleBinding": (_RBAC, "rolebindings"),
    "FailoverIP": ("/apis/failoverip.io/v1alpha1", "failoverips"),
}


def crd_document() -> dict[str, Any]:
    """The CustomResourceDefinition; BadInputError when the manifests are not there."""
    (document,) = _documents(_directory() / "crd" / "failoverips.yaml")
    return document


def operator_documents() -> list[dict[str, Any]]:
    """The namespace, the ServiceAccount and its rights, in the order to apply them."""
    directory = _directory()
    listed = yaml.safe_load((directory / "rbac" / "kustomization.yaml").read_text())["resources"]
    namespace = directory / "namespace" / "namespace.yaml"
    files = [namespace, *(directory / "rbac" / name for name in listed)]
    return [document for file in files for document in _documents(file)]


def path_of(document: dict[str, Any]) -> str:
    """The path of an object at the API server."""
    prefix, plural = _PATHS[document["kind"]]
    metadata = document["metadata"]
    namespace = metadata.get("namespace")
    between = f"/namespaces/{namespace}" if namespace else ""
    return f"{prefix}{between}/{plural}/{metadata['name']}"


def _directory() -> Path:
    for place in _PLACES:
        if place.is_dir():
            return place
    raise BadInputError(f"the manifests are missing ({_PLACES[0]}): install the package anew")


def _documents(file: Path) -> list[dict[str, Any]]:
    return [document for document in yaml.safe_load_all(file.read_text()) if document]
