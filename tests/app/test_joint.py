"""Several symbols on one balance from request to kept result: stored candles, breakdown, tables, receipts, refusals."""

import csv
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.cli.candles import write_candles

from tradingboost.app import results
from tradingboost.app.backtest_request import BacktestRequest
from tradingboost.app.data.curating import imported
from tradingboost.app.joint import BacktestedTogether, backtested
from tradingboost.app.optimise.examining import request_of
from tradingboost.app.report import page
from tradingboost.backtest import OnEnd
from tradingboost.backtest.document import decode, encode
from tradingboost.core.errors import InvalidInput, NotFound
from tradingboost.kit.candles.store import CandleStore

BTC, ETH, SOL = "BTC-USDT-SWAP", "ETH-USDT-SWAP", "SOL-USDT-SWAP"
GRID: dict[str, Any] = {
    "lower_price": "39000",
    "upper_price": "41000",
    "grid_num": 20,
    "investment": 1000,
    "leverage": 3,
}

pytestmark = pytest.mark.timeout(600)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> CandleStore:
    """BTC whole, ETH from its 301st candle on and without ten of them; both with the same prices."""
    folder = tmp_path_factory.mktemp("joint")
    store = CandleStore(folder / "candles")
    whole = write_candles(folder / "okx_BTCUSDT_swap_5m.csv", 1500)
    lines = whole.read_text().splitlines()
    late = folder / "okx_ETHUSDT_swap_5m.csv"
    late.write_text("\n".join([lines[0], *lines[301:900], *lines[910:]]) + "\n")
    for path, symbol in ((whole, BTC), (late, ETH)):
        imported(store, path, None, symbol, sort=False)
    return store


def asked(**changes: Any) -> BacktestRequest:
    wish: dict[str, Any] = {
        "strategy": "grid",
        "symbol": BTC,
        "others": (ETH,),
        "timeframe": "5m",
        "params": GRID,
        "overrides": {ETH: {"grid_num": 10}},
    }
    return BacktestRequest(**(wish | changes))


def ran(store: CandleStore, **changes: Any) -> BacktestedTogether:
    done = backtested(asked(**changes), store)
    assert isinstance(done, BacktestedTogether)
    return done


@pytest.fixture(scope="module")
def done(store: CandleStore) -> BacktestedTogether:
    return ran(store, on_end=OnEnd.CLOSE)


def test_every_symbol_is_told_apart_and_the_account_as_a_whole(done: BacktestedTogether) -> None:
    found = done.document
    assert found.symbols
    assert [one.symbol for one in found.symbols] == [BTC, ETH]
    assert (found.schema, found.summary.symbol) == (2, f"{BTC} + {ETH}")
    assert found.request["symbols"] == [BTC, ETH]
    assert [found.request["own"][symbol]["params"]["grid_num"] for symbol in (BTC, ETH)] == [20, 10]
    assert sum(one.net for one in found.symbols) == found.summary.net_pnl
    assert sum(one.deals for one in found.symbols) == found.summary.round_trips == found.figures.deals.deals
    assert sum(float(one.drawdown_share or 0) for one in found.symbols) == pytest.approx(1.0)
    assert {row.name: row.net for row in found.breakdowns["symbol"]} == {one.symbol: one.net for one in found.symbols}
    assert max(one.exposure for one in found.symbols) <= found.figures.exposure <= 1
    assert found.band is not None
    assert [line.mode for line in found.band.lines] == ["headline", "pessimistic", "neutral", "optimistic"]
    assert found.band.lines[0].net_pnl == found.summary.net_pnl


def test_gaps_are_those_of_their_symbol_and_different_histories_are_said(done: BacktestedTogether) -> None:
    found = done.document
    assert found.symbols
    assert [one.data.missing for one in found.symbols] == [0, 10]
    assert any(line.startswith(f"{ETH}: 10 candles are missing") for line in found.warnings)
    assert "histories_differ" in [one.code for one in found.remarks]


def test_deals_orders_and_events_carry_their_symbol_and_are_numbered_through(done: BacktestedTogether) -> None:
    found = done.document
    assert [deal.number for deal in found.deals] == list(range(1, len(found.deals) + 1))
    assert [deal.opened_ms for deal in found.deals] == sorted(deal.opened_ms for deal in found.deals)
    for lines in (found.deals, found.orders, found.events):
        assert {line.symbol for line in lines} == {BTC, ETH}
    assert found.symbols
    for one in found.symbols:
        own = {deal.number - 1 for deal in found.deals if deal.symbol == one.symbol}
        assert {row[4] for row in one.chart.marks} == own


def test_tables_name_the_symbol_and_balance_by_it(done: BacktestedTogether, tmp_path: Path) -> None:
    results.export(tmp_path / "run", done.document, done.result)
    fills = list(csv.DictReader((tmp_path / "run" / "trades.csv").read_text().splitlines()))
    deals = list(csv.DictReader((tmp_path / "run" / "trades.deals.csv").read_text().splitlines()))
    assert len(fills) == done.document.summary.fills
    assert [int(row["time_ms"]) for row in fills] == sorted(int(row["time_ms"]) for row in fills)
    signs = {"buy": 1, "sell": -1}
    for symbol in (BTC, ETH):
        own = [row for row in fills if row["symbol"] == symbol]
        assert sum(signs[row["side"]] * Decimal(row["qty_contracts"]) for row in own) == 0
        assert {row["deal"] for row in own} == {row["number"] for row in deals if row["symbol"] == symbol}
    assert sum(Decimal(row["net"]) for row in deals) == done.document.summary.net_pnl


def test_the_same_request_has_the_same_receipt_and_is_read_again(
    store: CandleStore, done: BacktestedTogether, tmp_path: Path
) -> None:
    found = done.document
    assert decode(encode(found), "a.json") == found
    path = results.keep(tmp_path, found)
    assert [one.receipt for one in results.kept(tmp_path)] == [found.receipt]
    kept = results.find(tmp_path, str(path))
    again = backtested(request_of(kept, None, None), store)
    assert again.document.receipt == found.receipt
    assert backtested(asked(on_end=OnEnd.CLOSE, symbol=ETH, others=(BTC,)), store).document.receipt != found.receipt


def test_one_symbol_is_the_back_test_it_was(store: CandleStore) -> None:
    alone = backtested(asked(others=(), overrides={BTC: {"grid_num": 10}}), store)
    same = backtested(asked(others=(), overrides={}, params={**GRID, "grid_num": 10}), store)
    assert alone.document == same.document
    kept = json.loads(encode(alone.document))
    assert (kept["schema"], "symbols" in kept) == (1, False)
    left = [*kept["summary"]["left_open"], *kept["summary"]["open_orders"]]
    assert left
    assert not [row for row in [*kept["deals"], *kept["orders"], *kept["events"], *left] if "symbol" in row]


def test_the_report_shows_every_symbol(done: BacktestedTogether) -> None:
    data = json.loads(page(done.document).split('id="data">')[1].split("</script>")[0])
    assert [one["symbol"] for one in data["symbols"]] == [BTC, ETH]


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"others": (ETH, "btc-usdt-swap")}, "BTC-USDT-SWAP is named 2 times"),
        ({"others": ("BTC-USDT",), "overrides": {}}, "one is spot and the other a swap"),
        ({"overrides": {SOL: {"leverage": 2}}}, "names SOL-USDT-SWAP, which is not tested"),
        ({"candles": Path("some.csv")}, "A candle file holds one symbol"),
        ({"others": (SOL,), "overrides": {}}, f"No candles of {SOL} at okx are stored"),
        ({"params": {**GRID, "grid_num": 3, "spread": 1}}, f"{BTC}: .*spread"),
        ({"timerange": "20240106-"}, f"{BTC}: .*fewer than 200"),
    ],
)
def test_what_cannot_be_tested_together_is_told_in_one_sentence(
    store: CandleStore, changes: dict[str, Any], says: str
) -> None:
    with pytest.raises((InvalidInput, NotFound), match=says):
        backtested(asked(**changes), store)


def test_entries_the_shared_balance_does_not_carry_are_counted(store: CandleStore) -> None:
    tight = ran(store, balance=Decimal(700), params={**GRID, "investment": 600}, band=False).document
    assert tight.symbols
    refused = sum(one.margin_refusals for one in tight.symbols)
    assert refused > 0
    assert tight.summary.skipped["denied"] >= refused
    assert "margin_refused" in [one.code for one in tight.remarks]
    assert msgspec.structs.replace(tight, receipt="").symbols
