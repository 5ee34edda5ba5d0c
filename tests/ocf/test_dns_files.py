"""A file that others edit too is changed whole or not at all."""

from __future__ import annotations

import os
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from failoverip_ocf.dns.files import change_file, read_text

DIFFERENT_OWNER = 4242


def soon() -> float:
    return time.monotonic() + 30


def test_mode_and_owner_stay(tmp_path: Path) -> None:
    file = tmp_path / "hosts"
    file.write_text("old")
    file.chmod(0o640)
    if os.geteuid() == 0:
        os.chown(file, DIFFERENT_OWNER, DIFFERENT_OWNER)
    before = file.stat()
    assert change_file(file, lambda text: text + " new", soon())
    after = file.stat()
    assert (after.st_mode, after.st_uid, after.st_gid) == (
        before.st_mode, before.st_uid, before.st_gid,
    )  # fmt: skip
    assert file.read_text() == "old new"


def test_a_symbolic_link_stays_one(tmp_path: Path) -> None:
    real = tmp_path / "real" / "hosts"
    real.parent.mkdir()
    real.write_text("old")
    link = tmp_path / "hosts"
    link.symlink_to(real)
    change_file(link, lambda _: "new", soon())
    assert link.is_symlink()
    assert real.read_text() == "new"


def test_a_file_that_is_right_is_not_touched(tmp_path: Path) -> None:
    file = tmp_path / "hosts"
    file.write_text("same")
    before = file.stat()
    assert not change_file(file, lambda text: text, soon())
    assert (file.stat().st_ino, file.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


def test_a_missing_file_is_made_readable_for_the_resolver(tmp_path: Path) -> None:
    file = tmp_path / "snippet.conf"
    assert read_text(file) == ""
    change_file(file, lambda text: text + "line\n", soon())
    assert file.read_text() == "line\n"
    assert file.stat().st_mode & 0o777 == 0o644


def test_a_change_that_fails_leaves_the_file_and_no_other(tmp_path: Path) -> None:
    file = tmp_path / "hosts"
    file.write_text("old")

    def change(_: str) -> str:
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        change_file(file, change, soon())
    assert [path.name for path in tmp_path.iterdir()] == ["hosts"]
    assert file.read_text() == "old"


def test_what_a_killed_agent_left_is_taken_over(tmp_path: Path) -> None:
    (tmp_path / ".hosts.failoverip").write_text("half of")
    file = tmp_path / "hosts"
    change_file(file, lambda _: "whole", soon())
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("hosts", "whole")]


def test_bytes_that_are_not_utf8_survive(tmp_path: Path) -> None:
    file = tmp_path / "hosts"
    file.write_bytes(b"# M\xfcnchen\r\n")
    change_file(file, lambda text: text + "line\n", soon())
    assert file.read_bytes() == b"# M\xfcnchen\r\nline\n"


def test_of_many_writers_none_loses_its_line(tmp_path: Path) -> None:
    file = tmp_path / "hosts"

    def append(number: int) -> None:
        change_file(file, lambda text: f"{text}{number}\n", soon())

    with ThreadPoolExecutor(8) as writers:
        list(writers.map(append, range(40)))
    assert sorted(map(int, file.read_text().split())) == list(range(40))


def test_a_lock_that_is_held_too_long_is_said_and_changes_nothing(tmp_path: Path) -> None:
    file = tmp_path / "hosts"

    def change(_: str) -> str:
        with pytest.raises(TimeoutError, match="another process holds the lock"):
            change_file(file, lambda _: "second", time.monotonic())
        return "first"

    change_file(file, change, soon())
    assert file.read_text() == "first"
