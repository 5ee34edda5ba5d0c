"""Hetzner Robot's failover part, simulated: what documents and reports say it does.

`machine` and what it is made of are pure: no sockets, no tasks, no clock; time is an argument.
`server` and `admin` put it on sockets and need aiohttp, `command` is the program around them.
The facts and how sure they are: docs/robot-simulator.md.
"""

from failoverip.simulator.robot.answers import Answer as Answer
from failoverip.simulator.robot.answers import ConnectionLost as ConnectionLost
from failoverip.simulator.robot.fields import WorldError as WorldError
from failoverip.simulator.robot.journal import Entry as Entry
from failoverip.simulator.robot.machine import Exchange as Exchange
from failoverip.simulator.robot.machine import Machine as Machine
from failoverip.simulator.robot.requests import Request as Request
from failoverip.simulator.robot.switches import Switches as Switches
from failoverip.simulator.robot.world import Failover as Failover
from failoverip.simulator.robot.world import Server as Server
from failoverip.simulator.robot.world import User as User
from failoverip.simulator.robot.world import World as World
from failoverip.simulator.robot.world import load_world as load_world
from failoverip.simulator.robot.world import parse_world as parse_world
