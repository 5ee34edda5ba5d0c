"""The helper of the 2011 scripts: `-g -i IP` asks, `-s -i IP` routes here.

By hand, and as `script=` of an agent. `-g` exits 0 mine, 2 not mine, 1 cannot tell, and prints
which. Shares the node's cache and ledger with the agent, so that it costs no requests of its own.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping

from failoverip_ocf import decide
from failoverip_ocf.asking import Asking
from failoverip_ocf.codes import (
    HELPER_CANNOT_TELL,
    HELPER_MINE,
    HELPER_NOT_MINE,
    NOT_RUNNING,
    SUCCESS,
)
from failoverip_ocf.parameters import Parameters
from failoverip_ocf.secret_files import SecretFileError
from failoverip_ocf.section import Section
from failoverip_ocf.starting import bring_here
from failoverip_ocf.state import Runtime, now

ASK_SECONDS = 40.0
# Robot blocks for 28 to 110 s (hetzner-api 4).
SET_SECONDS = 240.0
_KEYS = ("credentials", "server", "robot_url", "ca_file")


class _Parser(argparse.ArgumentParser):
    """2 would read as "not mine"."""

    def error(self, message: str) -> None:  # type: ignore[override]  # it exits
        sys.stderr.write(f"hetzner-failover-ip: {message}\n")
        raise SystemExit(HELPER_CANNOT_TELL)


def parser() -> argparse.ArgumentParser:
    """The command line."""
    made = _Parser(
        prog="hetzner-failover-ip",
        description="Ask where a Hetzner Failover IP is routed, or route it to this server.",
        epilog="Exit codes: 0 routed here, 2 not routed here, 1 cannot tell (with -s: not done). "
        "Each option may also come as OCF_RESKEY_<name> in the environment.",
    )
    action = made.add_mutually_exclusive_group(required=True)
    action.add_argument("-g", dest="get", action="store_true", help="ask whether it is routed here")
    action.add_argument("-s", dest="set", action="store_true", help="route it here")
    made.add_argument("-i", dest="ip", metavar="IP", required=True, help="the failover address")
    made.add_argument(
        "--credentials", metavar="FILE", help="username= and password= lines; mode 600"
    )
    made.add_argument("--server", metavar="N|IP", help="this server's number or main address")
    made.add_argument("--robot-url", metavar="URL", help="where Robot is")
    made.add_argument("--ca-file", metavar="FILE", help="authorities to trust, PEM")
    return made


def main(arguments: list[str], environment: Mapping[str, str]) -> int:
    """The exit code of one call; one line on stdout says the same."""
    try:
        given = parser().parse_args(arguments)
        answer = _answer(given, _settings(given, environment))
    except SecretFileError as error:
        answer = HELPER_CANNOT_TELL, str(error)
    except Exception as error:
        # A traceback could quote a secret.
        why = str(error) if isinstance(error, OSError | ValueError) else type(error).__name__
        answer = HELPER_CANNOT_TELL, why
    code, why = answer
    word = {HELPER_MINE: "mine", HELPER_NOT_MINE: "not mine"}.get(code, "cannot tell")
    print(f"{word}: {why}")
    return code


def _settings(given: argparse.Namespace, environment: Mapping[str, str]) -> dict[str, str]:
    """Options before the environment that an agent hands down; the address is the option's."""
    settings = {
        key: value
        for key, value in environment.items()
        if key not in ("OCF_RESKEY_script", "OCF_RESKEY_interface")
    }
    settings["OCF_RESKEY_ip"] = given.ip
    for key in _KEYS:
        if (value := getattr(given, key)) is not None:
            settings["OCF_RESKEY_" + key] = value
    return settings


def _answer(given: argparse.Namespace, settings: dict[str, str]) -> tuple[int, str]:
    parameters = Parameters(settings)
    if parameters.problems:
        return HELPER_CANNOT_TELL, "; ".join(parameters.problems)
    section = Section(parameters, Runtime(parameters.runtime_directory), _say)
    asking = Asking(section, _say)
    began = now()
    if given.set:
        _, why = bring_here(asking, parameters.ip, began, began + SET_SECONDS)
        return (HELPER_CANNOT_TELL, why) if why else (HELPER_MINE, "routed here")
    cache, said, why = asking.for_monitor(began, began + ASK_SECONDS)
    oldest = decide.oldest(cache, section.reuse_seconds(cache), began)
    outcome = decide.monitor(parameters.ip, said, oldest, why, knows_degraded=True)
    if outcome.code == SUCCESS:
        return HELPER_MINE, f"{said.reason} (answer {said.age or 0:.0f} s old)"
    code = HELPER_NOT_MINE if outcome.code == NOT_RUNNING else HELPER_CANNOT_TELL
    return code, outcome.reason


def _say(text: str) -> None:
    sys.stderr.write(f"hetzner-failover-ip: {text}\n")
