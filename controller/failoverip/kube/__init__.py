"""The only door to Kubernetes: the API server's JSON in, values of `failoverip.core` out.

May not decide anything, may not retry a write, may not import kopf or the reconciler.
"""

from failoverip.kube.answers import Answer as Answer
from failoverip.kube.answers import read_answer as read_answer
from failoverip.kube.client import KubeClient as KubeClient
from failoverip.kube.codec import CrdVerdict as CrdVerdict
from failoverip.kube.codec import EventNote as EventNote
from failoverip.kube.codec import EventType as EventType
from failoverip.kube.codec import SecretData as SecretData
from failoverip.kube.config import ConnectionInfo as ConnectionInfo
from failoverip.kube.config import KubeconfigFile as KubeconfigFile
from failoverip.kube.config import ServiceAccount as ServiceAccount
from failoverip.kube.config import Source as Source
from failoverip.kube.config import find_source as find_source
from failoverip.kube.door import CRD_NAME as CRD_NAME
from failoverip.kube.door import DEFAULT_TIMEOUT_SECONDS as DEFAULT_TIMEOUT_SECONDS
from failoverip.kube.door import Kubernetes as Kubernetes
from failoverip.kube.errors import ApiUnreachable as ApiUnreachable
from failoverip.kube.errors import Conflict as Conflict
from failoverip.kube.errors import Expired as Expired
from failoverip.kube.errors import Forbidden as Forbidden
from failoverip.kube.errors import Invalid as Invalid
from failoverip.kube.errors import KubeconfigError as KubeconfigError
from failoverip.kube.errors import KubeError as KubeError
from failoverip.kube.errors import NotFound as NotFound
from failoverip.kube.errors import OutcomeUnknown as OutcomeUnknown
from failoverip.kube.errors import PermanentError as PermanentError
from failoverip.kube.errors import RetryableError as RetryableError
from failoverip.kube.errors import ServerError as ServerError
from failoverip.kube.errors import Throttled as Throttled
from failoverip.kube.errors import Unauthorized as Unauthorized
from failoverip.kube.newest import NewestList as NewestList
