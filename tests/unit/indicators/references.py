"""Reference indicator values computed elsewhere on real candles; absent in a bare clone, then the tests are skipped."""

import os
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

FOLDER = Path(os.environ.get("TB_TEST_DATA", Path(__file__).resolve().parents[4] / "shared" / "data"))


def reference_files() -> list[Any]:
    """The indicator files as pytest parameters, or one skipped parameter that says what is missing."""
    found = sorted((FOLDER / "indicators").glob("*.indicators.parquet"))
    reason = "no reference files; set TB_TEST_DATA to the folder that holds indicators/ and candles/"
    return list(found) or [pytest.param(Path("none"), marks=pytest.mark.skip(reason=reason))]


def lengths(path: Path, prefix: str) -> list[int]:
    """Lengths an indicator is stored for; at least one, else the file is not what it seems."""
    names = pl.read_parquet_schema(path)
    found = [int(name.removeprefix(prefix)) for name in names if name.removeprefix(prefix).isdigit()]
    assert found
    return found


def reference(path: Path, column: str) -> tuple[dict[str, Any], Any, Any]:
    """The whole candle file, the rows that have a reference, and the reference values."""
    candles = pl.read_parquet(FOLDER / "candles" / path.name.replace(".indicators", ""))
    stored = pl.read_parquet(path).select("timestamp", column)
    rows = np.searchsorted(candles["timestamp"].to_numpy(), stored["timestamp"].to_numpy())
    columns = {name: candles[name].to_numpy() for name in ("high", "low", "close")}
    return columns, rows, stored[column].cast(pl.Float64).fill_null(float("nan")).to_numpy()
