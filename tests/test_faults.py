"""The page of faults and the tests agree: every row of the catalogue stands there once, and what it names exists."""

import re
from pathlib import Path

import pytest
from tests.test_traps import PROOF, functions_of, words

ROOT = Path(__file__).resolve().parents[1]
PAGE = "faults.md"
ROW = re.compile(r"^\| (F\d+) \| (.+) \| (.+) \|$", re.MULTILINE)
MISTAKE = re.compile(r"^\| (?!---|mistake |row |F\d)(.+) \| (.+) \| (.+) \|$", re.MULTILINE)
NAMED_AFTER = re.compile(r"test_f(\d\d)_")


def parts() -> tuple[str, str, str]:
    built, _, rest = words(PAGE).partition("## Classic mistakes")
    mistakes, _, waiting = rest.partition("## Not built yet")
    return built, mistakes, waiting


def test_every_proof_the_page_names_exists() -> None:
    named = PROOF.findall(words(PAGE))
    files = {proof.partition("::")[0] for proof in named}
    there = {f"{file}::{one}" for file in files if (ROOT / file).is_file() for one in functions_of(ROOT / file)}
    assert sorted(set(named) - there) == []


def test_every_row_of_the_catalogue_stands_on_the_page_once() -> None:
    built, _, waiting = parts()
    rows = [row for row, *_ in ROW.findall(built) + ROW.findall(waiting)]
    assert sorted(rows, key=lambda row: int(row[1:])) == [f"F{n}" for n in range(1, 49)]


def test_a_built_row_has_a_proof_and_one_that_waits_says_for_what() -> None:
    built, _, waiting = parts()
    assert [row for row, _, proof in ROW.findall(built) if not PROOF.search(proof)] == []
    assert [row for row, _, lacking in ROW.findall(waiting) if PROOF.search(lacking) or len(lacking) < 15] == []


def test_every_test_called_after_a_row_is_named_in_that_row() -> None:
    built, _, _ = parts()
    proofs = {row: set(PROOF.findall(proof)) for row, _, proof in ROW.findall(built)}
    found = {
        f"{file.relative_to(ROOT)}::{one}": f"F{int(called.group(1))}"
        for file in sorted((ROOT / "tests").rglob("test_*.py"))
        for one in functions_of(file)
        if (called := NAMED_AFTER.match(one))
    }
    assert len(found) > 30, "the search finds nothing"
    assert sorted(name for name, row in found.items() if name not in proofs.get(row, set())) == []


@pytest.mark.parametrize("words_of_it", ["timeout", "positions", "lock", "stop", "fill", "stream"])
def test_each_classic_mistake_has_a_test_that_dies_of_it(words_of_it: str) -> None:
    _, mistakes, _ = parts()
    rows = MISTAKE.findall(mistakes)
    assert len(rows) == 6
    (named,) = [proof for mistake, _, proof in rows if words_of_it in mistake][:1]
    assert PROOF.search(named)
