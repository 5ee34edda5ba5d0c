"""Kubernetes' JSON to the values of `failoverip.core` and back. Pure: no I/O, no clock."""

from failoverip.kube.codec.cluster import CrdVerdict as CrdVerdict
from failoverip.kube.codec.cluster import crd_verdict_from as crd_verdict_from
from failoverip.kube.codec.cluster import server_host_from as server_host_from
from failoverip.kube.codec.event import EventNote as EventNote
from failoverip.kube.codec.event import EventType as EventType
from failoverip.kube.codec.event import event_to as event_to
from failoverip.kube.codec.lease import lease_from as lease_from
from failoverip.kube.codec.lease import lease_to as lease_to
from failoverip.kube.codec.nodes import heartbeat_from as heartbeat_from
from failoverip.kube.codec.nodes import node_from as node_from
from failoverip.kube.codec.resource import resource_from as resource_from
from failoverip.kube.codec.secret import SecretData as SecretData
from failoverip.kube.codec.secret import secret_from as secret_from
from failoverip.kube.codec.status_read import status_from as status_from
from failoverip.kube.codec.status_write import status_to as status_to
from failoverip.kube.codec.wire import UnreadableError as UnreadableError
