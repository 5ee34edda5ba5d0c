"""Which Secret is which account; Secrets are read again so that a rotation needs no restart."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Iterable
from dataclasses import dataclass

from failoverip.core.observation import Trouble
from failoverip.core.reasons import Reason
from failoverip.kube import Forbidden, KubeError, SecretData
from failoverip.log import get_logger, register_secret
from failoverip.reconciler.account import Account
from failoverip.reconciler.ledgers import LedgerBook
from failoverip.reconciler.ports import RobotFactory, Surroundings
from failoverip.robot import Credentials

_log = get_logger(__name__)


@dataclass(slots=True)
class _Known:
    """One Secret as it was read last."""

    read_at: float
    trouble: Trouble | None
    account: Account | None
    # Its resourceVersion, empty when there was none to read.
    version: str = ""


class Accounts:
    """Accounts by Secret name; Secrets with the same credentials share one account."""

    def __init__(
        self,
        around: Surroundings,
        robot_factory: RobotFactory,
        namespace: str,
        book: LedgerBook,
    ) -> None:
        self._around = around
        self._kubernetes = around.kubernetes
        self._robot_factory = robot_factory
        self._namespace = namespace
        self._book = book
        self._clock = around.clock
        self._timings = around.timings
        self._metrics = around.metrics
        self._secrets: dict[str, _Known] = {}
        # By Secret name: why it could not be read, told once.
        self._unread: dict[str, str] = {}
        self._accounts: dict[str, Account] = {}

    def of(self, secret_name: str) -> Account | Trouble:
        """The account of a Secret, or why there is none."""
        known = self._secrets.get(secret_name)
        if known is None:
            return Trouble(Reason.ROUTE_UNKNOWN, f"Secret {secret_name} was not read yet")
        if known.trouble is not None or known.account is None:
            return known.trouble or Trouble(Reason.CREDENTIALS_MISSING, "no credentials")
        return known.account

    @property
    def all(self) -> tuple[Account, ...]:
        """Every account that some Secret names."""
        return tuple(self._accounts.values())

    async def refresh(self, secret_names: Iterable[str]) -> None:
        """Read the Secrets that are due: each minute, sooner while there is trouble."""
        wanted = set(secret_names)
        for gone in set(self._secrets) - wanted:
            del self._secrets[gone]
        for gone in set(self._unread) - wanted:
            del self._unread[gone]
        due = [name for name in sorted(wanted) if self._due(name)]
        await asyncio.gather(*(self.reread(name) for name in due))
        await self._drop_unused()

    def _due(self, name: str) -> bool:
        known = self._secrets.get(name)
        if known is None:
            return True
        refused = known.account is not None and known.account.trouble is not None
        t = self._timings
        wait = t.resync_seconds if known.trouble or refused else t.secret_read_seconds
        return self._clock.now() - known.read_at >= wait

    async def reread(self, secret_name: str) -> bool:
        """Read one Secret now; whether the account is the same as before and usable."""
        before = self.of(secret_name)
        try:
            secret = await self._kubernetes.read_secret(self._namespace, secret_name)
        except KubeError as error:
            if self._unread.get(secret_name) != str(error):
                self._unread[secret_name] = str(error)
                _log.warning("secret could not be read", secret=secret_name, error=str(error))
            if isinstance(error, Forbidden) and secret_name not in self._secrets:
                trouble = Trouble(Reason.CREDENTIALS_MISSING, f"Secret {secret_name}: {error}")
                self._secrets[secret_name] = _Known(self._clock.now(), trouble, None)
            return False
        self._unread.pop(secret_name, None)
        self._secrets[secret_name] = self._know(secret_name, secret)
        after = self.of(secret_name)
        return isinstance(after, Account) and after is before

    def _know(self, name: str, secret: SecretData | None) -> _Known:
        now, where = self._clock.now(), f"Secret {self._namespace}/{name}"
        if secret is None:
            message = f"{where} does not exist: create it with the keys username and password"
            return _Known(now, Trouble(Reason.CREDENTIALS_MISSING, message), None)
        if secret.username is None or secret.password is None:
            missing = " and ".join(secret.missing_keys)
            message = f"{where} lacks {missing}: add it"
            return _Known(now, Trouble(Reason.CREDENTIALS_INCOMPLETE, message), None)
        register_secret(secret.password)
        register_secret(secret.username)
        try:
            credentials = Credentials(secret.username, secret.password)
        except ValueError as error:
            message = f"{where}: {error}"
            return _Known(now, Trouble(Reason.CREDENTIALS_INCOMPLETE, message), None)
        account = self._account(credentials, secret.resource_version)
        before = self._secrets.get(name)
        rewritten = before is not None and before.version != secret.resource_version
        if rewritten and account.is_refused_for_good:
            # Who writes the same again wants it tried again: Robot's refusal may have been false.
            account.secret_version = secret.resource_version
        return _Known(now, None, account, secret.resource_version)

    def _account(self, credentials: Credentials, secret_version: str) -> Account:
        digest = hashlib.sha256(
            f"{credentials.username}\0{credentials.password}".encode()
        ).hexdigest()
        account = self._accounts.get(digest)
        if account is None:
            account = Account(
                credentials.account,
                secret_version,
                self._robot_factory(credentials),
                self._around,
                self._book,
            )
            self._accounts[digest] = account
        return account

    async def _drop_unused(self) -> None:
        used = {id(known.account) for known in self._secrets.values()}
        for digest, account in list(self._accounts.items()):
            if id(account) not in used and not account.reading:
                del self._accounts[digest]
                self._metrics.account_gone(account.name)
                await account.robot.aclose()
