"""The world a simulator starts with: users, servers, failover addresses, switches. As values.

The TOML form and an example stand in docs/robot-simulator.md.
"""

from __future__ import annotations

import ipaddress
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from failoverip.simulator.robot.fields import Fields, WorldError, parse_address
from failoverip.simulator.robot.switches import Switches, changed_switches


@dataclass(frozen=True, slots=True)
class User:
    """A login. `servers` and `addresses` None: sees all."""

    name: str
    password: str = field(repr=False)
    servers: frozenset[int] | None = None
    addresses: frozenset[str] | None = None


@dataclass(frozen=True, slots=True)
class Server:
    """A dedicated server; a family it lacks is None."""

    number: int
    name: str
    ipv4: str | None = None
    ipv6_net: str | None = None


@dataclass(frozen=True, slots=True)
class Failover:
    """A failover address or subnet, owned by `server_number`; `target` None is routed nowhere."""

    ip: str
    netmask: str
    server_number: int
    target: str | None = None

    @property
    def version(self) -> int:
        """4 or 6."""
        return ipaddress.ip_address(self.ip).version


@dataclass(frozen=True, slots=True)
class World:
    """What Robot knows at the start."""

    users: tuple[User, ...]
    servers: tuple[Server, ...]
    failovers: tuple[Failover, ...] = ()
    switches: Switches = field(default_factory=Switches)

    def server(self, number: int) -> Server | None:
        """The server of that number."""
        return next((server for server in self.servers if server.number == number), None)


def load_world(path: Path) -> World:
    """The world of a TOML file; WorldError in one line that starts with the file's name."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "is not UTF-8 text"
        raise WorldError(f"{path}: cannot be read: {reason}") from None
    try:
        return parse_world(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise WorldError(f"{path}: not TOML: {error}") from None
    except WorldError as error:
        raise WorldError(f"{path}: {error}") from None


def parse_world(document: object) -> World:
    """The world of a parsed document; WorldError names the key path and the fix."""
    fields = Fields(document, "")
    servers = tuple(
        _server(Fields(table, f"servers[{index}]"))
        for index, table in enumerate(fields.array("servers"))
    )
    _refuse_twins((f"servers[{i}].number", server.number) for i, server in enumerate(servers))
    _refuse_twins((f"servers[{i}].name", server.name) for i, server in enumerate(servers))
    _refuse_twins((f"servers[{i}].ipv4", server.ipv4) for i, server in enumerate(servers))
    _refuse_twins((f"servers[{i}].ipv6_net", server.ipv6_net) for i, server in enumerate(servers))
    by_number = {server.number: server for server in servers}
    failovers = tuple(
        _failover(Fields(table, f"failovers[{index}]"), by_number)
        for index, table in enumerate(fields.array("failovers", []))
    )
    _refuse_twins((f"failovers[{i}].ip", failover.ip) for i, failover in enumerate(failovers))
    users = tuple(
        _user(Fields(table, f"users[{index}]"), by_number, failovers)
        for index, table in enumerate(fields.array("users"))
    )
    if not users:
        raise WorldError("users: name at least one, with name and password")
    _refuse_twins((f"users[{i}].name", user.name) for i, user in enumerate(users))
    switches = Switches()
    if fields.has("switches"):
        switches = changed_switches(switches, fields.table("switches"))
    fields.finish()
    return World(users, servers, failovers, switches)


def _server(fields: Fields) -> Server:
    server = Server(
        fields.integer("number", least=1),
        fields.text("name"),
        fields.optional("ipv4", lambda key: fields.address(key, 4)),
        fields.optional("ipv6_net", lambda key: _net64(fields.address(key, 6), fields.at(key))),
    )
    fields.finish()
    if server.ipv4 is None and server.ipv6_net is None:
        raise WorldError(f"{fields.at('ipv4')}: is missing, and so is ipv6_net: give one or both")
    return server


def _net64(address: str, path: str) -> str:
    if int(ipaddress.IPv6Address(address)) & (2**64 - 1):
        raise WorldError(f"{path}: {address!r} is not the address of a /64; end it with ::")
    return address


def _failover(fields: Fields, servers: dict[int, Server]) -> Failover:
    version = 6 if ":" in fields.text("ip") else 4
    ip = fields.address("ip", version)
    netmask = fields.text("netmask", "255.255.255.255" if version == 4 else "ffff:ffff:ffff:ffff::")
    _check_netmask(ip, parse_address(netmask, version, fields.at("netmask")), fields.at("netmask"))
    owner = _known_server(fields, "server_number", servers)
    target = None
    if fields.optional("active", fields.integer) is not None:
        active = _known_server(fields, "active", servers)
        target = active.ipv4 if version == 4 else active.ipv6_net
        if target is None:
            raise WorldError(f"{fields.at('active')}: server {active.number} has no IPv{version}")
    fields.finish()
    return Failover(ip, netmask, owner.number, target)


def _check_netmask(ip: str, netmask: str, path: str) -> None:
    address, mask = ipaddress.ip_address(ip), ipaddress.ip_address(netmask)
    host_bits = int(mask) ^ (2**mask.max_prefixlen - 1)
    if host_bits & (host_bits + 1):
        raise WorldError(f"{path}: {netmask!r} is not a netmask")
    if int(address) & host_bits:
        raise WorldError(f"{path}: {ip} is not the first address of a net of mask {netmask}")


def _known_server(fields: Fields, key: str, servers: dict[int, Server]) -> Server:
    number = fields.integer(key, least=1)
    if number not in servers:
        known = ", ".join(str(each) for each in servers) or "none"
        raise WorldError(f"{fields.at(key)}: no server has number {number}; known: {known}")
    return servers[number]


def _user(fields: Fields, servers: dict[int, Server], failovers: tuple[Failover, ...]) -> User:
    name, password = fields.text("name"), fields.text("password")
    numbers = fields.optional("servers", fields.array)
    addresses = fields.optional("addresses", fields.array)
    fields.finish()
    if numbers is not None:
        _check_known(numbers, servers, fields.at("servers"))
    known = [failover.ip for failover in failovers]
    if addresses is not None:
        _check_known(addresses, known, fields.at("addresses"))
    elif numbers is not None:
        addresses = [each.ip for each in failovers if each.server_number in numbers]
    return User(name, password, _frozen(numbers), _frozen(addresses))


def _check_known(values: list[Any], known: Iterable[object], path: str) -> None:
    names = list(known)
    for index, value in enumerate(values):
        if value not in names:
            listed = ", ".join(str(name) for name in names) or "none"
            raise WorldError(f"{path}[{index}]: {value!r} is not in this world; known: {listed}")


def _frozen(values: list[Any] | None) -> frozenset[Any] | None:
    return None if values is None else frozenset(values)


def _refuse_twins(keys: Iterable[tuple[str, object]]) -> None:
    seen: dict[object, str] = {}
    for path, value in keys:
        if value is not None and value in seen:
            raise WorldError(f"{path}: {value!r} is taken by {seen[value]}; each needs its own")
        seen[value] = path
