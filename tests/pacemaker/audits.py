"""What must hold after a scenario. Each audit looks at an `Outcome`, or at Robot's journal."""

from __future__ import annotations

from collections import Counter

from tests.pacemaker.lab import Lab
from tests.pacemaker.stage import Outcome, Stage, Subject

# The agent's own brake, and Robot's limit of failed logins with one to spare.
POSTS_PER_NODE, LOGINS_PER_NODE = 6, 2
# A third of 80, rounded down: all nodes share a user's 100 an hour.
READS_PER_NODE = 26


def untouched(stage: Stage, subject: Subject, owner: str) -> Outcome:
    """The outage moved, restarted and banned nothing, and switched nothing at Robot."""
    found = stage.outcome(subject)
    told = f"{found}\n{stage.lab.tell()}"
    assert found.untouched, told
    assert found.serves, told
    assert found.active_on == (owner,), told
    assert found.banned == (), told
    assert found.failed == 0, told
    assert found.posts == 0, told
    assert stage.lab.node(owner).has_address(subject.address), told
    return found


def moved_once(stage: Stage, subject: Subject, away_from: str) -> Outcome:
    """The address is on another node, with one start of each and one switch."""
    found = stage.outcome(subject)
    told = f"{found}\n{stage.lab.tell()}"
    assert found.serves, told
    assert found.active_on != (away_from,), told
    assert (found.starts, found.dependent_starts) == (1, 1), told
    assert found.banned == (), told
    assert found.switches == 1, told
    holders = [n.name for n in stage.lab.running_nodes if n.has_address(subject.address)]
    assert holders == list(found.active_on), told
    return found


def cascaded(outcome: Outcome) -> bool:
    """Whether an outage restarted an address or what depends on it."""
    return not outcome.untouched


def failed_logins(lab: Lab, user: str) -> Counter[str]:
    """Robot's 401 answers, by the node's address."""
    refused = (e for e in lab.robot.journal() if e["status"] == 401 and e["user"] == user)
    return Counter(entry["source"] for entry in refused)


def posts(lab: Lab, user: str) -> Counter[str]:
    """Requests to switch, by the node's address."""
    sent = (e for e in lab.robot.journal() if e["method"] == "POST" and e["user"] == user)
    return Counter(entry["source"] for entry in sent)
