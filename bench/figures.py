"""What every bench shares: percentiles, a throw-away installation, and how a result is shown."""

import json
import sys
import tempfile
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from tradingboost.app.settings import Settings


def percentile(samples: Sequence[float], share: float) -> float:
    """The sample at a share of the sorted list (0.5 = median)."""
    ordered = sorted(samples)
    return ordered[min(int(len(ordered) * share), len(ordered) - 1)]


def milliseconds(samples: Sequence[float]) -> dict[str, float]:
    """p50 and p99 of seconds, in milliseconds."""
    return {"p50_ms": round(percentile(samples, 0.5) * 1000, 3), "p99_ms": round(percentile(samples, 0.99) * 1000, 3)}


@asynccontextmanager
async def installation() -> AsyncIterator[Settings]:
    """Settings of an installation in a directory that is gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="tb-bench-") as folder:
        settings = Settings()
        moved = settings.embedded.model_copy(update={"data_dir": Path(folder)})
        yield settings.model_copy(update={"embedded": moved})


def show(name: str, result: Mapping[str, Any], as_json: bool) -> None:
    """One object, or a table of its parts."""
    if as_json:
        sys.stdout.write(json.dumps(result) + "\n")
        return
    table = Table(title=name, title_justify="left")
    table.add_column("figure")
    table.add_column("value", justify="right")
    for key, value in flat(result):
        table.add_row(key, f"{value:,.3f}" if isinstance(value, float) else f"{value}")
    Console().print(table)


def flat(result: Mapping[str, Any], prefix: str = "") -> list[tuple[str, Any]]:
    """Nested figures as dotted names."""
    rows: list[tuple[str, Any]] = []
    for key, value in result.items():
        if isinstance(value, Mapping):
            rows += flat(value, f"{prefix}{key}.")
        else:
            rows.append((f"{prefix}{key}", value))
    return rows
