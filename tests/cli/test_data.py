"""Candles on the command line: brought in, listed, looked into, filled in a copy, made up, tested on."""

import asyncio
import json
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from tests.cli.candles import START_MS, write_candles
from tests.cli.conftest import Ended, Run, Running
from tests.simulator.stage import BTC, stepped_settings

from tradingboost.simulator.client import AdminClient
from tradingboost.simulator.simulator import Endpoints, Simulator

FIVE_MS = 300_000
NOW_MS = 1_767_225_600_000


def told(ended: Ended, code: int = 0) -> Any:
    assert ended.code == code, ended.err or ended.out
    return ended.envelope["data"]


def rows(path: Path) -> list[list[float]]:
    return [[int(row[0]), *row[1:]] for row in pl.read_csv(path).rows()]


@pytest.fixture
def freqtrade(tmp_path: Path) -> Path:
    """A file as freqtrade keeps it: 600 candles of BTC, ten of which are absent."""
    kept = rows(write_candles(tmp_path / "all.csv", 610))
    path = tmp_path / "BTC_USDT_USDT-5m-futures.json"
    path.write_text(json.dumps(kept[:300] + kept[310:]))
    return path


def test_a_file_is_brought_in_listed_looked_into_and_tested_on(tb: Run, freqtrade: Path) -> None:
    (one,) = told(tb("convert-data", freqtrade, "--json"))["converted"]
    assert (one["rows"], one["added"]) == (600, 600)
    (series,) = told(tb("list-data", "--json"))["series"]
    assert (series["rows"], series["missing"]) == (600, 10)
    assert series["key"] == {"venue": "okx", "symbol": BTC, "timeframe": "5m"}
    looked = told(tb("data", "check", "-p", BTC, "-i", "5m", "--json"), 3)
    (found,) = looked["checked"]
    assert (found["missing"], found["never_printed"], found["faults"]) == (10, 0, [])
    assert found["gaps"] == [
        {"after_ms": START_MS + 299 * FIVE_MS, "until_ms": START_MS + 310 * FIVE_MS, "missing": 10}
    ]
    shown = tb("list-data")
    assert (shown.code, "600" in shown.out, BTC in shown.out) == (0, True, True)
    assert "10 absent" in tb("data", "check").out


def test_the_store_and_the_file_give_the_same_backtest(tb: Run, tmp_path: Path) -> None:
    path = write_candles(tmp_path / "okx_swap_BTCUSDT_5m.csv", 2_000)
    told(tb("convert-data", path, "--json"))
    for more in ((), ("-i", "15m")):
        words = ("backtesting", "-s", "hyperrsi", "--json", *more)
        stored = told(tb(*words, "-p", BTC, *(more or ("-i", "5m"))))
        assert stored["summary"]["fills"] > 0
        read = told(tb(*words, "--candles", path))
        assert stored["data"].pop("source") != read["data"].pop("source")
        stored["signer"].pop("is_new")  # the first signature of an installation makes its key
        assert not read["signer"].pop("is_new")
        assert stored == read


def test_another_exchange_s_candles_are_kept_apart(tb: Run, tmp_path: Path) -> None:
    path = write_candles(tmp_path / "binance_usdm_BTCUSDT_5m.csv", 50)
    (one,) = told(tb("convert-data", path, "--json"))["converted"]
    assert one["target"] == "BTC-USDT-SWAP 5m of binance"
    assert told(tb("list-data", "--exchange", "okx", "--json"))["series"] == []


def test_disorder_is_refused_and_sorted_when_asked(tb: Run, tmp_path: Path) -> None:
    kept = rows(write_candles(tmp_path / "all.csv", 50))
    path = tmp_path / "BTC_USDT_USDT-5m-futures.json"
    path.write_text(json.dumps([*kept[20:], *kept[:25]]))
    ended = tb("convert-data", path)
    assert (ended.code, "convert-data --sort" in ended.sentence) == (2, True)
    looked = told(tb("data", "check", path, "--json"), 3)["checked"][0]
    assert sorted(fault["code"] for fault in looked["faults"]) == ["doubles", "order"]
    (one,) = told(tb("convert-data", path, "--sort", "--json"))["converted"]
    assert (one["rows"], one["dropped"]) == (50, 5)


def test_a_file_that_disagrees_with_the_store_changes_nothing(tb: Run, tmp_path: Path) -> None:
    path = write_candles(tmp_path / "okx_swap_BTCUSDT_5m.csv", 50)
    told(tb("convert-data", path, "--json"))
    other = pl.read_csv(path).with_columns(pl.col("volume") + 1)
    other.write_csv(tmp_path / "okx_swap_BTCUSDT_5m_b.csv")
    ended = tb("convert-data", tmp_path / "okx_swap_BTCUSDT_5m_b.csv")
    assert (ended.code, "Two different candles" in ended.sentence) == (2, True)
    told(tb("convert-data", "-p", BTC, "-i", "5m", "-o", "back.csv", "--json"))
    assert pl.read_csv(tmp_path / "back.csv").equals(pl.read_csv(path))


def test_gaps_are_filled_in_a_copy_that_says_so(tb: Run, tmp_path: Path, freqtrade: Path) -> None:
    done = told(tb("data", "fill", freqtrade, "-o", "okx_swap_BTCUSDT_whole.parquet", "--json"))
    assert (done["rows"], done["made_up"]) == (610, 10)
    (found,) = told(tb("data", "check", "okx_swap_BTCUSDT_whole.parquet", "--json"))["checked"]
    assert (found["missing"], found["made_up"], found["zero_volume"]) == (0, 10, 10)
    ended = tb("convert-data", "okx_swap_BTCUSDT_whole.parquet")
    assert (ended.code, "filled in" in ended.sentence) == (2, True)
    again = tb("data", "fill", freqtrade, "-o", "okx_swap_BTCUSDT_whole.parquet")
    assert (again.code, "not overwritten" in again.sentence) == (2, True)


def test_longer_candles_are_written_as_a_file(tb: Run, tmp_path: Path) -> None:
    path = write_candles(tmp_path / "okx_swap_BTCUSDT_5m.csv", 12)
    told(tb("convert-data", path, "-i", "15m", "-o", "long.csv", "--json"))
    found = pl.read_csv(tmp_path / "long.csv")
    small = pl.read_csv(path)
    assert found["timestamp"].to_list() == [START_MS + i * 3 * FIVE_MS for i in range(4)]
    assert found["close"].to_list() == small["close"].to_list()[2::3]
    assert found["volume"].to_list() == [37.5] * 4


def test_a_made_up_market_is_the_same_for_the_same_seed(tb: Run, tmp_path: Path) -> None:
    for name, seed in (("a.csv", "3"), ("b.csv", "3"), ("c.csv", "4")):
        told(tb("data", "generate", "-o", name, "--seed", seed, "--days", "1", "-i", "5m", "--json"))
    texts = [(tmp_path / name).read_bytes() for name in ("a.csv", "b.csv", "c.csv")]
    assert texts[0] == texts[1] != texts[2]
    (found,) = told(tb("data", "check", "a.csv", "--json"))["checked"]
    assert (found["rows"], found["faults"], found["missing"]) == (288, [], 0)


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (("backtesting", "-s", "hyperrsi"), 2, "--candles"),
        (("backtesting", "-s", "hyperrsi", "-p", BTC, "-i", "5m"), 4, "download-data -p BTC-USDT-SWAP -i 5m"),
        (("data", "check", "-p", BTC, "-i", "5m"), 4, "download-data"),
        (("data", "check", "-p", BTC), 2, "-i 5m"),
        (("data", "check", "nowhere.csv"), 2, "does not exist"),
        (("data", "fill", "nowhere.csv"), 2, "--output"),
        (("convert-data",), 2, "--output"),
        (("convert-data", "nowhere.csv"), 2, "does not exist"),
        (("convert-data", "-p", BTC, "-i", "7m", "-o", "x.csv"), 2, "not a timeframe"),
        (("download-data", "-p", BTC, "--exchange", "kraken"), 2, "choose one of binance"),
        (("download-data", "-p", BTC, "-i", "7m"), 2, "not a timeframe"),
        (("download-data", "-p", ","), 2, "-p BTC-USDT-SWAP"),
        (("download-data", "-p", BTC, "--timerange", "soon"), 2, "20240101-20240601"),
        (("download-data", "-p", BTC, "--timerange", "2024-", "--days", "3"), 2, "either"),
        (("data", "generate", "--days", "9999"), 2, "at most"),
    ],
)
def test_what_cannot_be_done_is_one_sentence(tb: Run, words: tuple[str, ...], code: int, says: str) -> None:
    ended = tb(*words)
    assert ended.code == code, ended.err
    assert says in ended.sentence


@pytest.fixture
def exchange(request: pytest.FixtureRequest) -> Iterator[Endpoints]:
    """A simulated exchange with a day of minutes behind it, in a thread with a loop of its own."""
    scale: float = getattr(request, "param", 0.0)
    up, found, loop = threading.Event(), list[Endpoints](), asyncio.new_event_loop()
    over = asyncio.Event()

    async def serve() -> None:
        async with (
            Simulator(stepped_settings(limit_scale=scale)).running() as at,
            AdminClient(at.admin, at.admin_token) as admin,
        ):
            base = NOW_MS - 1_440 * 60_000
            history: list[list[str | int]] = [
                [base + i * 60_000, "42000", "42010.1", "41990", f"4200{i % 7}", 5] for i in range(1_440)
            ]
            await admin.seed_candles(BTC, "1m", history)
            found.append(at)
            up.set()
            await over.wait()

    thread = threading.Thread(target=lambda: loop.run_until_complete(serve()), daemon=True)
    thread.start()
    assert up.wait(60)
    yield found[0]
    loop.call_soon_threadsafe(over.set)
    thread.join(60)
    loop.close()


def test_a_download_is_told_in_one_object_and_can_be_repeated(tb: Run, exchange: Endpoints) -> None:
    words = ("download-data", "-p", BTC, "-i", "1m,5m", "--timerange", "20251231-20260101", "--json")
    at = {"TB_MARKET__OKX_REST": exchange.rest, "TB_MARKET__OKX_WS": exchange.ws}
    data = told(tb(*words, **at))
    assert data["complete"]
    assert [(one["key"]["timeframe"], one["added"], one["missing"]) for one in data["series"]] == [
        ("1m", 1440, 0),
        ("5m", 288, 0),
    ]
    assert [one["added"] for one in told(tb(*words, **at))["series"]] == [0, 0]
    (found,) = told(tb("data", "check", "-p", BTC, "-i", "1m", "--json"))["checked"]
    assert (found["rows"], found["missing"], found["never_printed"]) == (1440, 0, 0)


def test_a_terminal_sees_how_far_and_how_fast(tb: Run, exchange: Endpoints) -> None:
    at = {"TB_MARKET__OKX_REST": exchange.rest, "FORCE_COLOR": "1", "TERM": "xterm"}
    ended = tb("download-data", "-p", BTC, "-i", "1m", "--timerange", "20251231-20260101", **at)
    assert ended.code == 0, ended.err
    assert "/1440" in ended.err
    assert "/s" in ended.err
    assert "1,440 new" in ended.out


async def unlimited(exchange: Endpoints) -> None:
    async with AdminClient(exchange.admin, exchange.admin_token) as admin:
        await admin.change_settings(limit_scale=0)


@pytest.mark.parametrize("exchange", [0.1], indirect=True)  # two pages in two seconds
def test_ctrl_c_keeps_what_was_fetched_and_the_next_run_goes_on(
    started: Callable[..., Running], tb: Run, exchange: Endpoints
) -> None:
    words = ("download-data", "-p", BTC, "-i", "1m", "--timerange", "20251231-20260101", "--json")
    at = {"TB_MARKET__OKX_REST": exchange.rest, "TB_MARKET__OKX_WS": exchange.ws}
    running = started(*words, **at)
    running.wait_for(" of 1,440")
    ended = running.interrupt()
    assert ended.code == 130, ended.err
    kept = ended.envelope["data"]
    assert (kept["complete"], 0 < kept["series"][0]["rows"] < 1440) == (False, True)
    asyncio.run(unlimited(exchange))
    (done,) = told(tb(*words, **at))["series"]
    assert (done["rows"], done["added"]) == (1440, 1440 - kept["series"][0]["rows"])


def test_an_exchange_that_is_away_is_told(tb: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tradingboost.app.data.download._ATTEMPTS", 2)
    ended = tb("download-data", "-p", BTC, "--days", "1", TB_MARKET__OKX_REST="http://127.0.0.1:1")
    assert ended.code == 6, ended.err
    assert "try again" in ended.sentence
