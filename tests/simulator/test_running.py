"""Opening and closing: ports, accounts, live markets, saved state."""

import asyncio
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import aiohttp
import polars as pl
import pytest
from tests.simulator.stage import BTC, START_MS, SYMBOL, Venue, stepped_settings

from tradingboost.core.errors import BrokenInvariant, Conflict, InvalidInput, NotFound, Unavailable
from tradingboost.kit.clock import SystemClock
from tradingboost.simulator.client import AdminClient
from tradingboost.simulator.clock import MarketClock, micros
from tradingboost.simulator.settings import MarketSource, free_ports
from tradingboost.simulator.simulator import Simulator


async def test_a_busy_port_is_told_in_one_sentence(venue: Venue) -> None:
    port = int(venue.at.rest.rsplit(":", 1)[1])
    other = Simulator(stepped_settings(port=port))
    with pytest.raises(Unavailable, match=f"Port {port} is in use") as caught:
        async with other.running():
            raise AssertionError("it must not open")
    assert caught.value.code == "port_busy"
    assert "TB_SIM__PORT" in caught.value.message


async def test_a_stopped_simulator_frees_its_ports() -> None:
    simulator = Simulator(stepped_settings())
    async with simulator.running() as first:
        port = int(first.rest.rsplit(":", 1)[1])
    async with Simulator(stepped_settings(port=port)).running() as second:
        assert second.rest == first.rest
    with pytest.raises(Unavailable, match="not running"):
        _ = simulator.parts


async def test_the_admin_port_wants_its_token(venue: Venue) -> None:
    async with aiohttp.ClientSession() as session, session.get(venue.at.admin + "/health") as answer:
        assert answer.status == 401
    assert (await venue.admin.health())["ok"] is True


async def test_the_trading_port_knows_no_admin_call(venue: Venue) -> None:
    async with aiohttp.ClientSession() as session, session.get(venue.at.rest + "/health") as answer:
        assert answer.status == 404


async def test_accounts_are_opened_while_running(venue: Venue) -> None:
    made = await venue.admin.open_account(label="second", balances={"USDT": "500"})
    assert made.uid != "1"
    truth = await venue.admin.truth(made.uid)
    assert truth["balances"]["text"]["details"][0]["cashBal"] == "500"
    with pytest.raises(Conflict):
        await venue.admin.open_account(uid="1")
    with pytest.raises(InvalidInput):
        await venue.admin.open_account(pos_mode="sideways")


async def test_unknown_policies_and_instruments_are_refused_at_the_start() -> None:
    unknown_market = free_ports(markets=(MarketSource(inst="NOPE"),))
    for settings, word in ((stepped_settings(policy={"luck": 1}), "luck"), (unknown_market, "NOPE")):
        with pytest.raises((InvalidInput, NotFound), match=word):
            async with Simulator(settings).running():
                raise AssertionError("it must not open")


async def test_a_live_market_moves_by_itself(live_venue: Venue) -> None:
    import ccxt.pro

    client = ccxt.pro.okx(live_venue.ccxt_config())
    try:
        seen = {(await asyncio.wait_for(client.watch_ticker(SYMBOL), 10))["last"] for _ in range(6)}
        history = await client.fetch_ohlcv(SYMBOL, "1m", None, 100)
    finally:
        await client.close()
    assert len(seen) > 1
    assert len(history) == 100
    now_ms = micros(SystemClock().now()) // 1000
    assert now_ms - 120_000 < history[-1][0] <= now_ms
    steps = {b[0] - a[0] for a, b in pairwise(history)}
    assert steps == {60_000}


async def test_a_candle_file_is_shifted_to_now(open_venue: Callable[..., Any], tmp_path: Path) -> None:
    path, count = tmp_path / "btc.parquet", 12 * 24 * 16
    first_ms = 1_600_000_200_000
    closes = [42_000.0 + index for index in range(count)]
    pl.DataFrame(
        {
            "timestamp": [first_ms + index * 300_000 for index in range(count)],
            "open": closes,
            "high": [one + 5 for one in closes],
            "low": [one - 5 for one in closes],
            "close": closes,
            "volume": [1.0] * count,
        }
    ).write_parquet(path)
    venue: Venue = await open_venue(free_ports(markets=(MarketSource(inst=BTC, source="candles", path=path),)))
    exchange = venue.simulator.parts.exchange
    await asyncio.sleep(0.1)  # the first prints are due at once
    bars = exchange.engine.candles(BTC, "5m", 3)
    now_us = exchange.now_us()
    assert now_us - 600_000_000 < bars[-1].ts_us <= now_us
    week_ms = 604_800_000
    known = {first_ms % week_ms + index * 300_000 - week_ms * k for index in range(count) for k in range(4)}
    assert bars[-2].ts_us // 1000 % week_ms in known
    assert 0 < exchange.engine.last(BTC) < (42_000 + count + 5) * 10


async def test_state_survives_a_restart(tmp_path: Path) -> None:
    settings = stepped_settings(state_file=tmp_path / "state.json")
    simulator = Simulator(settings)
    async with simulator.running():
        simulator.parts.exchange.labels["1"] = "renamed"
        digest = simulator.parts.exchange.engine.digest()
    async with simulator.running():
        assert simulator.parts.exchange.engine.digest() == digest
        assert simulator.parts.exchange.labels["1"] == "renamed"


def test_a_fast_clock_runs_fast_and_never_back() -> None:
    from tradingboost.kit.clock import FakeClock

    wall = FakeClock()
    clock = MarketClock(wall, "live", start_ms=1_000, speed=60.0)
    wall.advance(2.0)
    assert clock.now_us() == 1_000_000 + 120_000_000
    stepped = MarketClock(wall, "stepped", start_ms=5_000)
    stepped.move_to(7_000_000)
    stepped.move_to(6_000_000)
    assert stepped.now_us() == 7_000_000


async def test_a_killed_exchange_comes_back_from_its_journal(tmp_path: Path) -> None:
    kept = tmp_path / "journal"
    settings = stepped_settings(journal_file=kept, journal_bytes=5_000_000)
    simulator = Simulator(settings)
    order = {"instId": BTC, "tdMode": "isolated", "side": "buy", "ordType": "market", "sz": "3"}
    async with simulator.running() as at, AdminClient(at.admin, at.admin_token) as admin:
        await admin.trade(BTC, "42000", volume="1")
        made = await admin.open_account(balances={"USDT": "5000"})
        await admin.manual_order(made.uid, order)
        await admin.manual_order("1", {**order, "ordType": "limit", "px": "41000"})
        await admin.advance(START_MS + 180_000)
        await admin.limit_account("1", label="renamed")
        before = simulator.parts.exchange.engine.digest(), await admin.truth(made.uid), await admin.truth("1")
        as_killed = kept.read_bytes()
    kept.write_bytes(as_killed + as_killed[-3:])  # a death in the middle of a record
    async with simulator.running() as at, AdminClient(at.admin, at.admin_token) as admin:
        after = simulator.parts.exchange.engine.digest(), await admin.truth(made.uid), await admin.truth("1")
        assert simulator.parts.exchange.keys.known(made.key)
        assert await admin.check() == []
    assert [_without_time(one) for one in after[1:]] == [_without_time(one) for one in before[1:]]
    assert after[0] == before[0]


def _without_time(books: dict[str, Any]) -> dict[str, Any]:
    """Balances and positions say when they were asked."""
    return {key: value for key, value in books.items() if key not in ("balances", "positions")}


async def test_a_journal_begins_anew_when_it_is_long_and_says_when_it_is_none(tmp_path: Path) -> None:
    kept = tmp_path / "journal"
    simulator = Simulator(stepped_settings(journal_file=kept, journal_bytes=1))
    async with simulator.running() as at, AdminClient(at.admin, at.admin_token) as admin:
        first = kept.stat().st_size
        for number in range(200):
            await admin.trade(BTC, str(42_000 + number))
        digest = simulator.parts.exchange.engine.digest()
        assert kept.stat().st_size < 4 * first
        await admin.reset()
        assert simulator.parts.exchange.engine.digest() != digest
        digest = simulator.parts.exchange.engine.digest()
    async with simulator.running():
        assert simulator.parts.exchange.engine.digest() == digest
    for wrong, word in ((b"hello, this is no journal", "no journal"), (_diverged(kept.read_bytes()), "another state")):
        kept.write_bytes(wrong)
        with pytest.raises((InvalidInput, BrokenInvariant), match=word):
            async with simulator.running():
                raise AssertionError("it must not open")


def _diverged(journal: bytes) -> bytes:
    """A journal that claims to have ended elsewhere."""
    return journal + len(b"0" * 64).to_bytes(4, "big") + b"D" + b"0" * 64
