"""A case that cannot be read is refused with its line."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.corpus.build import build
from tests.corpus.expect import renewed
from tests.corpus.load import CorpusError, load

HEAD = "story: A story.\nbase: {nodes: {a: silent}}\ncases:\n- case: One\n"


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "story.yaml"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize(
    "word",
    [
        "  colour: green\n",
        "  nodes: {a: asleep}\n",
        "  nodes: {a: 'healthy, painted'}\n",
        "  nodes: {first: healthy}\n",
        "  nodes: healthy\n",
        "  nodes: {a: healthy 5}\n",
        "  route: {203.0.113.10: somewhere}\n",
        "  route: {203.0.113.10: 'a, perhaps'}\n",
        "  route: {203.0.113.10: 'a, for ever'}\n",
        "  route: {203.0.113.300: a}\n",
        "  spec: {colour: green}\n",
        "  spec: {mode: Lazy}\n",
        "  lists: long ago\n",
        "  servers: {a: painted}\n",
        "  budget: {hopes: 3}\n",
        "  budget: {writes: many}\n",
        "  trouble: NoSuchReason\n",
        "  claim: Perhaps\n",
        "  window: short\n",
        "  moves: [went away]\n",
        "  moves: [Confirmed to b for NoSuchReason 5 s ago]\n",
        "  moves: Confirmed\n",
        "  intent: {into: b}\n",
        "  memory: {203.0.113.10: in flight}\n",
        "  intent: {to: b}\n  memory: {203.0.113.10: gone}\n",
        "  switch_to: {b: c}\n",
        "  deleting: perhaps\n",
    ],
)
def test_a_word_that_is_not_known_is_refused_with_its_line(tmp_path: Path, word: str) -> None:
    path = written(tmp_path, HEAD + word)
    with pytest.raises(CorpusError, match=f"^story.yaml:{4 + word.count(chr(10))}: "):
        build(load(path)[0])


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("cases:\n- case: One\n  nodes: {a: healthy\n", 4),
        ("- case: One\n", 1),
        ("story: A story.\n", 1),
        ("chapter: One\ncases: []\n", 1),
        ("story: A story.\ncases: {}\n", 2),
        ("cases:\n- nodes: {a: healthy}\n", 2),
        ("cases:\n- case: One\n  lists: never\n  lists: never\n", 4),
        ("cases:\n- case: One\n  expect: {}\n  lists: never\n", 3),
        ("cases:\n- case: One\n  expect:\n    action: Hold\n    reason: Paused\n", 4),
    ],
)
def test_a_file_of_another_shape_is_refused_with_the_line(
    tmp_path: Path, text: str, line: int
) -> None:
    with pytest.raises(CorpusError, match=f"^story.yaml:{line}: "):
        load(written(tmp_path, text))


def test_renewing_writes_the_expectations_and_nothing_else(tmp_path: Path) -> None:
    two = "# why\n- case: Two\n  spec:\n    mode: Paused\n\n# the end\n"
    path = written(tmp_path, HEAD + "  # said\n  lists: 2 s ago\n  expect: {old}\n" + two)
    text = renewed(path)
    moves = "  expect: {action: OpenIntent of 203.0.113.10 off a to b, reason: NodeUnreachable}\n"
    holds = "  expect: {action: Hold, reason: Paused, again_seconds: 10}\n"
    assert text == (
        f"{HEAD}  # said\n  lists: 2 s ago\n{moves}"
        f"# why\n- case: Two\n  spec:\n    mode: Paused\n{holds}\n# the end\n"
    )
    path.write_text(text, encoding="utf-8")
    assert renewed(path) == text
