"""Statuses as the operator may write them, within the CRD's bounds; times are whole seconds."""

from __future__ import annotations

from hypothesis import strategies as st

from failoverip.core.addresses import (
    FailoverAddress,
    TargetAddress,
    canonical,
    parse_failover_address,
)
from failoverip.core.reasons import Reason
from failoverip.core.resource import (
    AddressStatus,
    CandidateStatus,
    Cause,
    Condition,
    Fence,
    Intent,
    IntentRoute,
    LastMove,
    Move,
    MoveResult,
    RequestAnswer,
    RouteState,
    Status,
)

names = st.text("abcdefghijklmnopqrstuvwxyz0123456789-.", min_size=1, max_size=20)
maybe_names = st.just("") | names
texts = st.text(max_size=40)
numbers = st.integers(1, 2**53 - 1)
times = st.integers(0, 4_000_000_000).map(float)
maybe_times = st.none() | times
reasons = st.sampled_from(Reason)
results = st.sampled_from(MoveResult)
addresses: st.SearchStrategy[FailoverAddress] = st.one_of(
    st.ip_addresses(v=4).map(lambda ip: parse_failover_address(str(ip))),
    st.integers(0, 2**28 - 1).map(
        lambda n: parse_failover_address(
            f"{n >> 20 & 255}.{n >> 12 & 255}.{n >> 4 & 255}.{(n & 15) << 4}/28"
        )
    ),
    st.integers(0, 0xFFFF).map(lambda n: parse_failover_address(f"2001:db8:{n:x}:1::/64")),
)
targets = st.ip_addresses().map(lambda ip: TargetAddress(canonical(str(ip))))

intents = st.builds(
    Intent,
    id=names,
    epoch=numbers,
    node=names,
    node_uid=maybe_names,
    server_number=numbers,
    routes=st.lists(st.builds(IntentRoute, addresses, targets), min_size=1, max_size=3).map(tuple),
    cause=st.builds(Cause, reasons, maybe_names, maybe_names),
    attempts=st.integers(0, 100),
    started_at=times,
    detected_at=times,
    posted_at=maybe_times,
)
moves = st.builds(
    Move,
    id=names,
    cause=reasons,
    source=maybe_names,
    node=names,
    server_number=numbers,
    result=results,
    reason=reasons,
    attempts=st.integers(0, 100),
    detected_at=times,
    ended_at=times,
    posted_at=maybe_times,
    confirmed_at=maybe_times,
)
conditions = st.builds(
    Condition,
    type=names,
    status=st.sampled_from(["True", "False", "Unknown"]),
    reason=reasons,
    message=texts,
    since=times,
    observed_generation=st.integers(0, 99),
)
candidates = st.builds(
    CandidateStatus,
    node=names,
    server_number=st.none() | numbers,
    verdict=st.booleans(),
    reason=reasons,
)
statuses = st.builds(
    Status,
    observed_generation=st.integers(0, 99),
    fence=st.none() | st.builds(Fence, numbers, names, maybe_names),
    conditions=st.lists(conditions, max_size=3).map(tuple),
    active_node=maybe_names,
    active_node_uid=maybe_names,
    active_server=st.none() | numbers,
    addresses=st.lists(
        st.builds(
            AddressStatus, addresses, st.sampled_from(RouteState), st.none() | targets, maybe_names
        ),
        max_size=3,
    ).map(tuple),
    candidates=st.lists(candidates, max_size=3).map(tuple),
    candidate_count=st.integers(1, 99),
    eligible_count=st.integers(0, 99),
    intent=st.none() | intents,
    last_move=st.none() | st.builds(LastMove, names, numbers, results),
    moves=st.lists(moves, max_size=3).map(tuple),
    switch_request=st.none()
    | st.builds(RequestAnswer, names, st.booleans(), reasons, texts, times),
)
