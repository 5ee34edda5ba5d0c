"""`python -m tests.ocf.man_pages`: write the manual pages of the agents from their meta-data."""

from __future__ import annotations

import subprocess
import xml.etree.ElementTree as ET
from pathlib import Path

from tests.repo.files import ROOT

MAN = ROOT / "ocf-compat" / "man"
AGENTS = ("hetzner-failover-ip", "update-dns")
SEE_ALSO = {
    "hetzner-failover-ip": ("hetzner-failover-ip(8)", "ocf_failoverip_update-dns(7)"),
    "update-dns": ("ocf_failoverip_hetzner-failover-ip(7)",),
}
EXAMPLES = {
    "hetzner-failover-ip": """\
pcs resource create vip ocf:failoverip:hetzner-failover-ip ip=203.0.113.10 \\
    op start timeout=300s op stop timeout=30s op monitor interval=60s timeout=60s \\
    meta resource-stickiness=100 migration-threshold=3 failure-timeout=10min
""",
    "update-dns": """\
pcs resource create dns ocf:failoverip:update-dns name=active.example.com \\
    ipme=192.0.2.1 ipother=192.0.2.2 hosts_file=/etc/hosts \\
    op start timeout=60s op stop timeout=30s op monitor interval=30s timeout=20s
""",
}
CODES = """\
.TP
.B 0
success; for a monitor: it runs here
.TP
.B 1
a start did not come to its end within its time limit; a stop left something behind
.TP
.BR 2 ", " 4 ", " 5
a file of this node cannot be used: another node may have a better one
.TP
.B 3
an unknown action
.TP
.B 6
a parameter is wrong, on every node alike
.TP
.B 7
it does not run here
.TP
.B 190
a recurring monitor cannot tell: Pacemaker 2.1 and newer show it and do nothing (older: 0)
"""


def page(agent: str) -> str:
    """The page of an agent, from what its meta-data says."""
    told = ET.fromstring(meta_data(agent))  # noqa: S314  # our own program's words
    parts = [
        '.\\" Written by tests/ocf/man_pages.py from the meta-data: change that.',
        f'.TH "OCF_FAILOVERIP_{agent.upper()}" 7 "" "failoverip" "Pacemaker agents"',
        ".SH NAME",
        f"ocf_failoverip_{agent} \\- {_roff(_text(told, 'shortdesc'))}",
        ".SH SYNOPSIS",
        f".B {agent}",
        "[" + " | ".join(action.attrib["name"] for action in _actions(told)) + "]",
        ".SH DESCRIPTION",
        _paragraphs(_text(told, "longdesc")),
        ".SH PARAMETERS",
    ]
    for parameter in told.iterfind("parameters/parameter"):
        parts += [".TP", f".B {parameter.attrib['name']}", _parameter(parameter)]
    parts += [".SH ACTIONS", "The times are suggestions."]
    for action in _actions(told):
        times = [f"{key} {value}" for key, value in action.attrib.items() if key != "name"]
        parts += [".TP", f".B {action.attrib['name']}", _roff(", ".join(times))]
    parts += [".SH EXIT CODES", CODES.rstrip(), ".SH EXAMPLE", ".nf"]
    parts += [_roff(EXAMPLES[agent].rstrip()), ".fi", ".SH SEE ALSO"]
    parts.append(",\n".join(_reference(name) for name in SEE_ALSO[agent]))
    return "\n".join(parts) + "\n"


def meta_data(agent: str) -> str:
    """What the agent prints."""
    program = ROOT / "ocf-compat" / agent
    return subprocess.run(
        [str(program), "meta-data"], env={}, stdout=subprocess.PIPE, text=True, check=True
    ).stdout


def path(agent: str) -> Path:
    """Where the page is."""
    return MAN / f"ocf_failoverip_{agent}.7"


def _actions(told: ET.Element) -> list[ET.Element]:
    return list(told.iterfind("actions/action"))


def _parameter(parameter: ET.Element) -> str:
    content = parameter.find("content")
    default = content.attrib.get("default", "") if content is not None else ""
    lines = [_paragraphs(_text(parameter, "longdesc"))]
    if parameter.attrib.get("required") == "1":
        lines.append("Required.")
    elif default:
        lines.append(f"Default: {_roff(default)}")
    return "\n".join(lines)


def _text(told: ET.Element, name: str) -> str:
    return (told.findtext(name) or "").strip()


def _paragraphs(text: str) -> str:
    return "\n.PP\n".join(_roff(" ".join(part.split())) for part in text.split("\n\n"))


def _roff(text: str) -> str:
    escaped = text.replace("\\", "\\e").replace("-", "\\-")
    lines = [f"\\&{line}" if line.startswith((".", "'")) else line for line in escaped.split("\n")]
    return "\n".join(lines)


def _reference(name: str) -> str:
    title, _, section = name.removesuffix(")").partition("(")
    return f".BR {_roff(title)} ({section})"


if __name__ == "__main__":
    MAN.mkdir(exist_ok=True)
    for one in AGENTS:
        path(one).write_text(page(one), encoding="utf-8")
