"""For each alert: stories in which it fires, and near misses in which it must not.

`at` counts from the beginning of the story, which has two quiet minutes first.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from tests.monitoring.series import ADDRESS, LABELS, Story, quiet_and_then

WEB = {**LABELS, "failoverip": "web"}
AT_ADDRESS = {**WEB, "address": ADDRESS}


@dataclass(frozen=True)
class Told:
    """One story, and when which alert does (labels) or does not (None) fire in it."""

    title: str
    story: Story
    alert: str
    at: float
    labels: dict[str, str] | None = field(default=None)


def fires(title: str, story: Story, alert: str, at: float, labels: dict[str, str]) -> Told:
    return Told(title, story, alert, at, labels)


def silent(title: str, story: Story, alert: str, at: float) -> Told:
    return Told(title, story, alert, at)


ABSENT = quiet_and_then((420, {"scraped": ()}))
LEADERLESS = quiet_and_then((240, {"leader": None}))
BLIND = quiet_and_then((30, {"list_age": 30}), (30, {"list_age": 60}), (240, {"list_age": 90}))
FAILING = quiet_and_then((1500, {"errors_per_step": 7}))
REFUSED = quiet_and_then((480, {"provider": "CredentialsRefused"}))
ROBOT_DOWN = quiet_and_then(
    (300, {"reads": False, "provider": "ProviderUnreachable"}),
    (480, {"state": "Unknown", "healthy": None, "ready": 0}),
)
NEW_LEADER_ROBOT_DOWN = quiet_and_then(
    (30, {"leader": None}),
    (450, {"leader": "two", "state": "Unknown", "age_told": False, "healthy": None}),
)
SPENT = quiet_and_then((480, {"writes_left": 2}))
READS_SPENT = quiet_and_then((480, {"reads_left": 19}))
LEFT_BEHIND = quiet_and_then((480, {"healthy": 0, "ready": 0}))
SLOW_SWITCH = quiet_and_then((480, {"intent": 1, "ready": 0, "state": "Switching"}))
FOREIGN = quiet_and_then((780, {"state": "Foreign", "node": "", "healthy": None, "ready": 0}))
STALLED = quiet_and_then((480, {"stalled": "UnknownAddress", "ready": 0}))
STORM = quiet_and_then((120, {"storm": 1}), (600, {"storm": 0}))
UNFENCED = quiet_and_then((240, {"fence": 0, "stalled": "FenceMissing"}))
NOT_READY = quiet_and_then((1200, {"ready": 0}))
SPLIT = quiet_and_then((1200, {"other_node": "node-b", "ready": 0}))
SECOND = quiet_and_then((780, {"second": 1}))
LONELY = quiet_and_then((1200, {"scraped": ("one",)}))
FEW = quiet_and_then((1200, {"eligible": 1}))

# Nobody's sleep is worth these. The times are the longest that an ordinary course takes.
ORDINARY_MOVE = quiet_and_then(
    (30, {"healthy": 0}),
    (30, {"eligible": 2, "ready": 0}),
    (110, {"intent": 1, "state": "Switching"}),
    (30, {}),
    (600, {"intent": 0, "ready": 1, "state": "Confirmed", "node": "node-b", "healthy": 1}),
)
ROBOT_BLIP = quiet_and_then(
    (240, {"reads": False, "provider": "ProviderUnreachable"}),
    (60, {"state": "Unknown", "healthy": None, "ready": 0}),
    (600, {"reads": True, "provider": None, "state": "Confirmed", "healthy": 1, "ready": 1}),
)
HAND_OVER = quiet_and_then(
    (15, {"scraped": ("two",), "leader": None}),
    (15, {"scraped": ("one", "two")}),
    (30, {"leader": "two", "healthy": 0}),
    (600, {"healthy": 1}),
)
SCRAPE_LOST = quiet_and_then((15, {"scraped": ()}), (600, {"scraped": ("one", "two")}))
REBOOT_OF_A_NODE = quiet_and_then((600, {"eligible": 1}), (300, {"eligible": 2}))
ROLLOUT = quiet_and_then((120, {"scraped": ("one",)}), (300, {"scraped": ("one", "two")}))
CONFLICTS = quiet_and_then((30, {"errors_per_step": 3}), (1500, {"errors_per_step": 0}))
TAKEN_BACK = quiet_and_then(
    (120, {"state": "Foreign", "node": "", "ready": 0}),
    (150, {"state": "Switching", "node": "node-a", "intent": 1}),
    (900, {"state": "Confirmed", "ready": 1, "intent": 0}),
)
ORDINARY = {
    "an ordinary move": ORDINARY_MOVE,
    "a Robot that was away for four minutes": ROBOT_BLIP,
    "a killed leader": HAND_OVER,
    "one scrape lost": SCRAPE_LOST,
    "the reboot of a node": REBOOT_OF_A_NODE,
    "a rollout": ROLLOUT,
    "conflicts with another writer": CONFLICTS,
    "a foreign route that is taken back": TAKEN_BACK,
}


def through_a_lost_scrape(story: Story) -> Story:
    """The same, with one scrape of all replicas lost in the middle of the last segment."""
    *before, (seconds, changes) = story
    half = seconds // 30 * 15
    return (
        *before,
        (half, changes),
        (15, {"scraped": ()}),
        (seconds - half - 15, {"scraped": ("one", "two")}),
    )


def through_a_hand_over(story: Story) -> Story:
    """The same, with the other replica in the lead for the second half of the last segment."""
    *before, (seconds, changes) = story
    half = seconds // 30 * 15
    return (
        *before,
        (half, changes),
        (15, {"leader": None}),
        (seconds - half - 15, {"leader": "two"}),
    )


TOLD = (
    fires("no replica for 5 minutes", ABSENT, "FailoverIPOperatorAbsent", 465, {}),
    silent("no replica for 4 minutes", ABSENT, "FailoverIPOperatorAbsent", 360),
    fires("nobody leads for 2 minutes", LEADERLESS, "FailoverIPNoLeader", 270, LABELS),
    silent("nobody leads for 100 s", LEADERLESS, "FailoverIPNoLeader", 220),
    fires("lists fail for 3 minutes", BLIND, "FailoverIPListStale", 330, LABELS),
    silent("lists fail for 2 minutes", BLIND, "FailoverIPListStale", 270),
    fires("errors without an end", FAILING, "FailoverIPReconcileErrors", 1305, LABELS),
    silent("errors for 14 minutes", FAILING, "FailoverIPReconcileErrors", 960),
    fires("401 for 5 minutes", REFUSED, "FailoverIPCredentialsRefused", 450, WEB),
    silent("401 for 4 minutes", REFUSED, "FailoverIPCredentialsRefused", 360),
    silent("Robot down is no 401", ROBOT_DOWN, "FailoverIPCredentialsRefused", 870),
    fires("no answer for 10 minutes", ROBOT_DOWN, "FailoverIPRouteUnconfirmed", 780, AT_ADDRESS),
    silent("no answer for 9 minutes", ROBOT_DOWN, "FailoverIPRouteUnconfirmed", 555),
    fires(
        "a new leader that never had an answer",
        NEW_LEADER_ROBOT_DOWN,
        "FailoverIPRouteUnconfirmed",
        480,
        AT_ADDRESS,
    ),
    fires(
        "only the reserve of writes is left",
        SPENT,
        "FailoverIPBudgetLow",
        450,
        {**LABELS, "account": "5f2a0c1d", "kind": "write"},
    ),
    fires(
        "the reserve of reads is touched",
        READS_SPENT,
        "FailoverIPBudgetLow",
        450,
        {**LABELS, "account": "5f2a0c1d", "kind": "read"},
    ),
    silent("the reserve for 4 minutes", SPENT, "FailoverIPBudgetLow", 360),
    silent(
        "one write more than the reserve",
        quiet_and_then((900, {"writes_left": 3, "reads_left": 21})),
        "FailoverIPBudgetLow",
        900,
    ),
    fires(
        "no sign of life for 5 minutes",
        LEFT_BEHIND,
        "FailoverIPAddressOnUnhealthyNode",
        450,
        AT_ADDRESS,
    ),
    silent("no sign of life for 4 minutes", LEFT_BEHIND, "FailoverIPAddressOnUnhealthyNode", 390),
    fires("a switch of 5 minutes", SLOW_SWITCH, "FailoverIPSwitchSlow", 450, WEB),
    silent("a switch of 4 minutes", SLOW_SWITCH, "FailoverIPSwitchSlow", 390),
    fires("elsewhere for 10 minutes", FOREIGN, "FailoverIPForeignRoute", 750, AT_ADDRESS),
    silent("elsewhere for 9 minutes", FOREIGN, "FailoverIPForeignRoute", 690),
    fires(
        "stalled for 5 minutes",
        STALLED,
        "FailoverIPStalled",
        450,
        {**WEB, "reason": "UnknownAddress"},
    ),
    silent("stalled for 4 minutes", STALLED, "FailoverIPStalled", 390),
    silent(
        "refused credentials have an alert of their own",
        quiet_and_then((900, {"stalled": "CredentialsRefused"})),
        "FailoverIPStalled",
        900,
    ),
    silent(
        "a missing fence has an alert of its own",
        quiet_and_then((900, {"stalled": "FenceMissing"})),
        "FailoverIPStalled",
        900,
    ),
    fires("a storm", STORM, "FailoverIPStormHold", 135, WEB),
    fires("a storm four minutes ago", STORM, "FailoverIPStormHold", 450, WEB),
    silent("a storm six minutes ago", STORM, "FailoverIPStormHold", 600),
    fires("no fence for 2 minutes", UNFENCED, "FailoverIPFenceNotProven", 270, WEB),
    silent("no fence for 90 s", UNFENCED, "FailoverIPFenceNotProven", 210),
    fires("not Ready for 15 minutes", NOT_READY, "FailoverIPNotReady", 1050, WEB),
    silent("not Ready for 14 minutes", NOT_READY, "FailoverIPNotReady", 960),
    fires("apart for 15 minutes", SPLIT, "FailoverIPGroupSplit", 1050, WEB),
    silent("apart for 14 minutes", SPLIT, "FailoverIPGroupSplit", 960),
    silent(
        "together",
        quiet_and_then((1200, {"other_node": "node-a"})),
        "FailoverIPGroupSplit",
        1200,
    ),
    fires("a second installation", SECOND, "FailoverIPSecondInstallation", 750, WEB),
    silent("one that went away", SECOND, "FailoverIPSecondInstallation", 690),
    fires("one replica for 15 minutes", LONELY, "FailoverIPReplicaMissing", 1050, LABELS),
    silent("one replica for 14 minutes", LONELY, "FailoverIPReplicaMissing", 960),
    fires("one candidate for 15 minutes", FEW, "FailoverIPFewCandidates", 1050, WEB),
    silent("one candidate for 14 minutes", FEW, "FailoverIPFewCandidates", 960),
    silent(
        "two candidates", quiet_and_then((1200, {"eligible": 2})), "FailoverIPFewCandidates", 1200
    ),
)
