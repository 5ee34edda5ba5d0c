"""The fence on both servers, and each predicate of the embedded one held to its rule's text."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from tests.controlplane.cluster import FAILOVER_IPS
from tests.controlplane.rest import Api, ApiError, Json
from tests.e2e.installed_crd import CRD_FILE
from tests.kube_contract.conftest import Embedded
from tests.kube_contract.documents import WEB, failover_ip
from tests.kube_contract.fence_attacks import ALLOWED, ATTACKS, HONEST, STATES, Write, resource
from tests.kube_contract.fence_rules import WRITTEN_AGAINST

from failoverip.simulator.kubernetes.fence import RULES, rule_name


def validations() -> list[dict[str, Any]]:
    (version,) = yaml.safe_load(CRD_FILE.read_text())["spec"]["versions"]
    rules: list[dict[str, Any]] = version["schema"]["openAPIV3Schema"]["x-kubernetes-validations"]
    return rules


def put(api: Api, path: str, before: Json, after: Json) -> Json:
    kept = {"name": "web", "resourceVersion": before["metadata"]["resourceVersion"]}
    return api.replace(path, after | {"metadata": kept})


def brought_into(api: Api, state: str) -> Json:
    api.create(FAILOVER_IPS, resource(None))
    for status in STATES[state]:
        put(api, f"{WEB}/status", api.get(WEB), resource(status))
    return api.get(WEB)


def attempted(api: Api, write: Write) -> Json:
    before = brought_into(api, write.state)
    path = WEB if write.addresses else f"{WEB}/status"
    return put(api, path, before, resource(write.status, addresses=write.addresses))


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: f"{attack.rule} {attack.name}")
def test_an_attack_is_refused_with_the_message_of_its_rule(api: Api, attack: Write) -> None:
    with pytest.raises(ApiError) as refusal:
        attempted(api, attack)
    assert (refusal.value.status, refusal.value.reason) == (422, "Invalid")
    (rule,) = [each for each in validations() if rule_name(each["message"]) == attack.rule]
    place = rule["fieldPath"].removeprefix(".")
    assert f"{place}: Invalid value: {rule['message']}" in refusal.value.message


@pytest.mark.parametrize("write", ALLOWED, ids=lambda write: write.name)
def test_an_honest_write_is_accepted(api: Api, write: Write) -> None:
    assert attempted(api, write).get("status") == write.status


def test_the_story_of_honest_leaders_is_accepted(api: Api) -> None:
    api.create(FAILOVER_IPS, resource(None))
    for step, status in HONEST:
        after = put(api, f"{WEB}/status", api.get(WEB), resource(status))
        assert after["status"] == status, step


# The embedded server's own promises.


def test_every_rule_of_the_crd_has_a_predicate_and_every_predicate_a_rule() -> None:
    assert {rule_name(rule["message"]) for rule in validations()} == set(RULES)


@pytest.mark.parametrize("rule", validations(), ids=lambda rule: rule_name(rule["message"]))
def test_a_predicate_was_written_against_the_present_text_of_its_rule(rule: Json) -> None:
    """A rule's text changed: review its predicate in `fence.py`, then change the text here."""
    assert rule["rule"] == WRITTEN_AGAINST[rule_name(rule["message"])]


def test_a_crd_without_the_fence_leaves_the_status_open(embedded: Embedded) -> None:
    """An old CRD: the operator must find out by its dry run."""
    path = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/failoverips.failoverip.io"
    crd = embedded.api.get(path)
    del crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["x-kubernetes-validations"]
    embedded.api.replace(path, crd)
    api = embedded.api
    api.create(FAILOVER_IPS, failover_ip())
    for holder in ("leader-a", "leader-b"):
        after = api.patch(f"{WEB}/status", {"status": {"fence": {"epoch": 1, "holder": holder}}})
        assert after["status"]["fence"]["holder"] == holder


def test_a_crd_with_a_rule_that_has_no_predicate_is_refused(embedded: Embedded) -> None:
    path = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/failoverips.failoverip.io"
    crd = embedded.api.get(path)
    schema = crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    schema["x-kubernetes-validations"].append({"rule": "true", "message": "F9 something new"})
    with pytest.raises(ApiError, match="no predicate for the rule: F9 something new"):
        embedded.api.replace(path, crd)
