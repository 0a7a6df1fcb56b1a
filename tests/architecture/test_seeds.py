"""Every line of the founding documents' checklist is ticked with something that shows it, and that exists."""

import re
from pathlib import Path

import pytest
from tests.architecture.test_docs import verbs

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "seeds.md"
LINES = {"S0": 29, "S1": 32, "S2": 36, "S3": 29}
ROW = re.compile(r"^\| \[(x| )\] \| (S\d-\d+) \| (.+?) \| (.+) \|$", re.MULTILINE)
TEST = re.compile(r"`(tests/[a-z_0-9/]+\.py)(?:::(\w+))?`")
COMMAND = re.compile(r"`\./tb ([a-z-]+)(?: ([a-z-]+))?")
WANTED = [f"{paper}-{number}" for paper, count in LINES.items() for number in range(1, count + 1)]


def rows() -> dict[str, tuple[str, str]]:
    """(tick, what shows it) of each line."""
    found = ROW.findall(PAGE.read_text(encoding="utf-8"))
    assert len(found) == len({line for _, line, _, _ in found}), "a line stands there twice"
    return {line: (tick, shown) for tick, line, _, shown in found}


def test_every_line_is_there_and_ticked() -> None:
    found = rows()
    assert sorted(found) == sorted(WANTED)
    assert [line for line, (tick, _) in found.items() if tick != "x"] == []


@pytest.mark.parametrize("line", WANTED)
def test_what_shows_a_line_exists(line: str) -> None:
    _, shown = rows()[line]
    tests, commands, known = TEST.findall(shown), COMMAND.findall(shown), verbs()
    assert tests or commands, "neither a test nor a command shows it"
    for path, name in tests:
        text = (ROOT / path).read_text(encoding="utf-8")
        assert not name or re.search(rf"def {name}\(", text), f"{path} has no {name}"
    for verb, word in commands:
        assert verb in known, f"there is no verb {verb}"
        assert not known[verb] or not word or word in known[verb], f"{verb} has no {word}"
