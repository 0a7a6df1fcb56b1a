"""The story every test here tells: a seeded market, both strategies, and what must be true when it has been told."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

from tradingboost.app import invariants
from tradingboost.app.books import compare_books
from tradingboost.app.demo import WARMUP, parameters
from tradingboost.app.instruments import listed
from tradingboost.app.lived import fills_of
from tradingboost.app.parity import verdict
from tradingboost.app.replay.bars import Bars, plain, synthetic
from tradingboost.app.replay.stage import Part, Stage
from tradingboost.app.settings import Settings
from tradingboost.app.wiring import Platform
from tradingboost.core.market import Timeframe
from tradingboost.core.money import ZERO
from tradingboost.kit.clock import SystemClock
from tradingboost.simulator.client import AdminClient
from tradingboost.simulator.simulator import Endpoints

SEED: Final = 24
"""A market in which fifty bars bring an entry, an addition, two take-profits, a stop and many grid cycles."""

STRATEGIES: Final = ("hyperrsi", "grid")


def market(bars: int) -> Bars:
    """The synthetic market: warm-up and `bars` five-minute candles."""
    return synthetic(SEED, listed("BTC-USDT-SWAP"), Timeframe.M5, (WARMUP, bars), SystemClock().now())


def wanted(bars: Bars) -> list[tuple[str, dict[str, Any]]]:
    """Both strategies: as in the demo, with a grid narrow enough to cycle within a day."""
    start = Decimal(bars.price(int(bars.series.close[bars.warmup - 1])))
    narrow = {"lower_price": plain(start * Decimal("0.97")), "upper_price": plain(start * Decimal("1.03"))}
    return [(name, parameters(name, bars) | (narrow if name == "grid" else {})) for name in STRATEGIES]


def in_one_process(servers: tuple[str, str], folder: Path, endpoints: Endpoints | None = None) -> Settings:
    """Settings of a platform in this process; `endpoints` of an exchange that was opened before."""
    where = {} if endpoints is None else {"okx_rest": endpoints.rest, "okx_ws": endpoints.ws}
    return Settings.model_validate(
        {
            "env": "test",
            "db": {"url": servers[0]},
            "redis": {"url": servers[1]},
            "embedded": {"data_dir": folder},
            "market": where,
        }
    )


async def filled_orders(platform: Platform, part: Part) -> Counter[str]:
    """How many orders of each slot family filled."""
    fills = await fills_of(platform.orders, part.account.account_id)
    return Counter(family for _, family in {(fill.order_id, fill.slot.split(":")[0]) for fill in fills})


async def check_sound(platform: Platform, admin: AdminClient, parts: Sequence[Part]) -> None:
    """Books equal, every invariant held, each id sent once, positions covered, the venue's audits clean."""
    for part in parts:
        compared = await compare_books(platform, admin, part.account)
        assert compared.equal, f"{part.strategy}: {compared.differences}"
        await check_covered(admin, part)
    broken = [result for result in await invariants.check(platform.context.db) if not result.held]
    assert broken == []
    assert await admin.check() == []
    sent = (await admin.requests(limit=1))["post_count"]
    assert sent, "the exchange counted no order at all"
    assert {name: count for name, count in sent.items() if count != 1} == {}


async def check_covered(admin: AdminClient, part: Part) -> None:
    """At the exchange itself: whoever holds a position has live stops for all of it."""
    truth = await admin.truth(part.account.exchange_uid)
    held = sum((Decimal(row["text"]["pos"]) for row in truth["positions"]), ZERO)
    closing = "sell" if held > 0 else "buy"
    live = [row["text"] for row in truth["algos"] if row["text"]["state"] == "live"]
    stops = [row for row in live if row["side"] == closing and row["slTriggerPx"]]
    covered = sum((Decimal(row["sz"]) for row in stops), ZERO)
    assert covered >= abs(held), f"{part.strategy} holds {held} and the exchange has stops for {covered}"


async def check_backtest(stage: Stage, done: int) -> None:
    """What was lived equals the compiled backtest of the same bars: nothing was lost, doubled or decided late."""
    for part in stage.parts:
        found = await verdict(stage, part, done)
        assert found.differences == [], f"{part.strategy}: {found.differences[:5]}"


async def run_out(stage: Stage, stop: asyncio.Event | None = None) -> int:
    """Replay what is left of the market."""
    return await stage.driver().run(lambda _: None, stop or asyncio.Event())
