"""Several resources in one group, and a running cluster that changes from the agent of 2011."""

from __future__ import annotations

import pytest
from tests.pacemaker import audits, calls
from tests.pacemaker.conftest import LabFactory
from tests.pacemaker.lab import (
    ADDRESS,
    OTHER_ADDRESS,
    OUR_DNS,
    OURS,
    TEXT_OF_2011,
    USER,
    USER_OF_2011,
    Lab,
)
from tests.pacemaker.scenarios import MONITORS
from tests.pacemaker.stage import (
    OUR_PARAMETERS,
    Stage,
    Subject,
    configure,
    primitive,
)

HOSTS = "/run/hosts-of-the-lab"
pytestmark = pytest.mark.pacemaker

UPGRADED = Subject(OTHER_ADDRESS, "old", "oldservice", "kumina", TEXT_OF_2011, USER_OF_2011)


def test_two_addresses_and_the_name_move_as_one_group(lab_of: LabFactory) -> None:
    lab = lab_of(2)
    one, two = lab.nodes
    for node in lab.nodes:
        node.shell(f"echo 127.0.0.1 localhost >{HOSTS}")
    _configure_group(lab)
    names = ("vip", "vip2", "name")
    lab.until(lambda: _active(lab, names) == {"node1"}, "the group is on node1")
    lab.robot.fault(kind="down")
    began = calls.now()
    lab.until(lambda: _monitors(lab, "vip", began) >= MONITORS, "ten monitors in the outage")
    made = [call for call in lab.calls(began) if call.resource in names]
    assert {call.action for call in made} == {"monitor"}, lab.tell()
    lab.robot.heal()
    assert f"{one.address} db.example.com" in _squeezed(one.run("cat", HOSTS))
    one.power_off()
    lab.until(lambda: _active(lab, names) == {"node2"}, "the group moved")
    assert set(lab.robot.routes().values()) == {two.address}
    assert two.has_address(ADDRESS)
    assert two.has_address(OTHER_ADDRESS)
    assert f"{two.address} db.example.com" in _squeezed(two.run("cat", HOSTS))


def test_an_upgrade_in_a_running_cluster_restarts_nothing(lab: Lab) -> None:
    stage = Stage(lab, (UPGRADED,))
    owner = stage.owner(UPGRADED)
    # The new agent finds out that the address is here, before it stands where the old one is.
    given = {"ip": OTHER_ADDRESS, **OUR_PARAMETERS}
    environment = " ".join(f"OCF_RESKEY_{name}={value}" for name, value in given.items())
    owner.shell(f"{environment} {OURS} start")
    owner.shell("crm_resource -r old --meta -p is-managed -v false")
    lab.install("kumina", "hetzner-failover-ip", OURS)
    since = stage.mark()
    stage.until_monitored(1, code=0)
    owner.shell("crm_resource -r old --meta -d is-managed")
    stage.until_monitored(2, code=0)
    made = [call for call in lab.calls(since) if call.resource in ("old", "oldservice")]
    assert not [call for call in made if call.action in ("start", "stop")], lab.tell()
    assert stage.serves(UPGRADED)
    assert audits.posts(lab, USER).total() == 0
    # It is our agent now: an outage is none of its business.
    lab.robot.fault(kind="down")
    stage.until_monitored(3, code=190)
    assert stage.outcome(UPGRADED).untouched


def _squeezed(text: str) -> str:
    return " ".join(text.split())


def _configure_group(lab: Lab) -> None:
    lab.install("failoverip", "hetzner-failover-ip", OURS)
    lab.install("failoverip", "update-dns", OUR_DNS)
    kind = "ocf:failoverip:hetzner-failover-ip"
    members = [
        primitive(name, kind, {"ip": address, "interface": "eth0", **OUR_PARAMETERS})
        for name, address in (("vip", ADDRESS), ("vip2", OTHER_ADDRESS))
    ]
    one, two = (node.address for node in lab.nodes)
    name = {"name": "db.example.com", "hosts_file": HOSTS, "ipme": one, "ipother": two}
    members.append(primitive("name", "ocf:failoverip:update-dns", name))
    configure(
        lab,
        f'<group id="all">{"".join(members)}</group>',
        '<rsc_location id="home" rsc="all" node="node1" score="50"/>',
    )


def _active(lab: Lab, names: tuple[str, ...]) -> set[str]:
    """The nodes on which the resources are, if each is on one."""
    status = lab.status()
    found = [status.where(name) for name in names] if status else [[]]
    return {nodes[0] for nodes in found} if all(len(nodes) == 1 for nodes in found) else set()


def _monitors(lab: Lab, resource: str, since: float) -> int:
    made = calls.actions(lab.calls(since), resource, "monitor")
    return len([call for call in made if call.code == 190])
