"""Admin calls that make and heal faults, and take orders away."""

from typing import Any

from aiohttp import web

from tradingboost.core.errors import InvalidInput, NotFound
from tradingboost.sim.commands import ForceAdl, Vanish
from tradingboost.simulator.admin_json import body_of, reply
from tradingboost.simulator.parts import Parts
from tradingboost.simulator.stepping import units


class FaultAdmin:
    """Handlers of `/faults` and of what the exchange does to orders and positions by itself."""

    def __init__(self, parts: Parts) -> None:
        self._faults = parts.faults
        self._exchange = parts.exchange

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/faults", self._list),
            web.post("/faults", self._add),
            web.delete("/faults", self._heal),
            web.delete("/faults/{id}", self._remove),
            web.post("/adl", self._adl),
            web.delete("/algos/{id}", self._drop_algo),
            web.delete("/orders/{id}", self._drop_order),
        ]

    async def _list(self, _: web.Request) -> web.Response:
        return reply(self._faults.report())

    async def _add(self, request: web.Request) -> web.Response:
        return reply(await self._faults.add(await body_of(request)), 201)

    async def _heal(self, _: web.Request) -> web.Response:
        """Every rule out of force, every condition over."""
        return reply(await self._faults.heal())

    async def _remove(self, request: web.Request) -> web.Response:
        return reply(await self._faults.remove(request.match_info["id"]))

    async def _adl(self, request: web.Request) -> web.Response:
        """Deleverage the position of `uid` in `inst`, whole or `sz` of it.

        `pos_side` names it in long/short mode, `mgn_mode` where both margin modes are held.
        """
        body = await body_of(request)
        row = self._exchange.listed(str(body.get("inst", "")))
        uid = str(body.get("uid", ""))
        side: Any = str(body.get("pos_side", ""))
        if uid not in self._exchange.engine.accounts():
            raise NotFound("no_such_account", f"There is no account {uid}; list them with GET /accounts.")
        if side not in ("", "net", "long", "short"):
            raise InvalidInput("bad_side", "pos_side is net, long or short.")
        mode: Any = str(body.get("mgn_mode", ""))
        if mode not in ("", "cross", "isolated"):
            raise InvalidInput("bad_margin_mode", "The margin mode is cross or isolated.")
        lots = units(str(body["sz"]), row.lot_q, "sz") if body.get("sz") else 0
        command = ForceAdl(at_us=0, uid=uid, inst_id=row.inst_id, pos_side=side, lots=lots, mgn_mode=mode)
        self._exchange.must(command)
        return reply({"uid": uid})

    async def _drop_algo(self, request: web.Request) -> web.Response:
        """An algo vanishes; with `?silent=true` without a word."""
        number = _number(request)
        found = {algo.terms.algo_id: uid for uid in self._uids() for algo in self._exchange.engine.pending_algos(uid)}
        if number not in found:
            raise NotFound("no_such_algo", "No algo waits there; list them with GET /accounts/{uid}/truth.")
        self._exchange.must(Vanish(at_us=0, uid=found[number], algo_id=number, silent=_silent(request)))
        return reply({"gone": str(number)})

    async def _drop_order(self, request: web.Request) -> web.Response:
        """A pending order vanishes; with `?silent=true` without a word."""
        number = _number(request)
        found = {order.terms.ord_id: uid for uid in self._uids() for order in self._exchange.engine.pending_orders(uid)}
        if number not in found:
            raise NotFound("no_such_order", "No such order is pending; list them with GET /accounts/{uid}/truth.")
        self._exchange.must(Vanish(at_us=0, uid=found[number], ord_id=number, silent=_silent(request)))
        return reply({"gone": str(number)})

    def _uids(self) -> tuple[str, ...]:
        return self._exchange.engine.accounts()


def _number(request: web.Request) -> int:
    text = request.match_info["id"]
    return int(text) if text.isdigit() and len(text) <= 19 else 0


def _silent(request: web.Request) -> bool:
    return request.query.get("silent", "false") == "true"
