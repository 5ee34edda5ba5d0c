"""What update-dns is told: the name, the two addresses, and the one place that keeps the name."""

from __future__ import annotations

import socket
from collections.abc import Callable, Mapping
from pathlib import Path

from failoverip_ocf.call import Call, shown
from failoverip_ocf.dns.lines import Style
from failoverip_ocf.dns.records import Record, kind_of, parse_address, parse_name

DEFAULT_KEY_FILE = "/etc/failoverip/dns.key"
DEFAULT_TTL = 60
_MAX_TTL = 86400
DNS_PORT = 53
_SERVER = "dns_server"
_FILES = {
    "hosts_file": Style.HOSTS,
    "dnsmasq_file": Style.DNSMASQ,
    "unbound_file": Style.UNBOUND,
}


class NameParameters:
    """One call of update-dns. What is wrong is a sentence in `problems`; nothing here raises.

    `problems_here` are those that another node may not have.

    `file` and `style` belong to a place on this node, and then `host` is empty.
    """

    def __init__(self, environment: Mapping[str, str]) -> None:
        self.call = Call(environment)
        self.problems: list[str] = []
        self.problems_here: list[str] = []
        self.name = self._parsed("name", parse_name)
        self.mine, self.other = self._addresses()
        self.file, self.style, self.host, self.port = Path("/"), Style.HOSTS, "", DNS_PORT
        self._place()
        self.zone = self._zone()
        self.key_file = self._absolute("dns_key_file", DEFAULT_KEY_FILE)
        self.ttl = self._ttl()
        self.reload = self._reload()

    @property
    def record(self) -> Record:
        """The name at this node."""
        return Record(self.name, self.mine)

    @property
    def other_record(self) -> Record:
        """The name at the other node."""
        return Record(self.name, self.other)

    @property
    def marker(self) -> str:
        """What remembers a start of this name in this place, as part of a file's name."""
        from hashlib import sha256

        place = f"{self.host} {self.port} {self.zone}" if self.host else str(self.file)
        # Of both the same kind; this node's own is not known while there is no route to the other.
        kind = kind_of(self.mine or self.other)
        return "dns-" + sha256(f"{self.name} {kind} {place}".encode()).hexdigest()

    def _parsed(self, name: str, parse: Callable[[str], str]) -> str:
        text = self.call.text(name)
        try:
            if not text:
                raise ValueError("is missing")
            return parse(text)
        except ValueError as error:
            self.problems.append(f"{name}: {error}")
            return ""

    def _addresses(self) -> tuple[str, str]:
        """This node's and the other's; the same pair may be given on both nodes."""
        other = self._parsed("ipother", parse_address)
        if not self.call.text("ipme"):
            return self._address_towards(other), other
        mine = self._parsed("ipme", parse_address)
        if not mine or not other:
            return mine, other
        if kind_of(mine) != kind_of(other):
            self.problems.append("ipme and ipother: one is IPv4, the other IPv6")
        elif mine == other:
            self.problems.append("ipme and ipother: are the same")
        elif not is_here(mine) and is_here(other):
            return other, mine
        return mine, other

    def _address_towards(self, other: str) -> str:
        mine = source_towards(other) if other else ""
        if not mine and other:
            self.problems_here.append(f"ipme: is missing, and there is no route to ipother {other}")
        elif mine and mine == other:
            self.problems_here.append("ipme: is missing, and ipother is this node: set both")
        return mine

    def _place(self) -> None:
        given = [name for name in (*_FILES, _SERVER) if self.call.text(name)]
        if len(given) != 1:
            said = "; ".join(given) or "none is"
            self.problems.append(
                f"give exactly one of {', '.join(_FILES)}, {_SERVER}: {said} given"
            )
        elif given == [_SERVER]:
            self._server()
        else:
            self.style = _FILES[given[0]]
            self.file = Path(self._absolute(given[0], "/"))

    def _server(self) -> None:
        host, port = self.call.text(_SERVER), str(DNS_PORT)
        if host.startswith("["):
            host, _, port = host[1:].partition("]")
            port = port.removeprefix(":") or str(DNS_PORT)
        elif host.count(":") == 1:
            host, _, port = host.partition(":")
        try:
            self.host = parse_address(host)
            self.port = int(port)
        except ValueError:
            self.port = 0
        if not 0 < self.port < 1 << 16:
            self.problems.append(
                f"{_SERVER}: {shown(self.call.text(_SERVER))} is not ADDRESS, ADDRESS:PORT or "
                "[ADDRESS]:PORT; a name could not be looked up when it matters"
            )

    def _zone(self) -> str:
        if not self.call.text("dns_zone"):
            return self.name.partition(".")[2]
        zone = self._parsed("dns_zone", parse_name)
        if zone and not f".{self.name}".endswith(f".{zone}"):
            self.problems.append(f"dns_zone: {self.name} is not in {zone}")
        return zone

    def _ttl(self) -> int:
        text = self.call.text("dns_ttl")
        if text and not (text.isascii() and text.isdecimal() and int(text[:9]) <= _MAX_TTL):
            self.problems.append(f"dns_ttl: {shown(text)} is not a number of seconds up to a day")
            return DEFAULT_TTL
        return int(text[:9]) if text else DEFAULT_TTL

    def _reload(self) -> list[str]:
        import shlex

        try:
            return shlex.split(self.call.text("reload"))
        except ValueError:
            self.problems.append("reload: a quotation mark is not closed")
            return []

    def _absolute(self, name: str, default: str) -> str:
        text = self.call.text(name) or default
        if not text.startswith("/") or "\0" in text:
            self.problems.append(f"{name}: {shown(text)} must begin with /")
            return default
        return text


def is_here(address: str) -> bool:
    """Whether an interface of this node has the address: only then is it the way to itself."""
    return source_towards(address) == address


def source_towards(address: str) -> str:
    """The address from which this node would reach another; empty when there is no way."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            # Sends nothing: it asks for the route.
            probe.connect((address, 9))
            found: str = probe.getsockname()[0]
            return found
    except OSError:
        return ""
