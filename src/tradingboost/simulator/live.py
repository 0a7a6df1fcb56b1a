"""The live feed: a real venue's public prices printed here, so that paper orders meet the real market.

It reads what the venue tells everybody (OKX v5: candles over REST; trades, marks, index and funding over one socket)
and sends nothing but subscriptions. While the venue is away the market stands still; it dials again for ever.
"""

import asyncio
from collections.abc import Iterable
from contextlib import suppress
from typing import Any, Final

import aiohttp
import orjson

from tradingboost.core.errors import Unavailable
from tradingboost.kit.clock import Clock
from tradingboost.sim.commands import Command, SeedCandles, SetFunding, SetIndex, SetMark, Trade
from tradingboost.sim.instruments import Instrument
from tradingboost.sim.rows import Candle
from tradingboost.sim.scale import parse
from tradingboost.simulator.exchange import Exchange
from tradingboost.simulator.settings import SimulatorSettings

_ASK: Final = aiohttp.ClientTimeout(total=15)
_PING_S: Final = 15.0
_SILENCE_S: Final = 30.0
_FIRST_WAIT_S, _LONGEST_WAIT_S = 0.5, 15.0
_HISTORY_BARS: Final = 300
_MAX_FRAME: Final = 1_048_576
_CLOSING: Final = aiohttp.ClientWSTimeout(ws_close=2.0)
_RATE_DIGITS: Final = 14
"""Characters of a rate down to our 1e-12."""


class LiveFeed:
    """Follows the instruments whose source is `live`.

    Args:
        wall: waits between two dials.
    """

    def __init__(self, exchange: Exchange, settings: SimulatorSettings, wall: Clock) -> None:
        self._exchange = exchange
        self._rest, self._ws = settings.live_rest_url.rstrip("/"), settings.live_ws_url.rstrip("/")
        self._wall = wall
        self.names = tuple(one.inst for one in settings.markets if one.source == "live")
        self._by_index: dict[str, list[str]] = {}
        self.connected = False
        self.dials = self.prints = 0
        self.trouble = ""

    async def history(self) -> dict[str, SeedCandles]:
        """The newest closed minutes of every followed instrument.

        Raises:
            Unavailable: the venue does not tell them.
        """
        found = {}
        async with aiohttp.ClientSession(timeout=_ASK, trust_env=True) as web:
            for name in self.names:
                row = self._exchange.listed(name)
                try:
                    bars = await self._bars(web, row)
                except (aiohttp.ClientError, TimeoutError, ValueError, KeyError, TypeError):
                    message = f"The history of {name} could not be read there; look at TB_SIM__LIVE_REST_URL."
                    raise Unavailable("live_history_unread", message, url=self._rest) from None
                found[name] = SeedCandles(at_us=0, inst_id=name, bar="1m", rows=bars)
        return found

    async def _bars(self, web: aiohttp.ClientSession, row: Instrument) -> tuple[Candle, ...]:
        wanted = {"instId": row.inst_id, "bar": "1m", "limit": str(_HISTORY_BARS)}
        async with web.get(f"{self._rest}/api/v5/market/candles", params=wanted) as answer:
            rows = orjson.loads(await answer.read())["data"]
        return tuple(_bar(row, one) for one in reversed(rows) if one[8] == "1")

    async def run(self) -> None:
        """Follow for ever."""
        for name in self.names:
            row = self._exchange.listed(name)
            self._by_index.setdefault(f"{row.base}-{row.quote}", []).append(name)
        wait_s = _FIRST_WAIT_S
        async with aiohttp.ClientSession(trust_env=True) as web:
            while True:
                before = self.prints
                try:
                    await self._follow(web)
                    self.trouble = "The venue ended the connection."
                except (aiohttp.ClientError, TimeoutError, OSError, ValueError, KeyError) as error:
                    self.trouble = f"{type(error).__name__}: {error}"
                self.connected = False
                wait_s = _FIRST_WAIT_S if self.prints > before else min(wait_s * 2, _LONGEST_WAIT_S)
                await self._wall.sleep(wait_s)

    async def _follow(self, web: aiohttp.ClientSession) -> None:
        self.dials += 1
        async with web.ws_connect(f"{self._ws}/public", max_msg_size=_MAX_FRAME, timeout=_CLOSING) as socket:
            await socket.send_str(orjson.dumps({"op": "subscribe", "args": self._arguments()}).decode())
            pinging = asyncio.get_running_loop().create_task(self._ping(socket))
            try:
                while (message := await socket.receive(timeout=_SILENCE_S)).type is aiohttp.WSMsgType.TEXT:
                    if message.data != "pong":
                        self._take(orjson.loads(message.data))
            finally:
                pinging.cancel()
                with suppress(asyncio.CancelledError):
                    await pinging

    async def _ping(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        while True:
            await self._wall.sleep(_PING_S)
            await socket.send_str("ping")

    def _arguments(self) -> list[dict[str, str]]:
        asked = [{"channel": "index-tickers", "instId": name} for name in self._by_index]
        for name in self.names:
            swap = self._exchange.listed(name).kind == "SWAP"
            channels = ("trades", "mark-price", "funding-rate") if swap else ("trades",)
            asked += [{"channel": channel, "instId": name} for channel in channels]
        return asked

    def _take(self, frame: dict[str, Any]) -> None:
        """Carry out what a frame tells; a subscription the venue refuses is remembered and the others go on."""
        if frame.get("event") == "error":
            self.trouble = str(frame.get("msg", ""))
        elif frame.get("event") == "subscribe":
            self.connected, self.trouble = True, ""
        channel = frame.get("arg", {}).get("channel", "")
        for row in frame.get("data", ()):
            for command in self._commands(channel, row):
                self._exchange.run(command)

    def _commands(self, channel: str, row: dict[str, str]) -> Iterable[Command]:
        named = row["instId"]
        names = self._by_index.get(named, []) if channel == "index-tickers" else [named]
        for name in names:
            inst = self._exchange.instrument(name)
            if inst is None:
                continue
            match channel:
                case "trades":
                    self.prints += 1
                    lots = max(parse(row["sz"]) // inst.lot_q, 1)
                    yield Trade(at_us=0, inst_id=name, px=_ticks(inst, row["px"]), lots=lots)
                case "mark-price":
                    yield SetMark(at_us=0, inst_id=name, px=_ticks(inst, row["markPx"]))
                case "index-tickers":
                    yield SetIndex(at_us=0, inst_id=name, px=_ticks(inst, row["idxPx"]))
                case "funding-rate":
                    rate = parse(row["fundingRate"][:_RATE_DIGITS])
                    if rate != self._exchange.engine.funding(name)[0]:
                        yield SetFunding(at_us=0, inst_id=name, rate=rate)


def _ticks(inst: Instrument, price: str) -> int:
    """A price of the venue on our grid, which may be coarser than its."""
    return max(parse(price) // inst.tick_q, 1)


def _bar(inst: Instrument, row: list[str]) -> Candle:
    opened, high, low, close = (_ticks(inst, price) for price in row[1:5])
    lots = parse(row[5]) // inst.lot_q
    return Candle(int(row[0]) * 1000, opened, high, low, close, lots, close * lots)
