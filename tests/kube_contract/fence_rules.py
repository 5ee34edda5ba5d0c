"""The text of each rule that the embedded API's predicates were written against.

A copy on purpose: when a rule of the CRD changes, a test fails until its predicate was reviewed.
"""

WRITTEN_AGAINST = {
    "F1": (
        "!has(oldSelf.status) || !has(oldSelf.status.fence) || (has(self.status) && "
        "has(self.status.fence))"
    ),
    "F2": (
        "!has(oldSelf.status) || !has(oldSelf.status.fence) || !has(self.status) || "
        "!has(self.status.fence) || (self.status.fence.epoch == oldSelf.status.fence.epoch && "
        "self.status.fence.holder == oldSelf.status.fence.holder) || self.status.fence.epoch "
        "== oldSelf.status.fence.epoch + 1"
    ),
    "F3": (
        "!(has(self.status) && has(self.status.intent)) || (has(self.status.fence) && "
        "self.status.intent.epoch == self.status.fence.epoch) || (has(oldSelf.status) && "
        "has(oldSelf.status.intent) && self.status.intent == oldSelf.status.intent)"
    ),
    "F4": (
        "!(has(oldSelf.status) && has(oldSelf.status.intent)) || (has(self.status) && "
        "has(self.status.intent) && self.status.intent.id == oldSelf.status.intent.id) || "
        "(has(self.status) && has(self.status.fence) && has(self.status.lastMove) && "
        "self.status.lastMove.id == oldSelf.status.intent.id && self.status.lastMove.epoch == "
        "self.status.fence.epoch)"
    ),
    "F4b": (
        "!(has(oldSelf.status) && has(oldSelf.status.intent)) || !(has(self.status) && "
        "has(self.status.intent)) || self.status.intent.id == oldSelf.status.intent.id"
    ),
    "F5": (
        "!(has(self.status) && has(self.status.intent) && has(self.status.lastMove)) || "
        "self.status.intent.id != self.status.lastMove.id"
    ),
    "F6": (
        "!(has(oldSelf.status) && has(oldSelf.status.intent)) || !(has(self.status) && "
        "has(self.status.intent)) || self.status.intent.id != oldSelf.status.intent.id || "
        "(self.status.intent.node == oldSelf.status.intent.node && self.status.intent.nodeUID "
        "== oldSelf.status.intent.nodeUID && self.status.intent.serverNumber == "
        "oldSelf.status.intent.serverNumber && self.status.intent.routes == "
        "oldSelf.status.intent.routes && self.status.intent.cause == "
        "oldSelf.status.intent.cause && self.status.intent.startedAt == "
        "oldSelf.status.intent.startedAt && self.status.intent.attempts >= "
        "oldSelf.status.intent.attempts)"
    ),
    "F7": (
        "has(self.status) && has(self.status.lastMove) ? ((has(oldSelf.status) && "
        "has(oldSelf.status.lastMove) && self.status.lastMove == oldSelf.status.lastMove) || "
        "(has(oldSelf.status) && has(oldSelf.status.intent) && self.status.lastMove.id == "
        "oldSelf.status.intent.id)) : !(has(oldSelf.status) && has(oldSelf.status.lastMove))"
    ),
    "F8": (
        "!(has(oldSelf.status) && has(oldSelf.status.intent)) || self.spec.addresses == "
        "oldSelf.spec.addresses"
    ),
}
