"""What happens at Robot, and who else uses it."""

from __future__ import annotations

from urllib.parse import quote

from failoverip.simulator import robot as simulated
from failoverip.simulator.world import places
from failoverip.simulator.world.stagehand import Stagehand

# A stranger's own address: its failed logins and locks are not the operator's.
_STRANGER = "198.51.100.77"
_NEIGHBOUR = "#ws+neighbour"
# So many failed logins lock a source address out.
_LOCKED_OUT = 3


class RobotActs(Stagehand):
    """Outages, refusals, and other clients of the account."""

    def _robot_down(self, seconds: float) -> None:
        self._world.fault(kind="down", for_seconds=seconds)

    def _robot_fault(self, fault: str, seconds: float) -> None:
        self._world.fault(kind=fault, for_seconds=seconds)

    def _robot_slow(self, seconds: float, slow_seconds: float) -> None:
        self._world.fault(kind="slow", seconds=slow_seconds, for_seconds=seconds)

    def _robot_write(self, fault: str, count: int, resource: int) -> None:
        address = places.IPV4[resource]
        extra = {"executed": True} if fault in ("reset", "gateway_timeout", "hang") else {}
        self._world.fault(kind=fault, methods=["POST"], count=count, address=address, **extra)

    def _refuse_part(self, resource: int) -> None:
        """For ever: of a group, the address that is not the first."""
        self._world.fault(kind="refused", methods=["POST"], address=places.IPV6[resource])

    def _refuse_target(self, server: int, seconds: float) -> None:
        """Robot no longer knows a server that its list still shows."""
        for address in (places.IPV4[0], places.IPV6[0]):
            target = places.target_of(server, address)
            self._world.fault(kind="refused", methods=["POST"], target=target, for_seconds=seconds)

    def _fail_writes(self, resource: int, fault: str, seconds: float) -> None:
        """Robot reads well and switches nothing."""
        self._world.fault(
            kind=fault, methods=["POST"], address=places.IPV4[resource], for_seconds=seconds
        )

    def _stranger(self, resource: int, server: int | None) -> None:
        address = places.IPV4[resource]
        target = None if server is None else places.target_of(server, address)
        self._world.move(address, target)

    def _rate_limited(self, seconds: float) -> None:
        self._robot_fault("rate_limited", seconds)

    def _rival(self, resource: int, server: int, count: int, seconds: float, drift: str) -> None:
        """Another router holds the address at its own server until the peace.

        It looks again and again, and takes it so many times; somebody answers with `drift`.
        """
        self._patch_resource(resource, {"spec": {"drift": drift}})
        self._hold(resource, server, count, seconds)

    def _hold(self, resource: int, server: int, count: int, seconds: float) -> None:
        if self.is_over or count == 0:
            return
        address = places.IPV4[resource]
        if self._world.robot.machine.route(address) != places.target_of(server, address):
            self._stranger(resource, server)
            count -= 1
        self._later(seconds, lambda: self._hold(resource, server, count, seconds))

    def _second_cluster(self, resource: int, server: int | None) -> None:
        """Another client of the account asks for a switch, as this operator would."""
        address = places.IPV4[resource]
        target = places.target_of(server or places.FOREIGN_SERVERS[0], address)
        request = simulated.Request(
            "POST",
            f"/failover/{quote(address)}",
            _STRANGER,
            places.USER,
            places.PASSWORD,
            {"active_server_ip": target},
        )
        self._world.robot.begin(request)

    def _unauthorized(self, count: int) -> None:
        self._world.fault(kind="unauthorized", count=count)

    def _neighbour_locked(self, replica: str) -> None:
        """Another client behind the same source address gets it locked out for 10 minutes."""
        request = simulated.Request(
            "GET", "/failover", replica, _NEIGHBOUR, "a guess of the neighbour's", {}
        )
        for _ in range(_LOCKED_OUT):
            self._world.robot.begin(request)
