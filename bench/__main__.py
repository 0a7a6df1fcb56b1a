"""`python -m bench NAME [--json] [--size N] [--peers DIR] [--export FILE]`; NAME is one of BENCHES, or all."""

import argparse
import sys
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Final

from tradingboost.kit import compile_cache

compile_cache.prepare(compile_cache.default_cache_dir())

from bench import (  # noqa: E402 - numba must see the cache first
    accounts,
    audit,
    backtest,
    bus,
    credentials,
    ingest,
    kernel,
    live,
    orders,
    replay,
    saved,
    settings,
    simulator,
    sweep,
)
from bench.figures import show  # noqa: E402
from tradingboost.kit.logging import configure  # noqa: E402
from tradingboost.kit.runtime import run  # noqa: E402
from tradingboost.kit.settings import LogSettings  # noqa: E402


async def _kernel(bars: int = kernel.YEAR) -> dict[str, Any]:
    figures = kernel.measure(bars)
    return {**figures, "ratios": {f"{name}_on_bar_ns": values["on_bar_ns"] for name, values in figures.items()}}


BENCHES: Final[dict[str, Callable[..., Awaitable[dict[str, Any]]]]] = {
    "replay": replay.measure,
    "orders": orders.measure,
    "simulator": simulator.measure,
    "accounts": accounts.measure,
    "bus": bus.measure,
    "ingest": ingest.measure,
    "audit": audit.measure,
    "credentials": credentials.measure,
    "settings": settings.measure,
    "kernel": _kernel,
    "backtest": backtest.measure,
    "sweep": sweep.measure,
    "live": live.measure,
}
COMPARED: Final = ("backtest", "sweep")
"""Those that look at other engines, too."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one bench, show its figures, and keep them where a file was named."""
    wish = _parser().parse_args(argv)
    names = list(BENCHES) if wish.name == "all" else [wish.name]
    if wish.peers is not None and (not wish.peers.is_dir() or not set(names) & set(COMPARED)):
        sys.stderr.write(f"bench: --peers names a folder with virtual environments, for {' and '.join(COMPARED)}.\n")
        return 2
    configure("bench", LogSettings(level="warning", format="console"), sys.stderr)
    kept = []
    for name in names:
        figures = measured(name, wish.size, wish.peers if name in COMPARED else None)
        show(name, figures, wish.json)
        kept.append(saved.document(name, figures))
    if wish.export is not None:
        saved.save(wish.export, kept)
        sys.stderr.write(f"bench: kept in {wish.export}\n")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="bench", description=__doc__)
    parser.add_argument("name", choices=[*BENCHES, "all"])
    parser.add_argument("--json", action="store_true", help="one object on standard output")
    parser.add_argument("--size", type=int, help="candles, orders, events or runs; the default takes about a minute")
    parser.add_argument("--peers", type=Path, metavar="DIR", help="virtual environments of other engines, by name")
    parser.add_argument("--export", type=Path, metavar="FILE", help="keep the figures with versions and date")
    return parser


def measured(name: str, size: int | None = None, peers: Path | None = None) -> dict[str, Any]:
    """The figures of one bench, taken on the loop the platform runs on."""
    figures: list[dict[str, Any]] = []
    measure = partial(BENCHES[name], peers=peers) if peers is not None else BENCHES[name]

    async def take() -> None:
        figures.append(await (measure(size) if size else measure()))

    run(take)
    return figures[0]


if __name__ == "__main__":
    sys.exit(main())
