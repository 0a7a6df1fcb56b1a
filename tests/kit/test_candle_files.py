"""Candle files: what is read, and the one sentence when it cannot be."""

import gzip
import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from tradingboost.core.errors import InvalidInput
from tradingboost.kit.candles.files import load, look_into, read, write
from tradingboost.sim.instruments import DEFAULT_CATALOGUE, Instrument

FIRST_MS = 1_767_225_600_000


def swap() -> Instrument:
    found = DEFAULT_CATALOGUE.get("BTC-USDT-SWAP")
    assert found is not None
    return found


def frame() -> pl.DataFrame:
    return pl.DataFrame(
        {
            "timestamp": [FIRST_MS + index * 300_000 for index in range(4)],
            "open": [42000.0, 42010.1, 42005.0, 42000.0],
            "high": [42020.0, 42015.0, 42010.0, 42001.3],
            "low": [41990.0, 42000.0, 41999.9, 41980.0],
            "close": [42010.1, 42005.0, 42000.0, 41990.0],
            "volume": [1.5, 0.0, 0.00012, 3.0],
        }
    )


@pytest.mark.parametrize("ending", ["parquet", "feather", "csv"])
def test_a_file_of_any_kind_becomes_ticks_and_lots(tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"candles.{ending}"
    rows = frame()
    if ending == "parquet":
        rows.write_parquet(path)
    elif ending == "feather":
        rows.write_ipc(path)
    else:
        rows.write_csv(path)
    series = load(path, swap())
    assert series.bar_ms == 300_000
    assert series.open.tolist() == [420_000, 420_101, 420_050, 420_000]
    assert series.high.tolist()[3] == 420_013
    assert series.volume.tolist() == [15_000, 0, 1, 30_000]  # a lot is 0.0001 BTC


BROKEN = {
    "candle_file_columns": lambda rows: rows.drop("volume"),
    "candle_file_empty": lambda rows: rows.clear(),
    "candle_file_order": lambda rows: rows.reverse(),
    "candle_file_bars": lambda rows: rows.with_columns(pl.col("timestamp") + 1),
    "candle_file_times": lambda rows: rows.with_columns(pl.col("timestamp") // 1000),
    "candle_file_gaps": lambda rows: rows.with_columns(pl.lit(None).cast(pl.Float64).alias("close")),
    "candle_file_shape": lambda rows: rows.with_columns((pl.col("low") - 1).alias("high")),
    "candle_file_prices": lambda rows: rows.with_columns(pl.lit(0.0).alias("low")),
    "candle_file_volume": lambda rows: rows.with_columns(pl.lit(-1.0).alias("volume")),
    "candle_file_types": lambda rows: rows.with_columns(pl.lit("dear").alias("close")),
}


@pytest.mark.parametrize("code", sorted(BROKEN))
def test_a_broken_file_is_refused_in_one_sentence(tmp_path: Path, code: str) -> None:
    path = tmp_path / "candles.parquet"
    BROKEN[code](frame()).write_parquet(path)
    with pytest.raises(InvalidInput) as caught:
        load(path, swap())
    assert caught.value.code == code
    assert caught.value.message.startswith(f"The candle file {path} ")
    assert caught.value.message.endswith(".")


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match=r"does not exist; check the path\."):
        load(tmp_path / "none.parquet", swap())


@pytest.mark.parametrize("ending", ["parquet", "feather", "csv", "json", "json.gz"])
def test_a_file_of_other_bytes_is_unreadable(tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"candles.{ending}"
    path.write_bytes(b"\x00\xff\xfe nothing of the kind")
    with pytest.raises(InvalidInput) as caught:
        load(path, swap())
    assert caught.value.code in {"candle_file_unreadable", "candle_file_columns"}


def test_an_unknown_ending_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "candles.xlsx"
    path.write_bytes(b"PK")
    with pytest.raises(InvalidInput, match=r"use \.parquet, \.feather, \.csv"):
        load(path, swap())


def test_freqtrade_feather_is_read_with_its_dates(tmp_path: Path) -> None:
    path = tmp_path / "BTC_USDT_USDT-5m-futures.feather"
    date = pl.from_epoch("timestamp", time_unit="ms").dt.replace_time_zone("UTC").alias("date")
    frame().select(date, pl.exclude("timestamp")).write_ipc(path, compression="lz4")
    assert read(path).at_ms.tolist() == frame()["timestamp"].to_list()


@pytest.mark.parametrize("ending", ["json", "json.gz"])
def test_freqtrade_json_is_read(tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"BTC_USDT-5m.{ending}"
    text = json.dumps([[int(row[0]), *row[1:]] for row in frame().rows()]).encode()
    path.write_bytes(gzip.compress(text) if ending.endswith("gz") else text)
    found = read(path)
    assert (found.bar_ms, found.volume.tolist()) == (300_000, frame()["volume"].to_list())


def test_a_csv_may_write_its_times_out(tmp_path: Path) -> None:
    path = tmp_path / "c.csv"
    rows = ("2024-01-01 00:00:00+00:00,1,1,1,1,0", "2024-01-01 00:05:00+00:00,1,1,1,1,0")
    path.write_text("date,open,high,low,close,volume\n" + "\n".join(rows) + "\n")
    assert read(path).at_ms.tolist() == [1_704_067_200_000, 1_704_067_500_000]


def test_a_single_candle_has_the_length_its_file_names(tmp_path: Path) -> None:
    frame().head(1).write_parquet(tmp_path / "okx_swap_BTCUSDT_5m_x.parquet")
    assert read(tmp_path / "okx_swap_BTCUSDT_5m_x.parquet").bar_ms == 300_000


def test_funding_rates_in_candle_clothes_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "BTC_USDT_USDT-8h-funding_rate.feather"
    frame().write_ipc(path)
    with pytest.raises(InvalidInput, match="no candles"):
        read(path)


@pytest.mark.parametrize("ending", ["parquet", "feather", "csv"])
def test_what_is_written_is_read_again_and_keeps_its_marks(tmp_path: Path, ending: str) -> None:
    frame().write_parquet(tmp_path / "a.parquet")
    candles = read(tmp_path / "a.parquet")
    write(tmp_path / f"b.{ending}", candles, np.array([False, True, False, False]))
    found = look_into(tmp_path / f"b.{ending}")
    assert (found.made_up, found.faults) == (1, [])
    assert all(np.array_equal(a, b) for a, b in zip(found.candles.values, candles.values, strict=True))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.parquet", f"b.{ending}"]


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    frame().write_parquet(tmp_path / "a.parquet")
    with pytest.raises(InvalidInput, match="not overwritten"):
        write(tmp_path / "a.parquet", read(tmp_path / "a.parquet"))
