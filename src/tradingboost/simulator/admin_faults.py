"""Admin calls that make and heal faults."""

from aiohttp import web

from tradingboost.simulator.admin_json import body_of, reply
from tradingboost.simulator.parts import Parts


class FaultAdmin:
    """Handlers of `/faults`."""

    def __init__(self, parts: Parts) -> None:
        self._faults = parts.faults

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/faults", self._list),
            web.post("/faults", self._add),
            web.delete("/faults", self._heal),
            web.delete("/faults/{id}", self._remove),
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
