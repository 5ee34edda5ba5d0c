"""The files of a cluster: corosync.conf, and the first CIB of each node."""

from __future__ import annotations

from collections.abc import Mapping

# Corosync's default: a shorter one loses nodes that a busy machine lets wait for a second.
TOKEN_MILLISECONDS = 3000
# Else the first node waits 20 s for others before it elects a coordinator.
DC_DEADTIME = "2s"
# load-threshold: a cluster on a busy test machine is not to hold back its own actions.


def corosync_conf(nodes: Mapping[str, str]) -> str:
    """`nodes`: name and address. Two nodes both go on when the cable between them is cut."""
    two = "  two_node: 1\n  wait_for_all: 0\n" if len(nodes) == 2 else ""
    entries = "".join(
        f"  node {{\n    name: {name}\n    nodeid: {number}\n    ring0_addr: {address}\n  }}\n"
        for number, (name, address) in enumerate(nodes.items(), 1)
    )
    return f"""\
totem {{
  version: 2
  cluster_name: lab
  transport: knet
  crypto_cipher: none
  crypto_hash: none
  token: {TOKEN_MILLISECONDS}
}}
system {{
  sched_rr: no
  move_to_root_cgroup: no
}}
quorum {{
  provider: corosync_votequorum
{two}}}
logging {{
  to_stderr: yes
  to_logfile: no
  to_syslog: no
  timestamp: hires
}}
nodelist {{
{entries}}}
"""


FIRST_CIB = f"""\
<cib crm_feature_set="3.16.1" validate-with="pacemaker-3.9" epoch="1" num_updates="0" admin_epoch="0">
  <configuration>
    <crm_config>
      <cluster_property_set id="cib-bootstrap-options">
        <nvpair id="o-dt" name="dc-deadtime" value="{DC_DEADTIME}"/>
        <nvpair id="o-st" name="stonith-enabled" value="false"/>
        <nvpair id="o-lt" name="load-threshold" value="10000%"/>
      </cluster_property_set>
    </crm_config>
    <nodes/><resources/><constraints/>
  </configuration>
  <status/>
</cib>
"""  # noqa: E501
