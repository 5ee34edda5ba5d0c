"""What can go wrong between us and the API server, by what the caller may do about it::

    KubeError
    ├── RetryableError          nothing was changed; the same request may succeed later
    │   ├── ApiUnreachable      no answer: refused, reset, timed out, bad certificate
    │   ├── Throttled           429; `retry_after_seconds` when the server names it
    │   ├── Expired             410, the continue token of a list is too old: list again
    │   └── ServerError         5xx, or an answer that is not what was asked for
    ├── PermanentError          the same request will be refused again (also any other 4xx)
    │   ├── Unauthorized        401; the next request reads the token again
    │   ├── Forbidden           403; names verb and resource
    │   ├── NotFound            404
    │   ├── Conflict            409; somebody else wrote first, or the object exists already
    │   └── Invalid             422; refused by the schema or a rule: `is_fence_refusal`
    ├── OutcomeUnknown          a write whose answer was lost or is a 5xx: read, then decide
    └── KubeconfigError         the kubeconfig or ServiceAccount files cannot be used

A read never ends in OutcomeUnknown. A 5xx to a write does: kube-apiserver answers an etcd
time-out with 500 or 504 although the write may be stored.
"""

from __future__ import annotations

import re

# The CRD's second rule begins its message so; a refusal may list several rules.
_FENCE_RULE = re.compile(r"(?:^|: )F2\b")


class KubeError(Exception):
    """The root; its text is one line that holds no secret."""


class RetryableError(KubeError):
    """Nothing was changed; ask again later."""


class ApiUnreachable(RetryableError):  # noqa: N818  a state of the world, named as the docs do
    """There was no answer."""


class Throttled(RetryableError):  # noqa: N818  as above
    """The API server sheds load; `retry_after_seconds` is None when it names no time."""

    def __init__(self, message: str, retry_after_seconds: float | None = None) -> None:
        super().__init__(message)
        self.retry_after_seconds = retry_after_seconds


class Expired(RetryableError):  # noqa: N818  as above
    """The rest of a list is no longer to be had; list again from the start."""


class ServerError(RetryableError):
    """The API server failed, or something else answered in its place."""


class PermanentError(KubeError):
    """The API server understood and refused."""


class Unauthorized(PermanentError):  # noqa: N818  as above
    """The token or certificate is not accepted."""


class Forbidden(PermanentError):  # noqa: N818  as above
    """A right is missing: `verb` and `resource` (`nodes`, `failoverips.failoverip.io/status`).

    Both are empty when the API server's message does not name them.
    """

    def __init__(self, message: str, verb: str = "", resource: str = "") -> None:
        super().__init__(message)
        self.verb = verb
        self.resource = resource


class NotFound(PermanentError):  # noqa: N818  as above
    """There is no such thing. `name` is the missing object's, empty when its whole kind is."""

    def __init__(self, message: str, name: str = "") -> None:
        super().__init__(message)
        self.name = name


class Conflict(PermanentError):  # noqa: N818  as above
    """The object changed since it was read (or exists already); read it again."""


class Invalid(PermanentError):  # noqa: N818  as above
    """The schema or one of its rules refuses the object; the text is the API server's message."""

    @property
    def is_fence_refusal(self) -> bool:
        """Whether rule F2 refused: another leader has claimed the resource (design 5)."""
        return _FENCE_RULE.search(str(self)) is not None


class OutcomeUnknown(KubeError):  # noqa: N818  as above
    """The write may or may not have happened, now or a little later."""


class KubeconfigError(KubeError):
    """What tells us how to reach the API server cannot be used; names the path and the fix."""
