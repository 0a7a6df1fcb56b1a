"""Many people's accounts in one process: connected with their private streams and compared with the exchange.

`first`: each account is logged in, subscribed and compared, as after a start; `again`: compared once more, as every
minute. Memory is that of this process, the platform; the exchange runs in another one. Each account holds a position
and a resting order.
"""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final

from bench.apart import ETH, PASSPHRASE, SECRET, Server, name, resident_mb, serving
from bench.figures import installation, milliseconds
from tradingboost.app.process import platform as opened_platform
from tradingboost.app.replay.driver import VENUE
from tradingboost.app.replay.stage import running
from tradingboost.app.topology import PROCESSES
from tradingboost.app.wiring import Platform
from tradingboost.core.ids import AccountId
from tradingboost.services.orders.workers import AT_ONCE
from tradingboost.shared.interfaces.users import LinkAccount
from tradingboost.simulator.client import AdminClient

GOAL_MB: Final = 500
GOAL_S: Final = 120
_THOUSAND: Final = 1_000
_PAGE_MB: Final = 4 / 1024


async def measure(accounts: int = _THOUSAND) -> dict[str, Any]:
    """Memory and time, and their ratios to the goals of a thousand accounts."""
    async with serving("simulated", accounts) as server, _platform(server) as built:
        async with AdminClient(server.admin, server.token) as admin:
            await admin.trade(ETH, "3000")
            for number in range(accounts):
                await _holding(admin, name(number))
        linked = [await _linked(built, server, number) for number in range(accounts)]
        async with running(built):
            await _compared(built, linked[:1])  # which loads what all of them share
            empty_mb = resident_mb()
            first = await _compared(built, linked)
            full_mb = resident_mb()
            again = await _compared(built, linked)
            healthy = [(await built.exchange.stream_status(one)).healthy for one in linked]
    if not all(healthy):
        raise RuntimeError(f"{healthy.count(False)} streams are not healthy.")
    grown = max(full_mb - empty_mb, _PAGE_MB)  # of a few accounts nothing can be seen
    return {
        "accounts": accounts,
        "memory_mb": {"without": round(empty_mb), "with": round(full_mb), "an_account": round(grown / accounts, 3)},
        "first": first,
        "again": again,
        "ratios": {
            "memory_of_1000_vs_goal": round(grown / accounts * _THOUSAND / GOAL_MB, 3),
            "first_of_1000_vs_goal": round(first["s"] / accounts * _THOUSAND / GOAL_S, 3),
            "again_of_1000_vs_minute": round(again["s"] / accounts * _THOUSAND / 60, 3),
        },
    }


@asynccontextmanager
async def _platform(server: Server) -> AsyncIterator[Platform]:
    async with installation() as settings:
        moved = {"okx_rest": f"http://{server.host}:{server.port}", "okx_ws": server.ws}
        market = settings.market.model_copy(update=moved)
        orders = settings.orders.model_copy(update={"reconcile_every_s": 3600.0})  # after the first time we ask
        there = settings.model_copy(update={"market": market, "orders": orders})
        async with opened_platform(there, PROCESSES, durable=False) as built:
            yield built


async def _holding(admin: AdminClient, uid: str) -> None:
    """A position and a resting order."""
    common = {"instId": ETH, "tdMode": "cross", "side": "buy", "sz": "1"}
    await admin.manual_order(uid, {**common, "ordType": "market"})
    await admin.manual_order(uid, {**common, "ordType": "limit", "px": "1000"})


async def _linked(built: Platform, server: Server, number: int) -> AccountId:
    user = await built.users.create_user(f"user {number}")
    link = LinkAccount(
        user_id=user.user_id,
        venue=VENUE,
        environment="simulated",
        label="bench",
        exchange_uid=name(number),
        api_key=name(number),
        api_secret=SECRET,
        passphrase=PASSPHRASE,
        endpoint_rest=f"http://{server.host}:{server.port}",
        endpoint_ws=server.ws,
    )
    return (await built.users.link_account(link)).account_id


async def _compared(built: Platform, accounts: list[AccountId]) -> dict[str, float]:
    """So many at a time as the platform's own loop."""
    began, cpu, each, wanted = time.perf_counter(), time.process_time(), list[float](), iter(accounts)

    async def compare() -> None:
        for account_id in wanted:
            started = time.perf_counter()
            await built.orders.reconcile(account_id)
            each.append(time.perf_counter() - started)

    await asyncio.gather(*(compare() for _ in range(AT_ONCE)))
    seconds = time.perf_counter() - began
    return {"s": round(seconds, 2), "cpu_s": round(time.process_time() - cpu, 2), **milliseconds(each)}
