"""`python -m bench NAME [--json] [--size N]`: replay, orders, bus, kernel, backtest."""

import argparse
import sys
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final

from tradingboost.kit import compile_cache

compile_cache.prepare(compile_cache.default_cache_dir())

from bench import backtest, bus, kernel, orders, replay  # noqa: E402 - numba must see the cache directory first
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
    "bus": bus.measure,
    "kernel": _kernel,
    "backtest": backtest.measure,
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run one bench and show its figures."""
    parser = argparse.ArgumentParser(prog="bench", description=__doc__)
    parser.add_argument("name", choices=[*BENCHES, "all"])
    parser.add_argument("--json", action="store_true", help="one object on standard output")
    parser.add_argument("--size", type=int, help="candles, orders or events; the default takes less than a minute")
    wish = parser.parse_args(argv)
    configure("bench", LogSettings(level="warning", format="console"), sys.stderr)
    for name in BENCHES if wish.name == "all" else (wish.name,):
        show(name, measured(name, wish.size), wish.json)
    return 0


def measured(name: str, size: int | None = None) -> dict[str, Any]:
    """The figures of one bench, taken on the loop the platform runs on."""
    figures: list[dict[str, Any]] = []

    async def take() -> None:
        figures.append(await (BENCHES[name](size) if size else BENCHES[name]()))

    run(take)
    return figures[0]


if __name__ == "__main__":
    sys.exit(main())
