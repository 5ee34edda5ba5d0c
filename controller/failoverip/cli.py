"""The command line. A subcommand's module is imported when it is chosen, and not before.

So `failoverip --help` needs no package, and a subcommand whose package is missing says in one
line what to install. Exit codes: 0 done, 1 failed, 2 bad input (one line on stderr, no traceback).
"""

from __future__ import annotations

import argparse
import difflib
import importlib
import re
import sys
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import NoReturn, Self

from failoverip import __version__
from failoverip.log import configure_logging, redact
from failoverip.settings import BadInputError, add_operator_arguments, operator_settings


class ExitCode(IntEnum):
    """How the program ends; the text behind each member is its documentation."""

    def __new__(cls, value: int, text: str) -> Self:
        """Attach the sentence that the reference prints."""
        member = int.__new__(cls, value)
        member._value_ = value
        member.text = text
        return member

    text: str

    DONE = 0, "Done; the operator ends so on SIGTERM and SIGINT."
    FAILED = 1, "Failed: what happened is on stderr."
    BAD_INPUT = 2, "Bad input: one line on stderr names it, its value and the fix."
    INTERRUPTED = 130, "The demo was ended by Ctrl-C, or by SIGTERM (143): 128 + the signal."


_EXIT_CODES = "exit codes: 0 done, 1 failed, 2 bad input"
# The packages of the extras in pyproject.toml, by import name.
_PACKAGES_OF_EXTRAS = frozenset(
    {"aiohttp", "httpx", "jsonpatch", "kopf", "kubernetes", "prometheus_client", "yaml"}
)


@dataclass(frozen=True, slots=True)
class _Command:
    """A subcommand. `extra` brings the packages that `declare` and `run` import."""

    name: str
    summary: str
    description: str
    extra: str
    declare: Callable[[argparse.ArgumentParser], None]
    run: Callable[[argparse.Namespace], int]


def _declare_operator(parser: argparse.ArgumentParser) -> None:
    parser.usage = "%(prog)s [--SETTING VALUE ...]"
    add_operator_arguments(parser)


def _run_operator(arguments: argparse.Namespace) -> int:
    settings = operator_settings(arguments)
    configure_logging(settings.log_level, settings.log_format)
    return _call("failoverip.reconciler.command", "run", settings)


def _declare_simulator(parser: argparse.ArgumentParser) -> None:
    _call("failoverip.simulator.robot.command", "add_arguments", parser)


def _run_simulator(arguments: argparse.Namespace) -> int:
    return _call("failoverip.simulator.robot.command", "run", arguments)


def _declare_demo(parser: argparse.ArgumentParser) -> None:
    _call("failoverip.simulator.demo.command", "add_arguments", parser)


def _run_demo(arguments: argparse.Namespace) -> int:
    return _call("failoverip.simulator.demo.command", "run", arguments)


def _declare_simulate(parser: argparse.ArgumentParser) -> None:
    _call("failoverip.simulator.world.command", "add_arguments", parser)


def _run_simulate(arguments: argparse.Namespace) -> int:
    return _call("failoverip.simulator.world.command", "run", arguments)


def _call(module: str, function: str, argument: object) -> int:
    """What the function answers; the module is imported now."""
    result: int = getattr(importlib.import_module(module), function)(argument)
    return result


_COMMANDS = (
    _Command(
        name="operator",
        summary="keep the Failover IPs of a cluster on healthy nodes",
        description="Watches the FailoverIP resources and the nodes of a cluster, elects one"
        " leader among its replicas, and moves an address whose node is gone. Each setting is a"
        " flag or the variable in brackets; a flag wins. Credentials are no settings: each"
        " FailoverIP names the Secret that holds them.",
        extra="operator",
        declare=_declare_operator,
        run=_run_operator,
    ),
    _Command(
        name="robot-simulator",
        summary="stand in for Hetzner's Robot webservice, faults included",
        description="Serves the failover part of Hetzner's Robot webservice from a world file:"
        " servers, failover addresses, slow switches, limits and faults. Nothing real is moved.",
        extra="demo",
        declare=_declare_simulator,
        run=_run_simulator,
    ),
    _Command(
        name="demo",
        summary="show a node die and its address move, with nothing but this program",
        description="Runs the real operator against an embedded Kubernetes API and the Robot"
        " simulator, with pretend nodes and shortened times: one node dies and its address moves;"
        " then the leader is killed in the middle of a switch and its peer takes over.",
        extra="demo",
        declare=_declare_demo,
        run=_run_demo,
    ),
    _Command(
        name="simulate",
        summary="try to break the operator's promises, in worlds made from seeds",
        description="Runs the shipped reconciler, election, ledger and Robot protocol in virtual"
        " time against simulated nodes, Kubernetes and Robot, while a seed decides what goes"
        " wrong. A judge outside of it holds the invariants. Ends with 1 and a story when one is"
        " broken.",
        extra="demo",
        declare=_declare_simulate,
        run=_run_simulate,
    ),
)


class _Parser(argparse.ArgumentParser):
    """Says what is wrong in one line; argparse would print the whole usage before it."""

    def __init__(self, prog: str, description: str) -> None:
        super().__init__(
            prog=prog,
            description=description,
            epilog=_EXIT_CODES,
            formatter_class=lambda prog: argparse.HelpFormatter(prog, max_help_position=26),
            allow_abbrev=False,
        )

    def error(self, message: str) -> NoReturn:
        """Exit with 2."""
        line = message.replace("\n", "\\n")
        self.exit(ExitCode.BAD_INPUT, f"{self.prog}: {line}; see {self.prog} --help\n")

    def read(self, given: Sequence[str]) -> argparse.Namespace:
        """The arguments; exits with 2 when one is unknown."""
        arguments, unknown = self.parse_known_args(given)
        if unknown:
            self._refuse(unknown)
        return arguments

    def _refuse(self, unknown: Sequence[str]) -> NoReturn:
        """Name the flag without its value, which may be a password."""
        flag = next((item for item in unknown if item.startswith("-")), None)
        if flag is None:
            self.error("there is an argument that belongs to no flag")
        flag = flag.partition("=")[0]
        flags = re.findall(r"--[a-z][-a-z]+", self.format_help())
        nearest = difflib.get_close_matches(flag, flags, n=1, cutoff=0.0)[0]
        self.error(f"there is no flag {flag[:80]!r}; did you mean {nearest}?")


def main(argv: Sequence[str] | None = None) -> int:
    """Run one subcommand and return its exit code. `argv` defaults to the process's arguments."""
    given = list(sys.argv[1:] if argv is None else argv)
    chosen = next((item for item in _COMMANDS if given[:1] == [item.name]), None)
    if chosen is None:
        return _without_command(given)
    program = f"failoverip {chosen.name}"
    try:
        return _run(chosen, program, given[1:])
    except BadInputError as error:
        return _say(program, str(error), ExitCode.BAD_INPUT)
    except ModuleNotFoundError as error:
        package = (error.name or "").partition(".")[0]
        if package not in _PACKAGES_OF_EXTRAS:
            return _say_defect(program)
        install = f"pip install 'failoverip[{chosen.extra}]'"
        return _say(program, f"the package {package} is missing; run {install}", ExitCode.BAD_INPUT)
    except KeyboardInterrupt:
        return ExitCode.INTERRUPTED
    except Exception:  # a defect: told whole, but without secrets
        return _say_defect(program)


def _run(command: _Command, program: str, given: Sequence[str]) -> int:
    parser = _Parser(program, command.description)
    command.declare(parser)
    return command.run(parser.read(given))


def _without_command(given: Sequence[str]) -> int:
    """Help, version, or one line that says which command is meant."""
    parser = _Parser("failoverip", "Keeps a Hetzner Failover IP on a healthy Kubernetes node.")
    parser.usage = "failoverip COMMAND [--FLAG VALUE ...]"
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    listed = "\n".join(f"  {command.name:<17}{command.summary}" for command in _COMMANDS)
    more = "`failoverip COMMAND --help` describes a command's flags."
    parser.epilog = f"commands:\n{listed}\n\n{more}\n\n{_EXIT_CODES}"
    parser.add_argument(
        "--version",
        action="version",
        version=f"failoverip {__version__}",
        help="show the version and exit",
    )
    names = [command.name for command in _COMMANDS]
    if not given:
        parser.error(f"a command is missing, one of {', '.join(names)}")
    if not given[0].startswith("-"):
        nearest = difflib.get_close_matches(given[0], names, n=1, cutoff=0.0)[0]
        parser.error(f"there is no command {given[0][:80]!r}; did you mean {nearest}?")
    parser.read(given[:1])  # --help and --version end here, anything else is unknown
    parser.error(f"a command comes first, one of {', '.join(names)}")


def _say(program: str, text: str, code: int) -> int:
    sys.stderr.write(f"{program}: {redact(text)}\n")
    return code


def _say_defect(program: str) -> int:
    """A traceback is for defects; what a person gave wrong raises BadInputError."""
    return _say(
        program,
        f"internal error, please report it\n{traceback.format_exc().rstrip()}",
        ExitCode.FAILED,
    )
