"""The steps of the story with the times that were measured, told as they happen."""

from __future__ import annotations

from dataclasses import dataclass

from failoverip.simulator.demo.screen import BOLD, DIM, Screen

_BAR_WIDTH = 24


@dataclass(frozen=True, slots=True)
class Step:
    """Something that came true, `at` seconds after set-up and `took` after the step before."""

    act: str
    name: str
    text: str
    at_seconds: float
    took_seconds: float


class Timeline:
    """Steps in order. Times are given in seconds of the monotonic clock."""

    def __init__(self, screen: Screen) -> None:
        self.steps: list[Step] = []
        self._screen = screen
        self._act = ""
        self._began = self._last = 0.0

    def begin(self, at: float) -> None:
        """Set-up is over: times count from here."""
        self._began = self._last = at

    def act(self, name: str, title: str) -> None:
        """What follows belongs to another act."""
        self._act = name
        self._screen.line()
        self._screen.line(self._screen.paint(title, BOLD))

    def step(self, name: str, text: str, at: float) -> None:
        """This came true at that moment, and not before the step before it."""
        # After a pause of this process two watches are read in either order.
        at = max(at, self._last)
        step = Step(self._act, name, text, at - self._began, at - self._last)
        self._last = at
        self.steps.append(step)
        times = f"{step.at_seconds:7.2f} s {f'+{step.took_seconds:.2f}':>7} s"
        screen = self._screen
        screen.line(f"{screen.paint(times, DIM)}  {screen.paint(f'{name:<10}', BOLD)}  {text}")


def bar(text: str, passed: float, whole: float) -> str:
    """A progress bar of `passed` seconds out of `whole`."""
    share = min(max(passed / whole, 0.0), 1.0)
    full = round(share * _BAR_WIDTH)
    return f"  {text} [{'#' * full}{'.' * (_BAR_WIDTH - full)}] {passed:.1f} of {whole:g} s"
