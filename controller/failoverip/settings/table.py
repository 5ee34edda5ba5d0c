"""The table of the operator's settings: nothing about a setting stands elsewhere."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from failoverip.settings.parsers import (
    DNS_LABEL,
    Parser,
    check_base_url,
    choice,
    name,
    number,
    one_path,
    parse_listen_address,
    whole_number,
)

PREFIX = "FAILOVERIP_"


@dataclass(frozen=True, slots=True)
class Setting:
    """`parse` raises ValueError with what is wrong; `fix` tells what would be right.

    `also` names variables of the field that count when ours is unset. An empty `default` means
    that the surroundings give one, or that there is none.
    """

    name: str
    metavar: str
    parse: Parser[Any]
    fix: str
    text: str
    default: str = ""
    also: tuple[str, ...] = ()

    @property
    def flag(self) -> str:
        """`--lease-name`."""
        return "--" + self.name.replace("_", "-")

    @property
    def variables(self) -> tuple[str, ...]:
        """`FAILOVERIP_LEASE_NAME`, then the field's own."""
        return (PREFIX + self.name.upper(), *self.also)

    @property
    def help(self) -> str:
        """What `--help` says."""
        default = f"; default {self.default}" if self.default else ""
        return f"{self.text} [{', '.join(self.variables)}{default}]".replace("%", "%%")


TABLE = (
    Setting(
        name="kubeconfig",
        metavar="FILE",
        parse=Parser("one readable file", one_path),
        fix="name one readable file",
        text="kubeconfig to reach the API server; without one, the pod's ServiceAccount",
        also=("KUBECONFIG",),
    ),
    Setting(
        name="namespace",
        metavar="NAME",
        parse=name(63, DNS_LABEL),
        fix="give a namespace such as failoverip-system",
        text="namespace of the Lease and of the Secrets; without one, the pod's",
        default="failoverip-system",
        also=("POD_NAMESPACE",),
    ),
    Setting(
        name="lease_name",
        metavar="NAME",
        parse=name(180, rf"{DNS_LABEL}(\.{DNS_LABEL})*"),
        fix="give a lower-case name such as failoverip-operator",
        text="Lease by which the replicas elect their leader",
        default="failoverip-operator",
    ),
    Setting(
        name="lease_duration_seconds",
        metavar="SECONDS",
        # Nothing is begun with less than 5 s left (core.timings): below 6 nothing ever would be.
        parse=whole_number(6, 3600),
        fix="give whole seconds such as 15",
        text="how long the others wait for a leader that fell silent",
        default="15",
    ),
    Setting(
        name="renew_deadline_seconds",
        metavar="SECONDS",
        parse=number(1, 3600),
        fix="give seconds such as 10",
        text="how long a leader tries to renew before it steps down",
        default="10",
    ),
    Setting(
        name="retry_period_seconds",
        metavar="SECONDS",
        parse=number(0.1, 3600),
        fix="give seconds such as 2",
        text="pause between two tries to acquire or renew the Lease",
        default="2",
    ),
    Setting(
        name="robot_url",
        metavar="URL",
        parse=Parser("https://HOST[:PORT][/PATH], or http on loopback", check_base_url),
        fix="give a URL such as https://robot-ws.your-server.de",
        text="base URL of the Robot webservice: https, or http on loopback",
        default="https://robot-ws.your-server.de",
    ),
    Setting(
        name="robot_ca_file",
        metavar="FILE",
        parse=Parser("one readable PEM file", one_path),
        fix="name one readable PEM file",
        text="certificate authorities to trust for Robot instead of the system's",
    ),
    Setting(
        name="listen",
        metavar="ADDRESS:PORT",
        parse=Parser("a literal address and a port", parse_listen_address),
        fix="give an address such as 0.0.0.0:8080 or [::]:8080",
        text="where /metrics, /healthz and /readyz are served",
        default="0.0.0.0:8080",
    ),
    Setting(
        name="log_level",
        metavar="LEVEL",
        parse=choice("debug", "info", "warning", "error"),
        fix="choose debug, info, warning or error",
        text="least level that is logged: debug, info, warning or error",
        default="info",
    ),
    Setting(
        name="log_format",
        metavar="FORMAT",
        parse=choice("json", "text"),
        fix="choose json or text",
        text="json or text; without one, text on a terminal and json elsewhere",
    ),
    Setting(
        name="time_scale",
        metavar="FACTOR",
        parse=number(0.001, 10),
        fix="give a factor such as 1.0",
        text="for demos and tests: every period of the operator but the election's is"
        " multiplied by this",
        default="1.0",
    ),
    Setting(
        name="identity",
        metavar="NAME",
        parse=name(200, r"[A-Za-z0-9]([-A-Za-z0-9._]*[A-Za-z0-9])?"),
        fix="give a name such as the pod's",
        text="name of this replica, to which each process adds a random suffix; without one,"
        " the host's",
        also=("POD_NAME",),
    ),
)
