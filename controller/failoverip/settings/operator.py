"""`OperatorSettings`, and how they are read."""

from __future__ import annotations

import argparse
import difflib
import os
import re
import secrets
import socket
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from failoverip.core.election_settings import JITTER_FACTOR
from failoverip.settings.errors import SettingsError
from failoverip.settings.parsers import CredentialsGivenError, ListenAddress
from failoverip.settings.table import PREFIX, TABLE, Setting

# The project's own test rig reads these; an operator that it starts inherits them.
_RIG_VARIABLES = ("FAILOVERIP_CACHE", "FAILOVERIP_E2E_", "FAILOVERIP_TEST_")
# Kubernetes tells each pod about the Services of its namespace: one named failoverip-metrics sets
# FAILOVERIP_METRICS_PORT=tcp://... and others, none of which is a setting.
_SERVICE_LINK = re.compile(
    r"_(SERVICE_HOST|SERVICE_PORT(_[A-Z0-9_]+)?|PORT_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)$"
)
_SERVICE_LINK_VALUE = re.compile(r"(tcp|udp|sctp)://")
_SERVICE_ACCOUNT_NAMESPACE = Path("/var/run/secrets/kubernetes.io/serviceaccount/namespace")


@dataclass(frozen=True, slots=True)
class OperatorSettings:
    """Everything `failoverip operator` can be told. `kubeconfig` None means in-cluster.

    `robot_ca_file` None means the system's authorities. `identity` is unique per process.
    """

    kubeconfig: Path | None
    namespace: str
    lease_name: str
    lease_duration_seconds: int
    renew_deadline_seconds: float
    retry_period_seconds: float
    robot_url: str
    robot_ca_file: Path | None
    listen: ListenAddress
    log_level: str
    log_format: str
    time_scale: float
    identity: str


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What the defaults depend on, as values. `why_unreadable` answers "" for a readable file."""

    hostname: str
    service_account_namespace: str
    stderr_is_terminal: bool
    suffix: str
    why_unreadable: Callable[[Path], str]


def add_operator_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare a flag for each setting; values stay texts until `operator_settings` reads them."""
    for setting in TABLE:
        parser.add_argument(
            setting.flag, dest=setting.name, metavar=setting.metavar, help=setting.help
        )


def operator_settings(arguments: argparse.Namespace) -> OperatorSettings:
    """The settings of this process; SettingsError when one cannot be used."""
    return settings_from(vars(arguments), os.environ, _read_surroundings())


def settings_from(
    flags: Mapping[str, str | None], environ: Mapping[str, str], surroundings: Surroundings
) -> OperatorSettings:
    """Flags by setting name, then variables, then defaults. An empty variable counts as unset.

    SettingsError for the first unknown variable, the first value that cannot be used, or
    election periods that do not go together.
    """
    _refuse_unknown_variables(environ)
    computed = {
        "namespace": surroundings.service_account_namespace,
        "log_format": "text" if surroundings.stderr_is_terminal else "json",
        "identity": surroundings.hostname,
    }
    values: dict[str, Any] = {}
    for setting in TABLE:
        source, text = _given(setting, flags, environ)
        default = computed.get(setting.name) or setting.default
        if not source and not default:
            values[setting.name] = None
            continue
        # A default that the surroundings gave (a host's name, say) is mended by the flag.
        values[setting.name] = (
            _parsed(setting, source, text, surroundings)
            if source
            else _parsed(setting, setting.flag, default, surroundings)
        )
    values["identity"] = f"{values['identity'] or 'operator'}_{surroundings.suffix}"
    settings = OperatorSettings(**values)
    _check_election(settings)
    return settings


def _read_surroundings() -> Surroundings:
    """Ask the machine once; draws the random suffix that makes the identity unique."""
    try:
        namespace = _SERVICE_ACCOUNT_NAMESPACE.read_text().strip()
    except OSError:
        namespace = ""
    return Surroundings(
        hostname=socket.gethostname(),
        service_account_namespace=namespace,
        stderr_is_terminal=sys.stderr.isatty(),
        suffix=secrets.token_hex(4),
        why_unreadable=_why_unreadable,
    )


def _why_unreadable(path: Path) -> str:
    """Without opening it: a kubeconfig may be a pipe that can be read once."""
    try:
        path.stat()
    except (OSError, ValueError) as error:
        return str(getattr(error, "strerror", None) or error).lower()
    if path.is_dir():
        return "is a directory"
    return "" if os.access(path, os.R_OK) else "permission denied"


def _refuse_unknown_variables(environ: Mapping[str, str]) -> None:
    known = sorted(setting.variables[0] for setting in TABLE)
    for variable in sorted(environ):
        if not variable.startswith(PREFIX) or variable in known:
            continue
        if variable.startswith(_RIG_VARIABLES) or _is_service_link(variable, environ[variable]):
            continue
        nearest = difflib.get_close_matches(variable, known, n=1, cutoff=0.0)[0]
        # Its value is not shown: whoever puts a password here shall not find it in a log.
        raise SettingsError(
            f"{variable}: there is no such setting; did you mean {nearest}?"
            " (credentials belong in the Secret of the FailoverIP)"
        )


def _is_service_link(variable: str, value: str) -> bool:
    if _SERVICE_LINK.search(variable):
        return True
    return variable.endswith("_PORT") and _SERVICE_LINK_VALUE.match(value) is not None


def _given(
    setting: Setting, flags: Mapping[str, str | None], environ: Mapping[str, str]
) -> tuple[str, str]:
    """The flag or variable and the value; two empty texts when neither was given."""
    flag = flags.get(setting.name)
    if flag is not None:
        return setting.flag, flag
    for variable in setting.variables:
        if environ.get(variable):
            return variable, environ[variable]
    return "", ""


def _parsed(setting: Setting, source: str, text: str, surroundings: Surroundings) -> object:
    if not text:
        raise SettingsError(f"{source}: the value is empty; {setting.fix}")
    try:
        value = setting.parse(text)
    except CredentialsGivenError as error:
        raise SettingsError(f"{source}: the value {error}; {setting.fix}") from None
    except ValueError as error:
        raise SettingsError(f"{source}: {_shown(text)} {error}; {setting.fix}") from None
    if isinstance(value, Path) and (why := surroundings.why_unreadable(value)):
        raise SettingsError(f"{source}: {_shown(text)} cannot be read ({why}); {setting.fix}")
    return value


def _shown(text: str) -> str:
    return repr(text if len(text) <= 80 else text[:77] + "...")


def _check_election(settings: OperatorSettings) -> None:
    """client-go's rule: duration > deadline > 1.2 times the retry period."""
    duration, deadline = settings.lease_duration_seconds, settings.renew_deadline_seconds
    retry = settings.retry_period_seconds
    if duration <= deadline:
        raise SettingsError(
            f"--lease-duration-seconds: {duration} is not above --renew-deadline-seconds"
            f" ({deadline:g}); give a longer duration or a shorter deadline"
        )
    if deadline <= JITTER_FACTOR * retry:
        raise SettingsError(
            f"--renew-deadline-seconds: {deadline:g} is not above {JITTER_FACTOR} times"
            f" --retry-period-seconds ({retry:g}); give a longer deadline or a shorter period"
        )
