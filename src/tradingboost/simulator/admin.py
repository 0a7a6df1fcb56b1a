"""The admin port: loopback, bearer token, JSON. The platform under test never sees it."""

import hmac
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from aiohttp import web
from pydantic import ValidationError

from tradingboost.core.errors import (
    Conflict,
    InvalidInput,
    NotFound,
    Refused,
    TradingBoostError,
    Unavailable,
)
from tradingboost.sim.commands import Credit
from tradingboost.sim.scale import parse as to_quanta
from tradingboost.simulator import orders, persist, truth
from tradingboost.simulator.admin_faults import FaultAdmin
from tradingboost.simulator.admin_json import body_of, reply
from tradingboost.simulator.admin_market import MarketAdmin
from tradingboost.simulator.exchange import key_of
from tradingboost.simulator.parts import Parts
from tradingboost.simulator.settings import AccountSettings
from tradingboost.simulator.stepping import known_of, steps_of

_STATUS: Final[dict[type[TradingBoostError], int]] = {
    InvalidInput: 422,
    NotFound: 404,
    Conflict: 409,
    Refused: 403,
    Unavailable: 503,
}
_MOST_AT_ONCE: Final = 10_000
_MAX_BODY: Final = 256 * 1024 * 1024  # a snapshot
_Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Admin:
    """Handlers of the admin port."""

    def __init__(self, parts: Parts, token: str) -> None:
        self._parts = parts
        self._token = token

    def app(self) -> web.Application:
        app = web.Application(middlewares=[self._guard], client_max_size=_MAX_BODY)
        app.add_routes(
            [
                web.get("/health", self._health),
                web.get("/clock", self._clock),
                web.post("/clock/step", self._step),
                web.get("/connections", self._connections),
                web.delete("/connections/{id}", self._cut),
                web.get("/accounts", self._accounts),
                web.post("/accounts", self._open),
                web.patch("/accounts/{uid}", self._limit),
                web.delete("/accounts/{uid}/key", self._revoke),
                web.post("/accounts/{uid}/credit", self._credit),
                web.get("/accounts/{uid}/truth", self._truth),
                web.post("/accounts/{uid}/orders", self._order),
                web.post("/reset", self._reset),
                web.get("/snapshot", self._snapshot),
                web.put("/snapshot", self._restore),
                *MarketAdmin(self._parts).routes(),
                *FaultAdmin(self._parts).routes(),
                web.get("/journal", self._journal),
                web.get("/digest", self._digest),
                web.get("/check", self._check),
                web.get("/stats", self._stats),
                web.get("/requests", self._requests),
                web.get("/settings", self._settings),
                web.patch("/settings", self._change),
            ]
        )
        return app

    @web.middleware
    async def _guard(self, request: web.Request, handler: _Handler) -> web.StreamResponse:
        given = request.headers.get("Authorization", "").encode()
        if not hmac.compare_digest(given, f"Bearer {self._token}".encode()):
            return reply({"code": "unauthorized", "message": "Send the admin token as a bearer token."}, 401)
        try:
            return await handler(request)
        except TradingBoostError as error:
            body = {"kind": error.kind, "code": error.code, "message": error.message, "details": error.details}
            return reply(body, _STATUS.get(type(error), 500))

    async def _health(self, _: web.Request) -> web.Response:
        clock = self._parts.exchange.clock
        return reply({"ok": True, "clock": clock.mode, "now_ms": self._parts.exchange.now_us() // 1000})

    async def _clock(self, _: web.Request) -> web.Response:
        clock = self._parts.exchange.clock
        return reply(
            {
                "mode": clock.mode,
                "speed": clock.speed,
                "now_ms": self._parts.exchange.now_us() // 1000,
                "auth_clock": clock.auth,
                "next_due_us": self._parts.exchange.engine.next_due(),
            }
        )

    async def _step(self, request: web.Request) -> web.Response:
        body = await body_of(request)
        result = await self._parts.stepper.run(steps_of(body), known_of(body))
        return reply({name: getattr(result, name) for name in result.__struct_fields__})

    async def _connections(self, _: web.Request) -> web.Response:
        """Counters; on a stepped clock, after every private frame that waits was handed to its socket."""
        if self._parts.exchange.clock.stepped:
            self._parts.publisher.flush()
            await self._parts.hub.drain()
        return reply(self._parts.hub.report())

    async def _cut(self, request: web.Request) -> web.Response:
        found = self._parts.hub.connections.get(request.match_info["id"])
        if found is None:
            raise NotFound("no_such_connection", "There is no such connection; list them with GET /connections.")
        await found.close(1012, b"closed by the operator")
        return reply({"closed": found.id})

    async def _accounts(self, _: web.Request) -> web.Response:
        exchange = self._parts.exchange
        keys = {key.uid: key.key for key in exchange.keys.all()}
        rows = [
            {"uid": uid, "label": exchange.labels.get(uid, ""), "key": keys.get(uid, "")}
            for uid in exchange.engine.accounts()
        ]
        return reply(rows)

    async def _open(self, request: web.Request) -> web.Response:
        """Open an account, or with `count` so many alike; numbers and keys that are not given are made up."""
        body = await body_of(request)
        count = body.pop("count", None)
        taken = set(self._parts.exchange.engine.accounts())
        if count is None:
            return reply(self._opened(body, taken), 201)
        named = body.keys() & {"uid", "key", "secret", "passphrase"}
        if not isinstance(count, int) or not 1 <= count <= _MOST_AT_ONCE or named:
            raise InvalidInput(
                "bad_account", f"The count is a number from 1 to {_MOST_AT_ONCE}; many accounts cannot share a key."
            )
        return reply([self._opened(dict(body), taken) for _ in range(count)], 201)

    def _opened(self, body: dict[str, Any], taken: set[str]) -> dict[str, str]:
        fewest = len(taken) + 1  # free unless some numbers were given by hand
        body.setdefault("uid", next(str(number) for number in range(fewest, 10**9) if str(number) not in taken))
        uid = body["uid"]
        taken.add(str(uid))
        for field in ("key", "secret", "passphrase"):
            body.setdefault(field, f"{field}-{uid}")
        try:
            wanted = AccountSettings.model_validate(body)
        except ValidationError as error:
            first = error.errors()[0]
            raise InvalidInput("bad_account", f"The account cannot be read: {first['loc']}: {first['msg']}.") from None
        self._parts.exchange.open_account(wanted)
        key = key_of(wanted)
        return {"uid": key.uid, "key": key.key, "secret": key.secret, "passphrase": key.passphrase}

    async def _limit(self, request: web.Request) -> web.Response:
        """Change an account's `label`, and what its keys may do (`perm`) and from where (`ips`, [] = anywhere)."""
        uid, body = request.match_info["uid"], await body_of(request)
        self._known(uid)
        if body.keys() - {"label", "perm", "ips"}:
            raise InvalidInput("unknown_setting", "Only label, perm and ips of an account can be changed.")
        lists: dict[str, tuple[str, ...] | None] = {}
        for name in ("perm", "ips"):
            given = body.get(name)
            if given is not None and not (isinstance(given, list) and all(isinstance(one, str) for one in given)):
                raise InvalidInput("bad_account", f"{name} is a list of texts.")
            lists[name] = None if given is None else tuple(given)
        if set(lists["perm"] or ()) - {"read_only", "trade", "withdraw"}:
            raise InvalidInput("bad_account", "A permission is read_only, trade or withdraw.")
        if "label" in body:
            self._parts.exchange.labels[uid] = str(body["label"])
        keys = self._parts.exchange.keys.limit_account(uid, perm=lists["perm"], ips=lists["ips"])
        self._parts.exchange.note_keys()
        return reply({"uid": uid, "keys": keys})

    async def _revoke(self, request: web.Request) -> web.Response:
        uid = request.match_info["uid"]
        gone = self._parts.exchange.keys.drop_account(uid)
        self._parts.exchange.note_keys()
        await self._parts.hub.close_all(4007, b"API key revoked", uid)
        return reply({"revoked": gone})

    async def _credit(self, request: web.Request) -> web.Response:
        body = await body_of(request)
        try:
            amount = to_quanta(format(Decimal(str(body.get("amount"))), "f"))
        except (ValueError, InvalidOperation):
            raise InvalidInput("bad_number", "The amount is no plain decimal number.") from None
        uid = request.match_info["uid"]
        self._known(uid)
        self._parts.exchange.must(Credit(at_us=0, uid=uid, ccy=str(body.get("ccy", "USDT")), amount=amount))
        return reply({"uid": uid})

    def _known(self, uid: str) -> None:
        if uid not in self._parts.exchange.engine.accounts():
            raise NotFound("no_such_account", f"There is no account {uid}; list them with GET /accounts.")

    async def _truth(self, request: web.Request) -> web.Response:
        return reply(truth.account(self._parts.exchange, request.match_info["uid"]))

    async def _order(self, request: web.Request) -> web.Response:
        """An order placed by hand, as the user would: the same path, without a signature."""
        uid = request.match_info["uid"]
        self._known(uid)
        row = orders.by_hand(self._parts.exchange, self._parts.limiter, uid, await body_of(request))
        return reply(row)

    async def _reset(self, _: web.Request) -> web.Response:
        await self._parts.faults.heal()
        await self._parts.hub.close_all(1012, b"reset")
        persist.reset(self._parts)
        return reply({"reset": True})

    async def _snapshot(self, _: web.Request) -> web.Response:
        return web.Response(body=persist.dump(self._parts), content_type="application/json")

    async def _restore(self, request: web.Request) -> web.Response:
        await self._parts.hub.close_all(1012, b"restored")
        persist.load(self._parts, await request.read())
        return reply({"restored": True, "digest": self._parts.exchange.engine.digest()})

    async def _journal(self, request: web.Request) -> web.Response:
        from_seq, limit = int(request.query.get("from", "0")), int(request.query.get("limit", "1000"))
        rows = [
            {"seq": event.seq, "at_us": event.at_us, "uid": event.uid, "event": type(event).__name__}
            | {"fields": list(event.digest_fields())}
            for event in self._parts.exchange.journal
            if event.seq >= from_seq
        ]
        return reply(rows[:limit])

    async def _digest(self, _: web.Request) -> web.Response:
        return reply({"digest": self._parts.exchange.engine.digest()})

    async def _check(self, _: web.Request) -> web.Response:
        broken = self._parts.exchange.engine.check()
        return reply({"ok": not broken, "broken": broken})

    async def _stats(self, _: web.Request) -> web.Response:
        parts = self._parts
        return reply(
            {
                "requests": parts.log.total,
                "events": parts.exchange.events,
                "connections": len(parts.hub.connections),
                "frames_sent": sum(one.sent for one in parts.hub.connections.values()),
                "connections_dropped": parts.hub.dropped,
                "accounts": len(parts.exchange.engine.accounts()),
                "live": {
                    "connected": parts.live.connected,
                    "dials": parts.live.dials,
                    "prints": parts.live.prints,
                    "trouble": parts.live.trouble,
                },
            }
        )

    async def _requests(self, request: web.Request) -> web.Response:
        limit = int(request.query.get("limit", "200"))
        return reply(self._parts.log.report(limit, request.query.get("clOrdId", "")))

    async def _settings(self, _: web.Request) -> web.Response:
        return reply(
            {
                "policy": asdict(self._parts.exchange.engine.policy),
                "limit_scale": self._parts.limiter.scale,
                "auth_clock": self._parts.exchange.clock.auth,
            }
        )

    async def _change(self, request: web.Request) -> web.Response:
        body = await body_of(request)
        limit_scale, auth_clock = body.pop("limit_scale", None), body.pop("auth_clock", None)
        if limit_scale is not None:
            self._parts.limiter.scale = max(float(limit_scale), 0.0)
        if auth_clock is not None:
            if auth_clock not in ("wall", "market", "off"):
                raise InvalidInput("bad_auth_clock", "auth_clock is wall, market or off.")
            self._parts.exchange.clock.auth = auth_clock
        changes = body.pop("policy", {})
        if body:
            raise InvalidInput(
                "unknown_setting", "Only policy, limit_scale and auth_clock can be changed while running."
            )
        if changes:
            self._parts.exchange.set_policy(changes)
        return await self._settings(request)
