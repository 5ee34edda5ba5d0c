"""What of the operator's rights was used, as the end of an end-to-end run judges it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from tests.controlplane.audit import Allowed, allowed_requests, write_requests
from tests.e2e.lacks import LACKS
from tests.manifests.grants import ACCOUNT, Grant, grants, unused
from tests.support.used_rights import judge

ROOT = Path(__file__).resolve().parents[2]
GRANTS = grants()


def use(grant: Grant) -> Allowed:
    """A request that this right allows."""
    return Allowed(
        account=ACCOUNT,
        verb=grant.verb,
        group=grant.group,
        resource=grant.resource,
        namespace=grant.namespace or "any",
        name=grant.name or "any",
        role=f"{grant.kind} {grant.role}",
    )


def test_a_test_shows_what_the_operator_cannot_do_without_each_right() -> None:
    """See tests/e2e/test_each_right.py. A right that nothing needs has no such test: remove it."""
    assert set(LACKS) == {str(grant) for grant in GRANTS}


def test_no_right_is_granted_twice() -> None:
    """By a Role what a ClusterRole grants everywhere: then one of them would go unused."""
    for grant in GRANTS:
        others = [replace(other, kind=grant.kind, role=grant.role) for other in GRANTS]
        assert [other for other in others if other.used_by(use(grant))] == [grant]


@pytest.mark.parametrize("grant", GRANTS, ids=str)
def test_a_right_without_its_request_is_unused(grant: Grant) -> None:
    requests = {use(other) for other in GRANTS if other != grant}
    assert unused(GRANTS, requests) == [grant]
    verdict = judge(GRANTS, requests, not_whole="", required=True)
    assert verdict is not None
    assert verdict.failed
    assert str(grant) in verdict.text


def test_a_request_of_somebody_else_or_by_another_role_uses_nothing() -> None:
    for grant in GRANTS:
        for change in ({"account": "other:failoverip-operator"}, {"role": "ClusterRole view"}):
            assert not grant.used_by(replace(use(grant), **change))


def test_a_part_of_the_tests_is_not_judged_and_a_whole_run_that_saw_nothing_fails() -> None:
    part = judge(GRANTS, {use(GRANTS[0])}, not_whole="only some tests ran", required=True)
    assert part is not None
    assert not part.failed
    assert part.text == f"rights: 1 of {len(GRANTS)} were used; not judged: only some tests ran"
    nothing = judge(GRANTS, set(), not_whole="", required=True)
    assert nothing is not None
    assert nothing.failed
    assert judge(GRANTS, set(), not_whole="", required=False) is None


def test_an_audit_log_is_read_also_when_its_last_line_is_cut(tmp_path: Path) -> None:
    reason = 'RBAC: allowed by ClusterRoleBinding "b" of ClusterRole "r" to ServiceAccount "n/a"'
    event = {
        "user": {"username": "system:serviceaccount:a:n"},
        "verb": "update",
        "objectRef": {"apiGroup": "g", "resource": "things", "subresource": "status", "name": "x"},
        "annotations": {"authorization.k8s.io/reason": reason},
    }
    line = json.dumps(event)
    (tmp_path / "kube-apiserver-audit.log").write_text(f"{line}\n{line[:40]}")
    (tmp_path / "kube-apiserver-audit-2026-01-02.log").write_text(f"{line.replace('b', 'c')}\n")
    (tmp_path / "kube-apiserver.log").write_text(line.replace("update", "delete"))
    expected = Allowed("a:n", "update", "g", "things/status", "", "x", "ClusterRole r")
    assert expected in allowed_requests(tmp_path)
    assert {found.verb for found in allowed_requests(tmp_path)} == {"update"}


# Two tests on two workers, each with what one control plane has seen.
SUITE = """
import shutil
import pytest
from pathlib import Path
from tests.support.used_rights import _DIRECTORY

@pytest.mark.parametrize("seen", ["one", "two"])
def test_control_plane(seen, pytestconfig):
    kept = pytestconfig.stash[_DIRECTORY] / f"{seen}.json"
    shutil.copy(Path(__file__).with_name(f"{seen}.seen"), kept)
"""


@pytest.mark.parametrize("left_out", [0, 1])
def test_a_run_on_two_workers_is_judged_as_one_and_fails_by_one_unused_right(
    tmp_path: Path, left_out: int
) -> None:
    used = [use(grant) for grant in GRANTS[left_out:]]
    write_requests(set(used[::2]), tmp_path / "one.seen")
    write_requests(set(used[1::2]), tmp_path / "two.seen")
    (tmp_path / "test_suite.py").write_text(SUITE)
    (tmp_path / "pytest.ini").write_text("[pytest]\ntestpaths = .\n")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "tests.support.used_rights", "-n", "2"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert "2 passed" in done.stdout
    assert f"rights: {len(GRANTS) - left_out} of {len(GRANTS)} were used" in done.stdout
    assert (done.returncode != 0) == bool(left_out)
    assert (str(GRANTS[0]) in done.stdout) == bool(left_out)
