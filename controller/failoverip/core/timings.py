"""Every period the operator keeps, in one place and with its reason.

A demo or a test may shorten all of them alike; nothing else is adjustable.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

# The window belongs to the election; evidence may be as old as a slow machine needs to act on it.
UNSCALED = frozenset(
    {"window_seconds", "fresh_list_seconds", "fresh_route_seconds", "sent_route_seconds"}
)


@dataclass(frozen=True, slots=True)
class Timings:
    """Periods in seconds. The defaults are the product; see design 4, 5 and 7."""

    # The longest that a dead watch may delay a move.
    resync_seconds: float = 10.0
    # While somebody's health is not settled the lists are read this often.
    busy_resync_seconds: float = 2.0
    # A list older than this when a request to Robot is decided is read again first.
    fresh_list_seconds: float = 5.0
    # Two lists further apart than this do not make uninterrupted observation: resync,
    # the list's own limit, and a little for a busy machine.
    observation_gap_seconds: float = 16.0
    # kubelets beat every 10 s: two beats missed, or one seen within two.
    heartbeat_silence_seconds: float = 20.0
    # A restarting kubelet says NotReady for a moment.
    not_ready_seconds: float = 10.0
    # 100 reads an hour for everything on a login: 30 of them for the steady state.
    route_read_seconds: float = 120.0
    # While a switch settles.
    route_read_busy_seconds: float = 30.0
    route_read_busy_for_seconds: float = 300.0
    # A route read older than this opens no gate.
    fresh_route_seconds: float = 10.0
    # At the first byte of a request the route may be older by what lies between: two writes to
    # the API server, and the opening of the connection.
    sent_route_seconds: float = 20.0
    # Without an answer for this long the last known route is no longer told as known:
    # two regular reads missed.
    route_unknown_after_seconds: float = 300.0
    # After a failed read: once soon, then at this pace.
    read_retry_first_seconds: float = 30.0
    read_retry_seconds: float = 60.0
    # Two equal reads this far apart confirm where Robot does not say `ready`, and a stranger's
    # switch (28 to 110 s) shows itself between them or answers LOCKED.
    two_reads_apart_seconds: float = 30.0
    # Robot switches in 28 to 110 s, 200 s at the most: what it calls unfinished for longer keeps no
    # other target waiting. If it does run, Robot answers LOCKED.
    switching_at_most_seconds: float = 300.0
    # Attempts under one intent; the last one repeats.
    attempt_waits_seconds: tuple[float, ...] = (30.0, 60.0, 120.0, 300.0)
    # After a close with unknown outcome the route is read again at these ages.
    after_close_reads_seconds: tuple[float, ...] = (30.0, 120.0, 240.0)
    # Nodes that turn bad within this time of each other turned bad together: kubelets beat every
    # 10 s and the control plane looks every 5 s, so one cause shows itself over half a minute.
    storm_span_seconds: float = 60.0
    # How long a second of a spec's own periods lasts.
    spec_second_seconds: float = 1.0
    # A switch that an invariant has kept back for this long is closed, so that another target may
    # be tried: the check itself may be what is wrong.
    broken_seconds: float = 300.0
    # What was refused or failed is not tried again before.
    barred_seconds: float = 600.0
    # A node that lost its mapping this recently keeps `drift: Enforce` from acting.
    mapping_grace_seconds: float = 600.0
    # The hour in which `drift: Enforce` acts at most twice, and Robot's budgets count.
    hour_seconds: float = 3600.0
    # A second installation shows itself by its Lease within this time.
    second_installation_seconds: float = 30.0
    # The list of servers changes when somebody orders one; a node without one asks sooner.
    servers_read_seconds: float = 3600.0
    servers_reread_seconds: float = 60.0
    # The Secret is read again this often, after a 401, and before a POST.
    secret_read_seconds: float = 60.0
    # What must be left of the lease before anything is begun, of 15 s.
    window_seconds: float = 5.0

    def scaled(self, factor: float) -> Timings:
        """Every period times `factor`, but what bounds the machine's own delays."""
        changed: dict[str, float | tuple[float, ...]] = {}
        for item in fields(self):
            value = getattr(self, item.name)
            if item.name in UNSCALED:
                continue
            changed[item.name] = (
                tuple(part * factor for part in value)
                if isinstance(value, tuple)
                else value * factor
            )
        return replace(self, **changed)  # type: ignore[arg-type]  # each name keeps its own type

    def with_window(self, window_seconds: float) -> Timings:
        """The same with another least rest of the lease: a third of its duration."""
        return replace(self, window_seconds=window_seconds)
