"""The simulated exchange under load: signed orders over kept connections, each account with a private stream.

`reads`: the lightest signed request; `market`: orders that fill at once, with margin, ledger, position and pushes;
`resting`: limit orders far below the market; `batches`: twenty of those a request; `canceled`: the same taken back;
`listed`: a page of a hundred of them; `half_load`: market orders at half of what it takes, evenly spaced, and how long
each waits for its answer; `streams`: five hundred private connections, their memory and what is told to them. Per
second of the server's own processor time, beside a bare server (`bench.apart`). `core` and `replay`: `bench.engine`.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any, Final

from bench import engine
from bench.apart import ETH, INST, SOL, Server, resident_mb, serving
from bench.figures import milliseconds
from bench.signed import Line, asked, listening, order, posted
from tradingboost.simulator.client import AdminClient

ACCOUNTS: Final = 8
BATCH: Final = 20
RESTING: Final = 480 * ACCOUNTS
"""An instrument takes 500 of an account."""
STREAMS: Final = 500
_PER_ACCOUNT: Final = 5
_PRICES: Final = {INST: "42000", ETH: "3000", SOL: "150"}
_CONFIG: Final = "/api/v5/account/config"
_PENDING: Final = "/api/v5/trade/orders-pending?instType=SWAP"
_CANCELS: Final = "/api/v5/trade/cancel-batch-orders"


async def measure(orders: int = 12_000) -> dict[str, Any]:
    """Orders a second of processor time, and their ratios to the bare server and to what is aimed at.

    Args:
        orders: market orders; of the others there are 3,840 at most, for no more may rest.
    """
    async with _load("bare") as (load, _):
        peer = await load.sent(_market(orders))
    async with _load("simulated") as (load, admin):
        figures = await _trading(load, orders)
        figures["frames_pushed"], broken = load.frames, await admin.check()
    if broken:
        raise RuntimeError(f"the books of the exchange do not balance: {broken[:3]}")
    figures["streams"] = await _streams(min(STREAMS, max(orders // 8, 20)))
    figures["core"] = engine.core(min(orders, 8_000))
    figures["replay"] = await engine.replay(min(engine.BARS, max(orders // 8, 10)))
    return {"bare_server": peer, **figures, "ratios": _ratios(peer, figures)}


async def _trading(load: "Load", orders: int) -> dict[str, Any]:
    """What eight accounts do."""
    reads = await load.sent([(uid, asked(uid, _CONFIG)) for uid in _accounts(orders // 2)])
    market = await load.sent(_market(orders))
    half = await load.paced(_market(min(orders, 4_000)), market["per_s"] / 2)
    rested = min(orders, RESTING)
    resting = await load.sent([(uid, order(uid, _limit(ETH, "1000"))) for uid in _accounts(rested)])
    turns = range(max(rested // BATCH, 1))
    batches = await load.sent([(turn % ACCOUNTS, order(turn % ACCOUNTS, _batch(turn))) for turn in turns], BATCH)
    listed = await load.sent([(uid, asked(uid, _PENDING)) for uid in _accounts(max(orders // 24, 8))])
    taken = [(turn % ACCOUNTS, posted(turn % ACCOUNTS, _CANCELS, _taken_back(turn))) for turn in turns]
    return {
        "reads": {**reads, "cpu_us": round(1e6 / reads["per_cpu_s"], 1)},
        "market": market,
        "half_load": half,
        "resting": resting,
        "batches": batches,
        "listed": {**listed, "cpu_us": round(1e6 / listed["per_cpu_s"], 1)},
        "canceled": await load.sent(taken, BATCH),
        "memory_mb": load.memory_mb(),
    }


def _ratios(peer: dict[str, float], figures: dict[str, Any]) -> dict[str, float]:
    """Beside the bare server and beside each goal: 1 or more reaches it, of what `costs` 1 or less."""
    market, bare = figures["market"]["per_cpu_s"], peer["per_cpu_s"]
    streams, core, day = figures["streams"], figures["core"], figures["replay"]
    return {
        "market_vs_bare_server": round(market / bare, 2),
        "resting_vs_bare_server": round(figures["resting"]["per_cpu_s"] / bare, 2),
        "batched_vs_bare_server": round(figures["batches"]["per_cpu_s"] / bare, 2),
        "market_per_cpu_s_vs_goal_2000": round(market / 2_000, 2),
        "batched_per_cpu_s_vs_goal_15000": round(figures["batches"]["per_cpu_s"] / 15_000, 2),
        "half_load_p50_costs_of_2_ms": round(figures["half_load"]["p50_ms"] / 2, 2),
        "half_load_p99_costs_of_10_ms": round(figures["half_load"]["p99_ms"] / 10, 2),
        "signed_request_costs_of_70_us": round(figures["reads"]["cpu_us"] / 70, 2),
        "streams_memory_costs_of_250_mb": round(
            max(streams["memory_mb"], 0.5) / 250 * STREAMS / streams["connections"], 2
        ),
        "streams_frames_vs_goal_20000": round(streams["frames_per_cpu_s"] / 20_000, 2),
        "core_adds_vs_goal_200000": round(core["adds_per_s"] / 200_000, 2),
        "core_fills_vs_goal_150000": round(core["fills_per_s"] / 150_000, 2),
        "core_idle_prints_vs_goal_1000000": round(core["idle_prints_per_s"] / 1_000_000, 2),
        "replay_costs_of_10_s": round(day["cpu_s"] / 10 * engine.BARS / day["bars"], 2),
    }


async def _streams(connections: int) -> dict[str, float]:
    """Private connections of three channels each, five an account: memory, and frames while some accounts trade."""
    async with _load("simulated", max(connections // _PER_ACCOUNT, ACCOUNTS), connections) as (load, _):
        heard, cpu = load.frames, load.cpu_s()
        await load.sent(_market(max(connections * 3, 160)))
        frames, used = load.frames - heard, load.cpu_s() - cpu
        return {
            "connections": connections,
            "memory_mb": load.streams_mb,
            "frames": frames,
            "frames_per_cpu_s": round(frames / max(used, 0.01)),
        }


class Load:
    """Clients of one server, each account with a connection of its own that waits for every answer."""

    def __init__(self, server: Server, lines: Sequence[Line]) -> None:
        self._server = server
        self._lines = lines
        self.frames = 0
        self.streams_mb = 0.0
        """What the private streams took of the server's memory."""

    def heard(self) -> None:
        """A frame of a private stream."""
        self.frames += 1

    def memory_mb(self) -> float:
        """What the server holds."""
        return round(resident_mb(f"{self._server.pid}"), 1)

    def cpu_s(self) -> float:
        """Processor seconds the server has used so far."""
        return self._server.cpu_s()

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
async def _load(kind: str, accounts: int = ACCOUNTS, streams: int = ACCOUNTS) -> AsyncIterator[tuple[Load, Any]]:
    async with AsyncExitStack() as stack:
        server = await stack.enter_async_context(serving(kind, accounts))
        lines = [await stack.enter_async_context(Line.open(server.host, server.port)) for _ in range(ACCOUNTS)]
        load = Load(server, lines)
        if kind == "bare":
            yield load, None
            return
        admin = await stack.enter_async_context(AdminClient(server.admin, server.token))
        for inst, px in _PRICES.items():
            await admin.trade(inst, px, volume="1")
        before = load.memory_mb()
        for number in range(streams):
            await stack.enter_async_context(listening(server.ws, number % accounts, load.heard))
        load.streams_mb = round(load.memory_mb() - before, 1)
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


def _batch(turn: int) -> list[dict[str, str]]:
    """Twenty orders that rest, by names of their own."""
    return [{**_limit(SOL, "50"), **named} for named in _names(turn)]


def _taken_back(turn: int) -> list[dict[str, str]]:
    return [{"instId": SOL, **named} for named in _names(turn)]


def _names(turn: int) -> list[dict[str, str]]:
    return [{"clOrdId": f"b{turn}n{number}"} for number in range(BATCH)]
