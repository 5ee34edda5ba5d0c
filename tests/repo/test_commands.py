"""Every shell command that a page shows is run by something, or says why it cannot be."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import pytest
from tests.repo.commands import MARKS, RUNNERS, Block, blocks, fenced, missing, shown
from tests.repo.files import CODE, ROOT, named, pages, prose

COMMAND = re.compile(r"^\s*(\$ |#? ?sudo |kubectl |make |pip |failoverip |pcs |crm |apt-get |dnf )")


@pytest.mark.parametrize("page", pages(), ids=named)
def test_every_shell_block_says_what_runs_it_or_why_nothing_can(page: Path) -> None:
    assert [str(block) for block in shown(page) if len(how(block)) != 1] == []


@pytest.mark.parametrize("page", pages(), ids=named)
def test_no_block_has_a_mark_that_nobody_knows(page: Path) -> None:
    odd = {str(block): set(block.marks) - set(MARKS) for block in shown(page)}
    assert {name: marks for name, marks in odd.items() if marks} == {}


@pytest.mark.parametrize("page", pages(), ids=named)
def test_no_block_of_commands_hides_behind_another_language(page: Path) -> None:
    """Without `sh` nothing would ask what runs it."""
    other = [block for block in fenced(page) if not block.is_shell]
    commands = [str(b) for b in other if any(COMMAND.match(line) for line in b.text.splitlines())]
    assert commands == []


@pytest.mark.parametrize("page", pages(), ids=named)
def test_what_is_said_to_run_a_block_exists(page: Path) -> None:
    for block in shown(page):
        if kind := block.marks.get("run"):
            assert kind in RUNNERS, f"{block}: no runner for {kind}"
        if reference := block.marks.get("by"):
            assert missing(reference) == "", str(block)


@pytest.mark.parametrize("page", pages(), ids=named)
def test_a_reason_why_a_block_is_not_run_is_a_sentence(page: Path) -> None:
    reasons = [block.marks["untested"] for block in shown(page) if "untested" in block.marks]
    assert [reason for reason in reasons if len(reason.split()) < 3] == []


@pytest.mark.parametrize("kind", sorted(RUNNERS))
def test_every_kind_of_block_has_a_runner_that_asks_for_all_of_them(kind: str) -> None:
    runner = ROOT / RUNNERS[kind]
    assert re.search(rf'(blocks|pages_with)\("{kind}"', runner.read_text(encoding="utf-8"))
    assert blocks(kind), f"no page has a block with run={kind}"


def how(block: Block) -> list[str]:
    """Its marks of the three ways to be accounted for."""
    return [mark for mark in ("run", "by", "untested") if block.marks.get(mark)]


def test_a_mark_is_read_off_the_info_string(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(
        '# One\n\n```sh run=cluster until="it says: so"\nkubectl get nodes   # all\n```\n'
        '\n## Two\n\n1. then\n\n   ```sh untested="no such machine here"\n   reboot\n   ```\n'
        "\n```\nnot a command\n```\n"
    )
    first, second = shown(page)
    assert (first.section, first.marks) == ("One", {"run": "cluster", "until": "it says: so"})
    assert first.text == "kubectl get nodes   # all\n"
    assert (second.section, second.text, second.line) == ("Two", "reboot\n", 11)
    assert len(fenced(page)) == 3


# What stands for a name of the reader's in a command within a sentence.
PLACEHOLDER = re.compile(r"\b[A-Z]{2,}\b")


@pytest.mark.parametrize("page", pages(), ids=named)
def test_a_whole_command_within_a_sentence_is_one_that_a_block_shows(page: Path) -> None:
    """Nothing marks it there, so it must be one that is accounted for elsewhere."""
    inline = [word for word in CODE.findall(prose(page)) if re.match(r"kubectl( \S+){2,}", word)]
    assert [command for command in inline if not is_shown(command)] == []


def is_shown(command: str) -> bool:
    """Whether a block of any page has this command, with names for its placeholders."""
    names = PLACEHOLDER.sub("NAME", command)
    wanted = re.escape(names).replace("NAME", r"\S+")
    return any(re.fullmatch(wanted, line) for line in shown_lines())


@cache
def shown_lines() -> set[str]:
    """Every line of the blocks of all pages, without comments, continued lines joined."""
    texts = [block.text.replace("\\\n", " ") for page in pages() for block in shown(page)]
    return {" ".join(line.split("#")[0].split()) for text in texts for line in text.splitlines()}
