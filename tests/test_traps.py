"""docs/traps.md and the tests agree: what the page names exists, and what is called a trap stands on the page."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "traps.md"
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


def named() -> list[str]:
    return PROOF.findall(PAGE.read_text(encoding="utf-8"))


def test_every_proof_the_page_names_exists() -> None:
    files = {proof.partition("::")[0] for proof in named()}
    there = {f"{file}::{one}" for file in files if (ROOT / file).is_file() for one in functions_of(ROOT / file)}
    assert sorted(set(named()) - there) == []


def test_every_test_called_after_a_mistake_stands_on_the_page() -> None:
    found = set(traps())
    assert len(found) > 40, "the search finds nothing"
    assert sorted(found - set(named())) == []


def test_every_mistake_has_a_proof_or_says_what_it_waits_for() -> None:
    built, _, waiting = PAGE.read_text(encoding="utf-8").partition("## Not built yet")
    rows = ROW.findall(built)
    assert [row for row in rows if not PROOF.search(row)] == []
    later = [row.split(" | ") for row in ROW.findall(waiting)]
    assert [row for row in later if len(row) != 3 or not all(cell.strip() for cell in row)] == []
    assert len(rows) + len(later) >= 73
