"""From the words of a case to the observation that they describe.

Each key of a case is a line of `READERS`, and is read in that order.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

import yaml
from tests.corpus.load import Case, CorpusError, Value
from tests.corpus.words import (
    LISTED_AT,
    WordError,
    ago,
    ahead,
    moves,
    node,
    reason,
    request,
    route,
    span,
)
from tests.support.observations import (
    FENCE,
    NOW,
    WALL,
    an_intent,
    an_observation,
    cluster,
    healthy,
    key_of,
    number_of,
    server,
    with_account,
    with_resource,
    with_status,
)

from failoverip.core.addresses import parse_failover_address
from failoverip.core.health import ClusterTrace
from failoverip.core.memory import IntentMemory
from failoverip.core.observation import Claim, Observation, Trouble
from failoverip.core.reasons import Reason
from failoverip.core.resource import (
    AddressStatus,
    Cause,
    InvalidSpec,
    Policy,
    RequestAnswer,
    RouteState,
)
from failoverip.core.storm import Sighting, Storm, StormWatch
from failoverip.kube.codec.resource import resource_from

SPEC = {"addresses", "drift", "failback", "mode", "nodeSelector", "onCordon"}
SPEC |= {"preferredNodes", "safety"}


def build(case: Case) -> Observation:
    """What the case describes. Raises CorpusError with the line of the word that is wrong."""
    for key, said in case.said.items():
        if key not in READERS:
            raise CorpusError(f"{case.path.name}:{said.line}: {key!r} is not a word of a case")
    o = an_observation()
    for key, read in READERS.items():
        if key not in case.said or case.said[key].value == "":
            continue
        try:
            o = read(o, case.said[key].value)
        except ValueError as error:
            line = case.said[key].line
            raise CorpusError(f"{case.path.name}:{line}: {key}: {error}") from error
    return o


def _nodes(o: Observation, value: Value) -> Observation:
    seen = [node(name, how) for name, how in _texts(value).items() if how != "gone"]
    return replace(o, cluster=cluster(seen))


def _route(o: Observation, value: Value) -> Observation:
    addresses = {text: parse_failover_address(text) for text in _texts(value)}
    listed = {text: how for text, how in _texts(value).items() if how not in ("unlisted", "gone")}
    routes = {
        addresses[text].key: route(addresses[text].version, how) for text, how in listed.items()
    }
    wanted = tuple(addresses[text] for text, how in _texts(value).items() if how != "gone")
    o = with_account(o, routes=routes, listed=frozenset(routes))
    return with_resource(o, policy=replace(_policy(o), addresses=wanted))


def _spec(o: Observation, value: Value) -> Observation:
    """In the words of the CRD; the addresses are those of `route`."""
    spec = yaml.safe_load(yaml.safe_dump(value).replace("'", ""))
    unknown = sorted(set(spec) - SPEC)
    if unknown:
        raise WordError(f"{', '.join(unknown)} is no field of spec")
    spec.setdefault("addresses", [address.text for address in _policy(o).addresses])
    metadata = {"name": "front", "uid": "u", "resourceVersion": "1", "generation": 1}
    metadata["creationTimestamp"] = "2026-01-01T00:00:00Z"
    policy = resource_from({"metadata": metadata, "spec": spec}).policy
    if isinstance(policy, InvalidSpec):
        raise WordError(policy.message)
    return with_resource(o, policy=policy)


def _invalid(o: Observation, value: Value) -> Observation:
    return with_resource(o, policy=InvalidSpec(_text(value)))


def _lists(o: Observation, value: Value) -> Observation:
    """`never`, or the age of the last ones, which show nothing that is younger."""
    if value == "never":
        return replace(o, cluster=ClusterTrace())
    listed_at = ago(_text(value))
    traces = {
        uid: replace(
            trace,
            changed_at=None if trace.changed_at is None else min(trace.changed_at, listed_at),
            same_since=trace.same_since + min(0.0, listed_at - LISTED_AT),
        )
        for uid, trace in o.cluster.traces.items()
    }
    return replace(o, cluster=replace(o.cluster, traces=traces, listed_at=listed_at))


def _routes_read(o: Observation, value: Value) -> Observation:
    if value == "never":
        return with_account(o, routes={}, listed=None, routes_read_at=None)
    read_at = ago(_text(value))
    routes = {
        key: replace(track, seen_at=min(track.seen_at, read_at), since=min(track.since, read_at))
        for key, track in o.account.routes.items()
    }
    return with_account(o, routes=routes, routes_read_at=read_at)


def _servers(o: Observation, value: Value) -> Observation:
    """`unread`, or by node what its server lacks."""
    if value == "unread":
        return with_account(o, servers=None)
    servers = {number: server(number) for number in range(1, 9)}
    for name, lacks in _texts(value).items():
        number = number_of(name)
        if lacks == "no IPv6":
            servers[number] = replace(servers[number], ipv6_net=None)
        elif lacks == "unlisted":
            del servers[number]
        else:
            raise WordError(f"the server of {name} has {lacks!r}: not a word that is known")
    return with_account(o, servers=tuple(servers.values()))


def _budget(o: Observation, value: Value) -> Observation:
    budget = o.account.budget
    for key, text in _texts(value).items():
        if key == "writes":
            budget = replace(budget, writes_left=int(text), free_writes_left=int(text))
        elif key == "free":
            budget = replace(budget, free_writes_left=int(text))
        elif key == "writes again":
            budget = replace(budget, write_at=ahead(text))
        elif key == "reads again":
            budget = replace(budget, read_at=ahead(text))
        else:
            raise WordError(f"{key!r} is no budget")
    return with_account(o, budget=budget)


def _recorded(o: Observation, value: Value) -> Observation:
    """What the status says: of the active node, of addresses."""
    entries = []
    for key, name in _texts(value).items():
        if key == "active":
            active = {"active_node": name, "active_node_uid": f"uid-{name}"}
            o = with_status(o, **active, active_server=number_of(name))
            continue
        address = parse_failover_address(key)
        target = server(number_of(name)).target(address.version)
        uid = f"uid-{name}"
        entries.append(AddressStatus(address, RouteState.CONFIRMED, target, name, uid))
    return with_status(o, addresses=tuple(entries))


def _moves(o: Observation, value: Value) -> Observation:
    if not isinstance(value, list):
        raise WordError("moves is a list")
    read = [moves(_text(item)) for item in value]
    known = {key: since for _, since_when in read for key, since in since_when.items()}
    o = with_status(o, moves=tuple(move for some, _ in read for move in some))
    return replace(o, moves_known_since=known)


def _intent(o: Observation, value: Value) -> Observation:
    words = _words(value, {"to", "for", "because", "from", "attempts", "epoch"})
    source = _text(words.get("from", "a"))
    at_node = ("", "") if source == "nobody" else (source, f"uid-{source}")
    cause = Cause(reason(_text(words.get("because", "NodeUnreachable"))), *at_node)
    wanted = words.get("for", [address.text for address in _policy(o).addresses])
    intent = an_intent(
        _text(words.get("to", "b")),
        *(_text(item) for item in wanted),
        cause=cause,
        attempts=int(_text(words.get("attempts", "0"))),
        epoch=int(_text(words.get("epoch", str(FENCE.epoch)))),
    )
    return with_status(o, intent=intent)


def _memory(o: Observation, value: Value) -> Observation:
    """Of this process: its requests by address; when the round ended, which the last one did."""
    intent = o.resource.status.intent
    if intent is None:
        raise WordError("there is no intent to remember anything of")
    words = dict(_texts(value))
    known_id = "6-1" if words.pop("of", "this switch") == "another switch" else intent.id
    followed = ago(words.pop("followed since", "900 s ago"))
    broken = words.pop("broken since", None)
    routes = {key_of(text): request(words[text]) for text in words}
    ended = [sent.last_ended_at for sent in routes.values() if sent.last_ended_at is not None]
    memory = IntentMemory(known_id, followed, max(ended, default=None), routes)
    if broken is not None:
        message = "I3: target b shows no life"
        memory = replace(memory, broken=message, broken_since=ago(broken))
    return replace(o, memory=memory)


def _storm(o: Observation, value: Value) -> Observation:
    storm = Storm(ago(_text(value)), frozenset({"uid-a", "uid-b"}), 3)
    return replace(o, storm=replace(o.storm, listed_at=LISTED_AT, storm=storm))


def _good(o: Observation, value: Value) -> Observation:
    """For how long each node was seen to be good without a break."""
    sightings = {
        f"uid-{name}": Sighting(healthy(name).node, good_since=NOW - span(text))
        for name, text in _texts(value).items()
    }
    return replace(o, storm=StormWatch(LISTED_AT, sightings, o.storm.storm))


def _answered(o: Observation, value: Value) -> Observation:
    answer = RequestAnswer(_text(value), False, Reason.UNKNOWN_NODE, "no such node", WALL - 5)
    return with_status(o, switch_request=answer)


def _carried(o: Observation, value: Value) -> Observation:
    """How many addresses of other resources each node carries."""
    return replace(o, carried={number_of(name): int(n) for name, n in _texts(value).items()})


def _unmapped_recently(o: Observation, value: Value) -> Observation:
    return replace(o, unmapped_recently=tuple(_text(item) for item in value))


def _trouble(value: Value) -> Trouble:
    why = reason(_text(value))
    return Trouble(why, why.text.rstrip("."))


def _deleting(o: Observation, value: Value) -> Observation:
    if value != "yes":
        raise WordError("deleting is yes, or not there")
    return with_resource(o, deleting=True)


def _policy(o: Observation) -> Policy:
    assert isinstance(o.resource.policy, Policy)
    return o.resource.policy


def _text(value: Value) -> str:
    if not isinstance(value, str):
        raise WordError(f"{value} is not one word")
    return value


def _texts(value: Value) -> Mapping[str, str]:
    if not isinstance(value, dict):
        raise WordError(f"{value} is no mapping")
    return {key: _text(item) for key, item in value.items()}


def _words(value: Value, known: set[str]) -> Mapping[str, Value]:
    if not isinstance(value, dict) or set(value) - known:
        raise WordError(f"{value} wants some of {', '.join(sorted(known))}")
    return value


Reader = Callable[[Observation, Value], Observation]
READERS: Mapping[str, Reader] = {
    "nodes": _nodes,
    "route": _route,
    "spec": _spec,
    "lists": _lists,
    "routes_read": _routes_read,
    "servers": _servers,
    "budget": _budget,
    "trouble": lambda o, v: with_account(o, trouble=_trouble(v)),
    "credentials": lambda o, v: replace(o, credentials=_trouble(v)),
    "claim": lambda o, v: replace(o, claim=Claim(_text(v))),
    "window": lambda o, v: replace(o, window_left_seconds=span(_text(v))),
    "conflict": lambda o, v: replace(o, conflict=_text(v)),
    "recorded": _recorded,
    "moves": _moves,
    "intent": _intent,
    "memory": _memory,
    "storm": _storm,
    "good": _good,
    "switch_to": lambda o, v: with_resource(o, switch_to=_text(v)),
    "answered": _answered,
    "carried": _carried,
    "unmapped_recently": _unmapped_recently,
    "deleting": _deleting,
    "invalid": _invalid,
}
