"""Every reason there is, once: alike in conditions, Events, log keys, metric labels and docs."""

from __future__ import annotations

from enum import StrEnum
from typing import Self


class Reason(StrEnum):
    """Why the operator does what it does; the text behind each member is its documentation."""

    def __new__(cls, value: str, text: str) -> Self:
        """Attach the sentence that the reference prints."""
        member = str.__new__(cls, value)
        member._value_ = value
        member.text = text
        return member

    text: str

    # -- the address is where it should be
    ON_HEALTHY_NODE = "OnHealthyNode", "Robot routes every address to a healthy, eligible node."
    ACTIVE_NODE_UNCLEAR = (
        "ActiveNodeUnclear",
        "There is no positive evidence that the active node lives, and none that it failed.",
    )

    API_SERVER_BEHIND_FAILOVER_IP = (
        "ApiServerBehindFailoverIP",
        "The API server is reached through this address: when its node dies, nothing can decide.",
    )

    # -- the resource or its surroundings keep the operator from acting
    INVALID_SPEC = "InvalidSpec", "The spec holds something that this operator cannot read."
    OVERLAP = "Overlap", "An older FailoverIP owns one of these addresses."
    FENCE_MISSING = "FenceMissing", "The installed CRD does not refuse a stale leader's writes."
    SECOND_INSTALLATION = "SecondInstallation", "Another installation's leader holds the resource."
    NOT_CLAIMED = "NotClaimed", "This leader has not claimed the resource yet."
    WINDOW_TOO_SHORT = "WindowTooShort", "Too little is left of the lease to begin anything."
    DELETING = "Deleting", "The resource is being deleted; the route stays where it is."
    PAUSED = "Paused", "mode is Paused: the operator watches and changes nothing."
    DRY_RUN = "DryRun", "mode is DryRun: the operator says what it would do."

    # -- Robot cannot tell, or says no
    CREDENTIALS_MISSING = "CredentialsMissing", "The Secret does not exist."
    CREDENTIALS_INCOMPLETE = "CredentialsIncomplete", "The Secret lacks username or password."
    CREDENTIALS_REFUSED = "CredentialsRefused", "Robot refused user name and password."
    RATE_LIMITED = "RateLimited", "Robot answers no more requests for a while."
    BUDGET_EXHAUSTED = "BudgetExhausted", "The requests of this hour are used up."
    PROVIDER_UNREACHABLE = "ProviderUnreachable", "Robot gave no answer that can be used."
    ROUTE_UNKNOWN = "RouteUnknown", "No answer of Robot about this route is recent enough."
    UNKNOWN_ADDRESS = "UnknownAddress", "Robot lists no such failover address for this account."

    # -- why a move is wanted
    NODE_DELETED = "NodeDeleted", "The active node's object is gone."
    NODE_NOT_READY = "NodeNotReady", "The active node's kubelet says that it is not ready."
    NODE_UNREACHABLE = "NodeUnreachable", "The active node is Unknown and its heartbeat is silent."
    NODE_CORDONED = "NodeCordoned", "The active node is cordoned and onCordon is Move."
    NODE_DELETING = "NodeDeleting", "The active node's object is being deleted."
    NODE_NOT_SELECTED = "NodeNotSelected", "nodeSelector no longer selects the active node."
    FAILBACK = "Failback", "A preferred node has been healthy for failback.afterSeconds."
    SWITCH_REQUESTED = "SwitchRequested", "The annotation switch-to asks for a move."
    GROUP_SPLIT = "GroupSplit", "The addresses of the resource are not on one node."
    ROUTED_NOWHERE = "RoutedNowhere", "Robot routes the address nowhere."
    FOREIGN_SERVER = "ForeignServer", "Robot routes the address to a server that is no node."

    # -- why a wanted move waits
    EVIDENCE_STALE = "EvidenceStale", "What is known must be read again before a move."
    ROUTE_READ_ONCE = "RouteReadOnce", "The route must be read twice before it counts."
    NO_TARGET = "NoTarget", "No node is eligible and healthy by positive evidence."
    MAPPING_LOST = "MappingLost", "The node behind the route lost its mapping to a server."
    CONTESTED = "Contested", "The address was taken back twice within an hour; somebody fights."
    SWITCH_UNDER_WAY = "SwitchUnderWay", "Robot is busy with a switch that is not this operator's."

    STORM_HOLD = (
        "StormHold",
        "So many nodes turned bad at once that the observer may be at fault: nothing moves yet.",
    )

    MOVES_EXHAUSTED = "MovesExhausted", "The addresses moved maxMovesPerHour times in this hour."
    HOLD_DOWN = "HoldDown", "The last move is less than holdDownSeconds ago; this one can wait."

    INVARIANT_BROKEN = (
        "InvariantBroken",
        "The last look refused a request that a check had let through: a defect; please report it.",
    )

    # -- an open switch
    SWITCHING = "Switching", "A request to Robot is under way."
    CONFIRMING = "Confirming", "Robot was asked; the route is not confirmed yet."
    CAUSE_UNCLEAR = "CauseUnclear", "The cause of the switch can be neither confirmed nor denied."
    TARGET_UNCLEAR = "TargetUnclear", "There is no positive evidence that the target lives."
    ADOPTED = "Adopted", "A new leader follows the open switch of its predecessor."
    ATTEMPT = "Attempt", "Every gate is open: Robot is asked to switch."

    # -- how a switch ended
    CONFIRMED = "Confirmed", "Robot confirmed every route at the target."
    PARTIAL = "Partial", "Some routes are confirmed at the target, the others are not."
    REFUSED = "Refused", "Robot refused every route to this target."
    FAILED = "Failed", "No route could be confirmed at the target."
    TARGET_FAILED = "TargetFailed", "The target failed, was replaced or changed its server."
    NOT_ACTIVE = "NotActive", "The mode is no longer Active."
    CAUSE_GONE = "CauseGone", "What caused the switch is no longer so."

    # -- answers to a requested switch
    UNKNOWN_NODE = "UnknownNode", "There is no node of that name."
    NODE_INELIGIBLE = "NodeIneligible", "That node cannot carry the addresses."
    NODE_UNHEALTHY = "NodeUnhealthy", "There is no positive evidence that this node is healthy."
    ALREADY_THERE = "AlreadyThere", "The addresses are on that node already."

    # -- why a node is no candidate
    ELIGIBLE = "Eligible", "The node can carry the addresses."
    UNMAPPED = "Unmapped", "No server is known for the node."
    SERVER_UNKNOWN = "ServerUnknown", "Robot lists no server for the node's mapping."
    SERVERS_UNREAD = "ServersUnread", "Robot's list of servers could not be read yet."
    FAMILY_MISSING = "FamilyMissing", "The node's server lacks an IP version of the resource."
    SERVER_SHARED = "ServerShared", "Several nodes are on this server."
    TARGET_BARRED = "TargetBarred", "A switch to this node failed less than 10 minutes ago."
