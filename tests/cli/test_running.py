"""Verbs that run until they are stopped, and those that act on a platform that runs."""

import json
import signal
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.cli.conftest import Run, Running

pytestmark = pytest.mark.timeout(300)  # the first run after a change compiles the kernels

Start = Callable[..., Running]
DEAD_VENUE = {"TB_MARKET__OKX_REST": "http://127.0.0.1:1", "TB_MARKET__OKX_WS": "ws://127.0.0.1:1/ws/v5"}


def fetched(url: str) -> Any:
    with urllib.request.urlopen(url, timeout=10) as answer:
        return json.loads(answer.read())


def test_the_exchange_tells_where_it_listens_and_ends_on_ctrl_c(started: Start) -> None:
    running = started("sim", "--port", "0", "--seed", "3", "--json")
    told = json.loads(running.first_line())
    assert (told["ok"], told["verb"], told["data"]["seed"]) == (True, "sim", 3)
    assert fetched(f"{told['data']['rest']}/api/v5/market/ticker?instId=BTC-USDT-SWAP")["code"] == "0"
    ended = running.interrupt()
    assert (ended.code, ended.out) == (0, "")


def test_the_exchange_replays_a_file(started: Start, candles: Path) -> None:
    running = started("sim", "--port", "0", "--candles", candles, "--json")
    answer = json.loads(running.first_line())
    assert answer["ok"], answer["error"]
    told = answer["data"]
    assert told["markets"] == [{"inst": "BTC-USDT-SWAP", "source": "candles"}]
    ticker = fetched(f"{told['rest']}/api/v5/market/ticker?instId=BTC-USDT-SWAP")
    assert 38_000 < float(ticker["data"][0]["last"]) < 42_000
    assert running.interrupt(signal.SIGTERM).code == 0


@pytest.mark.slow
def test_a_platform_is_found_by_the_verbs_and_drains_on_ctrl_c(started: Start, tb: Run, free_offset: str) -> None:
    place = {"TB_TOPOLOGY__PORT_OFFSET": free_offset, **DEAD_VENUE}
    running = started("up", "--json", **place)
    answer = json.loads(running.first_line())
    assert answer["ok"], answer["error"]
    told = answer["data"]
    assert len(told["bridges"]) == 9
    assert fetched(f"{told['http']}/health")["ok"] is True
    written = Path(told["data_dir"]) / "platform.json"
    assert written.stat().st_mode & 0o777 == 0o600
    status = tb("status", "--json", **place).envelope["data"]
    assert (status["running"], status["http"]) == (True, told["http"])
    assert tb("db", "check", "--json", **place).envelope["data"] == {"differences": []}
    assert tb("db", "current", "--json", **place).envelope["data"]["pending"] == []
    assert tb("stop", "all", "--json", **place).envelope["data"] == {"runs": []}
    assert tb("stop", "nothing", **place).code == 4
    assert tb("why", "--json", **place).envelope["data"] == {"runs": []}
    assert "neither a run nor a kept result" in tb("why", "nothing", **place).sentence
    assert tb("flatten", "--json", **place).envelope["error"]["code"] == "not_confirmed"
    assert tb("flatten", "--yes", "--json", **place).envelope["data"] == {"accounts": []}
    assert tb("flatten", "nobody", **place).code == 4
    switch = tb("kill-switch", "set", "platform", "--reason", "a test", "--json", **place).envelope["data"]["switches"]
    assert [(one["scope"], one["level"], one["reason"]) for one in switch] == [("platform", "NO_ENTRIES", "a test")]
    assert tb("kill-switch", "set", "planet", "x", "--reason", "a test", **place).code == 2
    assert tb("kill-switch", "clear", "platform", "--reason", "over", **place).code == 5  # nobody said yes
    assert "a test" in tb("kill-switch", "list", **place).out
    cleared = tb("kill-switch", "clear", "platform", "--reason", "over", "--yes", "--json", **place).envelope["data"]
    assert cleared == {"switches": []}
    assert tb("mismatches", "list", "--json", **place).envelope["data"] == {"mismatches": []}
    for decision in ("adopt", "close", "ignore"):
        assert tb("mismatches", decision, "nothing", "--reason", "looked", "--yes", **place).code == 4
    assert tb("mismatches", "adopt", "nothing", "--reason", "looked", **place).code == 5  # nobody said yes
    assert tb("limits", "show", "--json", **place).envelope["data"] == {"accounts": []}
    assert tb("limits", "set", "nobody", "--daily-loss", "500", **place).code == 4
    assert (
        tb("limits", "set", "all", "--daily-loss", "much", **place).code
        == tb("limits", "set", "all", **place).code
        == 2
    )
    assert tb("orders", "list", "--json", **place).envelope["data"] == {"orders": []}
    assert tb("orders", "alerts", "--json", **place).envelope["data"] == {"alerts": []}
    assert tb("orders", "show", "nothing", **place).code == tb("cancel", "nothing", **place).code == 4
    assert tb("orders", "settle", "nothing", "--reason", "looked", "--yes", **place).code == 4
    assert tb("orders", "acknowledge", "nothing", **place).code == 4
    assert tb("up", "--json", **place).envelope["error"]["code"] == "port_busy"
    ended = running.interrupt()
    assert (ended.code, ended.out) == (0, "")
    assert not written.exists()
    assert tb("stop", "all", **place).code == 6


@pytest.mark.slow
def test_the_database_is_made_once(tb: Run) -> None:
    assert {"bus", "ops", "orders", "positions"} <= set(tb("db", "upgrade", "--json").envelope["data"]["changed"])
    assert tb("db", "upgrade", "--json").envelope["data"]["changed"] == []


@pytest.mark.slow
def test_the_demo_answers_with_what_was_traded(tb: Run) -> None:
    ended = tb("demo", "--minutes", "500", "--json")
    assert ended.code == 0, ended.err
    data = ended.envelope["data"]
    assert data["books_equal_venue"] is True
    assert [one["id"] for one in data["invariants"] if not one["held"]] == []
    totals = {"orders", "fills", "fees", "funding", "pnl", "books_equal_venue"}
    assert totals <= set(data)
    assert all(totals <= set(data["strategies"][name]) for name in ("hyperrsi", "grid"))
    left = tb("status", "--all", "--json", "--data-dir", data["data_dir"]).envelope["data"]
    assert {run["strategy"] for run in left["runs"]} == {"hyperrsi", "grid"}
    assert sum(one["books"]["fills"] for one in left["accounts"]) == data["fills"]
    [run_id] = [run["run_id"] for run in left["runs"] if run["strategy"] == "grid"]
    verified = tb("verify-result", "--live", run_id[-12:], "--json", "--data-dir", data["data_dir"]).envelope["data"]
    assert (verified["same"], verified["report"]["bars"], verified["report"]["drifts"]) == (True, 100, [])
    assert verified["report"]["fills"] == data["strategies"]["grid"]["fills"] > 0


@pytest.mark.slow
def test_ctrl_c_ends_the_demo_with_a_summary(started: Start) -> None:
    running = started("demo", "--speed", "x600")
    running.wait_for("candles, price")
    ended = running.interrupt()
    assert ended.code == 130
    assert "Stopped by you" in ended.out
    assert "tradingboost status --all --data-dir" in ended.out
    assert "Traceback" not in ended.err


@pytest.mark.long
def test_ctrl_c_before_the_first_candle_ends_the_demo(started: Start) -> None:
    running = started("demo")
    running.wait_for("starting PostgreSQL")
    ended = running.interrupt()
    assert ended.code == 130
    assert "nothing was traded" in ended.err
    assert "Traceback" not in ended.err


@pytest.mark.slow
def test_parity_answers_with_the_differences(tb: Run, candles: Path) -> None:
    ended = tb("parity", "--candles", candles, "--minutes", "400", "--json")
    assert ended.code == 0, ended.out + ended.err
    data = ended.envelope["data"]
    assert data["agree"] is True
    assert {one["strategy"]: one["differences"] for one in data["report"]["verdicts"]} == {"hyperrsi": [], "grid": []}
