"""The files under manifests/ as values."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

Json = dict[str, Any]

MANIFESTS = Path(__file__).resolve().parents[2] / "manifests"
CRD_FILE = MANIFESTS / "crd" / "failoverips.yaml"
KUSTOMIZATION = "kustomization.yaml"


def manifest_files() -> list[Path]:
    """Every file that holds objects for the API server."""
    return sorted(path for path in MANIFESTS.rglob("*.yaml") if path.name != KUSTOMIZATION)


def kustomizations() -> list[Path]:
    """Every kustomization."""
    return sorted(MANIFESTS.rglob(KUSTOMIZATION))


def documents(path: Path) -> list[Json]:
    """The objects of one file."""
    return list(yaml.safe_load_all(path.read_text()))


def objects(*kinds: str) -> list[Json]:
    """All objects of the manifests, or those of the kinds given."""
    found = [document for path in manifest_files() for document in documents(path)]
    return [document for document in found if not kinds or document["kind"] in kinds]


def crd() -> Json:
    """The CustomResourceDefinition."""
    (document,) = documents(CRD_FILE)
    return document


def schema() -> Json:
    """The OpenAPI schema of v1alpha1."""
    (version,) = crd()["spec"]["versions"]
    found: Json = version["schema"]["openAPIV3Schema"]
    return found


@dataclass(frozen=True)
class SchemaNode:
    """One place in the schema: `spec.addresses[]` for the items of a list, `{}` of a map."""

    path: str
    schema: Json


def schema_nodes() -> list[SchemaNode]:
    """Every place below the root, outermost first."""
    return list(_below("", schema()))


def _below(path: str, node: Json) -> Iterator[SchemaNode]:
    prefix = f"{path}." if path else ""
    inner = [(f"{prefix}{name}", child) for name, child in node.get("properties", {}).items()]
    if "items" in node:
        inner.append((f"{path}[]", node["items"]))
    if "additionalProperties" in node:
        inner.append((f"{path}{{}}", node["additionalProperties"]))
    for place, child in inner:
        yield SchemaNode(place, child)
        yield from _below(place, child)
