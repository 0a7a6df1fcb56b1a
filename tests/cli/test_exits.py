"""The table of exit codes: one code a class of error, and the same sentence on both ways out."""

import pytest

from tradingboost.cli.exits import failure_of
from tradingboost.core import errors
from tradingboost.core.errors import KINDS, BrokenInvariant, NotFound, TradingBoostError, Unavailable

TABLE = {
    errors.InvalidInput: 2,
    errors.NotFound: 4,
    errors.Conflict: 5,
    errors.Refused: 5,
    errors.Unavailable: 6,
    errors.OutcomeUnknown: 7,
    errors.BrokenInvariant: 1,
}


@pytest.mark.parametrize("cls", KINDS.values(), ids=lambda cls: cls.__name__)
def test_every_class_of_error_has_its_code(cls: type[TradingBoostError]) -> None:
    failure = failure_of(cls("a_code", "A sentence.", fact="1"))
    assert (failure.exit_code, failure.code, failure.message) == (TABLE[cls], "a_code", "A sentence.")
    assert failure.details == {"fact": "1"}


def test_ctrl_c_is_130() -> None:
    assert failure_of(KeyboardInterrupt()).exit_code == 130


def test_a_defect_is_code_1_and_names_where_it_happened() -> None:
    try:
        int("nonsense")
    except ValueError as error:
        failure = failure_of(error)
    assert (failure.exit_code, failure.code) == (1, "internal")
    assert str(failure.details["where"]).startswith("test_exits.py:")


def test_of_a_group_the_first_error_decides() -> None:
    group = ExceptionGroup("many", [ExceptionGroup("inner", [NotFound("gone", "It is gone.")]), ValueError("x")])
    assert failure_of(group).code == "gone"


def test_of_a_group_a_broken_invariant_decides() -> None:
    group = ExceptionGroup("many", [Unavailable("away", "Away."), BrokenInvariant("broken", "Broken.")])
    assert failure_of(group).code == "broken"
