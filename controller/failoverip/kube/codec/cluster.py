"""What the cluster says about itself: our CRD, and the address of its API server."""

from __future__ import annotations

from enum import StrEnum
from urllib.parse import urlsplit

import yaml

from failoverip.kube.codec.wire import Field, Json, UnreadableError

VERSION = "v1alpha1"


class CrdVerdict(StrEnum):
    """Whether the CRD in the cluster is one that this operator can work with."""

    INSTALLED = "Installed"
    MISSING = "Missing"  # absent, on its way out, or not established yet
    TOO_OLD = "TooOld"  # without our version, or without the fence


def crd_verdict_from(item: Json) -> CrdVerdict:
    """The verdict about the CustomResourceDefinition failoverips.failoverip.io."""
    crd = Field(item, "")
    deleting = not crd["metadata"]["deletionTimestamp"].is_absent
    if deleting or not any(map(_is_established, crd["status"]["conditions"].items())):
        return CrdVerdict.MISSING
    ours = any(map(_is_ours, crd["spec"]["versions"].items()))
    return CrdVerdict.INSTALLED if ours else CrdVerdict.TOO_OLD


def _is_established(condition: Field) -> bool:
    return condition["type"].value == "Established" and condition["status"].value == "True"


def _is_ours(version: Field) -> bool:
    schema = version["schema"]["openAPIV3Schema"]
    status = schema["properties"]["status"]
    fence = status["properties"]["fence"]["properties"]
    return (
        version["name"].value == VERSION
        and version["served"].value is True
        and {"epoch", "holder"} <= fence.mapping().keys()
        and bool(schema["x-kubernetes-validations"].items())
    )


def server_host_from(config_map: Json) -> str | None:
    """The API server's host in kube-public/cluster-info, None when it names none."""
    text = Field(config_map, "")["data"]["kubeconfig"]
    try:
        document = Field(yaml.safe_load(text.text("")), "")
        for entry in document["clusters"].items():
            host = urlsplit(entry["cluster"]["server"].text("")).hostname
            if host:
                return host
    except (yaml.YAMLError, UnreadableError, ValueError):
        return None
    return None
