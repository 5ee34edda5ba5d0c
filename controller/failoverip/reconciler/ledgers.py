"""The ledgers in this process, and their way onto the Lease."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress

from failoverip.clock import Clock
from failoverip.core.ledger import Ledger
from failoverip.core.ledgers import Ledgers, decode, encode
from failoverip.kube import KubeError
from failoverip.reconciler.ports import KubernetesDoor, Leader

LEDGER_ANNOTATION = "failoverip.io/ledger"


class LedgerBook:
    """Holds the ledgers; what must be recorded before it is sent goes through `commit`."""

    def __init__(self, clock: Clock, leader: Leader, ledgers: Ledgers) -> None:
        self._clock = clock
        self._leader = leader
        self._ledgers = ledgers

    def text(self) -> str:
        """The annotation's value, written with each renewal."""
        return encode(self._ledgers, self._clock.now())

    def of(self, account: str, addresses: int) -> Ledger:
        """The ledger of an account with so many addresses."""
        return self._ledgers.of(account, addresses)

    def failed_logins_of_others(self, account: str) -> tuple[float, ...]:
        """When logins of other accounts failed, or may have."""
        return self._ledgers.failed_logins_of_others(account)

    def record(self, account: str, ledger: Ledger) -> None:
        """Keep it; the next regular renewal carries it."""
        self._ledgers = self._ledgers.with_ledger(account, ledger, self._clock.now())

    async def commit(self, account: str, ledger: Ledger) -> bool:
        """Keep it and renew the Lease with it; only True allows to send what it records.

        A ledger whose renewal failed is kept all the same: what it counts may stand on the Lease.
        """
        self.record(account, ledger)
        return await self._leader.renew_now()


async def inherited_ledgers(
    kubernetes: KubernetesDoor, annotations: Mapping[str, str], clock: Clock, hour_seconds: float
) -> Ledgers:
    """What the predecessor recorded on the Lease. `annotations` are those found at acquisition.

    Without a record, a fence on any resource tells that it got lost; so does a list that fails.
    """
    fence_exists = True
    with suppress(KubeError):
        resources = await kubernetes.list_failoverips()
        fence_exists = any(resource.status.fence is not None for resource in resources)
    return decode(
        annotations.get(LEDGER_ANNOTATION),
        clock.now(),
        fence_exists=fence_exists,
        window_seconds=hour_seconds,
    )
