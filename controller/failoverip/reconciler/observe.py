"""Observe: gather one immutable `Observation` of a resource. Decides nothing."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping

from failoverip.core.health import ClusterTrace, Verdict, assess
from failoverip.core.memory import IntentMemory, remember_intent
from failoverip.core.observation import AccountView, Observation, Trouble
from failoverip.core.reasons import Reason
from failoverip.core.resource import InvalidSpec, Mode, Policy, Resource
from failoverip.core.scope import Directory, Ground, directory_of, ground_of, narrowed
from failoverip.core.storm import StormWatch, watch_storm
from failoverip.reconciler.account import Account
from failoverip.reconciler.accounts import Accounts
from failoverip.reconciler.claims import Claims
from failoverip.reconciler.endpoints import Endpoints
from failoverip.reconciler.lists import Lists
from failoverip.reconciler.mappings import Mappings
from failoverip.reconciler.ports import Surroundings


class Observer:
    """Puts together what the parts of the reconciler know."""

    def __init__(
        self,
        around: Surroundings,
        lists: Lists,
        accounts: Accounts,
        claims: Claims,
        mappings: Mappings,
        endpoints: Endpoints,
    ) -> None:
        self._lists = lists
        self._accounts = accounts
        self._claims = claims
        self._mappings = mappings
        self._endpoints = endpoints
        self._leader = around.leader
        self._clock = around.clock
        self._timings = around.timings
        # By UID: what this process remembers of open intents.
        self.memories: dict[str, IntentMemory] = {}
        # By UID: what this process saw of the candidates.
        self._storms: dict[str, StormWatch] = {}
        self._directory: Directory | None = None
        # By account name, of the same lists.
        self._grounds: dict[str, Ground] = {}
        # By UID, and by the id of each recorded move: since when this process knows it.
        self._known_moves: dict[str, Mapping[str, float]] = {}

    def keep_only(self, uids: Collection[str]) -> None:
        """Forget the intents of all other resources."""
        self.memories = {uid: memory for uid, memory in self.memories.items() if uid in uids}
        self._known_moves = {uid: moves for uid, moves in self._known_moves.items() if uid in uids}
        self._storms = {uid: watch for uid, watch in self._storms.items() if uid in uids}

    def account_of(self, resource: Resource) -> Account | Trouble:
        """The account that a resource names."""
        if isinstance(resource.policy, InvalidSpec):
            return Trouble(Reason.INVALID_SPEC, resource.policy.message)
        return self._accounts.of(resource.policy.secret_name)

    def is_pressing(self, resource: Resource) -> bool:
        """Whether reads for it may use the reserve: a switch is open, or its node failed.

        Without a fresh route no address leaves a failed node, so the reserve is for that, too.
        """
        status, cluster = resource.status, self._lists.cluster
        if status.intent is not None:
            return True
        policy = resource.policy
        if isinstance(policy, InvalidSpec) or policy.mode is not Mode.ACTIVE:
            return False
        if not status.active_node or cluster.listed_at is None:
            return False
        node = self._nodes().by_uid.get(status.active_node_uid)
        now = self._clock.now()
        return node is None or assess(node, cluster, now, self._timings).verdict is Verdict.FAILED

    def observe(self, resource: Resource) -> Observation:
        """Everything known now about this resource."""
        account = self.account_of(resource)
        now = self._clock.now()
        view = (
            account.view(pressing=self.is_pressing(resource))
            if isinstance(account, Account)
            else AccountView()
        )
        cluster = self._cluster_of(resource, account, view)
        return Observation(
            now=now,
            # Whole seconds, as a status records them: what is rendered compares equal.
            wall_seconds=float(math.floor(self._clock.wall())),
            resource=resource,
            claim=self._claims.state(resource),
            window_left_seconds=self._leader.window_left_seconds(),
            conflict=self._lists.conflicts.get(resource.uid),
            credentials=account if isinstance(account, Trouble) else None,
            cluster=cluster,
            account=view,
            memory=self._memory(resource, now),
            carried=self._lists.carried_beside(resource),
            unmapped_recently=self._unmapped(resource, account, cluster, now),
            timings=self._timings,
            api_server_addresses=self._endpoints.addresses,
            storm=self._storm(resource, cluster),
            moves_known_since=self._moves_known(resource, now),
        )

    def _moves_known(self, resource: Resource, now: float) -> Mapping[str, float]:
        before = self._known_moves.get(resource.uid, {})
        known = {move.id: before.get(move.id, now) for move in resource.status.moves}
        self._known_moves[resource.uid] = known
        return known

    def _cluster_of(
        self, resource: Resource, account: Account | Trouble, view: AccountView
    ) -> ClusterTrace:
        """The last good lists, without the nodes that cannot matter to the resource."""
        directory = self._nodes()
        name = account.name if isinstance(account, Account) else ""
        ground = self._grounds.get(name)
        if ground is None or ground.servers is not view.servers:
            ground = self._grounds[name] = ground_of(directory.trace, view.servers)
        watched = self._storms.get(resource.uid, StormWatch()).sightings
        return narrowed(directory, ground, resource, view, watched)

    def _nodes(self) -> Directory:
        """The nodes of the last good lists; made once for each of them."""
        trace = self._lists.cluster
        if self._directory is None or self._directory.trace is not trace:
            self._directory, self._grounds = directory_of(trace), {}
        return self._directory

    def _storm(self, resource: Resource, cluster: ClusterTrace) -> StormWatch:
        before = self._storms.get(resource.uid, StormWatch())
        if isinstance(resource.policy, InvalidSpec):
            return before
        after = watch_storm(before, cluster, resource.policy, resource.status, self._timings)
        self._storms[resource.uid] = after
        return after

    def _memory(self, resource: Resource, now: float) -> IntentMemory | None:
        """Of the open intent; begun here when the answer to the write that opened it was lost."""
        intent = resource.status.intent
        memory = self.memories.get(resource.uid)
        if intent is None:
            self.memories.pop(resource.uid, None)
            return None
        if memory is None or memory.intent_id != intent.id:
            memory = self.memories[resource.uid] = remember_intent(intent, now)
        return memory

    def _unmapped(
        self, resource: Resource, account: Account | Trouble, cluster: ClusterTrace, now: float
    ) -> tuple[str, ...]:
        policy = resource.policy
        if not isinstance(policy, Policy) or isinstance(account, Trouble):
            return ()
        if account.servers is None:
            return ()
        nodes = cluster.nodes
        return self._mappings.unmapped_recently(account.name, policy, nodes, account.servers, now)
