"""A typed client of the admin port, for replay drivers, the command line and tests."""

import json
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Any, Final

import aiohttp
import msgspec

from tradingboost.core.errors import Unavailable, rebuild
from tradingboost.simulator.stepping import Step, StepResult

_TIMEOUT: Final = aiohttp.ClientTimeout(total=60.0, connect=5.0)


class ConnectionInfo(msgspec.Struct, frozen=True):
    """One WebSocket of the exchange; `sent` counts every text frame handed to its socket, answers included."""

    conn_id: str
    uid: str
    path: str
    sent: int
    subscriptions: list[dict[str, Any]] = []


class Credentials(msgspec.Struct, frozen=True):
    """What a client needs to trade on a new account."""

    uid: str
    key: str
    secret: str
    passphrase: str


class FaultReport(msgspec.Struct, frozen=True):
    """A fault rule with its counters: how often it fitted, how often it acted, why it last could not."""

    id: str
    action: dict[str, Any]
    match: dict[str, str]
    when: dict[str, Any]
    matches: int
    acted: int
    last_ms: int
    trouble: str


class AdminClient:
    """Talks to one simulator's admin port; use as an async context manager.

    Args:
        url: `Endpoints.admin`.
        token: `Endpoints.admin_token`.

    Every call raises the error the simulator raised, or `Unavailable` (`simulator_unreachable`).
    """

    def __init__(self, url: str, token: str) -> None:
        self._url = url
        self._headers = {"Authorization": f"Bearer {token}"}
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> "AdminClient":
        self._session = aiohttp.ClientSession(headers=self._headers, timeout=_TIMEOUT)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._session is not None:
            await self._session.close()

    async def step(self, *steps: Step, known: Mapping[str, int] | None = None) -> StepResult:
        """Carry out steps in order until one stops; returns when every resulting frame was handed to the sockets.

        Args:
            known: `sent` as last heard; if more was sent since, nothing moves and the result says so (`frames`).
        """
        body: dict[str, object] = {"steps": [msgspec.to_builtins(step) for step in steps]}
        if known is not None:
            body["known"] = known
        return msgspec.convert(await self._call("POST", "/clock/step", body), StepResult)

    async def trade(self, inst: str, px: str, *, to_ms: int = 0, volume: str = "") -> StepResult:
        """A print: the price jumps."""
        return await self.step(Step(action="trade", inst=inst, px=px, to_ms=to_ms, volume=volume))

    async def travel(
        self, inst: str, px: str, *, to_ms: int = 0, stop_below: str = "", stop_above: str = "", volume: str = ""
    ) -> StepResult:
        """Move the price continuously; stops where something happens."""
        return await self.step(
            Step(
                action="travel",
                inst=inst,
                px=px,
                to_ms=to_ms,
                stop_below=stop_below,
                stop_above=stop_above,
                volume=volume,
            )
        )

    async def advance(self, to_ms: int) -> StepResult:
        """Let time pass: candles close, timers fire."""
        return await self.step(Step(action="advance", to_ms=to_ms))

    async def connections(self) -> list[ConnectionInfo]:
        return msgspec.convert(await self._call("GET", "/connections"), list[ConnectionInfo])

    async def cut(self, conn_id: str) -> None:
        """Close a WebSocket from the exchange's side."""
        await self._call("DELETE", f"/connections/{conn_id}")

    async def open_account(self, **fields: Any) -> Credentials:
        """Open an account; fields of `AccountSettings`, missing ones are made up."""
        return msgspec.convert(await self._call("POST", "/accounts", fields), Credentials)

    async def open_accounts(self, count: int, **fields: Any) -> list[Credentials]:
        """Open so many accounts alike."""
        return msgspec.convert(await self._call("POST", "/accounts", {**fields, "count": count}), list[Credentials])

    async def limit_account(self, uid: str, **changes: Any) -> None:
        """Change an account's `label`, its keys' permissions (`perm`) or the addresses they work from (`ips`)."""
        await self._call("PATCH", f"/accounts/{uid}", changes)

    async def revoke_key(self, uid: str) -> None:
        await self._call("DELETE", f"/accounts/{uid}/key")

    async def credit(self, uid: str, ccy: str, amount: str) -> None:
        """Money from (or, negative, to) the outside."""
        await self._call("POST", f"/accounts/{uid}/credit", {"ccy": ccy, "amount": amount})

    async def truth(self, uid: str) -> dict[str, Any]:
        """Orders, algos, positions, balances, fills and bills of an account: `exact` and `text`."""
        return await self._object("GET", f"/accounts/{uid}/truth")

    async def manual_order(self, uid: str, order: Mapping[str, str]) -> dict[str, Any]:
        """An order placed by hand, in the venue's own fields; the venue's ACK row."""
        return await self._object("POST", f"/accounts/{uid}/orders", order)

    async def seed_candles(self, inst: str, bar: str, rows: Sequence[Sequence[str | int]]) -> None:
        """History before the first print: [ts_ms, open, high, low, close, volume], oldest first."""
        await self._call("POST", f"/market/{inst}/candles", {"bar": bar, "rows": rows})

    async def set_price(self, inst: str, px: str, volume: str = "") -> None:
        await self._call("POST", f"/market/{inst}/price", {"px": px, "volume": volume})

    async def path(self, inst: str, prices: Sequence[str], *, every_ms: int = 1000) -> None:
        """Line up prints: one price every so often."""
        await self._call("POST", f"/market/{inst}/path", {"prices": list(prices), "every_ms": every_ms})

    async def freeze(self, inst: str, *, frozen: bool = True) -> None:
        """Let an instrument's sources print nothing, or go on."""
        await self._call("POST", f"/market/{inst}/freeze", {"frozen": frozen})

    async def set_mark(self, inst: str, px: str) -> None:
        """Pin the mark price; an empty price lets it follow again."""
        await self._call("POST", f"/market/{inst}/mark", {"px": px})

    async def empty_book(self, inst: str, *, empty: bool = True) -> None:
        """Take the synthetic liquidity away, or bring it back."""
        await self._call("POST", f"/market/{inst}/book", {"empty": empty})

    async def set_state(self, inst: str, state: str) -> None:
        """Change an instrument's state: live, suspend, ..."""
        await self._call("PATCH", f"/instruments/{inst}", {"state": state})

    async def liquidate(self, uid: str, ccy: str = "USDT") -> None:
        """Force the liquidation of an account's positions in one settle currency."""
        await self._call("POST", "/liquidate", {"uid": uid, "ccy": ccy})

    async def deleverage(self, uid: str, inst: str, *, sz: str = "", pos_side: str = "", mgn_mode: str = "") -> None:
        """Deleverage a position, whole or `sz` of it."""
        body = {"uid": uid, "inst": inst, "sz": sz, "pos_side": pos_side, "mgn_mode": mgn_mode}
        await self._call("POST", "/adl", body)

    async def drop_algo(self, algo_id: str, *, silent: bool = False) -> None:
        """Let a waiting algo vanish, told as canceled or without a word."""
        await self._call("DELETE", f"/algos/{algo_id}?silent={str(silent).lower()}")

    async def drop_order(self, ord_id: str, *, silent: bool = False) -> None:
        """Let a pending order vanish, told as canceled or without a word."""
        await self._call("DELETE", f"/orders/{ord_id}?silent={str(silent).lower()}")

    async def funding(self, inst: str, *, rate: str | None = None, settle: bool = False) -> dict[str, Any]:
        """Set the rate of the coming boundary and, if asked, settle it now."""
        body: dict[str, Any] = {"settle": settle} if rate is None else {"rate": rate, "settle": settle}
        return await self._object("POST", f"/funding/{inst}", body)

    async def add_fault(
        self,
        action: str | Mapping[str, Any],
        *,
        match: Mapping[str, str] | None = None,
        when: Mapping[str, Any] | None = None,
        fault_id: str | None = None,
    ) -> FaultReport:
        """Put a fault rule in force (or, for an action on account, market or platform without match, do it at once).

        Args:
            action: `accept_then(drop)`, or the object `{"name": ..., ...}`.
        """
        rule = {"id": fault_id, "action": action, "match": match, "when": when}
        body = {name: value for name, value in rule.items() if value is not None}
        return msgspec.convert(await self._call("POST", "/faults", body), FaultReport)

    async def faults(self) -> list[FaultReport]:
        """Every rule with its counters, in the order in which they are tried."""
        return msgspec.convert(await self._call("GET", "/faults"), list[FaultReport])

    async def remove_fault(self, fault_id: str) -> FaultReport:
        return msgspec.convert(await self._call("DELETE", f"/faults/{fault_id}"), FaultReport)

    async def heal(self) -> list[FaultReport]:
        """Take every rule out of force and end what lasts; the last counters."""
        return msgspec.convert(await self._call("DELETE", "/faults"), list[FaultReport])

    async def reset(self) -> None:
        """Back to the settings; closes every WebSocket."""
        await self._call("POST", "/reset")

    async def snapshot(self) -> bytes:
        return json.dumps(await self._call("GET", "/snapshot")).encode()

    async def restore(self, snapshot: bytes) -> None:
        """Go on from a snapshot; closes every WebSocket."""
        await self._call("PUT", "/snapshot", json.loads(snapshot))

    async def health(self) -> dict[str, Any]:
        return await self._object("GET", "/health")

    async def clock(self) -> dict[str, Any]:
        return await self._object("GET", "/clock")

    async def digest(self) -> str:
        return str((await self._object("GET", "/digest"))["digest"])

    async def check(self) -> list[str]:
        """Run the audits; the sentences of those that fail."""
        return list((await self._object("GET", "/check"))["broken"])

    async def stats(self) -> dict[str, Any]:
        return await self._object("GET", "/stats")

    async def requests(self, cl_ord_id: str = "", limit: int = 200) -> dict[str, Any]:
        """Recent requests, and how often each client order id was sent."""
        return await self._object("GET", f"/requests?limit={limit}&clOrdId={cl_ord_id}")

    async def journal(self, from_seq: int = 0, limit: int = 1000) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = await self._call("GET", f"/journal?from={from_seq}&limit={limit}")
        return found

    async def settings(self) -> dict[str, Any]:
        return await self._object("GET", "/settings")

    async def change_settings(self, **changes: Any) -> dict[str, Any]:
        """Change `policy` (a dict of fields), `limit_scale` or `auth_clock`."""
        return await self._object("PATCH", "/settings", changes)

    async def _object(self, method: str, path: str, body: object = None) -> dict[str, Any]:
        found: dict[str, Any] = await self._call(method, path, body)
        return found

    async def _call(self, method: str, path: str, body: object = None) -> Any:
        if self._session is None:
            raise Unavailable("client_closed", "Enter the admin client with `async with` before calling it.")
        data = None if body is None else json.dumps(body).encode()
        try:
            async with self._session.request(method, self._url + path, data=data) as answer:
                value = json.loads(await answer.read())
        except (aiohttp.ClientError, TimeoutError, json.JSONDecodeError):
            raise Unavailable(
                "simulator_unreachable", "The simulated exchange does not answer; is it running?", url=self._url
            ) from None
        if answer.status >= 400:
            details = value.get("details") or {}
            raise rebuild(value.get("kind", "refused"), value["code"], value["message"], details)
        return value
