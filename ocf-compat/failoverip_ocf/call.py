"""What Pacemaker tells every agent of a call, whatever its parameters are."""

from __future__ import annotations

# `typing` would cost every monitor 12 ms of CPU; type checkers know the name.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

DEFAULT_RUNTIME = "/run/resource-agents"
# Pacemaker's own default, for a call by hand.
DEFAULT_TIMEOUT_SECONDS = 20.0


class Call:
    """One call: its time limit, what kind of monitor it is, where this node keeps its state."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = environment
        self.timeout_seconds = number(self.text("CRM_meta_timeout")) / 1000
        if self.timeout_seconds <= 0:
            self.timeout_seconds = DEFAULT_TIMEOUT_SECONDS
        # Absent for a probe; old versions set it to nothing or to 0.
        self.is_probe = number(self.text("CRM_meta_interval")) <= 0
        self.knows_degraded = number(environment.get("OCF_RA_VERSION_MINOR", "")) >= 1
        self.check_level = int(number(environment.get("OCF_CHECK_LEVEL", "")))
        self.reason_prefix = environment.get("OCF_EXIT_REASON_PREFIX", "ocf-exit-reason:")
        root = environment.get("HA_RSCTMP", "") or DEFAULT_RUNTIME
        self.runtime_directory = root + "/failoverip"

    def text(self, name: str) -> str:
        """A parameter of the resource, empty when it is not set."""
        return self._environment.get("OCF_RESKEY_" + name, "").strip()


def number(text: str) -> float:
    """A decimal number without a sign; 0 for anything else."""
    text = text.strip()
    return float(text) if text.isascii() and text.isdecimal() and len(text) <= 12 else 0.0


def shown(text: str) -> str:
    """A parameter's value as a message shows it."""
    return repr(text if len(text) <= 60 else text[:60] + "...")
