"""The operator's settings, and the exit codes of the program."""

from __future__ import annotations

from tests.repo.reference.tables import code, table

from failoverip.cli import ExitCode
from failoverip.core.election_settings import JITTER_FACTOR
from failoverip.settings.table import TABLE

HEAD = """\
## Settings

Of `failoverip operator`. A flag goes before its variables, these before the default; an empty
variable counts as unset. A variable `FAILOVERIP_*` that is not listed here is refused, but for
those that Kubernetes sets for Services. Credentials are no settings: they are in the Secret.
"""


def sections() -> list[str]:
    """Both."""
    rows = [
        (
            code(setting.flag),
            ", ".join(code(variable) for variable in setting.variables),
            code(setting.default),
            setting.parse.takes,
            setting.text,
        )
        for setting in TABLE
    ]
    codes = [(str(int(exit_code)), exit_code.text) for exit_code in ExitCode]
    rule = f"and that above {JITTER_FACTOR} times the retry period"
    told = table(("Flag", "Variables", "Default", "Takes", "Says"), rows)
    return [
        f"{HEAD}\n{told}\nThe lease duration must be above the renew deadline, {rule}.\n",
        f"## Exit codes\n\n{table(('Code', 'Means'), codes)}",
    ]
