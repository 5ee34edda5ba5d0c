"""The periods of the election, with client-go's defaults and its rule."""

from __future__ import annotations

from dataclasses import dataclass

# client-go's JitterFactor in the relation that it checks. Here waits are 1 to 1.2 retry periods.
JITTER_FACTOR = 1.2
# A candidate looks more often than client-go's: a released lease waits for the next look, and a
# hand-over shall not take longer than a retry period. Looks are reads.
CANDIDATE_LOOKS_PER_RETRY_PERIOD = 2
# client-go: a released lease is anybody's after one second, even for those who ignore its holder.
RELEASED_DURATION_SECONDS = 1
# The pod is being deleted, and its successor waits: a release is tried again soon, and not for
# long, because the lease expires by itself.
RELEASE_RETRY_SECONDS = 0.25
RELEASE_LIMIT_SECONDS = 2.0
# An API server answers a write within a second (Kubernetes' own objective). At 15/10/2 s three
# seconds let a cut connection cost one renewal, and still leave two requests on new connections
# before the renew deadline.
REQUEST_LIMIT_IN_RETRY_PERIODS = 1.5


@dataclass(frozen=True, slots=True)
class ElectionSettings:
    """Periods of the election in seconds, client-go's defaults.

    ValueError, one line, unless lease duration > renew deadline > 1.2 retry periods > 0. The
    lease duration is a whole number: so the Lease has it.
    """

    lease_duration_seconds: int = 15
    renew_deadline_seconds: float = 10.0
    retry_period_seconds: float = 2.0

    def __post_init__(self) -> None:
        if not self.retry_period_seconds > 0:
            raise ValueError(
                f"retry period must be greater than 0, not {self.retry_period_seconds:g} s: "
                "use 2 s unless you know better"
            )
        if not self.renew_deadline_seconds > self.retry_period_seconds * JITTER_FACTOR:
            raise ValueError(
                f"renew deadline ({self.renew_deadline_seconds:g} s) must be greater than "
                f"{JITTER_FACTOR:g} retry periods ({self.retry_period_seconds:g} s): "
                "raise the renew deadline or lower the retry period"
            )
        if not self.lease_duration_seconds > self.renew_deadline_seconds:
            raise ValueError(
                f"lease duration ({self.lease_duration_seconds:g} s) must be greater than "
                f"renew deadline ({self.renew_deadline_seconds:g} s): "
                "raise the lease duration or lower the renew deadline"
            )

    @property
    def request_limit_seconds(self) -> float:
        """The longest that one request may take."""
        return self.retry_period_seconds * REQUEST_LIMIT_IN_RETRY_PERIODS
