"""Verbs that run until they are stopped, and those that act on a platform that runs."""

import json
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from tests.cli.conftest import Run, Running

Start = Callable[..., Running]
DEAD_VENUE = {"TB_MARKET__OKX_REST": "http://127.0.0.1:1", "TB_MARKET__OKX_WS": "ws://127.0.0.1:1/ws/v5"}


async def fetched(url: str) -> Any:
    async with aiohttp.ClientSession() as http, http.get(url) as answer:
        return await answer.json()


async def test_the_exchange_tells_where_it_listens_and_ends_on_ctrl_c(started: Start) -> None:
    running = started("sim", "--port", "0", "--seed", "3", "--json")
    told = json.loads(running.first_line())
    assert (told["ok"], told["verb"], told["data"]["seed"]) == (True, "sim", 3)
    book = await fetched(f"{told['data']['rest']}/api/v5/market/ticker?instId=BTC-USDT-SWAP")
    assert book["code"] == "0"
    ended = running.interrupt()
    assert (ended.code, ended.out) == (0, "")


async def test_the_exchange_replays_a_file(started: Start, candles: Path) -> None:
    running = started("sim", "--port", "0", "--candles", candles, "--json")
    told = json.loads(running.first_line())["data"]
    assert told["markets"] == [{"inst": "BTC-USDT-SWAP", "source": "candles"}]
    ticker = await fetched(f"{told['rest']}/api/v5/market/ticker?instId=BTC-USDT-SWAP")
    assert 38_000 < float(ticker["data"][0]["last"]) < 42_000
    assert running.interrupt(signal.SIGTERM).code == 0


@pytest.mark.slow
async def test_a_platform_is_found_by_the_verbs_and_drains_on_ctrl_c(started: Start, tb: Run, free_offset: str) -> None:
    place = {"TB_TOPOLOGY__PORT_OFFSET": free_offset, **DEAD_VENUE}
    running = started("up", "--json", **place)
    told = json.loads(running.first_line())["data"]
    assert len(told["bridges"]) == 9
    assert (await fetched(f"{told['http']}/health"))["ok"] is True
    looked = Path(told["data_dir"]) / "platform.json"
    assert looked.stat().st_mode & 0o777 == 0o600
    # the other verbs are processes of their own: asyncio runs in this one already
    running_now = started("status", "--json", **place)
    assert json.loads(running_now.first_line())["data"]["running"] is True
    assert json.loads(started("db", "check", "--json", **place).first_line())["data"] == {"differences": []}
    assert json.loads(started("stop", "all", "--json", **place).first_line())["data"] == {"runs": []}
    assert json.loads(started("flatten", "--yes", "--json", **place).first_line())["data"] == {"accounts": []}
    unknown = json.loads(started("stop", "nothing", "--json", **place).first_line())
    assert unknown["error"]["code"] == "unknown_run"
    second = json.loads(started("up", "--json", **place).first_line())
    assert second["error"]["code"] == "port_busy"
    ended = running.interrupt()
    assert (ended.code, ended.out) == (0, "")
    assert not looked.exists()


@pytest.mark.slow
def test_the_database_is_made_and_compared(tb_process: Run) -> None:
    changed = tb_process("db", "upgrade", "--json").envelope["data"]["changed"]
    assert {"bus", "ops", "orders", "positions", "strategy"} <= set(changed)
    now = tb_process("db", "current", "--json").envelope["data"]
    assert now["pending"] == []
    assert all(row["version"] == row["newest"] for row in now["schemas"])


@pytest.mark.slow
def test_the_demo_answers_with_what_was_traded(tb_process: Run, tmp_path: Path) -> None:
    ended = tb_process("demo", "--minutes", "500", "--json")
    assert ended.code == 0, ended.err
    data = ended.envelope["data"]
    assert data["books_equal_venue"] is True
    assert [one["id"] for one in data["invariants"] if not one["held"]] == []
    totals = {"orders", "fills", "fees", "funding", "pnl", "books_equal_venue"}
    assert totals <= set(data)
    assert all(totals <= set(data["strategies"][name]) for name in ("hyperrsi", "grid"))
    left = tb_process("status", "--all", "--json", "--data-dir", data["data_dir"]).envelope["data"]
    assert {run["strategy"] for run in left["runs"]} == {"hyperrsi", "grid"}
    assert sum(one["books"]["fills"] for one in left["accounts"]) == data["fills"]


@pytest.mark.slow
def test_ctrl_c_ends_the_demo_with_a_summary(started: Start) -> None:
    running = started("demo", "--speed", "x600")
    running.wait_for("candles, price")
    ended = running.interrupt()
    assert ended.code == 130
    assert "Stopped by you" in ended.out
    assert "tradingboost status --all --data-dir" in ended.out
    assert "Traceback" not in ended.err


@pytest.mark.slow
def test_ctrl_c_before_the_first_candle_ends_the_demo(started: Start) -> None:
    running = started("demo")
    running.wait_for("starting PostgreSQL")
    ended = running.interrupt()
    assert ended.code == 130
    assert "nothing was traded" in ended.err
    assert "Traceback" not in ended.err


@pytest.mark.slow
def test_parity_answers_with_the_differences(tb_process: Run, candles: Path) -> None:
    ended = tb_process("parity", "--candles", candles, "--minutes", "400", "--json")
    assert ended.code == 0, ended.out + ended.err
    data = ended.envelope["data"]
    assert data["agree"] is True
    assert [(one["strategy"], one["differences"]) for one in data["report"]["verdicts"]] == [
        ("hyperrsi", []),
        ("grid", []),
    ]
