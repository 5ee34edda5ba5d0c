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


def kustomizations() -> list[Path]:
    """Every kustomization."""
    return sorted(MANIFESTS.rglob(KUSTOMIZATION))


def named_in(kustomization: Path) -> set[Path]:
    """The files and folders that a kustomization lists, as resources, components or patches."""
    document = yaml.safe_load(kustomization.read_text())
    names = [*document.get("resources", []), *document.get("components", [])]
    names += [patch["path"] for patch in document.get("patches", []) if "path" in patch]
    return {(kustomization.parent / name).resolve() for name in names}


def manifest_files(start: Path = MANIFESTS) -> list[Path]:
    """The files of objects that `kubectl apply -k` of a folder reads, patches among them."""
    found: set[Path] = set()
    for path in named_in(start / KUSTOMIZATION):
        found |= set(manifest_files(path)) if path.is_dir() else {path}
    return sorted(found)


def documents(path: Path) -> list[Json]:
    """The objects of one file."""
    return list(yaml.safe_load_all(path.read_text()))


def objects(*kinds: str) -> list[Json]:
    """All objects of the default installation, or those of the kinds given."""
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
