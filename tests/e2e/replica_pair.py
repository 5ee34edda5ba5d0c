"""Two replicas, each behind doors of its own: a request of one can be held, and told apart."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from tests.controlplane.fixtures import GatekeeperFactory, TcpProxyFactory
from tests.controlplane.gatekeeper import Exchange, Gatekeeper
from tests.controlplane.rest import Json
from tests.controlplane.tcp_proxy import TcpProxy
from tests.controlplane.waiting import eventually
from tests.e2e.installation import ADDRESS, LEASE, Installation, Replica, server_ip

LEDGER = "failoverip.io/ledger"
# What Robot says to a request that changes nothing, because one like it was executed.
HARMLESS = {"FAILOVER_LOCKED", "FAILOVER_ALREADY_ROUTED"}


@dataclass(frozen=True)
class Guarded:
    """A replica, its door to the API server, its door to Robot and the address that Robot sees."""

    home: Installation
    replica: Replica
    api: Gatekeeper
    robot: TcpProxy
    source: str

    def posts(self) -> list[Json]:
        """Its requests to switch."""
        posts = self.home.simulator.posts()
        return [entry for entry in posts if entry["source"] == self.source]

    def identities(self) -> list[str]:
        """One for each life of the process, in order."""
        return [line["identity"] for line in self.replica.said("operator started")]

    def leads(self) -> bool:
        """Whether it holds the Lease."""
        return self.home.holder().startswith(f"{self.replica.name}_")


@dataclass(frozen=True)
class ReplicaPair:
    """`leader` led first; `standby` was a candidate then."""

    leader: Guarded
    standby: Guarded

    @property
    def both(self) -> tuple[Guarded, Guarded]:
        """The two of them."""
        return self.leader, self.standby

    def adoptions(self) -> list[Json]:
        """The log lines that tell of an intent taken over."""
        return [
            line
            for one in self.both
            for line in one.replica.said("decided", action="AdoptIntent", reason="Adopted")
        ]

    def lease_records(self) -> list[Json]:
        """Every record of the Lease that the two wrote, in the order of the API server."""
        writes = [
            exchange
            for one in self.both
            for exchange in one.api.journal
            if lease_write(exchange) and exchange.status in (200, 201)
        ]
        # Each replaced the one before it by its resourceVersion: two never overlap.
        return [exchange.body for exchange in sorted(writes, key=_answered)]


@contextmanager
def started_pair(
    home: Installation, gatekeeper: GatekeeperFactory, tcp_proxy: TcpProxyFactory
) -> Iterator[ReplicaPair]:
    """`one`, which leads, then `two`, a candidate. They end before their doors close."""
    leader = _start(home, "one", "127.0.0.2", gatekeeper, tcp_proxy)
    eventually(leader.leads, "one leads")
    standby = _start(home, "two", "127.0.0.3", gatekeeper, tcp_proxy)
    eventually(lambda: readiness(standby.replica) == "candidate", "two is a candidate")
    pair = ReplicaPair(leader, standby)
    yield pair
    for one in pair.both:
        one.replica.kill()


def readiness(replica: Replica) -> str:
    """What its /readyz says."""
    return replica.page("/readyz").text.strip()


def _start(
    home: Installation,
    name: str,
    source: str,
    gatekeeper: GatekeeperFactory,
    tcp_proxy: TcpProxyFactory,
) -> Guarded:
    api, robot = gatekeeper(), tcp_proxy(home.robot_url, source)
    replica = home.start_replica(name, server=api.url, flags=("--robot-url", robot.url))
    return Guarded(home, replica, api, robot, source)


# -- points on the way of a switch, as its requests show them


def status_write(exchange: Exchange) -> bool:
    """A status of a FailoverIP that is to be stored."""
    return (
        exchange.method == "PUT"
        and exchange.path.endswith("/failoverips/web/status")
        and "dryRun" not in exchange.query
    )


def first_intent(exchange: Exchange) -> bool:
    """The write that opens an intent."""
    return status_write(exchange) and _attempts(exchange) == 0


def attempt(exchange: Exchange) -> bool:
    """The write that records an attempt, before its request to Robot."""
    return status_write(exchange) and (_attempts(exchange) or 0) > 0


def closing(exchange: Exchange) -> bool:
    """The write that ends the first intent."""
    return (
        status_write(exchange)
        and _attempts(exchange) is None
        and exchange.body["status"].get("lastMove") is not None
    )


def lease_write(exchange: Exchange) -> bool:
    """An acquisition, renewal or release."""
    return exchange.method in ("PUT", "POST") and "/leases" in exchange.path


def spending_renewal(exchange: Exchange) -> bool:
    """The renewal that carries the count of the first request to switch, before it is sent."""
    return (
        lease_write(exchange)
        and exchange.path.endswith(LEASE)
        and spent(exchange.body)["writes"] > 0
    )


def spent(lease: Json) -> dict[str, int]:
    """The reads and writes that a Lease's ledger counts, over all accounts."""
    text = (lease["metadata"].get("annotations") or {}).get(LEDGER, "{}")
    accounts = json.loads(text).get("accounts", {}).values()
    return {
        name: sum(len(account.get(key, ())) for account in accounts)
        for name, key in (("reads", "r"), ("writes", "w"))
    }


# -- what must be true in the end


def assert_one_switch(home: Installation, node: str, number: int) -> Json:
    """One executed switch, which led to `node`; further requests changed nothing. The status."""
    status = home.until_ready(node)
    assert status["lastMove"]["result"] == "Confirmed"
    assert status.get("intent") is None
    assert len(status["moves"]) == 1
    assert home.simulator.routes()[ADDRESS] == server_ip(number)
    posts = home.simulator.posts()
    assert [post["target"] for post in posts] == [server_ip(number)] * len(posts)
    assert len(home.simulator.executed()) == 1
    assert {post["code"] for post in posts if not post["executed"]} <= HARMLESS
    return status


def holders(records: Sequence[Json]) -> list[str]:
    """Who stands in the records, without the repetitions of renewals; empty: released."""
    found = [record["spec"].get("holderIdentity") or "" for record in records]
    return [one for before, one in zip([None, *found], found, strict=False) if one != before]


def _attempts(exchange: Exchange) -> int | None:
    intent = exchange.body["status"].get("intent")
    return None if intent is None else int(intent["attempts"])


def _answered(exchange: Exchange) -> float:
    return exchange.answered or 0.0
