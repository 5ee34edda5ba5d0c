"""Hetzner Robot's failover part, simulated: what documents and reports say it does.

`machine` and what it is made of are pure: no sockets, no tasks, no clock; time is an argument.
`server` and `admin` put it on sockets and need aiohttp, `command` is the program around them.
The facts and how sure they are: docs/robot-simulator.md.
"""

from failoverip.simulator.robot.answers import Answer, ConnectionLost
from failoverip.simulator.robot.fields import WorldError
from failoverip.simulator.robot.journal import Entry
from failoverip.simulator.robot.machine import Exchange, Machine
from failoverip.simulator.robot.requests import Request
from failoverip.simulator.robot.switches import Switches
from failoverip.simulator.robot.world import Failover, Server, User, World, load_world, parse_world

__all__ = [
    "Answer",
    "ConnectionLost",
    "Entry",
    "Exchange",
    "Failover",
    "Machine",
    "Request",
    "Server",
    "Switches",
    "User",
    "World",
    "WorldError",
    "load_world",
    "parse_world",
]
