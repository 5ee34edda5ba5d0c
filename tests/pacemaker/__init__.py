"""Agents on a real Corosync and Pacemaker cluster, whose nodes are namespaces of this machine."""
