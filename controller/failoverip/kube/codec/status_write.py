"""Values to `status`. Equal values give equal documents: compare two of these, not two values.

Times lose their fraction, so a Status that was just computed differs from what is stored as a
value although nothing would change on the wire.
"""

from __future__ import annotations

from failoverip.core.resource import (
    AddressStatus,
    CandidateStatus,
    Condition,
    Fence,
    Intent,
    LastMove,
    Move,
    RequestAnswer,
    Status,
)
from failoverip.core.timestamps import whole_seconds
from failoverip.kube.codec.status_read import ACCEPTED, REFUSED
from failoverip.kube.codec.wire import Json, compact, time_text


def status_to(status: Status) -> Json:
    """`status` as it goes over the wire; what is None or empty is absent."""
    counted = status.candidate_count > 0
    return compact(
        observedGeneration=status.observed_generation or None,
        fence=_fence(status.fence) if status.fence else None,
        conditions=[_condition(condition) for condition in status.conditions] or None,
        activeNode=status.active_node,
        activeNodeUID=status.active_node_uid,
        activeServer=status.active_server,
        addresses=[_address(entry) for entry in status.addresses] or None,
        candidates=[_candidate(entry) for entry in status.candidates] or None,
        candidateCount=status.candidate_count if counted else None,
        eligibleCount=status.eligible_count if counted else None,
        intent=_intent(status.intent) if status.intent else None,
        lastMove=_last_move(status.last_move) if status.last_move else None,
        moves=[_move(move) for move in status.moves] or None,
        switchRequest=_switch_request(status.switch_request) if status.switch_request else None,
    )


def _fence(fence: Fence) -> Json:
    return compact(epoch=fence.epoch, holder=fence.holder, lease=fence.lease)


def _condition(condition: Condition) -> Json:
    return {
        "type": condition.type,
        "status": condition.status,
        "observedGeneration": condition.observed_generation,
        "lastTransitionTime": whole_seconds(condition.since),
        "reason": condition.reason.value,
        "message": condition.message,
    }


def _address(entry: AddressStatus) -> Json:
    return compact(
        address=entry.address.text,
        state=entry.state.value,
        activeServerIP=entry.active_server_ip,
        node=entry.node,
        nodeUID=entry.node_uid,
    )


def _candidate(entry: CandidateStatus) -> Json:
    return compact(
        node=entry.node,
        server=entry.server_number,
        eligible=entry.verdict,
        reason=entry.reason.value,
    )


def _intent(intent: Intent) -> Json:
    written = {
        "id": intent.id,
        "epoch": intent.epoch,
        "node": intent.node,
        "nodeUID": intent.node_uid,
        "serverNumber": intent.server_number,
        "routes": [{"address": route.address.text, "to": route.to} for route in intent.routes],
        "cause": compact(
            reason=intent.cause.reason.value,
            node=intent.cause.node,
            nodeUID=intent.cause.node_uid,
        ),
        "attempts": intent.attempts,
        "startedAt": whole_seconds(intent.started_at),
        "detectedAt": whole_seconds(intent.detected_at),
    }
    return written | compact(postedAt=time_text(intent.posted_at))


def _last_move(move: LastMove) -> Json:
    return {"id": move.id, "epoch": move.epoch, "result": move.result.value}


def _move(move: Move) -> Json:
    return compact(
        id=move.id,
        cause=move.cause.value,
        from_=move.source,
        node=move.node,
        serverNumber=move.server_number,
        result=move.result.value,
        reason=move.reason.value,
        attempts=move.attempts,
        detectedAt=whole_seconds(move.detected_at),
        postedAt=time_text(move.posted_at),
        confirmedAt=time_text(move.confirmed_at),
        endedAt=whole_seconds(move.ended_at),
    )


def _switch_request(request: RequestAnswer) -> Json:
    return {
        "value": request.value,
        "answer": ACCEPTED if request.accepted else REFUSED,
        "reason": request.reason.value,
        "message": request.message,
        "answeredAt": whole_seconds(request.answered_at),
    }
