"""`hetzner-failover-ip`, the OCF agent: one action a call.

Gathers facts, lets `failoverip_ocf.decide` decide, and carries it out. Whatever happens, an action
ends with a code that does the least harm: see `decide.unexpected`.
"""

from __future__ import annotations

import os
import sys

from failoverip_ocf import decide
from failoverip_ocf.cache import Cache
from failoverip_ocf.codes import (
    DEGRADED,
    ERR_GENERIC,
    ERR_INSTALLED,
    ERR_UNIMPLEMENTED,
    SUCCESS,
)
from failoverip_ocf.decide import Outcome, Verdict
from failoverip_ocf.parameters import Parameters
from failoverip_ocf.secret_files import SecretFileError
from failoverip_ocf.section import Section
from failoverip_ocf.state import Runtime, now, process_began

# `typing` would cost every monitor 12 ms of CPU; type checkers know the name.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

_ACTIONS = ("start", "stop", "monitor", "validate-all", "meta-data")
# A monitor must leave Pacemaker time, whatever its own time limit is.
_MONITOR_SECONDS = 40.0
_ATTRIBUTE_AGAIN_SECONDS = 60.0


def main(arguments: list[str], environment: Mapping[str, str]) -> int:
    """The exit code of one call; prints meta-data to stdout, all else to stderr."""
    action = arguments[0] if arguments else ""
    if action == "meta-data":
        from failoverip_ocf.metadata import metadata

        sys.stdout.write(metadata())
        return SUCCESS
    if action not in _ACTIONS:
        _say(f"usage: hetzner-failover-ip {{{'|'.join(_ACTIONS)}}}")
        return ERR_UNIMPLEMENTED
    agent = Agent(Parameters(environment), process_began())
    outcome = agent.run("probe" if action == "monitor" and agent.is_probe else action)
    if outcome.reason:
        sys.stderr.write(f"{agent.reason_prefix}{outcome.reason}\n")
    return outcome.code


class Agent:
    """One call; `began` on the clock of `now`."""

    def __init__(self, parameters: Parameters, began: float) -> None:
        self._parameters = parameters
        self._runtime = Runtime(parameters.runtime_directory)
        self._began = began
        self.is_probe = parameters.is_probe
        self.reason_prefix = parameters.reason_prefix

    def run(self, action: str) -> Outcome:
        """The action's end; nothing is raised."""
        try:
            return {
                "probe": self._probe,
                "monitor": self._monitor,
                "start": self._start,
                "stop": self._stop,
                "validate-all": self._validate,
            }[action]()
        except Exception as error:
            # Its text could quote anything; where it was raised is enough to find it.
            return decide.unexpected(
                action, _where(error), self._up_here(), self._parameters.knows_degraded
            )

    # -- actions

    def _probe(self) -> Outcome:
        return decide.probe(self._runtime.has_marker(self._parameters.ip), self._address())

    def _monitor(self) -> Outcome:
        p = self._parameters
        local = decide.not_running_here(p.ip, self._runtime.has_marker(p.ip), self._address())
        if local is not None:
            return local
        cache, said, reuse, why = self._newest()
        oldest = decide.oldest(cache, reuse, self._began)
        outcome = decide.monitor(p.ip, said, oldest, why, p.knows_degraded)
        known = outcome.reason == "" or outcome.code not in (DEGRADED, SUCCESS)
        self._tell(cache, said, known)
        return outcome

    def _start(self) -> Outcome:
        p = self._parameters
        wrong = decide.wrong_parameters(p.problems) or self._not_on_this_node()
        if wrong is not None:
            return wrong
        from failoverip_ocf.asking import Asking
        from failoverip_ocf.starting import bring_here

        seconds = p.timeout_seconds * decide.OWN_DEADLINE
        try:
            self._runtime.prepare()
            section = Section(p, self._runtime, _say)
            asking = Asking(section, _say)
            cache, why = bring_here(asking, p.ip, self._began, self._began + seconds)
            if why:
                return decide.start_gave_up(p.ip, why, seconds)
            if p.interface:
                from failoverip_ocf.machine import add_address

                add_address(p.interface, p.ip)
            self._runtime.set_marker(p.ip)
        except SecretFileError as error:
            return Outcome(error.code, str(error))
        except OSError as error:
            return Outcome(ERR_GENERIC, f"not started: {error}")
        own = cache.own.get(p.server)
        self._tell(cache, decide.verdict(cache, p.ip, own, now()), known=True)
        return Outcome(SUCCESS)

    def _stop(self) -> Outcome:
        p = self._parameters
        try:
            if p.interface and p.ip:
                from failoverip_ocf.machine import remove_address

                remove_address(p.interface, p.ip)
            if p.ip:
                self._runtime.remove_marker(p.ip)
        except OSError as error:
            return Outcome(ERR_GENERIC, f"not stopped: {error}")
        self._forget()
        return Outcome(SUCCESS)

    def _validate(self) -> Outcome:
        wrong = decide.wrong_parameters(self._parameters.problems) or self._wrong_url()
        if wrong is not None or self._parameters.check_level < 10:
            return wrong or Outcome(SUCCESS)
        if (missing := self._not_on_this_node()) is not None:
            return missing
        try:
            Section(self._parameters, self._runtime, _say)
        except SecretFileError as error:
            return Outcome(error.code, str(error))
        return Outcome(SUCCESS)

    # -- facts

    def _address(self) -> bool | None:
        """Whether the interface has it; None: that is not the agent's, or it cannot be told."""
        p = self._parameters
        if not p.interface or not p.ip:
            return None
        from failoverip_ocf.machine import has_address

        try:
            return has_address(p.interface, p.ip)
        except OSError as error:
            _say(f"the addresses of {p.interface} cannot be listed: {error}")
            return None

    def _up_here(self) -> bool:
        try:
            return self._probe().code == SUCCESS
        except Exception:
            return self._runtime.has_marker(self._parameters.ip)

    def _newest(self) -> tuple[Cache, Verdict, float, str]:
        """The newest answer, its verdict, how old it may be, and why it is not newer."""
        p = self._parameters
        cache, reuse = Cache(), 0.0
        try:
            section = Section(p, self._runtime, _say)
            cache = section.cache()
            reuse = section.reuse_seconds(cache)
            said = decide.verdict(cache, p.ip, cache.own.get(p.server), now())
            if said.kind == decide.MINE and said.age is not None and said.age <= reuse:
                return cache, said, reuse, ""
            if p.problems:
                return cache, said, reuse, "; ".join(p.problems)
            from failoverip_ocf.asking import Asking

            seconds = min(p.timeout_seconds * decide.OWN_DEADLINE, _MONITOR_SECONDS)
            asking = Asking(section, _say)
            cache, said, why = asking.for_monitor(self._began, self._began + seconds)
            return cache, said, section.reuse_seconds(cache), why
        except SecretFileError as error:
            why = str(error)
        except (OSError, ValueError) as error:
            why = f"{error}"
        return cache, decide.verdict(cache, p.ip, cache.own.get(p.server), now()), reuse, why

    def _wrong_url(self) -> Outcome | None:
        from failoverip.robot import check_base_url

        try:
            check_base_url(self._parameters.robot_url)
        except ValueError as error:
            return decide.wrong_parameters([f"robot_url: {error}"])
        return None

    def _not_on_this_node(self) -> Outcome | None:
        """What another node may have, so that it can start there."""
        p = self._parameters
        if (wrong := self._wrong_url()) is not None:
            return wrong
        if p.script and not os.access(p.script, os.X_OK):
            return Outcome(ERR_INSTALLED, f"script: {p.script} is no program on this node")
        if p.ca_file and not os.access(p.ca_file, os.R_OK):
            return Outcome(ERR_INSTALLED, f"ca_file: {p.ca_file} cannot be read on this node")
        if p.interface:
            from failoverip_ocf.machine import has_interface

            if not has_interface(p.interface):
                return Outcome(ERR_INSTALLED, f"interface: there is no {p.interface} on this node")
        return None

    # -- what others may see

    def _tell(self, cache: Cache, said: Verdict, known: bool) -> None:
        """Renew the node attribute and the metrics; neither may fail an action."""
        p = self._parameters
        try:
            self._tell_attribute(said, known)
        except (OSError, ValueError) as error:
            _say(f"the node attribute was not set: {error}")
        if p.textfile_directory:
            from failoverip_ocf.textfile import page, write

            if why := write(p.textfile_directory, p.instance, page(p.ip, cache, said, known)):
                _say(why)

    def _tell_attribute(self, said: Verdict, known: bool) -> None:
        """The age of the last answer while it is unknown, at most once a minute; 0 afterwards."""
        file = f"{self._parameters.ip}.unknown"
        told = self._runtime.exists(file)
        if known and not told:
            return
        from failoverip_ocf.cluster import set_attribute

        p = self._parameters
        left = self._began + p.timeout_seconds * decide.TELL_DEADLINE - now()
        if left <= 0:
            return
        if known:
            if set_attribute(p.instance, p.attribute_node, "0", left):
                self._runtime.forget(file)
            return
        last = self._runtime.read(file) if told else None
        if last is not None and now() < float(last or 0) + _ATTRIBUTE_AGAIN_SECONDS:
            return
        self._runtime.replace(file, f"{now():.0f}")
        age = now() if said.age is None else said.age
        set_attribute(p.instance, p.attribute_node, f"{age:.0f}", left)

    def _forget(self) -> None:
        """After a stop nothing is told any more, as far as that is possible."""
        p = self._parameters
        if p.textfile_directory:
            from failoverip_ocf.textfile import remove

            remove(p.textfile_directory, p.instance)
        file = f"{p.ip}.unknown"
        if p.ip and self._runtime.exists(file):
            from failoverip_ocf.cluster import delete_attribute

            delete_attribute(p.instance, p.attribute_node)
            self._runtime.forget(file)


def _where(error: BaseException) -> str:
    """`KeyError in decide.py line 12`."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    name = type(error).__name__
    if trace is None:
        return name
    return f"{name} in {os.path.basename(trace.tb_frame.f_code.co_filename)} line {trace.tb_lineno}"


def _say(text: str) -> None:
    """One line for Pacemaker's log, which takes what an agent writes to stderr."""
    sys.stderr.write(f"hetzner-failover-ip: {text}\n")
