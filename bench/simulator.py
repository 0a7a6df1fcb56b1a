"""The simulated exchange under load: signed orders over kept connections, each account with a private stream.

`market`: orders that fill at once, with margin, ledger, position and pushes; `resting`: limit orders far below the
market; `batches`: twenty of those a request; `half_load`: market orders at half of what it takes, evenly spaced, and
how long each waits for its answer. Per second of the server's own processor time, beside a bare server (`bench.apart`).
"""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any, Final

from bench.apart import ETH, INST, SOL, Server, serving
from bench.figures import milliseconds
from bench.signed import Line, listening, order
from tradingboost.simulator.client import AdminClient

ACCOUNTS: Final = 8
BATCH: Final = 20
RESTING: Final = 480 * ACCOUNTS
"""An instrument takes 500 of an account."""
_PRICES: Final = {INST: "42000", ETH: "3000", SOL: "150"}


async def measure(orders: int = 12_000) -> dict[str, Any]:
    """Orders a second of processor time, and their ratio to the bare server.

    Args:
        orders: market orders; of the others there are 3,840 at most, for no more may rest.
    """
    async with _load("bare") as (load, _):
        peer = await load.sent(_market(orders))
    async with _load("simulated") as (load, admin):
        market = await load.sent(_market(orders))
        half = await load.paced(_market(min(orders, 4_000)), market["per_s"] / 2)
        rested = min(orders, RESTING)
        resting = await load.sent([(uid, order(uid, _limit(ETH, "1000"))) for uid in _accounts(rested)])
        twenty = [_limit(SOL, "50")] * BATCH
        batches = await load.sent([(uid, order(uid, twenty)) for uid in _accounts(max(rested // BATCH, 1))], BATCH)
        frames, broken = load.frames, await admin.check()
    if broken:
        raise RuntimeError(f"the books of the exchange do not balance: {broken[:3]}")
    return {
        "bare_server": peer,
        "market": market,
        "half_load": half,
        "resting": resting,
        "batches": batches,
        "frames_pushed": frames,
        "ratios": {
            "market_vs_bare_server": round(market["per_cpu_s"] / peer["per_cpu_s"], 2),
            "resting_vs_bare_server": round(resting["per_cpu_s"] / peer["per_cpu_s"], 2),
            "market_per_cpu_s_vs_goal_2000": round(market["per_cpu_s"] / 2_000, 2),
            "batched_per_cpu_s_vs_goal_15000": round(batches["per_cpu_s"] / 15_000, 2),
        },
    }


class Load:
    """Clients of one server, each account with a connection of its own that waits for every answer."""

    def __init__(self, server: Server, lines: Sequence[Line]) -> None:
        self._server = server
        self._lines = lines
        self.frames = 0

    def heard(self) -> None:
        """A frame of a private stream."""
        self.frames += 1

    async def sent(self, requests: Sequence[tuple[int, bytes]], each: int = 1) -> dict[str, float]:
        """As fast as they are answered; `each` = orders a request."""
        cpu, began = self._server.cpu_s(), time.perf_counter()
        await asyncio.gather(*(self._lines[uid].all(mine) for uid, mine in _by_account(requests).items()))
        seconds, used = time.perf_counter() - began, self._server.cpu_s() - cpu
        count = len(requests) * each
        return {"orders": count, "per_s": round(count / seconds), "per_cpu_s": round(count / max(used, 0.01))}

    async def paced(self, requests: Sequence[tuple[int, bytes]], per_s: float) -> dict[str, float]:
        """Evenly spaced; latencies from the moment each was due."""
        began, waits = time.perf_counter() + 0.1, list[float]()

        async def one(uid: int, mine: Sequence[tuple[int, bytes]]) -> None:
            for number, request in mine:
                due = began + number / per_s
                await asyncio.sleep(max(due - time.perf_counter(), 0))
                await self._lines[uid].one(request)
                waits.append(time.perf_counter() - due)

        numbered = _by_account([(uid, (number, request)) for number, (uid, request) in enumerate(requests)])
        await asyncio.gather(*(one(uid, mine) for uid, mine in numbered.items()))
        return {"per_s": round(per_s), **milliseconds(waits)}


@asynccontextmanager
async def _load(kind: str) -> AsyncIterator[tuple[Load, Any]]:
    async with AsyncExitStack() as stack:
        server = await stack.enter_async_context(serving(kind, ACCOUNTS))
        lines = [await stack.enter_async_context(Line.open(server.host, server.port)) for _ in range(ACCOUNTS)]
        load = Load(server, lines)
        if kind == "bare":
            yield load, None
            return
        admin = await stack.enter_async_context(AdminClient(server.admin, server.token))
        for inst, px in _PRICES.items():
            await admin.trade(inst, px, volume="1")
        for uid in range(ACCOUNTS):
            await stack.enter_async_context(listening(server.ws, uid, load.heard))
        yield load, admin


def _accounts(count: int) -> list[int]:
    return [number % ACCOUNTS for number in range(count)]


def _market(count: int) -> list[tuple[int, bytes]]:
    """Each account buys and sells in turn."""
    sides = ("buy", "sell")
    return [
        (n % ACCOUNTS, order(n % ACCOUNTS, {**_COMMON, "side": sides[n // ACCOUNTS % 2], "ordType": "market"}))
        for n in range(count)
    ]


_COMMON: Final = {"instId": INST, "tdMode": "cross", "sz": "1"}


def _limit(inst: str, px: str) -> dict[str, str]:
    return {**_COMMON, "instId": inst, "side": "buy", "ordType": "limit", "px": px}


def _by_account(requests: Sequence[tuple[int, Any]]) -> dict[int, list[Any]]:
    found: dict[int, list[Any]] = {}
    for uid, request in requests:
        found.setdefault(uid, []).append(request)
    return found
