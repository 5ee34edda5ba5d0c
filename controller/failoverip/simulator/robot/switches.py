"""How this Robot behaves where documents are silent or reports disagree.

Every default is the first entry of its row in hetzner-api 10; docs/robot-simulator.md explains
each. Settable in the world file's `[switches]` and, while it runs, through the admin port.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import Any, Literal, get_args, get_origin, get_type_hints

from failoverip.simulator.robot.fields import Fields

RouteChoice = Literal["old", "new", "null"]


@dataclass(frozen=True, slots=True)
class Switches:
    """One value for each open question; durations in seconds of the simulator's clock."""

    # How long a POST or DELETE blocks, and when its route changes.
    switch_seconds: float = 30.0
    answer: Literal["at_end", "at_once"] = "at_end"
    route_during_switch: RouteChoice = "old"
    failure_leaves: RouteChoice = "old"
    first_check: Literal["already_routed", "locked"] = "already_routed"
    # What an object shows.
    status_field: Literal["absent", "present"] = "absent"
    owner_ip: Literal["present", "null"] = "present"
    owner_ipv6_net: Literal["present", "absent"] = "present"
    empty_list: Literal["404", "200"] = "404"
    # What a wrong target is answered with.
    unknown_target: Literal["404", "400"] = "404"
    ipv6_host_target: Literal["400", "404", "accept"] = "400"
    # Budgets, per login.
    reads_per_window: int = 100
    writes_per_window: int = 50
    server_reads_per_window: int = 200
    rate_window_seconds: float = 3600.0
    rate_window: Literal["sliding", "fixed"] = "sliding"
    rate_scope: Literal["shared", "per_route"] = "shared"
    rate_error: Literal["max_request", "max_requests"] = "max_request"
    forbidden_after_limit_seconds: float = 0.0
    # Logins, per source address.
    failed_logins: int = 3
    login_block_seconds: float = 600.0
    login_block_answer: Literal["403", "401", "reset"] = "403"
    # Every answer while 503 is a fault.
    maintenance_body: Literal["html", "json", "empty"] = "html"

    def as_dict(self) -> dict[str, Any]:
        """All switches, by name, for JSON."""
        return asdict(self)


def changed_switches(switches: Switches, table: object, path: str = "switches") -> Switches:
    """`switches` with what `table` names; WorldError for an unknown name or a wrong value."""
    fields = Fields(table, path)
    present = switches.as_dict()
    changes: dict[str, Any] = {
        name: _read(fields, name, kind, present[name])
        for name, kind in get_type_hints(Switches).items()
    }
    fields.finish()
    return replace(switches, **changes)


def _read(fields: Fields, name: str, kind: object, default: Any) -> object:
    if get_origin(kind) is Literal:
        return fields.choice(name, get_args(kind), default)
    if kind is int:
        return fields.integer(name, default, least=1)
    return fields.number(name, default)
