"""The agent update-dns: a name leads the peers to the active node by that node's own address.

It asks nobody about the Failover IP: an outage of Hetzner's API does not run it and does not
change its answers. start: the name leads here; stop: it leads to the other node, and where a zone
is common to all nodes, only if it still leads here. A monitor looks at what this node has: the
marker of a start on this boot, and the line of the file.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Mapping
from typing import TextIO

from failoverip_ocf import codes
from failoverip_ocf.commands import run
from failoverip_ocf.decide import OWN_DEADLINE, Outcome
from failoverip_ocf.dns.places import Done, Failed, FilePlace, Place
from failoverip_ocf.name_parameters import NameParameters
from failoverip_ocf.secret_files import SecretFileError, read_secret
from failoverip_ocf.state import Runtime

# One try to reach the DNS server, and the waits between two; the last one repeats.
TRY_SECONDS = 10.0
WAITS = (1.0, 2.0, 4.0, 8.0)
# A stop and a probe must not wait for what is only good manners.
MANNERS_SECONDS = 10.0
KEY_HINT = "make one with tsig-keygen"


class NameAgent:
    """One call of the agent."""

    def __init__(self, parameters: NameParameters) -> None:
        self._began = time.monotonic()
        self._parameters = parameters
        self._runtime = Runtime(parameters.call.runtime_directory)
        self._deadline = self._began + OWN_DEADLINE * parameters.call.timeout_seconds

    def start(self) -> Outcome:
        """Let the name lead here. What may pass is waited for."""
        wrong = self._wrong()
        if wrong is not None:
            return wrong
        try:
            place = self._place()
        except SecretFileError as error:
            return Outcome(error.code, str(error))
        failed = self._put(place)
        failed = failed or self._reloaded(self._deadline)
        if failed:
            return Outcome(codes.ERR_GENERIC, failed)
        try:
            self._runtime.set_marker(self._parameters.marker)
        except OSError as error:
            return Outcome(codes.ERR_GENERIC, f"{self._runtime.directory}: {error}")
        return Outcome(codes.SUCCESS)

    def stop(self) -> Outcome:
        """Let the name lead to the other node if that can be done; in any case, done."""
        left = []
        try:
            self._runtime.remove_marker(self._parameters.marker)
        except OSError as error:
            left.append(f"{self._runtime.directory}: {error}")
        if self._wrong() is None and (why := self._give_back()):
            left.append(why)
        return Outcome(codes.SUCCESS, "; ".join(left))

    def monitor(self) -> Outcome:
        """By local evidence: the marker, and the line of the file. A zone is not asked."""
        call = self._parameters.call
        if not self._runtime.has_marker(self._parameters.marker):
            if call.is_probe:
                self._tidy()
            return Outcome(codes.NOT_RUNNING)
        wrong = self._wrong()
        if wrong is not None:
            return self._cannot_tell(wrong.reason)
        if self._parameters.host:
            return Outcome(codes.SUCCESS)
        look = self._file_place().look(self._parameters.record)
        if look.right is None:
            return self._cannot_tell(look.why)
        return Outcome(codes.SUCCESS) if look.right else Outcome(codes.NOT_RUNNING, look.why)

    def validate(self) -> Outcome:
        """The parameters; from level 10 on, the key file too. Never the server."""
        wrong = self._wrong()
        if wrong is not None:
            return wrong
        if self._parameters.call.check_level >= 10:
            try:
                self._place()
            except SecretFileError as error:
                return Outcome(error.code, str(error))
        return Outcome(codes.SUCCESS)

    def unexpected(self, action: str, error: BaseException) -> Outcome:
        """A bug of ours: as little harm as can be."""
        reason = f"unexpected {type(error).__name__}; please report it"
        if action == "monitor":
            up = self._runtime.has_marker(self._parameters.marker)
            return self._cannot_tell(reason) if up else Outcome(codes.NOT_RUNNING, reason)
        return Outcome(codes.SUCCESS if action == "stop" else codes.ERR_GENERIC, reason)

    def _wrong(self) -> Outcome | None:
        everywhere, here = self._parameters.problems, self._parameters.problems_here
        if everywhere:
            return Outcome(codes.ERR_CONFIGURED, "; ".join(everywhere))
        return Outcome(codes.ERR_INSTALLED, "; ".join(here)) if here else None

    def _cannot_tell(self, why: str) -> Outcome:
        call = self._parameters.call
        usual = codes.SUCCESS if call.is_probe or not call.knows_degraded else codes.DEGRADED
        return Outcome(usual, f"cannot tell where {self._parameters.name} leads: {why}")

    def _put(self, place: Place) -> str:
        """Empty, or why the name does not lead here. A server is tried until the deadline."""
        record, tries = self._parameters.record, 0
        while True:
            until = min(self._deadline, time.monotonic() + TRY_SECONDS)
            told = place.put(record, until)
            if isinstance(told, Done):
                return ""
            wait = WAITS[min(tries, len(WAITS) - 1)]
            if place.of_this_node or time.monotonic() + wait >= self._deadline:
                return told.why
            time.sleep(wait)
            tries += 1

    def _give_back(self) -> str:
        """Empty, or what is left as it was."""
        until = min(self._deadline, time.monotonic() + MANNERS_SECONDS)
        try:
            place = self._place()
        except SecretFileError as error:
            return f"{self._parameters.name} may still lead here: {error}"
        told = place.give_back(self._parameters.record, self._parameters.other_record, until)
        if isinstance(told, Failed):
            return f"{self._parameters.name} may still lead here: {told.why}"
        return self._reloaded(until) if told.changed else ""

    def _tidy(self) -> None:
        """A file outlives the power loss of its node, and then says what stop would have taken
        back; a new node's file says nothing yet. The probe is what runs there first.
        """
        if self._wrong() is None and not self._parameters.host:
            self._give_back()

    def _reloaded(self, until: float) -> str:
        words = self._parameters.reload
        why = run(words, until) if words else ""
        return f"reload: {why}" if why else ""

    def _place(self) -> Place:
        parameters = self._parameters
        if not parameters.host:
            return self._file_place()
        # A monitor does without the parts of the network.
        from failoverip_ocf.dns.server import Zone
        from failoverip_ocf.dns.tsig import parse_key
        from failoverip_ocf.dns.zone_place import ZonePlace

        text, _ = read_secret("dns_key_file", parameters.key_file, KEY_HINT)
        try:
            key = parse_key(text)
        except ValueError as error:
            message = f"dns_key_file: {parameters.key_file}: {error}"
            raise SecretFileError(codes.ERR_ARGS, message) from None
        zone = Zone(parameters.zone, parameters.host, parameters.port, key)
        return ZonePlace(zone, parameters.ttl)

    def _file_place(self) -> FilePlace:
        return FilePlace(self._parameters.style, self._parameters.file)


def main(
    arguments: list[str], environment: Mapping[str, str] = os.environ, out: TextIO = sys.stdout
) -> int:
    """Run one action; its exit code."""
    action = arguments[0] if arguments else ""
    if action == "meta-data":
        from failoverip_ocf.name_meta_data import META_DATA

        out.write(META_DATA)
        return codes.SUCCESS
    agent = NameAgent(NameParameters(environment))
    actions: dict[str, Callable[[], Outcome]] = {
        "start": agent.start,
        "stop": agent.stop,
        "monitor": agent.monitor,
        "validate-all": agent.validate,
    }
    if action not in actions:
        known = ", ".join([*actions, "meta-data"])
        print(f"update-dns: unknown action {action!r}; there are {known}", file=sys.stderr)
        return codes.ERR_UNIMPLEMENTED
    try:
        outcome = actions[action]()
    except Exception as error:
        outcome = agent.unexpected(action, error)
    if outcome.reason:
        prefix = environment.get("OCF_EXIT_REASON_PREFIX", "ocf-exit-reason:")
        print(f"{prefix}{outcome.reason}", file=sys.stderr)
    return outcome.code
