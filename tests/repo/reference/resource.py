"""The FailoverIP: fields, defaults, bounds, and the sentences with which the API server refuses."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterator

from tests.manifests.documents import Json, SchemaNode, crd, schema, schema_nodes
from tests.repo.reference.tables import code, table

FIELDS = ("Field", "Type", "Default", "Bounds", "Meaning")


def sections() -> list[str]:
    """The resource, by its parts."""
    (version,) = crd()["spec"]["versions"]
    names = crd()["spec"]["names"]
    group = crd()["spec"]["group"]
    about = textwrap.fill(schema()["description"], 118)
    head = (
        f"## The resource\n\n`{names['kind']}`, `{group}/{version['name']}`, cluster-scoped; short"
        f" name {code(names['shortNames'][0])}.\n{about}\n\n"
        "`[]` is an item of a list, `{}` a value of a map. A field marked * must be given.\n"
    )
    return [
        head,
        f"### spec\n\n{table(FIELDS, _fields('spec'))}",
        f"### What the API server refuses\n\n{table(('Field', 'It says'), _refusals())}",
        f"### status\n\nWritten by the operator alone.\n\n{table(FIELDS, _fields('status'))}",
        f"### Columns of `kubectl get`\n\n{table(('Column', 'Shows'), _columns(version))}",
    ]


def _fields(part: str) -> Iterator[tuple[str, ...]]:
    required = _required()
    for node in schema_nodes():
        if not node.path.startswith(f"{part}."):
            continue
        path = node.path.removeprefix(f"{part}.")
        mark = "*" if node.path in required else ""
        default = json.dumps(node.schema["default"]) if "default" in node.schema else ""
        yield (
            code(path) + mark,
            _type(node.schema),
            code(default),
            _bounds(node.schema),
            node.schema["description"],
        )


def _required() -> set[str]:
    nodes = [SchemaNode("", schema()), *schema_nodes()]
    return {
        f"{node.path}.{name}".lstrip(".")
        for node in nodes
        for name in node.schema.get("required", [])
    }


def _type(node: Json) -> str:
    if node["type"] == "array":
        return "list"
    if "additionalProperties" in node:
        return "map"
    return "time" if node.get("format") == "date-time" else str(node["type"])


def _bounds(node: Json) -> str:
    if "enum" in node:
        return ", ".join(code(value) for value in node["enum"])
    told = [
        _range(node, "minimum", "maximum", ""),
        _range(node, "minLength", "maxLength", "characters"),
        _range(node, "minItems", "maxItems", "items"),
        _range(node, "minProperties", "maxProperties", "entries"),
        code(node.get("pattern", "")),
    ]
    return "; ".join(part for part in told if part)


def _range(node: Json, least: str, most: str, unit: str) -> str:
    low, high = node.get(least), node.get(most)
    if low is None and high is None:
        return ""
    if low is None:
        text = f"at most {high}"
    else:
        text = f"at least {low}" if high is None else f"{low} to {high}"
    return f"{text} {unit}".strip()


def _refusals() -> Iterator[tuple[str, str]]:
    for node in [SchemaNode("", schema()), *schema_nodes()]:
        for rule in node.schema.get("x-kubernetes-validations", []):
            yield code(node.path or rule.get("fieldPath", "").lstrip(".")), rule["message"]


def _columns(version: Json) -> Iterator[tuple[str, str]]:
    for column in version["additionalPrinterColumns"]:
        wide = " Only with `-o wide`." if column.get("priority") else ""
        yield column["name"], column["description"] + wide
