"""An unmodified freqtrade as a process of its own, told by its REST API what to do."""

import asyncio
import base64
import json
import os
import shutil
import socket
import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal, NamedTuple

import aiohttp
from tests.simulator.stage import KEY, PASSPHRASE, SECRET, Venue

Leg = Literal["long", "short"]
PATIENCE = 300
"""Times to look, a fifth of a second apart."""

LEVER = 3

_STRATEGY = f'''
from freqtrade.strategy import IStrategy


class Told(IStrategy):
    """Has no opinion: it is told when to enter and leave, and keeps its stop at the exchange."""

    INTERFACE_VERSION = 3
    timeframe = "1m"
    can_short = True
    stoploss = -0.05
    minimal_roi = {{"0": 100}}
    startup_candle_count = 5
    order_types = {{
        "entry": "market", "exit": "market", "force_entry": "market", "force_exit": "market",
        "stoploss": "market", "stoploss_on_exchange": True, "stoploss_on_exchange_interval": 60,
        "stoploss_price_type": "mark",
    }}

    def leverage(self, *args, **kwargs):
        return {LEVER}.0

    def populate_indicators(self, dataframe, metadata):
        return dataframe

    def populate_entry_trend(self, dataframe, metadata):
        dataframe["enter_long"] = 0
        return dataframe

    def populate_exit_trend(self, dataframe, metadata):
        dataframe["exit_long"] = 0
        return dataframe
'''


class Written(NamedTuple):
    """What the bot's database says: (side, state, filled base) of every order and stop by id, and what it holds."""

    orders: dict[str, tuple[str, str, Decimal]]
    held: dict[str, Decimal]


def executable() -> str:
    """Where freqtrade is: the variable FREQTRADE, else on the PATH; empty when it is not there."""
    return os.environ.get("FREQTRADE", "") or shutil.which("freqtrade") or ""


class Bot:
    """Calls of freqtrade's own REST API."""

    def __init__(self, url: str, web: aiohttp.ClientSession) -> None:
        self._url = f"{url}/api/v1"
        self._web = web

    async def ask(self, method: str, path: str, body: object = None) -> Any:
        """The answer; what is refused fails the test."""
        async with self._web.request(method, f"{self._url}/{path}", json=body) as answer:
            value = json.loads(await answer.read())
            assert answer.status == 200, (path, body, answer.status, value)
            return value

    async def enter(self, pair: str, leg: Leg) -> int:
        """Open a trade; its number."""
        return int((await self.ask("POST", "forceenter", {"pair": pair, "side": leg}))["trade_id"])

    async def leave(self, trade: int) -> None:
        await self.ask("POST", "forceexit", {"tradeid": str(trade)})

    async def open_trades(self) -> dict[int, Any]:
        """Rows of the trades that are open, by number."""
        return {row["trade_id"]: row for row in await self.ask("GET", "status")}

    async def until(self, done: Callable[[dict[int, Any]], bool], what: str) -> None:
        """Wait for the open trades to be such."""
        for _ in range(PATIENCE):
            if done(await self.open_trades()):
                return
            await asyncio.sleep(0.2)  # the bot looks around in its own time
        raise AssertionError(f"still not: {what}")


@asynccontextmanager
async def running(venue: Venue, pairs: tuple[str, ...], folder: Path) -> AsyncIterator[Bot]:
    """A freqtrade in live mode with stops on the exchange; ended when left, with its database in `folder`."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port = one.getsockname()[1]
    (folder / "told.py").write_text(_STRATEGY, encoding="utf-8")
    (folder / "config.json").write_text(json.dumps(_config(venue, pairs, folder, port)), encoding="utf-8")
    words = ["trade", "-c", str(folder / "config.json"), "--strategy-path", str(folder), "-s", "Told"]
    credentials = base64.b64encode(b"told:told").decode()
    async with aiohttp.ClientSession(headers={"Authorization": f"Basic {credentials}"}) as web:
        with (folder / "log").open("wb") as log:
            process = await asyncio.create_subprocess_exec(
                executable(), *words, "--userdir", str(folder / "user"), stdout=log, stderr=log, cwd=folder
            )
            try:
                bot = Bot(f"http://127.0.0.1:{port}", web)
                await _up(bot, process, folder)
                yield bot
            finally:
                if process.returncode is None:
                    process.terminate()
                    await asyncio.wait_for(process.wait(), 60)


async def _up(bot: Bot, process: asyncio.subprocess.Process, folder: Path) -> None:
    for _ in range(PATIENCE):
        if process.returncode is not None:
            break
        try:
            await bot.ask("GET", "status")
            return
        except (aiohttp.ClientError, AssertionError):
            await asyncio.sleep(0.2)  # it imports for seconds
    said = (folder / "log").read_text(encoding="utf-8")
    raise AssertionError(f"freqtrade is not up: {said[-1500:]}")


def _config(venue: Venue, pairs: tuple[str, ...], folder: Path, port: int) -> dict[str, Any]:
    (folder / "user").mkdir()
    ccxt = {"urls": {"api": {"rest": venue.at.rest, "ws": venue.at.ws}}, "enableRateLimit": False}
    return {
        "bot_name": "told",
        "initial_state": "running",
        "dry_run": False,
        "trading_mode": "futures",
        "margin_mode": "isolated",
        "max_open_trades": len(pairs),
        "stake_currency": "USDT",
        "stake_amount": 1000,
        "cancel_open_orders_on_exit": False,
        "force_entry_enable": True,
        "db_url": f"sqlite:///{folder / 'trades.sqlite'}",
        "unfilledtimeout": {"entry": 10, "exit": 10, "unit": "minutes"},
        "entry_pricing": {"price_side": "other", "use_order_book": False},
        "exit_pricing": {"price_side": "other", "use_order_book": False},
        "pairlists": [{"method": "StaticPairList"}],
        "internals": {"process_throttle_secs": 1},
        "exchange": {
            "name": "okx",
            "key": KEY,
            "secret": SECRET,
            "password": PASSPHRASE,
            "enable_ws": False,
            "ccxt_config": ccxt,
            "pair_whitelist": list(pairs),
            "pair_blacklist": [],
        },
        "api_server": {
            "enabled": True,
            "listen_ip_address": "127.0.0.1",
            "listen_port": port,
            "verbosity": "error",
            "username": "told",
            "password": "told",
            "jwt_secret_key": "a-key-of-this-test-and-nothing-else",
        },
    }


def written(folder: Path) -> Written:
    """Read the database of a bot that has ended."""
    with sqlite3.connect(folder / "trades.sqlite") as database:
        orders = database.execute("SELECT order_id, ft_order_side, status, filled FROM orders").fetchall()
        trades = database.execute("SELECT pair, is_short, amount FROM trades WHERE is_open").fetchall()
    database.close()
    return Written(
        {row[0]: (row[1], row[2], _rounded(row[3] or 0)) for row in orders},
        {pair: _rounded(-amount if is_short else amount) for pair, is_short, amount in trades},
    )


def _rounded(value: float) -> Decimal:
    """A binary float of the bot as the decimal it means."""
    return Decimal(str(round(value, 8))).normalize()
