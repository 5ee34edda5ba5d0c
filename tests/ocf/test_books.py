"""The ledger of a node: counted before anything is sent, over the life of many short processes."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from failoverip.core.ledger import Bucket
from failoverip.core.provider import CannotTell, Fault
from failoverip_ocf.books import FILE, SWITCHES_PER_HOUR, Books
from failoverip_ocf.decide import kept_reads, reads_share
from failoverip_ocf.state import Lock, Runtime

UNAUTHORIZED = CannotTell(Fault.CREDENTIALS_REFUSED, "HTTP 401")


class Desk:
    """A node's books, opened anew for each request, as processes do."""

    def __init__(self, folder: Path, nodes: int = 3) -> None:
        self.runtime = Runtime(str(folder / "failoverip"))
        self.share = reads_share(nodes)
        self.said: list[str] = []

    def books(self, account: str = "one", version: str | None = "1") -> Books:
        return Books(self.runtime, account, version, self.share, self.said.append)

    def read(self, reason: CannotTell | None = None, *, for_start: bool = False, **of: str) -> str:
        """Why a read was not sent, empty when it was, and answered by `reason`."""
        books = self.books(**of)
        why = books.record_read(for_start=for_start)
        if not why:
            books.record_answer(Bucket.READS, reason)
        return why

    def switch(self, **of: str) -> str:
        books = self.books(**of)
        if why := books.record_switch():
            return why
        books.record_answer(Bucket.WRITES, None)
        return ""

    def reads(self, *, for_start: bool = False) -> int:
        """How many reads are let through."""
        return next(count for count in range(200) if self.read(for_start=for_start))

    @property
    def file(self) -> Path:
        return Path(self.runtime.directory) / FILE


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


@pytest.mark.parametrize("nodes", [3, 16])
def test_monitors_leave_reads_for_a_start_and_both_stay_within_the_nodes_share(
    tmp_path: Path, nodes: int
) -> None:
    desk = Desk(tmp_path, nodes)
    assert desk.reads() == desk.share - kept_reads(desk.share)
    assert desk.reads(for_start=True) == kept_reads(desk.share)
    assert "are used up" in desk.read()


def test_a_read_that_never_left_is_given_back(desk: Desk) -> None:
    for _ in range(3 * desk.share):
        assert desk.read(CannotTell(Fault.UNREACHABLE, "refused")) == ""


def test_a_read_whose_process_died_stays_counted(desk: Desk) -> None:
    for _ in range(desk.share):
        desk.books(version=None).record_read(for_start=True)
    assert "are used up" in desk.read(for_start=True)


def test_the_brake_counts_the_switches_of_all_accounts_of_the_node(desk: Desk) -> None:
    for number in range(SWITCHES_PER_HOUR):
        assert desk.switch(account=f"account-{number % 2}") == ""
    assert "no more (brake)" in desk.switch(account="account-9")


def test_a_rate_limit_of_robot_shuts_the_reads_and_not_the_switches(desk: Desk) -> None:
    assert desk.read(CannotTell(Fault.RATE_LIMITED, "HTTP 403", 600.0)) == ""
    assert "Robot takes no reads for" in desk.read(for_start=True)
    assert desk.switch() == ""


class TestLogins:
    def test_that_worked_are_no_longer_counted(self, desk: Desk) -> None:
        for _ in range(5):
            assert desk.read() == ""
        assert desk.read(version="2") == ""

    def test_that_were_refused_are_held_until_the_file_changes(self, desk: Desk) -> None:
        assert desk.read(UNAUTHORIZED) == ""
        assert "401" in desk.read()
        assert desk.read(UNAUTHORIZED, version="2") == ""
        # Two failed ones in 15 minutes: one more, and Robot locks the address out.
        assert "failed logins" in desk.read(version="3")

    def test_that_failed_during_a_switch_stay_failed_when_it_is_answered(self, desk: Desk) -> None:
        assert desk.read() == ""
        switching = desk.books()
        assert switching.record_switch() == ""
        assert desk.read(UNAUTHORIZED) == ""
        switching.record_answer(Bucket.WRITES, None)
        assert "failed logins" in desk.read()

    def test_count_for_all_accounts_of_the_node_together(self, desk: Desk) -> None:
        assert desk.read(UNAUTHORIZED, account="one") == ""
        assert desk.read(UNAUTHORIZED, account="two") == ""
        assert "failed logins" in desk.read(account="three")

    def test_whose_process_died_count_as_failed(self, desk: Desk) -> None:
        for version in "12":
            assert desk.books(version=version).record_read(for_start=False) == ""
        assert "failed logins" in desk.read(version="3")

    def test_are_no_matter_for_a_script(self, desk: Desk) -> None:
        for _ in range(3):
            books = desk.books(account="script", version=None)
            assert books.record_read(for_start=False) == ""
            books.record_answer(Bucket.READS, CannotTell(Fault.SERVER_ERROR, "exited with 1"))


class Unlocked(Runtime):
    """A runtime directory without its lock, where another process writes in the middle."""

    def __init__(self, directory: str, meanwhile: Callable[[], None]) -> None:
        super().__init__(directory)
        self._meanwhile: Callable[[], None] | None = meanwhile

    def locked(self, name: str, until: float) -> Lock:
        self.prepare()
        return Lock(f"{self.directory}/{name}.{id(self)}.lock", until)

    def replace(self, name: str, text: str) -> None:
        meanwhile, self._meanwhile = self._meanwhile, None
        if meanwhile is not None:
            meanwhile()
        super().replace(name, text)


def test_without_the_lock_a_switch_of_another_process_is_forgotten(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    for _ in range(SWITCHES_PER_HOUR - 2):
        assert desk.switch() == ""
    other = Books(Unlocked(desk.runtime.directory, lambda: None), "two", "1", desk.share, print)
    unlocked = Unlocked(desk.runtime.directory, lambda: assert_empty(other.record_switch()))
    books = Books(unlocked, "one", "1", desk.share, print)
    assert books.record_switch() == ""
    # Six were let through by now; the file knows of five.
    assert desk.switch() == ""


def test_with_the_lock_the_brake_counts_what_all_processes_switch(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    with ThreadPoolExecutor(8) as pool:
        said = list(pool.map(lambda _: desk.switch(), range(2 * SWITCHES_PER_HOUR)))
    assert said.count("") == SWITCHES_PER_HOUR


def assert_empty(why: str) -> None:
    assert why == ""


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"garbage",
        b"1\n",
        b"1\n{}",
        b"x\n{}",
        b"\xff\xfe",
        b'100\n{"v":1,"accounts":{"one":7}}',
    ],
)
class TestCorruptFile:
    def test_counts_as_mostly_spent_and_is_said_once(self, desk: Desk, content: bytes) -> None:
        desk.runtime.prepare()
        desk.file.write_bytes(content)
        reads = desk.reads()
        assert 0 <= reads < desk.share // 2
        assert len(desk.said) == 1
        assert desk.file.read_text().startswith(tuple("0123456789"))

    def test_leaves_one_move_and_its_confirmation(self, desk: Desk, content: bytes) -> None:
        desk.runtime.prepare()
        desk.file.write_bytes(content)
        assert desk.read(for_start=True) == ""
        assert desk.switch() == ""
        assert desk.read(for_start=True) == ""
