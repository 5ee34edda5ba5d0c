"""The commands of docs/pacemaker.md, run on a real cluster as they stand there.

Three things differ: Robot is the lab's, the hosts file is not this machine's, and the agent of 2011
is exchanged by hand and not by apt.
"""

from __future__ import annotations

from functools import partial

import pytest
from tests.pacemaker import calls, debian
from tests.pacemaker.lab import ADDRESS, OUR_DNS, OURS, TEXT_OF_2011, Lab, Node
from tests.pacemaker.stage import OUR_PARAMETERS, configure, primitive
from tests.repo.commands import Block, blocks
from tests.support.machine import need_programs

pytestmark = [
    pytest.mark.pacemaker,
    pytest.mark.skipif(bool(debian.release()), reason="pcs and crm are this machine's"),
]

HOSTS = "/run/hosts"
NAME = "active.example.com"


def test_the_commands_for_pcs_and_crm_make_an_address_and_a_name_that_serve(
    lab: Lab, pytestconfig: pytest.Config
) -> None:
    need_programs(pytestconfig, ["pcs", "crm"], "pcs crmsh")
    lab.install("failoverip", "hetzner-failover-ip", OURS)
    lab.install("failoverip", "update-dns", OUR_DNS)
    one = lab.nodes[0]
    # The name is kept on two nodes.
    one.run("crm_attribute", "--node", "node3", "--name", "standby", "--update", "on")
    for block in blocks("pacemaker"):
        say(one, block)
    owner = serving(lab, "vip", "dns")
    assert lab.robot.routes()[ADDRESS] == owner.address
    line = f"{owner.address}\t{NAME} "
    for node in lab.nodes[:2]:
        lab.until(partial(kept, node, line), f"{node.name} has the name")
    one.shell("pcs resource delete address")
    for block in blocks("pacemaker-crm"):
        say(one, block)
    assert lab.robot.routes()[ADDRESS] == serving(lab, "vip").address


def test_the_commands_for_an_upgrade_restart_nothing(lab: Lab, pytestconfig: pytest.Config) -> None:
    need_programs(pytestconfig, ["pcs"], "pcs")
    lab.install("failoverip", "hetzner-failover-ip", OURS)
    lab.install("kumina", "hetzner-failover-ip", TEXT_OF_2011)
    parameters = {"ip": ADDRESS, **OUR_PARAMETERS}
    configure(
        lab,
        primitive("old", "ocf:kumina:hetzner-failover-ip", parameters)
        + primitive("service", "ocf:lab:Dummy", {}),
        """<rsc_colocation id="with" rsc="service" with-rsc="old" score="INFINITY"/>
        <rsc_order id="before" first="old" then="service"/>""",
    )
    owner = serving(lab, "old", "service")
    began = calls.now()
    unmanage, find_out, give_back, stuck = blocks("pacemaker-2011")
    say(owner, unmanage)
    say(owner, find_out)
    lab.install("kumina", "hetzner-failover-ip", OURS)
    lab.until(partial(watched, lab, began), "the new agent is asked")
    say(owner, give_back)
    again = calls.now()
    lab.until(partial(watched, lab, again), "the new agent is asked for the managed resource")
    made = [call for call in lab.calls(began) if call.resource in ("old", "service")]
    assert {(call.action, call.code) for call in made if call.ended} == {("monitor", 0)}, lab.tell()
    assert serving(lab, "old", "service") is owner
    say(owner, stuck)


def watched(lab: Lab, since: float) -> bool:
    """Whether three monitors have ended: the first may be one of the agent before."""
    made = calls.actions(lab.calls(since), "old", "monitor")
    return len([call for call in made if call.ended]) >= 3


def kept(node: Node, line: str) -> bool:
    return line in node.run("cat", HOSTS)


def say(node: Node, block: Block) -> None:
    """Type a block on a node."""
    text = block.text.replace("=/etc/hosts", f"={HOSTS}")
    for prefix in ("OCF_RESKEY_", " "):
        given = f"{prefix}ip={ADDRESS}"
        parameters = (f"{prefix.strip()}{name}={value}" for name, value in OUR_PARAMETERS.items())
        text = text.replace(given, " ".join([given, *parameters]))
    node.shell(text, deadline_seconds=180)


def serving(lab: Lab, *resources: str) -> Node:
    """The node on which they all are."""

    def found() -> str | None:
        status = lab.status()
        where = [status.where(name) for name in resources] if status else [[]]
        return where[0][0] if where[0] and all(one == where[0] for one in where) else None

    lab.until(found, f"{resources} are on one node")
    return lab.node(found() or "")
