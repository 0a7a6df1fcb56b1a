"""The candles of a replay: one piece without a gap, moved to now by whole weeks, on the instrument's grid."""

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from tradingboost.app.demo import WARMUP, DemoRequest, bars_of, parameters
from tradingboost.app.instruments import instrument_of, listed, rules_of
from tradingboost.app.replay.bars import WEEK_MS, Bars, from_file, plain, synthetic
from tradingboost.app.topology import STRATEGIES
from tradingboost.core.errors import InvalidInput, NotFound
from tradingboost.core.market import Timeframe
from tradingboost.strategies import get
from tradingboost.strategies.contract import RunFacts

BTC = listed("BTC-USDT-SWAP")
OLD_MS = 1_650_000_000_000 // WEEK_MS * WEEK_MS
NOW = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)
NOW_MS = int(NOW.timestamp() * 1000)
STEP_MS = 300_000


def write(folder: Path, numbers: list[int], name: str = "okx_swap_BTCUSDT_5m.csv", step_ms: int = STEP_MS) -> Path:
    """A file of candles with these numbers; candle n opens n steps after a Thursday and at 50 000 + n."""
    rows = [
        f"{OLD_MS + n * step_ms},{50_000 + n},{50_010 + n},{49_990 + n},{50_001 + n}.5,{0.01 * (n % 9)}"
        for n in numbers
    ]
    path = folder / name
    path.write_text("timestamp,open,high,low,close,volume\n" + "\n".join(rows))
    return path


def test_the_first_replayed_bar_is_moved_by_whole_weeks_to_no_earlier_than_now(tmp_path: Path) -> None:
    bars = from_file(write(tmp_path, list(range(40))), BTC, 10, None, NOW)
    assert bars.shift_ms % WEEK_MS == 0
    assert NOW_MS <= bars.start_ms < NOW_MS + WEEK_MS
    assert bars.start_ms == OLD_MS + 10 * STEP_MS + bars.shift_ms
    assert (len(bars), bars.warmup, bars.timeframe) == (40, 10, Timeframe.M5)


def test_candles_of_the_future_are_left_where_they_are(tmp_path: Path) -> None:
    before = datetime.fromtimestamp((OLD_MS - WEEK_MS) / 1000, UTC)
    bars = from_file(write(tmp_path, list(range(20))), BTC, 5, None, before)
    assert (bars.shift_ms, int(bars.series.at_ms[0])) == (0, OLD_MS)


def test_prices_and_volumes_come_through_digit_for_digit(tmp_path: Path) -> None:
    bars = from_file(write(tmp_path, list(range(20))), BTC, 5, None, NOW)
    first = bars.history()[0]
    assert first == [OLD_MS + bars.shift_ms, "50000", "50010", "49990", "50001.5", "0"]
    assert len(bars.history()) == 5
    assert bars.candles().closes[3] == 50_004.5
    assert bars.candles().volumes[3] == 0.03


def test_only_the_first_piece_without_a_gap_is_replayed(tmp_path: Path) -> None:
    path = write(tmp_path, [*range(30), *range(31, 90)])
    assert len(from_file(path, BTC, 10, None, NOW)) == 30
    assert len(from_file(path, BTC, 10, 15, NOW)) == 25
    with pytest.raises(InvalidInput, match="holds 30 candles without a gap and 31 are needed"):
        from_file(path, BTC, 10, 21, NOW)


def test_a_replay_may_begin_later_in_the_file(tmp_path: Path) -> None:
    path = write(tmp_path, [*range(30), *range(31, 90)])
    bars = from_file(path, BTC, 10, None, NOW, skip=30)
    assert (len(bars), bars.price(int(bars.series.open[0]))) == (59, "50031")


@pytest.mark.parametrize(("have", "warmup", "count"), [(10, 10, None), (5, 10, None), (20, 10, 11)])
def test_too_few_candles_are_told_with_both_numbers(tmp_path: Path, have: int, warmup: int, count: int | None) -> None:
    with pytest.raises(InvalidInput, match=f"holds {have} candles") as raised:
        from_file(write(tmp_path, list(range(have))), BTC, warmup, count, NOW)
    assert raised.value.code == "too_few_candles"
    needed = raised.value.details["need"]
    assert isinstance(needed, int)
    assert needed > have


def test_candles_of_a_length_nobody_trades_are_refused(tmp_path: Path) -> None:
    path = write(tmp_path, list(range(20)), step_ms=6 * 3_600_000)
    with pytest.raises(InvalidInput, match="360 minutes"):
        from_file(path, BTC, 5, None, NOW)


# -- the made-up market ----------------------------------------------------------------------------------------------


def made(seed: int = 7, timeframe: Timeframe = Timeframe.M5) -> Bars:
    return synthetic(seed, BTC, timeframe, (20, 100), NOW)


def test_a_made_up_market_is_the_same_for_the_same_seed_and_another_for_another() -> None:
    one, again, other = made(), made(), made(8)
    assert (one.series.close == again.series.close).all()
    assert (one.series.at_ms == again.series.at_ms).all()
    assert not (one.series.close == other.series.close).all()


@pytest.mark.parametrize("timeframe", [Timeframe.M1, Timeframe.M5, Timeframe.H1])
def test_a_made_up_market_has_whole_candles_in_one_piece(timeframe: Timeframe) -> None:
    bars = made(timeframe=timeframe)
    s = bars.series
    assert (len(bars), bars.warmup, bars.timeframe) == (120, 20, timeframe)
    assert (np.diff(s.at_ms) == timeframe.minutes * 60_000).all()
    assert not (s.at_ms % (timeframe.minutes * 60_000)).any()
    assert (s.high >= np.maximum(s.open, s.close)).all()
    assert (s.low <= np.minimum(s.open, s.close)).all()
    assert (s.low > 0).all()
    assert (s.volume >= 0).all()
    assert bars.start_ms >= NOW_MS


def test_made_up_prices_stand_on_the_tick() -> None:
    tick = rules_of(BTC).tick
    rows = made().history()
    assert all(plain(type(tick)(text) % tick) == "0" for row in rows for text in map(str, row[1:5]))


# -- the request of a demo -------------------------------------------------------------------------------------------


def test_without_a_file_the_demo_replays_two_made_up_days() -> None:
    bars = bars_of(DemoRequest(), NOW)
    assert (bars.instrument.inst_id, bars.timeframe, len(bars) - bars.warmup) == ("BTC-USDT-SWAP", Timeframe.M5, 576)


@pytest.mark.parametrize(("minutes", "count"), [(60, 12), (5, 1), (4, 1), (12, 2)])
def test_minutes_are_whole_candles_and_at_least_one(tmp_path: Path, minutes: int, count: int) -> None:
    made_up = bars_of(DemoRequest(minutes=minutes), NOW)
    of_file = bars_of(DemoRequest(candles=write(tmp_path, list(range(WARMUP + 20))), minutes=minutes), NOW)
    assert len(made_up) - made_up.warmup == len(of_file) - of_file.warmup == count


def test_a_whole_file_is_replayed_unless_told_otherwise(tmp_path: Path) -> None:
    bars = bars_of(DemoRequest(candles=write(tmp_path, list(range(WARMUP + 20)))), NOW)
    assert len(bars) - bars.warmup == 20


def test_another_symbol_has_another_market_and_its_own_grid() -> None:
    bars = bars_of(DemoRequest(symbol="eth-usdt-swap", minutes=10), NOW)
    assert bars.instrument.inst_id == "ETH-USDT-SWAP"
    assert 100 < float(bars.price(int(bars.series.close[0]))) < 100_000


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_the_parameters_of_the_demo_are_valid_and_warm_within_its_history(strategy: str) -> None:
    bars = bars_of(DemoRequest(minutes=10), NOW)
    found = get(strategy)
    assert found.warnings(found.validate(parameters(strategy, bars))) is not None
    facts = RunFacts(timeframe_ms=STEP_MS)
    params = found.compile_params(found.validate(parameters(strategy, bars)), rules_of(bars.instrument), facts)
    assert found.needs(params[0]) <= WARMUP


# -- which instrument ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "symbol"),
    [
        ("okx_swap_BTCUSDT_5m_20220501.csv", "BTC-USDT-SWAP"),
        ("binance_usdm_ETHUSDT_1m.csv", "ETH-USDT-SWAP"),
        ("binance_spot_BTCUSDT_1h.csv", "BTC-USDT"),
        ("btc-usdt.csv", "BTC-USDT-SWAP"),
    ],
)
def test_the_name_of_a_file_tells_its_instrument(tmp_path: Path, name: str, symbol: str) -> None:
    path = write(tmp_path, [0], name)
    assert instrument_of(path).inst_id == symbol
    assert instrument_of(path, "eth-usdt-swap").inst_id == "ETH-USDT-SWAP"


def test_a_file_that_tells_no_instrument_asks_for_one(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="give one with --symbol"):
        instrument_of(write(tmp_path, [0], "candles.csv"))


def test_a_file_that_is_not_there_is_told_first(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="does not exist; check the path") as raised:
        bars_of(DemoRequest(candles=tmp_path / "gone_BTCUSDT.csv"), NOW)
    assert raised.value.code == "candle_file_missing"


def test_an_unknown_symbol_is_told_the_nearest() -> None:
    with pytest.raises(NotFound, match="did you mean BTC-USDT-SWAP"):
        bars_of(DemoRequest(symbol="BTC-USDT-SWAPP"), NOW)
