"""Re-execution: a new start of the same process."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

PROGRAM = """
import json, os, sys
from failoverip.reconciler.reexec import reexecute

diary = sys.argv[1]
open_files = [int(name) for name in os.listdir("/proc/self/fd")]
fact = {
    "pid": os.getpid(),
    "arguments": sys.orig_argv,
    "canary": os.environ["CANARY"],
    "files": [fd for fd in open_files if fd > 2 and os.path.exists(f"/proc/self/fd/{fd}")],
}
with open(diary, "a") as stream:
    stream.write(json.dumps(fact) + "\\n")
with open(diary) as stream:
    lives = len(stream.readlines())
print("life", lives)
if lives < 3:
    os.set_inheritable(os.open(diary, os.O_RDONLY), True)
    reexecute()
"""


def test_a_reexecuted_process_keeps_id_arguments_and_environment_and_no_files(
    tmp_path: Path,
) -> None:
    program, diary = tmp_path / "program.py", tmp_path / "diary"
    program.write_text(PROGRAM)
    finished = subprocess.run(
        [sys.executable, "-X", "utf8", str(program), str(diary), "--flag", "two words"],
        env={"CANARY": "same"},
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    lives = [json.loads(line) for line in diary.read_text().splitlines()]
    assert len(lives) == 3
    assert lives[0] == lives[1] == lives[2]
    assert lives[0]["arguments"][1:] == [
        "-X",
        "utf8",
        str(program),
        str(diary),
        "--flag",
        "two words",
    ]
    assert lives[0]["canary"] == "same"
    assert lives[0]["files"] == []
    # What was printed before is not lost with the old image.
    assert finished.stdout.split("\n")[:3] == ["life 1", "life 2", "life 3"]
