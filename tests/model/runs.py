"""The runs around which the model is explored: each of their states is a place to begin.

From the first state alone a million states do not reach the end of a takeover. A line is the
beginning of what happens next, in the words of the model.
"""

from __future__ import annotations

from tests.model.looks import ALL, Rules
from tests.model.steps import everything
from tests.model.world import State, first

OPENS = (
    "one: looks at fresh lists, wants to open the intent 1-0 to b",
    "API server: one's write to open is stored",
    "one: takes the answer",
)
ATTEMPTS = (
    "one: looks at fresh lists, wants to record attempt 1 at b",
    "API server: one's write to attempt is stored",
    "one: takes the answer",
    "one: renews the Lease and connects",
)
ASKS = ("one: first byte", "Robot: the request for b arrives: it switches")
TAKES_OVER = (
    "two: attempts its election",
    "15 s pass",
    "two: attempts its election",
    "two: looks at fresh lists, wants to claim",
    "API server: two's write to claim is stored",
    "two: takes the answer",
    "two: looks at fresh lists, wants to adopt",
    "API server: two's write to adopt is stored",
    "two: takes the answer",
)
CLOSES = (
    "two: looks at fresh lists, wants to close",
    "API server: two's write to close is stored",
    "two: takes the answer",
)
MOVES_TO_C = (
    "two: looks at fresh lists, wants to open the intent 2-1 to c",
    "API server: two's write to open is stored",
    "two: takes the answer",
    "two: looks at fresh lists, wants to record attempt 1 at c",
    "API server: two's write to attempt is stored",
    "two: takes the answer",
    "two: renews the Lease and connects",
    "two: first byte",
    "Robot: the request for c arrives: it switches",
    "Robot: the switch to c is done",
    "two: takes Robot's answer",
)
ASKS_AGAIN = (
    "two: looks at fresh lists, wants to record attempt 2 at b",
    "API server: two's write to attempt is stored",
    "two: takes the answer",
    "two: renews the Lease and connects",
    "two: first byte",
    "Robot: the request for b arrives: LOCKED",
    "two: takes Robot's answer",
)
STAYS_LEADER = ("5 s pass", "two: attempts its election")

RUNS: dict[str, tuple[str, ...]] = {
    "an undisturbed move": (
        *OPENS,
        *ATTEMPTS,
        *ASKS,
        "Robot: the switch to b is done",
        "one: takes Robot's answer",
        "one: looks at fresh lists, wants to close",
        "API server: one's write to close is stored",
        "one: takes the answer",
    ),
    "a takeover while Robot switches": (
        *OPENS,
        *ATTEMPTS,
        *ASKS,
        *TAKES_OVER,
        *ASKS_AGAIN,
        "Robot: the switch to b is done",
        *STAYS_LEADER * 6,
        *CLOSES,
    ),
    "a takeover before the first byte, and the target fails": (
        *OPENS,
        *ATTEMPTS,
        *TAKES_OVER,
        "node b fails",
        "two: looks at fresh lists, wants to tell",
        "API server: two's write to tell is stored",
        "two: takes the answer",
        *STAYS_LEADER * 6,
        *CLOSES,
        *MOVES_TO_C,
        *CLOSES,
    ),
}


def play(run: tuple[str, ...], rules: Rules = ALL) -> list[tuple[int, State]]:
    """Each state of the run with which successor of the one before it is; ValueError if it is not.

    The first state has none before it.
    """
    state = first()
    played = [(0, state)]
    for line in run:
        every = list(everything(state, rules))
        number = next((n for n, each in enumerate(every) if each.story.startswith(line)), None)
        if number is None:
            told = "\n  ".join(each.story for each in every)
            raise ValueError(f"after {len(played) - 1} steps nothing is {line!r} of:\n  {told}")
        state = every[number].state
        played.append((number, state))
    return played
