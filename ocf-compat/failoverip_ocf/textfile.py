"""What Prometheus' node exporter may collect from a directory: one file a resource.

The file is renewed by every monitor, so its own age tells whether the monitor runs.
"""

from __future__ import annotations

import contextlib
import os

from failoverip_ocf.cache import Cache
from failoverip_ocf.decide import MINE, UNKNOWN, Verdict
from failoverip_ocf.state import replace_file

HELP = {
    "failoverip_ocf_known": "Whether Robot told where the address is routed, newly enough.",
    "failoverip_ocf_mine": "Whether the address is routed to this node, by the last answer.",
    "failoverip_ocf_answer_age_seconds": "The age of Robot's last answer.",
    "failoverip_ocf_requests_left": "Requests to Robot that this node may still send in this hour.",
}


def page(ip: str, cache: Cache, said: Verdict, known: bool) -> str:
    """The metrics of one resource; a series whose value nobody knows is left out."""
    label = f'{{address="{ip}"}}'
    samples = {"failoverip_ocf_known": [(label, int(known))]}
    if said.kind != UNKNOWN:
        samples["failoverip_ocf_mine"] = [(label, int(said.kind == MINE))]
    if said.age is not None:
        samples["failoverip_ocf_answer_age_seconds"] = [(label, round(said.age))]
    left = [("reads", cache.reads_left), ("switches", cache.writes_left)]
    samples["failoverip_ocf_requests_left"] = [
        (f'{{address="{ip}",kind="{kind}"}}', number) for kind, number in left if number >= 0
    ]
    lines = []
    for name, values in samples.items():
        if values:
            lines += [f"# HELP {name} {HELP[name]}", f"# TYPE {name} gauge"]
            lines += [f"{name}{labels} {value}" for labels, value in values]
    return "\n".join([*lines, ""])


def write(directory: str, instance: str, text: str) -> str:
    """Renew a resource's file; why that failed, empty when it did not."""
    try:
        replace_file(_path(directory, instance), text, 0o644)
    except OSError as error:
        return f"textfile_directory: {directory} cannot be written: {error.strerror}"
    return ""


def remove(directory: str, instance: str) -> None:
    """A stopped resource has no metrics."""
    with contextlib.suppress(OSError):
        os.unlink(_path(directory, instance))


def _path(directory: str, instance: str) -> str:
    name = "".join(one if one.isalnum() or one in ".-_" else "_" for one in instance)
    return os.path.join(directory, f"failoverip_ocf_{name}.prom")
