"""Every sentence an error says is one a person can read."""

import re
from pathlib import Path

import pytest
from scripts.catalogues import Raised, raised_errors
from scripts.lint.source import tracked

ROOT = Path(__file__).resolve().parents[2]
OPEN_END = re.compile(r"\{\}[`'\"]?$")
"""A sentence may end in a value: a hint, or the list of what there is."""

BEHIND_A_KEY = {"not_a_map", "out_of_bounds"}
"""Told as `sl_value: 0 is not above 0 ...`."""

RAISED = [one for one in sorted(raised_errors(list(tracked(ROOT)))) if one.message]


@pytest.fixture(scope="module")
def raised() -> list[Raised]:
    assert len(RAISED) > 150
    return RAISED


def offenders(raised: list[Raised], wrong: re.Pattern[str]) -> list[str]:
    return [f"{one.path}:{one.line} {one.message}" for one in raised if wrong.search(one.message)]


def test_every_sentence_begins_with_a_capital_a_value_or_a_name(raised: list[Raised]) -> None:
    begins = re.compile(r"^(?:[A-Z`]|\{\}|'|-|[a-z]+_[a-z_]+ )")
    wrong = [one for one in raised if not begins.match(one.message) and one.code not in BEHIND_A_KEY]
    assert [f"{one.path}:{one.line} {one.message}" for one in wrong] == []


def test_every_sentence_comes_to_its_end(raised: list[Raised]) -> None:
    wrong = [one for one in raised if not one.message.endswith((".", "?")) and not OPEN_END.search(one.message)]
    assert [f"{one.path}:{one.line} {one.message}" for one in wrong] == []


def test_no_sentence_shouts_breaks_a_line_or_shows_its_code(raised: list[Raised]) -> None:
    assert offenders(raised, re.compile(r"[!\n\t]|\s{2,}|Traceback|Exception\b|NoneType")) == []


def test_a_code_is_one_word_in_snake_case(raised: list[Raised]) -> None:
    assert [one.code for one in raised if not re.fullmatch(r"(?:[a-z0-9]+|\{\})(?:_[a-z0-9]+)*", one.code)] == []


def test_one_code_belongs_to_one_class(raised: list[Raised]) -> None:
    classes: dict[str, set[str]] = {}
    for one in raised:
        classes.setdefault(one.code, set()).add(one.cls)
    assert {code: found for code, found in classes.items() if len(found) > 1} == {}
