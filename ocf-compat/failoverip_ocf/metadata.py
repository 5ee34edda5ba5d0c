"""The agent's meta-data: OCF 1.0, which every checker accepts, and codes that 1.1 knows."""

from __future__ import annotations

_NAME = "hetzner-failover-ip"

_LONG = """\
Keeps a Hetzner Failover IP on the node on which this resource runs.

An outage of Hetzner's API moves and restarts nothing: a monitor that cannot tell where the address
is routed returns 190 (degraded). A probe looks at this node only, a stop never needs the API, and a
start waits for it. The cluster needs quorum or fencing: two nodes without either would take the
address from each other."""

# name, required, unique, type, default, short, long
_PARAMETERS = (
    (
        "ip", 1, 1, "string", None, "The failover address",
        "The failover IP, or an address of the failover subnet, as 203.0.113.10 or 2001:db8:fff1::",
    ),
    (
        "script", 0, 0, "string", "", "A helper of your own",
        (
            "A program to use instead of the built-in client, as in 2011: -g -i IP exits 0 when "
            "the address is routed here, 2 when it is not, and with anything else when it cannot "
            "tell; -s -i IP routes it here."
        ),
    ),
    (
        "credentials", 0, 0, "string", "/etc/failoverip/credentials", "The file with the login",
        "Lines username=... and password=... of a Robot web service user; chmod 600.",
    ),
    (
        "server", 0, 0, "string", "", "This server at Robot",
        "Its number or its main address. Empty: the server whose main address this machine has.",
    ),
    (
        "interface", 0, 0, "string", "", "Where to set the address",
        (
            "The network interface that gets the address while the resource runs here. Empty: the "
            "agent only sets the route."
        ),
    ),
    (
        "reuse_seconds", 0, 0, "integer", None, "How old a positive answer may be",
        (
            "For so many seconds a monitor uses an answer again. Empty: as long as it takes for "
            "this node's share of Robot's 100 reads an hour to last, at least 60."
        ),
    ),
    (
        "robot_url", 0, 0, "string", "https://robot-ws.your-server.de", "Robot's URL",
        "Where Robot's web service is.",
    ),
    (
        "ca_file", 0, 0, "string", "", "Certificate authorities",
        "A PEM file of the authorities to trust instead of the system's.",
    ),
    (
        "textfile_directory", 0, 0, "string", "", "Directory for Prometheus",
        "A directory of the node exporter's textfile collector. Empty: no metrics.",
    ),
)  # fmt: skip

# name, timeout, interval
_ACTIONS = (
    ("start", "300s", None),
    ("stop", "30s", None),
    ("monitor", "60s", "60s"),
    ("meta-data", "10s", None),
    ("validate-all", "10s", None),
)


def metadata() -> str:
    """The XML. No `encoding` in its first line: crmsh 4.4 cannot read that."""
    lines = [
        '<?xml version="1.0"?>',
        '<!DOCTYPE resource-agent SYSTEM "ra-api-1.dtd">',
        f'<resource-agent name="{_NAME}" version="1.0">',
        "<version>1.0</version>",
        f'<longdesc lang="en">\n{_text(_LONG)}\n</longdesc>',
        '<shortdesc lang="en">Hetzner Failover IP</shortdesc>',
        "<parameters>",
    ]
    for name, required, unique, kind, default, short, long in _PARAMETERS:
        ends = "" if default is None else f' default="{_text(default)}"'
        lines += [
            f'<parameter name="{name}" required="{required}" unique="{unique}">',
            f'<longdesc lang="en">{_text(long)}</longdesc>',
            f'<shortdesc lang="en">{_text(short)}</shortdesc>',
            f'<content type="{kind}"{ends}/>',
            "</parameter>",
        ]
    lines += ["</parameters>", "<actions>"]
    for name, timeout, interval in _ACTIONS:
        every = "" if interval is None else f' interval="{interval}"'
        lines.append(f'<action name="{name}" timeout="{timeout}"{every}/>')
    return "\n".join([*lines, "</actions>", "</resource-agent>", ""])


def _text(text: str) -> str:
    for plain, escaped in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), ('"', "&quot;")):
        text = text.replace(plain, escaped)
    return text
