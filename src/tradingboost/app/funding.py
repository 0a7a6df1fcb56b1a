"""Funding of a back-test: a history from a file, and an assumption where it has none."""

from decimal import Decimal
from pathlib import Path
from typing import Final

import numpy as np
import polars as pl
from polars.exceptions import PolarsError

from tradingboost.backtest import Funding
from tradingboost.core.errors import InvalidInput

ASSUMED: Final = Decimal("0.0001")
"""Of the notional every eight hours, where no history says otherwise."""

_HOURS: Final = 8
_STEP_MS: Final = _HOURS * 3_600_000
_NEAR_MS: Final = 60_000


def funding_of(wish: str, history: Path | None, first_ms: int, last_ms: int) -> tuple[Funding, str]:
    """The settlements in [first, last], and where they come from in a sentence.

    Args:
        wish: `auto` (history, missing ones assumed), `off`, or a constant such as `0.0001` or `0.0001/4` (every 4 h).

    Raises:
        InvalidInput: an unreadable wish or file.
    """
    if wish == "off":
        return Funding.off(), ""
    if wish != "auto":
        rate, hours = _constant(wish)
        found = Funding.constant(rate, hours, first_ms, last_ms)
        return Funding(times_ms=found.times_ms, rates=found.rates), ""
    if history is None:
        return (
            Funding.constant(ASSUMED, _HOURS, first_ms, last_ms),
            f"Funding is assumed at {ASSUMED * 100:f} % every eight hours; --funding-file takes a history.",
        )
    return _filled(*read_history(history), first_ms, last_ms)


def read_history(path: Path) -> tuple[list[int], list[Decimal]]:
    """Times and rates of a file with the columns timestamp (ms) and funding_rate, oldest first.

    Raises:
        InvalidInput: missing, or of another shape.
    """
    readers = {".parquet": pl.read_parquet, ".feather": pl.read_ipc, ".csv": pl.read_csv}
    if not path.is_file() or path.suffix not in readers:
        raise InvalidInput("funding_file", f"The funding file {path} does not exist or is no .parquet, .feather, .csv.")
    try:
        frame = readers[path.suffix](path).select(pl.col("timestamp").cast(pl.Int64), pl.col("funding_rate"))
        rates = [Decimal(repr(float(rate))) for rate in frame["funding_rate"].to_list()]
    except (PolarsError, TypeError, ValueError):
        raise InvalidInput(
            "funding_file", f"The funding file {path.name} needs the columns timestamp and funding_rate."
        ) from None
    times = frame["timestamp"].to_list()
    if times != sorted(set(times)):
        raise InvalidInput("funding_file", f"The funding file {path.name} is not in rising order of time; sort it.")
    return times, rates


def _filled(times: list[int], rates: list[Decimal], first_ms: int, last_ms: int) -> tuple[Funding, str]:
    """The history of a range; eight-hour settlements nobody knows are assumed and counted."""
    known = {
        round(at / _NEAR_MS) * _NEAR_MS: rate
        for at, rate in zip(times, rates, strict=True)
        if first_ms <= at <= last_ms
    }
    usual = Funding.constant(ASSUMED, _HOURS, first_ms, last_ms).times_ms.tolist()
    near = np.array(sorted(known), np.int64)
    missing = [at for at in usual if not near.size or int(np.abs(near - at).min()) >= _STEP_MS]
    whole = sorted({**dict.fromkeys(missing, ASSUMED), **known}.items())
    note = f"{len(missing)} of {len(whole)} funding rates are assumed." if missing else ""
    times_ms = np.array([at for at, _ in whole], np.int64)
    return Funding(times_ms=times_ms, rates=[rate for _, rate in whole], assumed=bool(missing)), note


def _constant(wish: str) -> tuple[Decimal, int]:
    rate, _, hours = wish.partition("/")
    try:
        found, every = Decimal(rate), int(hours or _HOURS)
    except (ArithmeticError, ValueError):
        found, every = Decimal("NaN"), 0
    if not found.is_finite() or abs(found) >= 1 or not 1 <= every <= 24:
        raise InvalidInput(
            "bad_funding", f"{wish!r} is no funding; use auto, off, or a rate such as 0.0001 or 0.0001/4."
        )
    return found, every
