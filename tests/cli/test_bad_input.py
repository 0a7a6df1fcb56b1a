"""Bad input: one plain sentence and the documented code, never a trace."""

from pathlib import Path

import pytest
from tests.cli.candles import write_candles
from tests.cli.conftest import Ended, Run

FAR = "postgresql://nobody:secret-word@127.0.0.1:1/nothing"
REDIS = "redis://:secret-word@127.0.0.1:1/0"


def refused(ended: Ended, code: int, *words: str) -> None:
    assert ended.code == code, ended.err
    assert "Traceback" not in ended.err
    said = ended.sentence
    assert [word for word in words if word not in said] == []


@pytest.mark.parametrize("verb", [("demo",), ("parity",), ("sim",), ("backtesting", "-s", "hyperrsi")])
def test_a_missing_candle_file(tb: Run, verb: tuple[str, ...]) -> None:
    refused(tb(*verb, "--candles", "nowhere_BTCUSDT.csv"), 2, "nowhere_BTCUSDT.csv", "does not exist")


@pytest.mark.parametrize("verb", [("demo",), ("parity",), ("sim",), ("backtesting", "-s", "hyperrsi")])
def test_a_malformed_candle_file(tb: Run, tmp_path: Path, verb: tuple[str, ...]) -> None:
    broken = tmp_path / "okx_swap_BTCUSDT_5m.parquet"
    broken.write_bytes(b"this is no parquet")
    ended = tb(*verb, "--candles", broken, "--json")
    assert ended.code == 2, ended.err
    assert ended.envelope["error"]["code"] == "candle_file_unreadable"


def test_a_file_whose_name_does_not_tell_its_instrument(tb: Run, tmp_path: Path) -> None:
    refused(tb("backtesting", "-s", "hyperrsi", "--candles", write_candles(tmp_path / "some.csv", 10)), 4, "--symbol")


def test_an_unknown_symbol_is_answered_with_the_nearest(tb: Run, candles: Path) -> None:
    refused(tb("demo", "--candles", candles, "--symbol", "BTC-USDT-SWOP"), 4, "BTC-USDT-SWAP?")


@pytest.mark.parametrize("verb", ["demo", "parity", "backtesting"])
def test_an_unknown_strategy_is_answered_with_the_nearest(tb: Run, candles: Path, verb: str) -> None:
    refused(tb(verb, "-s", "hyperrsy", "--candles", candles), 4, "did you mean hyperrsi?")


def test_an_unknown_parameter_is_answered_with_the_nearest(tb: Run, candles: Path) -> None:
    refused(tb("backtesting", "-s", "hyperrsi", "--candles", candles, "--params", "leverge=5"), 2, "leverage?")


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (("--params", "leverage"), "key=value"),
        (("--params-file", "nowhere.json"), "nowhere.json"),
        (("--timerange", "yesterday"), "20240101-20240601"),
        (("--timerange", "20240301-20240101"), "before it begins"),
        (("--timerange", "20200101-20200201"), "0 candles"),
        (("-i", "1m"), "multiple of 5m"),
        (("-i", "7m"), "not a timeframe"),
        (("--starting-balance", "much"), "not a number"),
        (("--starting-balance", "-5"), "above zero"),
        (("--fee", "5"), "ratio"),
    ],
)
def test_what_a_backtest_cannot_use(tb: Run, candles: Path, options: tuple[str, ...], says: str) -> None:
    refused(tb("backtesting", "-s", "hyperrsi", "--candles", candles, *options), 2, says)


def test_a_speed_that_is_none(tb: Run) -> None:
    refused(tb("demo", "--speed", "warp"), 2, "x60")


def test_a_symbol_without_a_file_for_the_exchange(tb: Run) -> None:
    refused(tb("sim", "--symbol", "BTC-USDT-SWAP"), 2, "--candles")
    refused(tb("sim", "--live", "BTC-USDT-SWAP", "--candles", "any.csv"), 2, "--live")


def test_a_busy_port_of_the_exchange(tb: Run, taken_port: int) -> None:
    refused(tb("sim", "--port", str(taken_port)), 6, str(taken_port), "TB_SIM__PORT")


def test_a_busy_port_of_the_platform_is_told_before_anything_is_started(
    tb: Run, tmp_path: Path, taken_port: int
) -> None:
    offset = {"TB_TOPOLOGY__PORT_OFFSET": str(taken_port - 8000)}
    ended = tb("up", "--json", **offset)
    assert ended.code == 6, ended.err
    assert ended.envelope["error"]["code"] == "port_busy"
    assert not (tmp_path / "share" / "tradingboost" / "data" / "postgres").exists()


@pytest.mark.parametrize("verb", [("demo", "--json"), ("db", "current", "--json"), ("up", "--json")])
def test_a_data_directory_that_cannot_be_written(tb: Run, tmp_path: Path, verb: tuple[str, ...]) -> None:
    (tmp_path / "file").write_text("in the way")
    ended = tb(*verb, "--data-dir", tmp_path / "file" / "data", TB_TOPOLOGY__PORT_OFFSET="11000")
    assert ended.code == 2, ended.err
    assert ended.envelope["error"]["code"] == "data_dir_unwritable"


@pytest.mark.parametrize("verb", [("db", "current"), ("status",), ("up",), ("serve", "orders")])
def test_a_lost_postgresql(tb: Run, verb: tuple[str, ...]) -> None:
    ended = tb(*verb, TB_DB__URL=FAR, TB_REDIS__URL=REDIS, TB_LOG__LEVEL="error", TB_TOPOLOGY__PORT_OFFSET="11100")
    refused(ended, 6, "TB_DB__URL")
    assert "secret-word" not in ended.err


@pytest.mark.parametrize("verb", [("status",), ("up",)])
def test_a_lost_redis(tb: Run, db_url: str, verb: tuple[str, ...]) -> None:
    ended = tb(*verb, TB_DB__URL=db_url, TB_REDIS__URL=REDIS, TB_LOG__LEVEL="error", TB_TOPOLOGY__PORT_OFFSET="11200")
    refused(ended, 6, "TB_REDIS__URL")
    assert "secret-word" not in ended.err


def test_one_named_server_without_the_other(tb: Run) -> None:
    refused(tb("up", TB_DB__URL=FAR, TB_TOPOLOGY__PORT_OFFSET="11300"), 2, "TB_DB__URL", "TB_REDIS__URL")


def test_one_service_needs_named_servers(tb: Run) -> None:
    refused(tb("serve", "orders"), 2, "TB_DB__URL", "TB_REDIS__URL")


def test_an_unknown_service_is_answered_with_those_there_are(tb: Run) -> None:
    refused(tb("serve", "ordres"), 4, "orders")


@pytest.mark.parametrize("words", [("stop", "all"), ("flatten", "--yes")])
def test_without_a_platform_there_is_nothing_to_act_on(tb: Run, words: tuple[str, ...]) -> None:
    refused(tb(*words), 6, "No platform is running", "tradingboost up")


def test_an_unknown_setting_is_answered_with_the_nearest(tb: Run) -> None:
    refused(tb("status", TB_DB__POOL_SISE="3"), 2, "TB_DB__POOL_SIZE?")


def test_a_missing_settings_file(tb: Run) -> None:
    refused(tb("status", "--env-file", "nowhere.env"), 2, "nowhere.env")


def test_a_settings_file_is_read(tb: Run, tmp_path: Path) -> None:
    (tmp_path / "mine.env").write_text("TB_DB__POOL_SISE=3\n")
    refused(tb("status", "--env-file", "mine.env"), 2, "TB_DB__POOL_SIZE?")


def test_doctor_finds_every_mistaken_setting_at_once(tb: Run) -> None:
    ended = tb("doctor", "--json", TB_DB__POOL_SISE="3", TB_LOG__LEVEL="loud")
    assert ended.code == 3
    faults = [one["text"] for one in ended.envelope["data"]["checks"] if one["state"] == "fail"]
    assert [any(name in fault for fault in faults) for name in ("TB_DB__POOL_SISE", "TB_LOG__LEVEL")] == [True, True]
