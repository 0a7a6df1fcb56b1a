"""Unmodified freqtrade, live, with its stops on the exchange: in the end its database equals the exchange's books."""

import asyncio
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from tests.simulator.bot import PATIENCE, Bot, Leg, Written, executable, running, written
from tests.simulator.stage import Venue
from tests.simulator.story import ORDERS, UID

from tradingboost.simulator.settings import AccountSettings, MarketSource, free_ports


class Coin(NamedTuple):
    """Base in one contract, and the grid of its prices."""

    face: Decimal
    tick: Decimal


COINS = {
    f"{name}-USDT-SWAP": Coin(Decimal(face), Decimal(tick))
    for name, face, tick in (
        ("BTC", "0.01", "0.1"),
        ("ETH", "0.1", "0.01"),
        ("SOL", "1", "0.01"),
        ("XRP", "100", "0.0001"),
        ("DOGE", "1000", "0.00001"),
    )
}
STATES = {"live": "open", "filled": "closed", "effective": "closed", "canceled": "canceled"}
LEGS: tuple[Leg, Leg] = ("long", "short")

pytestmark = [
    pytest.mark.long,
    pytest.mark.timeout(500),
    pytest.mark.skipif(not executable(), reason="freqtrade is not there; name its executable in FREQTRADE"),
]


@pytest.mark.parametrize("pos_mode", ["net_mode", "long_short_mode"])
async def test_freqtrade_knows_what_the_exchange_knows_of_two_hundred_orders(
    open_venue: Callable[..., Any], tmp_path: Path, pos_mode: Any
) -> None:
    markets = tuple(MarketSource(inst=name, every_ms=500, history_bars=300) for name in COINS)
    accounts = (AccountSettings(pos_mode=pos_mode, balances={"USDT": Decimal(1_000_000)}),)
    venue: Venue = await open_venue(free_ports(markets=markets, accounts=accounts))
    async with running(venue, tuple(map(_pair, COINS)), tmp_path) as bot:
        for number in range(ORDERS):
            trades = await _entered(venue, bot, number)
            if len((await _truth(venue)).orders) >= ORDERS:
                await bot.until(_looked_at, "every stop was asked after")
                break
            await _left(venue, bot, number, trades)
    real = await _truth(venue)
    assert len(real.orders) >= ORDERS
    states = [state for _, state, _ in real.orders.values()]
    assert {state: states.count(state) > len(COINS) - 1 for state in STATES.values()} == dict.fromkeys(
        STATES.values(), True
    )
    assert sum(row[:2] == ("stoploss", "closed") for row in real.orders.values()) > 2 * len(COINS)
    assert set(real.held) == set(map(_pair, COINS))
    told = written(tmp_path)
    assert set(told.orders.items()) ^ set(real.orders.items()) == set()
    assert told.held == real.held
    assert await venue.admin.check() == []


def _looked_at(trades: dict[int, Any]) -> bool:
    """A new stop has no state in the bot's books before its first look at it."""
    rows = [(order["ft_order_side"], order["status"]) for trade in trades.values() for order in trade["orders"]]
    return rows.count(("stoploss", "open")) == len(COINS)


def _pair(inst_id: str) -> str:
    base, quote, _ = inst_id.split("-")
    return f"{base}/{quote}:{quote}"


async def _entered(venue: Venue, bot: Bot, number: int) -> list[int]:
    """Enter every pair, longs and shorts in turn, and wait until each has its stop at the exchange."""
    legs = [(_pair(name), LEGS[(index + number) % 2]) for index, name in enumerate(COINS)]
    trades = [await bot.enter(pair, leg) for pair, leg in legs]
    await _covered(venue)
    return trades


async def _covered(venue: Venue) -> None:
    for _ in range(PATIENCE):
        states = [row["text"]["state"] for row in (await venue.admin.truth(UID))["algos"]]
        if states.count("live") == len(COINS):
            return
        await asyncio.sleep(0.2)  # the bot places its stops in its own time
    raise AssertionError("a trade has no stop at the exchange")


async def _left(venue: Venue, bot: Bot, number: int, trades: list[int]) -> None:
    """Close the trades: by the bot, or every third time by prices that jump down and up and fire every stop."""
    if number % 3 == 2:
        for row in (await venue.admin.truth(UID))["positions"]:
            entry, tick = Decimal(row["text"]["avgPx"]), COINS[row["text"]["instId"]].tick
            for factor in (Decimal("0.96"), Decimal("1.04")):
                await venue.admin.set_price(row["text"]["instId"], str((entry * factor).quantize(tick)))
    else:
        for trade in trades:
            await bot.leave(trade)
    await bot.until(lambda rows: not rows, "every trade is closed")


async def _truth(venue: Venue) -> Written:
    """The exchange's own books in the bot's words: what a stop made when it fired counts as the stop's."""
    books = await venue.admin.truth(UID)
    orders = [row["text"] for row in books["orders"]]
    made = {row["algoId"]: row for row in orders if row["algoId"]}
    known = {row["ordId"]: (row["side"], STATES[row["state"]], _base(row)) for row in orders if not row["algoId"]}
    for row in (row["text"] for row in books["algos"]):
        child = made.get(row["algoId"])
        known[row["algoId"]] = ("stoploss", STATES[row["state"]], _base(child) if child else Decimal(0))
        assert (child is not None) == (row["state"] == "effective")
        assert child is None or child["state"] == "filled"
    held = [row["text"] for row in books["positions"]]
    signs = {"net": 1, "long": 1, "short": -1}
    return Written(known, {_pair(row["instId"]): signs[row["posSide"]] * _base(row, "pos") for row in held})


def _base(row: dict[str, str], field: str = "accFillSz") -> Decimal:
    """Contracts of a row in base currency."""
    return (Decimal(row[field] or "0") * COINS[row["instId"]].face).normalize()
