"""The cluster around an agent: how many nodes share Robot's budget, and this node's attribute."""

from __future__ import annotations

import os
import time

COROSYNC_CONF = "/etc/corosync/corosync.conf"
# An attribute is a convenience: Pacemaker's attribute manager may not hold up a monitor.
ATTRIBUTE_SECONDS = 3.0
_PATH = "/usr/sbin:/usr/bin:/sbin:/bin"


def cluster_size(path: str = COROSYNC_CONF) -> int | None:
    """The nodes that corosync.conf lists, None where it lists none: a few kB, no process."""
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return count_nodes(file.read(1 << 20))
    except OSError:
        return None


def count_nodes(text: str) -> int | None:
    """The `node {` sections of a corosync.conf."""
    lines = (line.split("#", 1)[0].split() for line in text.splitlines())
    return sum(words in (["node", "{"], ["node{"]) for words in lines) or None


def attribute_name(instance: str) -> str:
    """The node attribute that holds the age of the last answer in seconds, 0 while it is known."""
    return f"failoverip-age-{instance}"


def set_attribute(instance: str, node: str, value: str, seconds: float = ATTRIBUTE_SECONDS) -> bool:
    """Tell Pacemaker the attribute's value; whether it took it, in time."""
    arguments = ["attrd_updater", "-n", attribute_name(instance), "-U", value]
    return _run([*arguments, *(["-N", node] if node else [])], min(seconds, ATTRIBUTE_SECONDS))


def delete_attribute(instance: str, node: str) -> bool:
    """Take the attribute away; whether that worked, in time."""
    arguments = ["attrd_updater", "-n", attribute_name(instance), "-D"]
    return _run([*arguments, *(["-N", node] if node else [])], ATTRIBUTE_SECONDS)


def _run(arguments: list[str], seconds: float) -> bool:
    program = next(
        (
            found
            for folder in os.environ.get("PATH", _PATH).split(":")
            if os.access(found := f"{folder}/{arguments[0]}", os.X_OK)
        ),
        None,
    )
    return program is not None and run(program, arguments, seconds) == 0


def run(program: str, arguments: list[str], seconds: float) -> int | None:
    """The exit code of a program, None when it did not end in time: it is killed then.

    It reads and writes nothing. subprocess would cost a monitor 10 ms of CPU.
    """
    null = os.open(os.devnull, os.O_RDWR)
    try:
        child = os.posix_spawn(
            program,
            arguments,
            os.environ,
            file_actions=[(os.POSIX_SPAWN_DUP2, null, number) for number in (0, 1, 2)],
            setsid=True,
        )
    except OSError:
        return None
    finally:
        os.close(null)
    end = time.monotonic() + seconds
    while True:
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            return os.waitstatus_to_exitcode(status)
        if time.monotonic() >= end:
            _kill(child)
            return None
        time.sleep(0.005)


def _kill(child: int) -> None:
    """End a program and what it started, which shares its session."""
    sigkill = 9
    os.killpg(child, sigkill)
    os.waitpid(child, 0)
