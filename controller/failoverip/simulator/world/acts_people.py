"""What people do in the cluster: to nodes, resources, Secrets and the installation itself."""

from __future__ import annotations

from copy import deepcopy

from failoverip.simulator.world import places
from failoverip.simulator.world.acts_nodes import NodeActs
from failoverip.simulator.world.links import Json
from failoverip.simulator.world.stagehand import (
    addresses,
    attempt,
    resource_document,
    resource_name,
)

_FINALIZER = "example.com/keep"
_CLUSTER_INFO = "/api/v1/namespaces/kube-public/configmaps"
_CRDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
_CRD = f"{_CRDS}/failoverips.failoverip.io"
# Nobody looks at once.
_NOTICED_SECONDS = 120.0


class PeopleActs(NodeActs):
    """Edits, each of which somebody has made once."""

    def _cordon(self, node: str) -> None:
        self._world.cordon(node)

    def _uncordon(self, node: str) -> None:
        self._world.cordon(node, on=False)

    def _selector(self, node: str) -> None:
        labels = self._world.get(f"{places.NODES}/{node}")["metadata"].get("labels", {})
        value = None if "world" in labels else "yes"
        self._world.patch(f"{places.NODES}/{node}", {"metadata": {"labels": {"world": value}}})

    def _map_wrongly(self, node: str, server: int) -> None:
        self._annotate(node, str(server))
        self._later(_NOTICED_SECONDS, lambda: self._map_rightly(node))

    def _switch_to(self, resource: int, node: str, again: int) -> None:
        annotations = {"failoverip.io/switch-to": f"{node}@{again}"}
        self._patch_resource(resource, {"metadata": {"annotations": annotations}})

    def _mode(self, resource: int, mode: str, seconds: float | None = None) -> None:
        """For a while, or for good."""
        self._patch_resource(resource, {"spec": {"mode": mode}})
        if seconds is not None:
            active = {"spec": {"mode": "Active"}}
            self._later(seconds, lambda: self._patch_resource(resource, active))

    def _drift_policy(self, resource: int, drift: str) -> None:
        self._patch_resource(resource, {"spec": {"drift": drift}})

    def _prefer(self, resource: int, node: str, after_seconds: float) -> None:
        failback = {"policy": "WhenPreferredHealthy", "afterSeconds": int(after_seconds)}
        spec = {"preferredNodes": [node], "failback": failback}
        self._patch_resource(resource, {"spec": spec})
        # In peace nothing moves any more.
        never = {"spec": {"failback": {"policy": "Never"}}}
        self._later(1200.0, lambda: self._patch_resource(resource, never))

    def _addresses(self, resource: int) -> None:
        path = f"{places.FIPS}/{resource_name(resource)}"
        now = self._world.get(path)["spec"]["addresses"]
        self._world.patch(path, {"spec": {"addresses": addresses(resource, len(now) == 1)}})

    def _misspell(self, resource: int, seconds: float) -> None:
        """A value that only a newer operator knows."""
        self._drift_policy(resource, "Sometimes")
        self._later(seconds, lambda: self._drift_policy(resource, "Report"))

    def _stray(self, seconds: float) -> None:
        """A resource with an address that is not of this account."""
        document = resource_document(self._script, 0)
        document["metadata"]["name"] = "stray"
        document["spec"]["addresses"] = [places.UNKNOWN_IPV4]
        self._world.create(places.FIPS, document)
        self._later(seconds, lambda: self._world.delete(f"{places.FIPS}/stray"))

    def _create(self, resource: int) -> None:
        self._world.create(places.FIPS, resource_document(self._script, resource))

    def _delete(self, resource: int) -> None:
        path = f"{places.FIPS}/{resource_name(resource)}"
        self._world.delete(path)
        self._later(60.0, lambda: self._create(resource))

    def _delete_slowly(self, resource: int, seconds: float) -> None:
        """Its object stays for as long as somebody's finalizer holds it."""
        path = f"{places.FIPS}/{resource_name(resource)}"
        self._world.patch(path, {"metadata": {"finalizers": [_FINALIZER]}})
        self._world.delete(path)

        def release() -> None:
            attempt(lambda: self._world.patch(path, {"metadata": {"finalizers": None}}))
            attempt(lambda: self._create(resource))

        self._later(seconds, release)

    def _overlap(self, resource: int) -> None:
        self._twin(resource, 200.0)

    def _twin(self, resource: int, seconds: float, **spec: Json) -> None:
        """A second resource with the same addresses, for a while."""
        name = f"{resource_name(resource)}-twin"
        document = resource_document(self._script, resource)
        document["metadata"]["name"] = name
        document["spec"] |= spec
        self._world.create(places.FIPS, document)
        self._later(seconds, lambda: self._world.delete(f"{places.FIPS}/{name}"))

    def _rotate_secret(self) -> None:
        self.login_was_forgotten = True
        password = places.SECOND_PASSWORD
        self._world.robot.machine.change_password({"name": places.USER, "password": password})
        self._password = password
        self._later(30.0, self._write_secret)

    def write_secret_anew(self) -> None:
        """As whoever reads that Robot refused it, and finds nothing wrong with it."""
        self._world.delete(f"{places.SECRETS}/{places.SECRET}")
        self._write_secret()

    def _lose_secret(self, seconds: float) -> None:
        # What is written anew is another version, of which nobody knows that it ever worked.
        self.login_was_forgotten = True
        self._world.delete(f"{places.SECRETS}/{places.SECRET}")
        self._later(seconds, self._write_secret)

    def _empty_secret(self, seconds: float) -> None:
        """Its password is gone."""
        self.login_was_forgotten = True
        self._world.patch(f"{places.SECRETS}/{places.SECRET}", {"data": {"password": None}})
        self._later(seconds, self._write_secret)

    def _write_secret(self) -> None:
        self._world.write_secret(places.SECRET, places.USER, self._password, places.NAMESPACE)

    def _announce_api(self, resource: int, seconds: float) -> None:
        """The kubelets reach the API server through a failover address, says kubeadm."""
        server = f"https://{places.IPV4[resource]}:6443"
        kubeconfig = f"clusters: [{{cluster: {{server: '{server}'}}}}]"
        document = {"metadata": {"name": "cluster-info"}, "data": {"kubeconfig": kubeconfig}}
        self._world.create(_CLUSTER_INFO, document)
        self._later(seconds, lambda: self._world.delete(f"{_CLUSTER_INFO}/cluster-info"))

    def _old_crd(self, seconds: float) -> None:
        """The installation is rolled back: a CRD from before the fence, and all replicas anew."""
        now = self._world.get(_CRD)
        if not _rules_of(now):
            return
        self._put_rules([[] for _ in now["spec"]["versions"]])
        for name in list(self.running):
            self.play("terminate", {"replica": name, "back_after_seconds": 1.0})
        self._later(seconds, lambda: self._put_rules(_rules_of(now)))

    def _put_rules(self, rules: list[list[Json]]) -> None:
        crd = deepcopy(self._world.get(_CRD))
        for version, own in zip(crd["spec"]["versions"], rules, strict=True):
            version["schema"]["openAPIV3Schema"]["x-kubernetes-validations"] = own
        self._world.ask("PUT", _CRD, crd)

    def _second_installation(self, seconds: float) -> None:
        """Somebody installs the operator once more, in another namespace, for a while."""
        namespace = places.SECOND_NAMESPACE
        attempt(lambda: self._world.create("/api/v1/namespaces", {"metadata": {"name": namespace}}))
        self._world.write_secret(places.SECRET, places.USER, self._password, namespace)
        second = self._start(places.SECOND_REPLICA, namespace)
        second.api.link = self.api_link
        self._later(seconds, second.terminate)


def _rules_of(crd: Json) -> list[list[Json]]:
    found = [
        version["schema"]["openAPIV3Schema"].get("x-kubernetes-validations") or []
        for version in crd["spec"]["versions"]
    ]
    return found if any(found) else []
