"""The pages of traps and the tests agree: what a page names exists, and what is called a trap stands on a page."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
LEAST_ROWS = {"traps.md": 73, "traps-grid-backtest.md": 70}
"""Mistakes on each page, proven and awaited."""
PROOF = re.compile(r"`(tests/[\w/]+\.py::test_\w+)`")
ROW = re.compile(r"^\| (?!---|what |where )(.+) \|$", re.MULTILINE)


@cache
def functions_of(file: Path) -> frozenset[str]:
    """The test functions of a file."""
    nodes = ast.parse(file.read_text(encoding="utf-8")).body
    functions = (node.name for node in nodes if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))
    return frozenset(name for name in functions if name.startswith("test_"))


def traps() -> Iterator[str]:
    """Every test that is called after a mistake, as the page names it."""
    for file in sorted((ROOT / "tests").rglob("test_*.py")):
        yield from (f"{file.relative_to(ROOT)}::{one}" for one in functions_of(file) if one.startswith("test_trap_"))


def words(page: str) -> str:
    return (ROOT / "docs" / page).read_text(encoding="utf-8")


def named() -> list[str]:
    return [proof for page in LEAST_ROWS for proof in PROOF.findall(words(page))]


def test_every_proof_a_page_names_exists() -> None:
    files = {proof.partition("::")[0] for proof in named()}
    there = {f"{file}::{one}" for file in files if (ROOT / file).is_file() for one in functions_of(ROOT / file)}
    assert sorted(set(named()) - there) == []


def test_every_test_called_after_a_mistake_stands_on_a_page() -> None:
    found = set(traps())
    assert len(found) > 40, "the search finds nothing"
    assert sorted(found - set(named())) == []


@pytest.mark.parametrize("page", LEAST_ROWS)
def test_every_mistake_has_a_proof_or_says_what_it_waits_for(page: str) -> None:
    built, _, waiting = words(page).partition("## Not built yet")
    rows = ROW.findall(built)
    assert [row for row in rows if not PROOF.search(row)] == []
    later = [row.split(" | ") for row in ROW.findall(waiting)]
    assert [row for row in later if len(row) != 3 or not all(cell.strip() for cell in row)] == []
    assert len(rows) + len(later) >= LEAST_ROWS[page]
