"""The words of a case for one thing each: a node, a route, a move, an age.

`healthy`, `silent` and the others are those of `tests.support.observations`; what follows behind a
comma changes it. A word that is not known is a WordError.
"""

from __future__ import annotations

import re
from dataclasses import replace

from tests.support.observations import (
    NOW,
    Seen,
    a_move,
    at,
    foreign,
    healthy,
    not_ready,
    nowhere,
    number_of,
    settling,
    silent,
    unclear,
)

from failoverip.core.cluster import Ready
from failoverip.core.memory import RouteMemory
from failoverip.core.provider import Refused
from failoverip.core.reasons import Reason
from failoverip.core.resource import Move, MoveResult
from failoverip.core.routes import RouteTrack

NODE = re.compile(r"(healthy|silent|not ready|unclear|settling|joining)(?: (\d+(?:\.\d+)?) s)?")
MOVE = re.compile(
    r"(\w+) to ([a-h]) for (\w+) (\d+) s ago(, never asked)?(, known for (\d+) s)?( x(\d+))?"
)
AGE = re.compile(r"(\d+(?:\.\d+)?) s ago")
AHEAD = re.compile(r"in (\d+(?:\.\d+)?) s")
SPAN = re.compile(r"(\d+(?:\.\d+)?) s")
# The lists of `an_observation` are that old.
LISTED_AT = NOW - 1


class WordError(ValueError):
    """A word that no case may use."""


def ago(text: str) -> float:
    """`5 s ago` as local time."""
    return NOW - _number(AGE, text)


def ahead(text: str) -> float:
    """`in 5 s` as local time."""
    return NOW + _number(AHEAD, text)


def span(text: str) -> float:
    """`5 s` in seconds."""
    return _number(SPAN, text)


def _number(pattern: re.Pattern[str], text: str) -> float:
    found = pattern.fullmatch(text)
    if found is None:
        raise WordError(f"{text!r} is no time such as {pattern.pattern!r}")
    return float(found.group(1))


def reason(text: str) -> Reason:
    """By its name on the wire."""
    for known in Reason:
        if known == text:
            return known
    raise WordError(f"there is no reason {text!r}")


def node(name: str, text: str) -> Seen:
    """`healthy`, `silent 19 s, cordoned`, `healthy, pool=edge, server 1`."""
    if not re.fullmatch("[a-h]", name):
        raise WordError(f"node {name!r} is none of a to h")
    how, *rest = text.split(", ")
    found = NODE.fullmatch(how)
    if found is None:
        raise WordError(f"node {name} is {how!r}: not one of {NODE.pattern}")
    seen = _seen(name, found.group(1), None if found.group(2) is None else float(found.group(2)))
    for word in rest:
        seen = _but(seen, word)
    return seen


def _seen(name: str, how: str, seconds: float | None) -> Seen:
    """With seconds: since the last beat, or until the list for what must have lasted."""
    if how == "joining":
        seen = settling(name).but(ready=Ready.ABSENT)
    else:
        words = {"healthy": healthy, "silent": silent, "not ready": not_ready}
        seen = {**words, "unclear": unclear, "settling": settling}[how](name)
    if seconds is None:
        return seen
    trace = seen.trace
    if how == "healthy":
        return replace(seen, trace=replace(trace, changed_at=NOW - seconds))
    if how == "not ready":
        return replace(seen, trace=replace(trace, not_ready_since=LISTED_AT - seconds))
    if how == "settling":
        return replace(seen, trace=replace(trace, same_since=NOW - seconds))
    return replace(seen, trace=replace(trace, same_since=LISTED_AT - seconds))


def _but(seen: Seen, word: str) -> Seen:
    label = re.fullmatch(r"(\w+)=(\w+)", word)
    server = re.fullmatch(r"server (\d+)", word)
    if label is not None:
        return seen.but(labels=(*seen.node.labels, (label.group(1), label.group(2))))
    if server is not None:
        return seen.but(provider_id=f"hrobot://{server.group(1)}")
    if word == "cordoned":
        return seen.but(unschedulable=True)
    if word == "deleting":
        return seen.but(deleting=True)
    if word == "unmapped":
        return seen.but(provider_id="")
    if word == "reborn":  # another node under the same name
        again = replace(seen.node, uid=f"{seen.node.uid}-again")
        return replace(seen, node=again)
    raise WordError(f"node {seen.node.name} is {word!r}: not a word that is known")


def route(version: int, text: str) -> RouteTrack:
    """`a`, `nowhere`, `foreign`; `, for 20 s`, `, not ready`, `, ready unknown`, `, read 5 s ago`.

    `for` counts to the last read.
    """
    where, *rest = text.split(", ")
    if where == "nowhere":
        track = nowhere()
    elif where == "foreign":
        track = foreign()
    elif re.fullmatch("[a-h]", where):
        track = at(where, version=version)
    else:
        raise WordError(f"a route to {where!r}: neither a node nor nowhere nor foreign")
    for word in sorted(rest, key=lambda word: not word.startswith("read ")):
        if word == "not ready":
            track = replace(track, ready=False)
        elif word == "ready unknown":
            track = replace(track, ready=None)
        elif word.startswith("for "):
            track = replace(track, since=track.seen_at - span(word.removeprefix("for ")))
        elif word.startswith("read "):
            track = replace(track, seen_at=ago(word.removeprefix("read ")))
        else:
            raise WordError(f"a route that is {word!r}: not a word that is known")
    return track


def request(text: str) -> RouteMemory:
    """What is remembered of the requests for one route: `ended 5 s ago, unsettled 5 s ago`."""
    memory = RouteMemory()
    for word in text.split(", "):
        if word == "in flight":
            memory = replace(memory, in_flight=True)
        elif word == "done":
            memory = replace(memory, done=True)
        elif word.startswith("ended "):
            memory = replace(memory, last_ended_at=ago(word.removeprefix("ended ")))
        elif word.startswith("unsettled "):
            memory = replace(memory, unsettled_since=ago(word.removeprefix("unsettled ")))
        elif word.startswith("refused "):
            memory = replace(memory, refused=Refused(word.removeprefix("refused "), "no"))
        else:
            raise WordError(f"a request that is {word!r}: not a word that is known")
    return memory


def moves(text: str) -> tuple[tuple[Move, ...], dict[str, float]]:
    """`Confirmed to b for NodeUnreachable 60 s ago x6`, and since when each is known."""
    found = MOVE.fullmatch(text)
    if found is None:
        raise WordError(f"a move {text!r}: not RESULT to NODE for REASON N s ago")
    result, to, cause, seconds, never_asked, known, known_for, _, times = found.groups()
    move = a_move(
        to,
        MoveResult(result),
        cause=reason(cause),
        ended_seconds_ago=float(seconds),
        attempts=0 if never_asked else 1,
    )
    move = replace(move, id=f"6-{number_of(to)}-{seconds}")
    return (move,) * int(times or 1), {move.id: NOW - float(known_for)} if known else {}
