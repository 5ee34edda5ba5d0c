"""The Prometheus operator's kinds, as far as our objects use them: the API server refuses the rest.

`kubectl apply` asks for strict validation, so a field that is not below is an error.
"""

from __future__ import annotations

from tests.controlplane.cluster import Cluster
from tests.controlplane.rest import Json

GROUP = "monitoring.coreos.com"
TEXT: Json = {"type": "string"}
DURATION: Json = {"type": "string", "pattern": "^([0-9]+(ms|s|m|h|d))+$"}
TEXTS: Json = {"type": "object", "additionalProperties": TEXT}


def _objects(**properties: Json) -> Json:
    return {"type": "object", "properties": properties}


def _list(items: Json) -> Json:
    return {"type": "array", "items": items}


RULE = _objects(
    record=TEXT, alert=TEXT, expr=TEXT, labels=TEXTS, annotations=TEXTS, **{"for": DURATION}
)
ENDPOINT = _objects(port=TEXT, path=TEXT, interval=DURATION, scrapeTimeout=DURATION)
KINDS = {
    "PrometheusRule": _objects(groups=_list(_objects(name=TEXT, rules=_list(RULE)))),
    "ServiceMonitor": _objects(
        jobLabel=TEXT, selector=_objects(matchLabels=TEXTS), endpoints=_list(ENDPOINT)
    ),
}


def install_kinds(cluster: Cluster) -> None:
    """Apply the CRDs, and wait until they are served."""
    for kind, spec in KINDS.items():
        document = _crd(kind, spec)
        path = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
        name = document["metadata"]["name"]
        if cluster.admin.find(f"{path}/{name}") is None:
            cluster.admin.create(path, document)
        cluster.kubectl("wait", "--for=condition=Established", f"crd/{name}", "--timeout=60s")


def _crd(kind: str, spec: Json) -> Json:
    plural = f"{kind.lower()}s"
    version = {
        "name": "v1",
        "served": True,
        "storage": True,
        "schema": {"openAPIV3Schema": _objects(spec=spec)},
    }
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{plural}.{GROUP}"},
        "spec": {
            "group": GROUP,
            "scope": "Namespaced",
            "names": {"kind": kind, "plural": plural, "singular": kind.lower()},
            "versions": [version],
        },
    }
