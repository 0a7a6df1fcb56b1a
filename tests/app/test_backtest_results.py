"""A back-test from request to kept result: coverage, funding, receipts, exports, bounds."""

import csv
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.cli.candles import START_MS, write_candles

from tradingboost.app import results
from tradingboost.app.asked import at_bounds
from tradingboost.app.backtest_request import BacktestRequest
from tradingboost.app.backtesting import Backtested, backtest
from tradingboost.app.funding import funding_of
from tradingboost.app.report import page
from tradingboost.backtest import OnEnd
from tradingboost.backtest.document import decode, encode, receipt_of
from tradingboost.core.errors import InvalidInput, NotFound
from tradingboost.kit.candles.store import CandleStore
from tradingboost.strategies import get as strategy_named

GRID: dict[str, Any] = {
    "lower_price": "39000",
    "upper_price": "41000",
    "grid_num": 20,
    "investment": 1000,
    "leverage": 3,
}
HOUR_MS = 3_600_000


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("backtests")


@pytest.fixture(scope="module")
def candles(folder: Path) -> Path:
    return write_candles(folder / "BTCUSDT_swap_5m.csv", 1500)


def ran(candles: Path, **changes: Any) -> Backtested:
    wish: dict[str, Any] = {"strategy": "grid", "candles": candles, "params": GRID}
    return backtest(BacktestRequest(**(wish | changes)), CandleStore(candles.parent / "store"))


@pytest.fixture(scope="module")
def done(candles: Path) -> Backtested:
    return ran(candles)


def test_the_same_request_on_the_same_candles_has_the_same_receipt(candles: Path, done: Backtested) -> None:
    assert ran(candles).document.receipt == done.document.receipt
    copy = candles.with_name("BTCUSDT_swap_copy_5m.csv")
    copy.write_bytes(candles.read_bytes())
    assert ran(copy).document.receipt == done.document.receipt
    assert ran(candles, slippage_bps=Decimal(6)).document.receipt != done.document.receipt


def test_a_result_survives_being_written_and_a_changed_one_is_refused(done: Backtested) -> None:
    text = encode(done.document)
    assert decode(text, "a.json") == done.document
    assert receipt_of(done.document) == done.document.receipt
    changed = text.replace(b'"net_pnl":"', b'"net_pnl":"1', 1)
    with pytest.raises(InvalidInput, match="does not fit its receipt"):
        decode(changed, "a.json")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (b"no json", "no back-test result"),
        (b'{"kind":"other","schema":1}', "no back-test result"),
        (b'{"kind":"tradingboost.backtest","schema":99}', "written by another version .schema 99"),
        (b'{"kind":"tradingboost.backtest","schema":1}', "damaged"),
    ],
)
def test_a_file_that_is_no_result_of_this_version_is_told_in_one_sentence(text: bytes, says: str) -> None:
    with pytest.raises(InvalidInput, match=says):
        decode(text, "a.json")


def test_a_result_kept_twice_is_one_file_and_is_found_by_the_beginning_of_its_receipt(
    done: Backtested, tmp_path: Path
) -> None:
    folder = tmp_path / "backtests"
    assert results.keep(folder, done.document) == results.keep(folder, done.document)
    assert [one.receipt for one in results.kept(folder)] == [done.document.receipt]
    for name in (done.document.receipt[:6], "latest", str(folder / f"{done.document.receipt[:16]}.json")):
        assert results.find(folder, name) == done.document
    with pytest.raises(NotFound, match="backtesting-show"):
        results.find(folder, "0000ffff")


def test_two_back_tests_in_one_process_share_nothing(candles: Path, done: Backtested) -> None:
    other = ran(candles, params={**GRID, "grid_num": 10})
    assert other.document.summary.fills != done.document.summary.fills
    assert ran(candles).document == done.document


def test_tables_hold_every_fill_and_every_deal(candles: Path, tmp_path: Path) -> None:
    closed = ran(candles, on_end=OnEnd.CLOSE)
    written = results.export(tmp_path / "run", closed.document, closed.result)
    assert [path.name for path in written] == ["report.html", "result.json", "trades.csv", "trades.deals.csv"]
    fills = list(csv.DictReader((tmp_path / "run" / "trades.csv").read_text().splitlines()))
    deals = list(csv.DictReader((tmp_path / "run" / "trades.deals.csv").read_text().splitlines()))
    assert len(fills) == closed.document.summary.fills
    assert len(deals) == len(closed.document.deals)
    assert fills[-1]["slot"] == "backtest_end"
    assert Decimal(fills[-1]["remaining"]) == 0
    signs = {"buy": 1, "sell": -1}
    assert sum(signs[row["side"]] * Decimal(row["qty_contracts"]) for row in fills) == 0
    assert sum(Decimal(row["fee"]) for row in fills) == closed.document.summary.fees
    assert sum(Decimal(row["net"]) for row in deals) == closed.document.summary.net_pnl
    assert json.loads((tmp_path / "run" / "result.json").read_bytes())["schema"] == 1


def test_an_unknown_ending_is_refused(done: Backtested, tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match=r"\.html, \.json, \.csv"):
        results.export(tmp_path / "report.pdf", done.document)


def test_the_report_is_one_page_that_loads_nothing(done: Backtested) -> None:
    text = page(done.document)
    assert "@" + "DATA@" not in text
    assert "default-src 'none'" in text
    assert not [word for word in ("src=", "href=", "@import", "url(http", "fetch(", "XMLHttp") if word in text]
    data = text.split('id="data">')[1].split("</script>")[0]
    assert "<" not in data
    assert json.loads(data)["receipt"] == done.document.receipt


def test_names_cannot_break_out_of_the_report(done: Backtested) -> None:
    request = {**done.document.request, "strategy": "</script><script>alert(1)</script>"}
    text = page(msgspec.structs.replace(done.document, request=request))
    assert "<script>alert" not in text


# -- candles ---------------------------------------------------------------------------------------------------------


def _holed(folder: Path, count: int, without: range) -> Path:
    path = write_candles(folder / f"BTCUSDT_swap_{count}_{len(without)}_5m.csv", count)
    lines = path.read_text().splitlines()
    path.write_text("\n".join(line for index, line in enumerate(lines) if index - 1 not in without) + "\n")
    return path


def test_gaps_are_listed_and_never_filled(tmp_path: Path) -> None:
    found = ran(_holed(tmp_path, 1500, range(700, 710))).document
    assert found.data.gaps == [[START_MS + 699 * 300_000, START_MS + 710 * 300_000, 10]]
    assert (found.data.missing, found.summary.bars) == (10, 1490 - found.data.warmup_bars)
    assert any("10 candles are missing" in line for line in found.warnings)


def test_too_many_gaps_are_refused_unless_allowed(tmp_path: Path) -> None:
    holed = _holed(tmp_path, 1500, range(600, 900))
    with pytest.raises(InvalidInput, match=r"Only 80\.0% .* --allow-gaps") as refused:
        ran(holed)
    assert refused.value.details["gaps"] == [[START_MS + 599 * 300_000, START_MS + 900 * 300_000, 300]]
    remarks = [one.code for one in ran(holed, allow_gaps=True).document.remarks]
    assert "coverage" in remarks


def test_too_few_candles_after_the_warm_up_are_refused_unless_allowed(tmp_path: Path) -> None:
    short = write_candles(tmp_path / "BTCUSDT_swap_short_5m.csv", 150)
    with pytest.raises(InvalidInput, match="fewer than 200"):
        ran(short)
    assert ran(short, allow_gaps=True).document.summary.bars < 200


def test_finer_candles_of_the_same_file_are_followed_inside_a_bar(candles: Path) -> None:
    coarse = ran(candles, timeframe="1h", allow_gaps=True)
    fine = ran(candles, timeframe="1h", detail="5m", allow_gaps=True)
    assert fine.document.request["detail_timeframe"] == "5m"
    assert coarse.document.band is not None
    assert fine.document.band is not None
    assert fine.document.band.without_detail == coarse.document.band.spread
    assert fine.document.band.ambiguous_bars <= coarse.document.band.ambiguous_bars


# -- funding and parameters ------------------------------------------------------------------------------------------


def test_a_history_is_taken_and_what_it_lacks_is_assumed_and_told(tmp_path: Path) -> None:
    first = START_MS
    path = tmp_path / "funding.csv"
    path.write_text(f"timestamp,funding_rate\n{first + 3},0.0003\n{first + 8 * HOUR_MS},-0.0002\n")
    found, note = funding_of("auto", path, first, first + 24 * HOUR_MS)
    assert found.times_ms.tolist() == [first + hour * HOUR_MS for hour in (0, 8, 16, 24)]
    assert [str(rate) for rate in found.rates] == ["0.0003", "-0.0002", "0.0001", "0.0001"]
    assert (found.assumed, note) == (True, "2 of 4 funding rates are assumed.")


@pytest.mark.parametrize(("wish", "count"), [("off", 0), ("0.0001", 4), ("-0.0002/4", 7)])
def test_funding_can_be_off_or_constant(wish: str, count: int) -> None:
    found, note = funding_of(wish, None, START_MS, START_MS + 24 * HOUR_MS)
    assert (len(found.rates), found.assumed, note) == (count, False, "")


@pytest.mark.parametrize("wish", ["much", "2", "0.0001/0", "0.0001/x", "nan"])
def test_funding_that_means_nothing_is_refused(wish: str) -> None:
    with pytest.raises(InvalidInput, match="is no funding"):
        funding_of(wish, None, 0, HOUR_MS)


def test_a_bad_funding_file_is_told_in_one_sentence(tmp_path: Path) -> None:
    for name, text in (("a.csv", "a,b\n1,2\n"), ("b.csv", "timestamp,funding_rate\n5,0.1\n4,0.1\n"), ("c.txt", "")):
        (tmp_path / name).write_text(text)
        with pytest.raises(InvalidInput, match="funding file"):
            funding_of("auto", tmp_path / name, 0, HOUR_MS)


def test_parameters_at_a_bound_are_named_unless_that_is_their_default() -> None:
    strategy = strategy_named("grid")
    assert at_bounds(strategy.validate({**GRID, "grid_num": 200})) == ["grid_num"]
    assert at_bounds(strategy.validate(GRID)) == []


def test_a_foreign_parameter_is_refused_with_the_nearest(candles: Path) -> None:
    with pytest.raises(InvalidInput, match="grid_num"):
        ran(candles, params={**GRID, "grid_nun": 3})
