"""For each right of the operator: what it says without it, and what it then cannot do."""

from __future__ import annotations

import math
import time
from collections.abc import Callable

from prometheus_client.parser import text_string_to_metric_families
from tests.controlplane.cluster import FAILOVER_IPS, NODES, Cluster
from tests.controlplane.rest import Json
from tests.controlplane.waiting import eventually
from tests.e2e.installation import (
    NAMESPACE,
    SERVICE_ACCOUNT,
    Installation,
    Replica,
    is_true,
    told,
)
from tests.manifests.grants import Grant, grants

OPERATOR = f"system:serviceaccount:{NAMESPACE}:{SERVICE_ACCOUNT}"
REVIEWS = "/apis/authorization.k8s.io/v1/subjectaccessreviews"
ROLES = "/apis/rbac.authorization.k8s.io/v1"


Harm = Callable[[Installation], object]


def never_led(home: Installation) -> bool:
    """Nobody claims the resource."""
    return home.status() == {} and not home.replicas[-1].said("leading")


def unknown_to_it(home: Installation) -> bool:
    """It leads, and the resource has no status."""
    return home.status() == {} and bool(home.replicas[-1].said("leading"))


def knows_no_node(home: Installation) -> bool:
    """It has claimed the resource and cannot say that it is on a healthy node."""
    return "fence" in home.status() and not is_true(home.status(), "Ready")


def loses_its_lease(home: Installation) -> bool:
    """It leads for the length of a window."""
    return bool(home.replicas[-1].said("lease lost"))


def asks_for_credentials(home: Installation) -> bool:
    """The status says so, too."""
    return told(home.status(), "Stalled") == ("True", "CredentialsMissing")


def tells_no_event(home: Installation) -> bool:
    """It refuses a request, and `kubectl describe` does not show that."""
    request = f"node-z@{time.monotonic_ns()}"
    home.patch("web", {"metadata": {"annotations": {"failoverip.io/switch-to": request}}})
    home.until(
        lambda status: status.get("switchRequest", {}).get("value") == request, "it is refused"
    )
    return home.events() == []


def hears_of_no_node(home: Installation) -> bool:
    """It works by its lists alone: of a change it knows when it lists next."""
    return _deaf_to(home, "nodes", f"{NODES}/node-a")


def hears_of_no_failoverip(home: Installation) -> bool:
    """The same for what a person asks of it."""
    return _deaf_to(home, "failoverips", f"{FAILOVER_IPS}/web")


def _deaf_to(home: Installation, kind: str, path: str) -> bool:
    """Whether a change has been listed, and the watch has delivered nothing since."""
    began = time.monotonic()
    home.cluster.admin.patch(path, {"metadata": {"annotations": {"seen": str(began)}}})
    eventually(
        lambda: _age(home, "list", kind) < time.monotonic() - began, f"{kind} are listed anew"
    )
    return _age(home, "watch", kind) > time.monotonic() - began


def _age(home: Installation, what: str, kind: str) -> float:
    """Since the last list or delivery of the watch; infinite before the first."""
    families = text_string_to_metric_families(home.replicas[-1].page("/metrics").text)
    ages = [
        sample.value
        for family in families
        for sample in family.samples
        if sample.name == f"failoverip_api_{what}_age_seconds" and sample.labels["kind"] == kind
    ]
    return ages[0] if ages else math.inf


def warns_of_nothing(home: Installation) -> bool:
    """The address fronts the API server, and the status does not say so."""
    return is_true(home.status(), "Ready") and told(home.status(), "Degraded")[0] == "False"


LACKS: dict[str, Harm] = {
    "list nodes": knows_no_node,
    "watch nodes": hears_of_no_node,
    "list failoverips.failoverip.io": unknown_to_it,
    "watch failoverips.failoverip.io": hears_of_no_failoverip,
    "update failoverips/status.failoverip.io": unknown_to_it,
    "get leases.coordination.k8s.io failoverip-operator": never_led,
    "get customresourcedefinitions.apiextensions.k8s.io failoverips.failoverip.io": never_led,
    "create leases.coordination.k8s.io in failoverip-system": never_led,
    "update leases.coordination.k8s.io failoverip-operator in failoverip-system": loses_its_lease,
    "get secrets robot-credentials in failoverip-system": asks_for_credentials,
    "create events.events.k8s.io in default": tells_no_event,
    "list leases.coordination.k8s.io in kube-node-lease": knows_no_node,
    "get configmaps cluster-info in kube-public": warns_of_nothing,
}
# Without this one it says nothing, since a cluster need not have what it reads.
SILENT = "get configmaps cluster-info in kube-public"


def naming(grant: Grant) -> str:
    """How a line of the log names the right that is missing."""
    if grant.verb == "watch":
        # In the API server's words, as kopf passes them on.
        return f'cannot watch resource "{grant.resource}"'
    resource, slash, subresource = grant.resource.partition("/")
    what = f"{resource}.{grant.group}" if grant.group else resource
    namespace = NAMESPACE if grant.resource == "leases" and not grant.namespace else grant.namespace
    where = f" in namespace {namespace}" if namespace else ""
    return f"RBAC does not let this ServiceAccount {grant.verb} {what}{slash}{subresource}{where}"


def says(replica: Replica, text: str) -> bool:
    """Whether a line of its log holds this."""
    return any(text in str(value) for line in replica.log() for value in line.values())


def allowed(cluster: Cluster, grant: Grant) -> bool:
    """Whether the operator has this right now."""
    resource, _, subresource = grant.resource.partition("/")
    attributes = {
        "verb": grant.verb,
        "group": grant.group,
        "resource": resource,
        "subresource": subresource,
        "namespace": grant.namespace,
        "name": grant.name,
    }
    review: Json = {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SubjectAccessReview",
        "spec": {
            "user": OPERATOR,
            "groups": ["system:serviceaccounts", "system:authenticated"],
            "resourceAttributes": attributes,
        },
    }
    return bool(cluster.admin.create(REVIEWS, review)["status"]["allowed"])


def take_away(cluster: Cluster, grant: Grant) -> None:
    """This right alone, out of its Role or ClusterRole. `kubectl apply` brings it back."""
    where = f"/namespaces/{grant.namespace}" if grant.namespace else ""
    path = f"{ROLES}{where}/{grant.kind.lower()}s/{grant.role}"
    role = cluster.admin.get(path)
    left = [one for one in grants([role]) if one != grant]
    cluster.admin.replace(path, role | {"rules": [one.as_rule() for one in left]})
