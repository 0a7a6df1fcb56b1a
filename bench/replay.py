"""The whole house per candle: a synthetic market through exchange, streams, both strategies, orders and books."""

import asyncio
import time
from typing import Any

from bench.figures import installation
from tradingboost.app.demo import WARMUP, parameters
from tradingboost.app.instruments import listed
from tradingboost.app.replay.bars import synthetic
from tradingboost.app.replay.stage import stage
from tradingboost.core.market import Timeframe
from tradingboost.kit.clock import SystemClock


async def measure(bars: int = 300) -> dict[str, Any]:
    """Candles per second of wall and of processor time (this process: platform, exchange and driver together)."""
    market = synthetic(7, listed("BTC-USDT-SWAP"), Timeframe.M5, (WARMUP, bars), SystemClock().now())
    wanted = [(name, parameters(name, market)) for name in ("hyperrsi", "grid")]
    async with installation() as settings, stage(settings, market, wanted) as built:
        began, cpu = time.perf_counter(), time.process_time()
        done = await built.driver().run(lambda _: None, asyncio.Event())
        wall, cpu = time.perf_counter() - began, time.process_time() - cpu
        fills = [len(await built.platform.orders.fills(part.account.account_id)) for part in built.parts]
    return {
        "candles": done,
        "fills": sum(fills),
        "candles_per_s": round(done / wall, 1),
        "candles_per_cpu_s": round(done / cpu, 1),
        "ratios": {"replay_vs_100_candles_per_s": round(done / wall / 100, 2)},
    }
