"""Runs the blocks of a page as a person would: one after another, in one directory."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.controlplane.processes import Process
from tests.controlplane.waiting import eventually
from tests.repo.commands import Block

BLOCK_TIMEOUT_SECONDS = 300.0
# The first command that fails ends the block, whichever it is of a pipe.
STRICT = ("bash", "-euo", "pipefail", "-c")


class BlockError(AssertionError):
    """A block of a page failed: names the page, the line and what was printed."""


class Shell:
    """`wrapper` runs before bash, as `nsenter ...` does. What runs until a word is ended at the
    end.
    """

    def __init__(
        self, directory: Path, environ: Mapping[str, str], wrapper: Sequence[str] = ()
    ) -> None:
        self.directory = directory
        self.environ = dict(environ)
        self._wrapper = tuple(wrapper)
        self._background: list[Process] = []

    def run(self, block: Block) -> str:
        """Its output; BlockError when a command of it fails."""
        words = block.marks.get("until")
        return self._start(block, words) if words else self.call(block.text, str(block))

    def call(self, script: str, what: str) -> str:
        """Run a script; its stdout. BlockError names `what`."""
        done = subprocess.run(
            [*self._wrapper, *STRICT, script],
            cwd=self.directory,
            env=self.environ,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=BLOCK_TIMEOUT_SECONDS,
            check=False,
        )
        if done.returncode != 0:
            raise BlockError(f"{what}: exit code {done.returncode}\n{done.stdout}{done.stderr}")
        return done.stdout

    def close(self) -> None:
        """End what still runs."""
        for process in self._background:
            process.kill()

    def _start(self, block: Block, words: str) -> str:
        log = self.directory / f"block-{block.line}.log"
        script = f"cd '{self.directory}'\n{block.text}"
        launch = ["/usr/bin/env", *self._wrapper, *STRICT, script]
        process = Process(launch, log, self.environ)
        process.start()
        self._background.append(process)

        def said() -> bool:
            if not process.running and words not in process.log_tail():
                raise BlockError(f"{block}: ended\n{process.log_tail()}")
            return words in process.log_tail()

        eventually(said, f"{block} says {words!r}")
        return process.log_tail()


@contextmanager
def shell(
    directory: Path, environ: Mapping[str, str], wrapper: Sequence[str] = ()
) -> Iterator[Shell]:
    """A shell whose programs end with it."""
    one = Shell(directory, environ, wrapper)
    try:
        yield one
    finally:
        one.close()
