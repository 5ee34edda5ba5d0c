"""Worlds that are aimed at one guard: what it is there for happens, at the moment that matters.

Pure, like `script`: a seed decides the times. With all guards on nothing is broken in them.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from failoverip.simulator.world.places import FIRST_SERVER, FOREIGN_SERVERS, IPV4, Place
from failoverip.simulator.world.script import REPLICAS, Act, Script, Value

# What a process passes on the way of a request for the first address.
RECORDING = "before record the attempt"
RECORDED = "after record the attempt"
CONNECTING = f"before connecting for {IPV4[0]}"
SENDING = f"before asking for {IPV4[0]}"
SENT = f"while Robot switches {IPV4[0]}"
# Robot as it most often is; a switch takes no longer than it must.
ROBOT: Mapping[str, Value] = {
    "switch_seconds": 5.0,
    "answer": "at_end",
    "route_during_switch": "old",
    "failure_leaves": "old",
    "first_check": "already_routed",
    "status_field": "absent",
    "rate_window": "sliding",
    "login_block_answer": "403",
}


@dataclass(slots=True)
class Plot:
    """A script that is being written."""

    dice: random.Random
    script: Script

    def at(self, when: float, kind: str, /, **values: Value) -> None:
        """Something happens, up to 4 s after this time."""
        moment = round(when + self.dice.uniform(0.0, 4.0), 3)
        act = Act(moment, kind, tuple(values.items()))
        self.script = replace(self.script, acts=(*self.script.acts, act))

    def robot(self, **changes: Value) -> None:
        """Robot behaves otherwise."""
        changed = {**dict(self.script.switches), **changes}
        self.script = replace(self.script, switches=tuple(changed.items()))

    def world(self, *, nodes: int = 3, resources: int = 1, enforced: bool = False) -> None:
        """How much there is."""
        places = tuple(Place(f"node-{'abcdefg'[n]}", FIRST_SERVER + n) for n in range(nodes))
        self.script = replace(
            self.script,
            places=places,
            resources=resources,
            grouped=(resources > 1,) * resources,
            enforced=(enforced,) * resources,
        )


def _stale(plot: Plot, stage: str) -> None:
    """The leader stops at the stage. Its successor ends the switch; the target dies: it moves."""
    plot.at(50, "strike", stage=stage, deed="freeze", seconds=180.0)
    plot.at(62, "delete_node", node="node-a")
    plot.at(110, "power_off", node="node-b")
    plot.script = replace(plot.script, trouble_seconds=256.0)


def stale_writer(plot: Plot) -> None:
    """The leader is frozen before it records an attempt, and goes on long after."""
    _stale(plot, RECORDING)


def stale_renewer(plot: Plot) -> None:
    """The leader is frozen before it renews its lease for the request, and goes on long after."""
    _stale(plot, RECORDED)


def stale_sender(plot: Plot) -> None:
    """The leader is frozen before the first byte, and goes on long after."""
    _stale(plot, SENDING)


def late_request(plot: Plot) -> None:
    """The leader dies; its request waits in a cut link, and arrives when the link heals."""
    plot.at(60, "strike", stage=SENDING, deed="delay", seconds=180.0)
    plot.at(60, "strike", stage=SENT, deed="kill", seconds=250.0)
    plot.at(66, "delete_node", node="node-a")
    plot.at(110, "power_off", node="node-b")
    plot.script = replace(plot.script, trouble_seconds=290.0)


def handover(plot: Plot) -> None:
    """The leader ends right after it asked Robot; its successor would choose another target."""
    plot.robot(switch_seconds=round(plot.dice.uniform(5.0, 10.0), 3))
    plot.at(50, "strike", stage=SENT, deed="prefer", seconds=0.0)
    plot.at(50, "strike", stage=SENT, deed="terminate", seconds=60.0)
    plot.at(60, "delete_node", node="node-a")
    plot.script = replace(plot.script, trouble_seconds=130.0)


def change_of_mind(plot: Plot) -> None:
    """Somebody prefers another node while Robot switches."""
    plot.robot(switch_seconds=round(plot.dice.uniform(2.0, 2.5), 3))
    plot.at(50, "strike", stage=SENT, deed="prefer", seconds=0.0)
    plot.at(60, "delete_node", node="node-a")
    plot.script = replace(plot.script, trouble_seconds=130.0)


def installed_twice(plot: Plot) -> None:
    """Somebody installs the operator once more; then the active node dies."""
    for replica in REPLICAS[:2]:
        plot.at(42, "api_slow", replica=replica, seconds=690.0, latency_seconds=1.0)
    plot.at(50, "second_installation", seconds=660.0)
    plot.at(60, "power_off", node="node-a")
    plot.script = replace(plot.script, trouble_seconds=690.0)


def locked(plot: Plot) -> None:
    """When the active node dies, Robot keeps a lock on the address for some minutes."""
    plot.at(50, "fail_writes", resource=0, fault="locked", seconds=250.0)
    plot.at(60, "power_off", node="node-a")
    plot.script = replace(plot.script, trouble_seconds=690.0)


def flap(plot: Plot) -> None:
    """The node is back, and well, before Robot can be asked again."""
    plot.at(50, "strike", stage=CONNECTING, deed="cut_robot", seconds=60.0)
    plot.at(50, "strike", stage=CONNECTING, deed="power_on", seconds=0.0)
    plot.at(60, "power_off", node="node-a")
    plot.script = replace(plot.script, trouble_seconds=420.0)


def dead_target(plot: Plot) -> None:
    """The first target by name is dead for long when the active node dies."""
    plot.at(60, "power_off", node="node-b")
    plot.at(150, "power_off", node="node-a")
    plot.script = replace(plot.script, trouble_seconds=260.0)


def refused_target(plot: Plot) -> None:
    """Robot switches nothing to the first target by name when the active node dies."""
    plot.at(50, "refuse_target", server=FIRST_SERVER + 1, seconds=450.0)
    plot.at(60, "power_off", node="node-a")
    plot.script = replace(plot.script, trouble_seconds=510.0)


def shared_server(plot: Plot) -> None:
    """A living node is mapped to the server of a dead one when the active node dies."""
    plot.world(nodes=4)
    plot.at(50, "power_off", node="node-c")
    plot.at(130, "map_wrongly", node="node-b", server=FIRST_SERVER + 2)
    plot.at(200, "delete_node", node="node-a")
    plot.script = replace(plot.script, trouble_seconds=240.0)


def many_cut(plot: Plot) -> None:
    """Most nodes lose their way to the API server at once, and nothing else."""
    plot.world(nodes=5)
    for node in "abc":
        plot.at(160, "cut_node", node=f"node-{node}", seconds=100.0)
    plot.script = replace(plot.script, trouble_seconds=290.0)


def api_freeze(plot: Plot) -> None:
    """Nobody reaches the API server for more than a minute; kubelets return one by one."""
    plot.world(nodes=5)
    plot.at(155.5, "api_down", seconds=round(plot.dice.uniform(60, 90), 3), link="HANGS")
    plot.script = replace(plot.script, trouble_seconds=290.0)


def old_lists(plot: Plot) -> None:
    """A node fails while Robot is down; then the lists hang, and the node comes back."""
    plot.at(60, "power_off", node="node-a")
    plot.at(100, "robot_down", seconds=120.0)
    plot.at(126, "lists_hang", seconds=220.0)
    plot.at(132, "power_on", node="node-a")
    plot.script = replace(plot.script, trouble_seconds=370.0)


def lagging_store(plot: Plot) -> None:
    """Every other list is old, and shows a node that died since; only then Robot can be asked."""
    plot.world(nodes=5)
    plot.at(60, "robot_down", seconds=140.0)
    plot.at(66, "delete_node", node="node-a")
    for replica in REPLICAS[:2]:
        lag = {"age_seconds": 100.0, "seconds": 120.0, "every": 2, "restarted": False}
        plot.at(80, "stale", replica=replica, **lag)
    plot.at(105, "power_off", node="node-b")
    plot.script = replace(plot.script, trouble_seconds=310.0)


def moved_by_hand(plot: Plot) -> None:
    """Somebody moves the address off a dead node, in Robot, before the operator does."""
    plot.at(126, "power_off", node="node-a")
    plot.at(130, "stranger", resource=0, server=FIRST_SERVER + 2)
    plot.script = replace(plot.script, trouble_seconds=240.0)


def blink(plot: Plot) -> None:
    """Robot shows the address nowhere, for one read."""
    plot.at(50, "switch_to", resource=0, node="node-c", again=1)
    plot.at(110, "strike", stage="before reading /failover", deed="blink", seconds=0.0)
    plot.script = replace(plot.script, trouble_seconds=260.0)


def cordons(plot: Plot) -> None:
    """The active node is cordoned, then the one that took over."""
    plot.at(60, "cordon", node="node-a")
    plot.at(150, "cordon", node="node-b")
    plot.script = replace(plot.script, trouble_seconds=200.0)


def dying_nodes(plot: Plot) -> None:
    """One active node after the other is deleted; two moves an hour are allowed."""
    plot.world(nodes=5)
    plot.at(42, "safety", resource=0, most_moves=2, hold_down=300)
    for index, node in enumerate("abc"):
        plot.at(60 + 80 * index, "delete_node", node=f"node-{node}")
    plot.at(300, "safety", resource=0, most_moves=6, hold_down=300)
    plot.script = replace(plot.script, trouble_seconds=310.0)


def duel(plot: Plot) -> None:
    """A stranger takes the address again and again."""
    plot.world(enforced=True)
    plot.at(42, "safety", resource=0, most_moves=6, hold_down=0)
    for at in (50, 260, 470):
        plot.at(at, "stranger", resource=0, server=FOREIGN_SERVERS[0])
    plot.at(690, "stranger", resource=0, server=FIRST_SERVER)
    plot.script = replace(plot.script, trouble_seconds=700.0)


def _many_requests(plot: Plot, rounds: int) -> None:
    plot.world(nodes=3, resources=4)
    plot.robot(status_field="present")
    for number in range(rounds):
        for resource in range(4):
            node = f"node-{'bc'[number % 2]}"
            plot.at(45 + 24 * number, "switch_to", resource=resource, node=node, again=number)


def many_requests(plot: Plot) -> None:
    """Somebody asks for more switches than an hour holds."""
    _many_requests(plot, 8)
    plot.script = replace(plot.script, trouble_seconds=260.0)


def many_requests_handover(plot: Plot) -> None:
    """The same, and the leader ends halfway."""
    _many_requests(plot, 8)
    plot.at(142, "end_leader", back_after_seconds=5.0)
    plot.script = replace(plot.script, trouble_seconds=260.0)


def spent_hour(plot: Plot) -> None:
    """The same, and then two of the nodes die: whoever carries the addresses."""
    _many_requests(plot, 8)
    for node in "bc":
        plot.at(260, "flap", node=f"node-{node}", seconds=700.0)
    plot.script = replace(plot.script, trouble_seconds=980.0)


def wrong_password(plot: Plot) -> None:
    """The password is another one for a while."""
    plot.at(60, "other_password", seconds=500.0)
    plot.script = replace(plot.script, trouble_seconds=600.0)


def paused(plot: Plot) -> None:
    """The active node is deleted while the resource is paused."""
    plot.at(50, "mode", resource=0, mode=plot.dice.choice(("Paused", "DryRun")))
    plot.at(100, "delete_node", node="node-a")
    plot.script = replace(plot.script, trouble_seconds=150.0)


def stranger(plot: Plot) -> None:
    """A stranger moves the address to a server that is no node; drift is Report."""
    plot.at(50, "stranger", resource=0, server=FOREIGN_SERVERS[0])
    plot.script = replace(plot.script, trouble_seconds=240.0)


def twin(plot: Plot) -> None:
    """Somebody creates a second resource with the same address, for other nodes."""
    plot.at(50, "twin_elsewhere", resource=0, node="node-c")
    plot.script = replace(plot.script, trouble_seconds=130.0)


def answered(plot: Plot) -> None:
    """A requested node dies, and comes back."""
    plot.at(50, "switch_to", resource=0, node="node-b", again=1)
    plot.at(130, "power_off", node="node-b")
    plot.at(250, "power_on", node="node-b")
    plot.script = replace(plot.script, trouble_seconds=330.0)


AIMED: Mapping[str, Callable[[Plot], None]] = {
    write.__name__.replace("_", "-"): write
    for write in (
        stale_writer, stale_renewer, stale_sender, late_request, handover, change_of_mind,
        installed_twice, locked, flap, dead_target, refused_target, shared_server, many_cut,
        api_freeze, old_lists, lagging_store, moved_by_hand, blink, cordons, dying_nodes, duel,
        many_requests, many_requests_handover, spent_hour, wrong_password, paused, stranger, twin,
        answered,
    )
}  # fmt: skip


def aim(seed: int, name: str) -> Script:
    """The script of a seed in the aimed profile of this name."""
    dice = random.Random(f"{name} {seed}")  # noqa: S311  # a world, no secret
    script = Script(seed, name, (), REPLICAS[:2], 1, (), (), tuple(ROBOT.items()), 0.0, ())
    plot = Plot(dice, script)
    plot.world()
    AIMED[name](plot)
    acts = sorted(plot.script.acts, key=lambda act: act.at_seconds)
    return replace(plot.script, acts=tuple(acts))
