"""A start: read, switch, read until it is confirmed, within its own deadline."""

from __future__ import annotations

import time

from failoverip_ocf.asking import Asking
from failoverip_ocf.cache import Cache
from failoverip_ocf.decide import (
    CONFIRMED,
    GIVE_UP,
    LEAST_SWITCH_SHARE,
    MINE,
    REPEAT_SWITCH_SECONDS,
    SWITCH,
    StartView,
    Verdict,
    route_of,
    start_step,
)
from failoverip_ocf.state import now

# What a switch must leave of the time: one read that confirms it.
_CONFIRMATION_SECONDS = 5.0


def bring_here(asking: Asking, ip: str, began: float, deadline: float) -> tuple[Cache, str]:
    """Get the address routed here; why it could not be confirmed in time, empty when it was."""
    after, why_no_switch = began, ""
    view: StartView | None = None
    while True:
        cache, said, unreachable = asking.for_start(after, deadline)
        view = _after_look(view, cache, said, ip, deadline)
        view.unreachable = unreachable
        step = start_step(view)
        if step.kind == CONFIRMED:
            return cache, ""
        if step.kind == GIVE_UP:
            why = said.reason + (f"; the switch: {why_no_switch}" if why_no_switch else "")
            return cache, why
        if step.kind == SWITCH:
            end = asking.switch(cache, deadline - _CONFIRMATION_SECONDS)
            view.switched, why_no_switch = end.clear, "" if end.clear else end.said
            # A definitive no is not asked for again.
            view.switch_at = float("inf") if end.refused else now() + REPEAT_SWITCH_SECONDS
            view.mine_since = None
            view.looks = 0
        else:
            time.sleep(step.seconds)
        after = now()


def _after_look(
    before: StartView | None, cache: Cache, said: Verdict, ip: str, deadline: float
) -> StartView:
    """What is known now."""
    if before is None:
        view = StartView(now(), deadline, said)
        view.least_switch = (deadline - view.now) * LEAST_SWITCH_SHARE
    else:
        view = before
        view.now, view.said = now(), said
        view.looks += 1
    route = route_of(cache, ip)
    view.ready = route.ready if route is not None else None
    if said.kind != MINE:
        view.mine_since = None
    elif view.mine_since is None:
        view.mine_since = cache.answered_at
    return view
