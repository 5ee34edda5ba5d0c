"""Makes the PrometheusRules of the plain rules files: `make reference`."""

from __future__ import annotations

import textwrap
from pathlib import Path

from tests.repo.files import ROOT

MONITORING = ROOT / "manifests" / "monitoring"
# Each plain file and what is made of it.
MADE = {
    MONITORING / "failoverip.rules.yml": MONITORING / "prometheus-rule.yaml",
    MONITORING / "failoverip-redundancy.rules.yml": MONITORING / "prometheus-rule-redundancy.yaml",
}

HEAD = """\
# Made from {plain} by `make reference`: edit that file.
apiVersion: monitoring.coreos.com/v1
kind: PrometheusRule
metadata:
  name: {name}
  namespace: failoverip-system
  labels:
    app.kubernetes.io/name: failoverip
    app.kubernetes.io/component: monitoring
    app.kubernetes.io/part-of: failoverip
spec:
"""


def prometheus_rule(plain: Path) -> str:
    """The object that holds the groups of a rules file, comments included."""
    head = HEAD.format(plain=plain.name, name=plain.name.removesuffix(".rules.yml"))
    return head + textwrap.indent(plain.read_text(encoding="utf-8"), "  ")


if __name__ == "__main__":
    for plain, made in MADE.items():
        made.write_text(prometheus_rule(plain), encoding="utf-8")
