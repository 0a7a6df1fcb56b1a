"""Every way a verb can end, in one place: exit codes, and an error as a word, a sentence and facts."""

import traceback
from typing import Final

from tradingboost.core.errors import (
    BrokenInvariant,
    Conflict,
    InvalidInput,
    NotFound,
    OutcomeUnknown,
    Refused,
    TradingBoostError,
    Unavailable,
)

DONE: Final = 0
INTERNAL: Final = 1
USAGE: Final = 2
FINDINGS: Final = 3
NOT_FOUND: Final = 4
REFUSED: Final = 5
UNAVAILABLE: Final = 6
UNKNOWN: Final = 7
INTERRUPTED: Final = 130

_CODES: Final[dict[type[TradingBoostError], int]] = {
    InvalidInput: USAGE,
    NotFound: NOT_FOUND,
    Conflict: REFUSED,
    Refused: REFUSED,
    Unavailable: UNAVAILABLE,
    OutcomeUnknown: UNKNOWN,
    BrokenInvariant: INTERNAL,
}


class Failure(Exception):
    """How an error ends a verb: the exit code and what is said about it."""

    def __init__(self, exit_code: int, code: str, message: str, details: dict[str, object]) -> None:
        super().__init__(message)
        self.exit_code = exit_code
        self.code = code
        self.message = message
        self.details = details


def failure_of(error: BaseException) -> Failure:
    """The end of a verb that raised `error`; what is not in the taxonomy is a defect of ours."""
    error = _first(error)
    if isinstance(error, TradingBoostError):
        return Failure(_CODES[type(error)], error.code, error.message, dict(error.details))
    if isinstance(error, KeyboardInterrupt):
        return Failure(INTERRUPTED, "interrupted", "Stopped.", {})
    message = f"This is a defect of ours ({type(error).__name__}: {error}); -v shows where it happened."
    return Failure(INTERNAL, "internal", message, {"where": _where(error)})


def _first(error: BaseException) -> BaseException:
    """What a group of errors is about: a broken invariant before all others, else the first."""
    if not isinstance(error, BaseExceptionGroup):
        return error
    leaves = [_first(part) for part in error.exceptions]
    return next((leaf for leaf in leaves if isinstance(leaf, BrokenInvariant)), leaves[0])


def _where(error: BaseException) -> str:
    """File and line of the innermost frame, without machine paths."""
    frames = traceback.extract_tb(error.__traceback__)
    return f"{frames[-1].filename.rsplit('/', 1)[-1]}:{frames[-1].lineno}" if frames else ""
