"""Admin calls that move the market: prices, history, funding, books, instruments, liquidation."""

from dataclasses import replace
from typing import Final

from aiohttp import web

from tradingboost.core.errors import InvalidInput, NotFound
from tradingboost.sim.commands import (
    ForceLiquidate,
    SeedCandles,
    SetBook,
    SetFunding,
    SetInstrument,
    SettleFunding,
    Trade,
)
from tradingboost.sim.rows import Candle
from tradingboost.sim.scale import parse as to_quanta
from tradingboost.simulator.admin_json import body_of, reply
from tradingboost.simulator.parts import Parts
from tradingboost.simulator.stepping import Step, pin, units

_STATES: Final = {"live", "suspend", "preopen", "test", "post_only", "rebase", "settling"}


class MarketAdmin:
    """Handlers of the market part of the admin port."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    def routes(self) -> list[web.RouteDef]:
        return [
            web.post("/market/{inst}/price", self._price),
            web.post("/market/{inst}/path", self._path),
            web.post("/market/{inst}/freeze", self._freeze),
            web.post("/market/{inst}/mark", self._mark),
            web.post("/market/{inst}/index", self._index),
            web.post("/market/{inst}/book", self._book),
            web.post("/market/{inst}/candles", self._candles),
            web.post("/funding/{inst}", self._funding),
            web.patch("/instruments/{inst}", self._instrument),
            web.post("/liquidate", self._liquidate),
        ]

    async def _price(self, request: web.Request) -> web.Response:
        exchange = self._parts.exchange
        row = exchange.listed(request.match_info["inst"])
        body = await body_of(request)
        price, volume = str(body.get("px", "")), str(body.get("volume", ""))
        if exchange.clock.stepped:
            step = Step(action="trade", inst=row.inst_id, px=price, volume=volume)
            await self._parts.stepper.run([step])
        else:
            px, lots = units(price, row.tick_q, "px"), units(volume, row.lot_q, "volume") if volume else 0
            exchange.run(Trade(at_us=0, inst_id=row.inst_id, px=px, lots=lots))
            await self._parts.stepper.settle()
        return reply({"inst": row.inst_id, "last": exchange.engine.last(row.inst_id)})

    async def _path(self, request: web.Request) -> web.Response:
        """Line up `prices`, one every `every_ms`: a ramp, or a spike and the way back. A stepped clock `run`s them."""
        row = self._parts.exchange.listed(request.match_info["inst"])
        body = await body_of(request)
        prices, every_ms = body.get("prices"), body.get("every_ms", 1000)
        if not isinstance(prices, list) or not prices or not isinstance(every_ms, int) or every_ms <= 0:
            raise InvalidInput("bad_path", "A path has prices (a list) and every_ms (a whole number above 0).")
        ticks = [units(str(price), row.tick_q, "prices") for price in prices]
        if min(ticks) <= 0:
            raise InvalidInput("bad_price", "Every price of a path is above zero.")
        self._parts.driver.play(row, ticks, every_ms)
        return reply({"inst": row.inst_id, "prints": len(ticks), "over_ms": (len(ticks) - 1) * every_ms})

    async def _freeze(self, request: web.Request) -> web.Response:
        """Stop an instrument's sources, or (`frozen` false) let them go on."""
        row = self._parts.exchange.listed(request.match_info["inst"])
        frozen = (await body_of(request)).get("frozen", True)
        if not isinstance(frozen, bool):
            raise InvalidInput("bad_freeze", "Frozen is true or false.")
        self._parts.driver.freeze(row.inst_id, frozen=frozen)
        return reply({"inst": row.inst_id, "frozen": frozen})

    async def _mark(self, request: web.Request) -> web.Response:
        return await self._pin("mark", request)

    async def _index(self, request: web.Request) -> web.Response:
        return await self._pin("index", request)

    async def _pin(self, kind: str, request: web.Request) -> web.Response:
        row = self._parts.exchange.listed(request.match_info["inst"])
        body = await body_of(request)
        self._parts.exchange.run(pin(kind, row, str(body.get("px", ""))))
        await self._parts.stepper.settle()
        return reply({"inst": row.inst_id})

    async def _candles(self, request: web.Request) -> web.Response:
        """History before the first print: rows [ts_ms, open, high, low, close, volume] as text, oldest first."""
        exchange = self._parts.exchange
        row = exchange.listed(request.match_info["inst"])
        body = await body_of(request)
        made = []
        for raw in body.get("rows", ()):
            o, h, l, c = (units(str(value), row.tick_q, "price") for value in raw[1:5])
            lots = units(str(raw[5]), row.lot_q, "volume")
            made.append(Candle(int(raw[0]) * 1000, o, h, l, c, lots, c * lots))
        bar = str(body.get("bar", "1m"))
        exchange.seed_candles(SeedCandles(at_us=0, inst_id=row.inst_id, bar=bar, rows=tuple(made)))
        return reply({"inst": row.inst_id, "bars": len(made)})

    async def _funding(self, request: web.Request) -> web.Response:
        row = self._parts.exchange.listed(request.match_info["inst"])
        body = await body_of(request)
        if "rate" in body:
            try:
                rate = to_quanta(str(body["rate"]))
            except ValueError:
                raise InvalidInput("bad_number", "The rate is no plain decimal number.") from None
            self._parts.exchange.must(SetFunding(at_us=0, inst_id=row.inst_id, rate=rate))
        if body.get("settle"):
            self._parts.exchange.must(SettleFunding(at_us=0, inst_id=row.inst_id))
        await self._parts.stepper.settle()
        rate_now, next_us, settled = self._parts.exchange.engine.funding(row.inst_id)
        return reply({"rate": rate_now, "next_us": next_us, "settled_rate": settled})

    async def _book(self, request: web.Request) -> web.Response:
        """`{"empty": true}` takes the synthetic liquidity away, false brings it back."""
        row = self._parts.exchange.listed(request.match_info["inst"])
        empty = (await body_of(request)).get("empty") is True
        self._parts.exchange.run(SetBook(at_us=0, inst_id=row.inst_id, empty=empty))
        await self._parts.stepper.settle()
        return reply({"inst": row.inst_id, "empty": empty})

    async def _instrument(self, request: web.Request) -> web.Response:
        """Change an instrument's `state`; listeners of `instruments` hear of it."""
        row = self._parts.exchange.listed(request.match_info["inst"])
        state = (await body_of(request)).get("state")
        if state not in _STATES:
            raise InvalidInput("bad_state", f"An instrument's state is one of {', '.join(sorted(_STATES))}.")
        self._parts.exchange.must(SetInstrument(at_us=0, instrument=replace(row, state=state)))
        await self._parts.stepper.settle()
        return reply({"inst": row.inst_id, "state": state})

    async def _liquidate(self, request: web.Request) -> web.Response:
        """Liquidate every cross position of `uid` in the settle currency `ccy`."""
        body = await body_of(request)
        uid, ccy = str(body.get("uid", "")), str(body.get("ccy", "USDT"))
        if uid not in self._parts.exchange.engine.accounts():
            raise NotFound("no_such_account", f"There is no account {uid}; list them with GET /accounts.")
        self._parts.exchange.must(ForceLiquidate(at_us=0, uid=uid, ccy=ccy))
        await self._parts.stepper.settle()
        return reply({"uid": uid})
