"""A FailoverIP as values: metadata, spec and, by `status_read`, its status."""

from __future__ import annotations

from failoverip.core.addresses import FailoverAddress, parse_failover_address
from failoverip.core.resource import (
    SWITCH_TO_ANNOTATION,
    Drift,
    Failback,
    FailbackPolicy,
    InvalidSpec,
    Mode,
    OnCordon,
    Policy,
    Resource,
    Safety,
)
from failoverip.kube.codec.status_read import status_from
from failoverip.kube.codec.wire import Field, Json, UnreadableError, label_pairs

_ADDRESS = "an address (203.0.113.10), subnet (203.0.113.16/29) or IPv6 /64 (2001:db8:1:2::/64)"
# What status.switchRequest.value can hold: a longer request could be answered, but never recorded,
# and each later status write would be refused with it. 253 of a node's name, `@`, and 63 more.
_SWITCH_TO_CHARACTERS = 317
_DEFAULT_SECRET = "robot-credentials"  # noqa: S105  the name of a Secret, not a secret


def resource_from(item: Json) -> Resource:
    """A FailoverIP. UnreadableError only when its metadata is not that of a Kubernetes object.

    A spec that cannot be read becomes an InvalidSpec that names the field, beside the status: an
    open intent is still known. So does a status with a problem (see `status_from`), with what can
    be read of it: nothing is decided on a guess.
    """
    root = Field(item, "")
    metadata = root["metadata"]
    status, problem = status_from(item.get("status"))
    return Resource(
        name=metadata["name"].text(),
        uid=metadata["uid"].text(""),
        resource_version=metadata["resourceVersion"].text(""),
        generation=metadata["generation"].integer(0),
        created_at=metadata["creationTimestamp"].time(),
        deleting=not metadata["deletionTimestamp"].is_absent,
        policy=InvalidSpec(problem) if problem else _policy_or_invalid(root["spec"]),
        status=status,
        switch_to=metadata["annotations"][SWITCH_TO_ANNOTATION].text("")[:_SWITCH_TO_CHARACTERS],
    )


def _policy_or_invalid(spec: Field) -> Policy | InvalidSpec:
    try:
        return _policy(spec)
    except UnreadableError as error:
        return InvalidSpec(str(error))


def _policy(spec: Field) -> Policy:
    return Policy(
        addresses=_addresses(spec["addresses"]),
        secret_name=spec["credentialsSecretRef"]["name"].text(_DEFAULT_SECRET),
        node_selector=label_pairs(spec["nodeSelector"]),
        drift=spec["drift"].member(Drift, Drift.REPORT),
        on_cordon=spec["onCordon"].member(OnCordon, OnCordon.MOVE),
        mode=spec["mode"].member(Mode, Mode.ACTIVE),
        safety=_safety(spec["safety"]),
        preferred_nodes=tuple(name.text() for name in spec["preferredNodes"].items()),
        failback=_failback(spec["failback"]),
    )


def _failback(failback: Field) -> Failback:
    default = Failback()
    return Failback(
        policy=failback["policy"].member(FailbackPolicy, default.policy),
        after_seconds=failback["afterSeconds"].integer(default.after_seconds),
    )


def _safety(safety: Field) -> Safety:
    default = Safety()
    return Safety(
        hold_down_seconds=safety["holdDownSeconds"].integer(default.hold_down_seconds),
        max_moves_per_hour=safety["maxMovesPerHour"].integer(default.max_moves_per_hour),
        storm_percent=safety["stormPercent"].integer(default.storm_percent),
        storm_hold_seconds=safety["stormHoldSeconds"].integer(default.storm_hold_seconds),
    )


def _addresses(addresses: Field) -> tuple[FailoverAddress, ...]:
    if not addresses.items():
        raise addresses.unreadable("a list with at least one address")
    return tuple(entry.parsed(parse_failover_address, _ADDRESS) for entry in addresses.items())
