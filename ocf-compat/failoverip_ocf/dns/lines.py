"""The line that keeps a name in a file of a resolver: one line, told by its tag. Pure.

Every other line is somebody else's and stays as it is, byte for byte.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from enum import StrEnum

from failoverip_ocf.dns.records import Record, kind_of, parse_address

_TAG = "# failoverip update-dns"
_TAGGED = re.compile(rf"(?P<text>.*?)\s*{_TAG} (?P<name>\S+) (?P<kind>A|AAAA)\s*")
_LINE = re.compile(r"[^\n]*\n|[^\n]+")
_UNBOUND_TTL = 60


class Style(StrEnum):
    """How a resolver wants its lines."""

    HOSTS = "hosts file"
    DNSMASQ = "dnsmasq snippet"
    UNBOUND = "unbound snippet"


class ForeignLineError(ValueError):
    """Somebody else's line keeps the name already: two answers would be worse than one."""


_WRITE: dict[Style, Callable[[Record], str]] = {
    Style.HOSTS: lambda r: f"{r.address}\t{r.name}",
    Style.DNSMASQ: lambda r: f"host-record={r.name},{r.address}",
    Style.UNBOUND: lambda r: (
        f'server: local-data: "{r.name}. {_UNBOUND_TTL} IN {r.kind} {r.address}"'
    ),
}
# Where the address stands in such a line.
_READ = {
    Style.HOSTS: re.compile(r"(\S+)\s+\S+"),
    Style.DNSMASQ: re.compile(r"host-record=[^,]+,(\S+)"),
    Style.UNBOUND: re.compile(r'server:\s+local-data:\s+"\S+ \d+ IN A+ (\S+)"'),
}


def with_record(text: str, style: Style, record: Record) -> str:
    """The file's text where our line, and only ours, says the record."""
    if style is Style.HOSTS:
        _refuse_foreign(text, record)
    ours = f"{_WRITE[style](record)} {_TAG} {record.name} {record.kind}\n"
    lines = _LINE.findall(text)
    places = [at for at, line in enumerate(lines) if _is_ours(line, record.name, record.kind)]
    if places:
        lines[places[0]] = ours
        return "".join(line for at, line in enumerate(lines) if at not in places[1:])
    if lines and not lines[-1].endswith("\n"):
        lines[-1] += "\n"
    return "".join([*lines, ours])


def kept_address(text: str, style: Style, name: str, kind: str) -> str | None:
    """The address that our line gives the name; None where there is none, or none to be read."""
    for line in _LINE.findall(text):
        if not _is_ours(line, name, kind):
            continue
        tagged = _TAGGED.fullmatch(line)
        found = _READ[style].fullmatch(tagged["text"].strip()) if tagged else None
        try:
            return parse_address(found[1]) if found else None
        except ValueError:
            return None
    return None


def _is_ours(line: str, name: str, kind: str) -> bool:
    tagged = _TAGGED.fullmatch(line)
    return tagged is not None and (tagged["name"], tagged["kind"]) == (name, kind)


def _refuse_foreign(text: str, record: Record) -> None:
    for number, line in enumerate(_LINE.findall(text), 1):
        if _is_ours(line, record.name, record.kind):
            continue
        words = line.partition("#")[0].lower().split()
        if record.name in (word.removesuffix(".") for word in words[1:]) and (
            kind_of(words[0]) == record.kind
        ):
            raise ForeignLineError(
                f"line {number} already gives {record.name} an address: remove it"
            )
