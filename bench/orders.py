"""The order path: from an intent to the venue's acknowledgement, beside a bare client loop on the same exchange.

Ours checks, records and claims the intent, then sends it once (`ack`: until the venue's reply is here), then stores the
outcome with its facts (`stored`: until the caller has its answer). The bare loop only sends. Both rest limit orders of
a tenth of a contract far below the market, in alternating batches of the same run; before each timed order the
platform has come to rest from the one before. `cpu` is the processor time of this process, the exchange's own share
included.

The bare loop never waits for anything: client and exchange are one process, and its caches are warm. `paced` is the
same pair at the pace of a market, one of each in turn, each after the same rest and pause. `ladder` is what a run
places at once: twenty orders in one go, beside twenty turns of the bare loop, an order; `whole` adds all that follows
until nothing is on its way any more (streams read, facts joined, events published and heard), in both.
"""

import asyncio
import time
from collections.abc import Awaitable, Iterator
from contextlib import contextmanager
from decimal import Decimal
from typing import Any, NamedTuple

from bench.figures import installation, milliseconds
from tradingboost.app.demo import WARMUP, parameters
from tradingboost.app.instruments import listed
from tradingboost.app.replay.bars import synthetic
from tradingboost.app.replay.driver import VENUE
from tradingboost.app.replay.stage import Stage, stage
from tradingboost.core.errors import BrokenInvariant
from tradingboost.core.ids import RunId, Symbol
from tradingboost.core.market import Timeframe
from tradingboost.core.order import OrderIntent, OrderType, PositionSide, Side
from tradingboost.kit.clock import SystemClock
from tradingboost.shared.interfaces.exchange import Outcome, PlaceOrder
from tradingboost.shared.interfaces.orders import ClaimLegs

ETH = Symbol("ETH-USDT-SWAP")
RUN = RunId("bench")
PRICE, QTY = Decimal(1500), Decimal("0.1")
BATCH = 20
LADDERS = 6
PAUSE_S = 0.005


async def measure(orders: int = 200) -> dict[str, Any]:
    """p50 and p99 of both, and their ratio.

    Args:
        orders: of each kind; the exchange lets 500 rest per instrument.
    """
    market = synthetic(7, listed("BTC-USDT-SWAP"), Timeframe.M5, (WARMUP, 1), SystemClock().now())
    async with installation() as settings, stage(settings, market, [("grid", parameters("grid", market))]) as built:
        await built.admin.trade(ETH, "3000")
        account = built.parts[0].account
        await built.platform.orders.claim(
            ClaimLegs(
                run_id=RUN,
                user_id=account.user_id,
                account_id=account.account_id,
                venue=VENUE,
                symbol=ETH,
                leverage=5,
            )
        )
        bare = await _client(built)
        try:
            ours, theirs = await _race(built, bare, orders)
            paced, bare_paced = await _at_a_pace(built, bare, orders)
            ladder, bare_ladder = await _ladders(built, bare, 2 * orders)
        finally:
            await bare.close()
    bare_ms = [one.stored for one in theirs]
    result: dict[str, Any] = {
        "orders": orders,
        "ack": milliseconds([one.ack for one in ours]),
        "stored": milliseconds([one.stored for one in ours]),
        "cpu": milliseconds([one.cpu for one in ours]),
        "bare_ccxt": milliseconds(bare_ms),
        "bare_ccxt_cpu": milliseconds([one.cpu for one in theirs]),
        "paced": milliseconds([one.cpu for one in paced]),
        "bare_ccxt_paced": milliseconds([one.cpu for one in bare_paced]),
        "ladder": milliseconds([one.cpu for one in ladder]),
        "bare_ccxt_ladder": milliseconds([one.cpu for one in bare_ladder]),
        "whole": milliseconds([one.whole for one in ladder]),
        "bare_ccxt_whole": milliseconds([one.whole for one in bare_ladder]),
    }
    halves = (
        ("ack", ""),
        ("stored", ""),
        ("cpu", "_cpu"),
        ("paced", "_paced"),
        ("ladder", "_ladder"),
        ("whole", "_whole"),
    )
    result["ratios"] = {
        f"{part}_vs_ccxt_{share}": round(
            result[part][f"{share}_ms"] / result[f"bare_ccxt{bare_part}"][f"{share}_ms"], 2
        )
        for part, bare_part in halves
        for share in ("p50", "p99")
    }
    return result


class Timed(NamedTuple):
    """Seconds of one order: until the venue's reply, until it is stored, and of processor time until then."""

    ack: float
    stored: float
    cpu: float


class Spent(NamedTuple):
    """Seconds of processor time an order of a ladder takes: until it is stored, and until everything is at rest."""

    cpu: float
    whole: float


async def _race(built: Stage, bare: Any, orders: int) -> tuple[list[Timed], list[Timed]]:
    ours: list[Timed] = []
    theirs: list[Timed] = []
    with _replies(built) as replies:
        for first in range(-BATCH, orders, BATCH):  # the first batch warms both up
            for number in range(first, first + BATCH):
                await _at_rest(built)
                ours.append(await _timed(built.platform.orders.submit(_intent(built, number)), replies))
            await _at_rest(built)
            for _ in range(BATCH):
                theirs.append(await _timed(_bare(bare), replies))
    return ours[BATCH:], theirs[BATCH:]


async def _at_a_pace(built: Stage, bare: Any, orders: int) -> tuple[list[Timed], list[Timed]]:
    """Half as many of each, since the money of the account is one for both races."""
    ours: list[Timed] = []
    theirs: list[Timed] = []
    with _replies(built) as replies:
        for number in range(orders, orders + max(orders // 2, 1)):
            for call, kept in ((built.platform.orders.submit(_intent(built, number)), ours), (_bare(bare), theirs)):
                await _at_rest(built)
                await asyncio.sleep(PAUSE_S)
                kept.append(await _timed(call, replies))
    return ours, theirs


async def _ladders(built: Stage, bare: Any, first: int) -> tuple[list[Spent], list[Spent]]:
    """Twenty in one go and twenty one by one, in turn; the first pair warms both up."""
    ours: list[Spent] = []
    theirs: list[Spent] = []
    for start in range(first, first + (LADDERS + 1) * BATCH, BATCH):
        ours.append(await _spent(built, _ladder(built, [_intent(built, start + step) for step in range(BATCH)])))
        theirs.append(await _spent(built, _loop(bare)))
    return ours[1:], theirs[1:]


async def _ladder(built: Stage, intents: list[OrderIntent]) -> None:
    placed = await built.platform.orders.submit_batch(intents)
    if [one.state for one in placed] != ["OPEN"] * BATCH:
        raise BrokenInvariant("bench_ladder_refused", "A ladder of the bench was not placed whole.")


async def _loop(bare: Any) -> None:
    for _ in range(BATCH):
        await _bare(bare)


async def _spent(built: Stage, work: Awaitable[Any]) -> Spent:
    await _at_rest(built)
    began = time.process_time()
    await work
    stored = time.process_time()
    await _at_rest(built)
    return Spent((stored - began) / BATCH, (time.process_time() - began) / BATCH)


def _bare(client: Any) -> Any:
    return client.create_order("ETH/USDT:USDT", "limit", "buy", float(QTY), float(PRICE))


async def _timed(call: Any, replies: list[float]) -> Timed:
    replies.clear()
    began, cpu = time.perf_counter(), time.process_time()
    await call
    ended = time.perf_counter()
    return Timed((replies[-1] if replies else ended) - began, ended - began, time.process_time() - cpu)


@contextmanager
def _replies(built: Stage) -> Iterator[list[float]]:
    """When each reply of the venue came back to `orders`."""
    exchange: Any = built.platform.exchange
    place, at = exchange.place, list[float]()

    async def timed(request: PlaceOrder) -> Outcome:
        outcome: Outcome = await place(request)
        at.append(time.perf_counter())
        return outcome

    exchange.place = timed
    try:
        yield at
    finally:
        del exchange.place


async def _at_rest(built: Stage) -> None:
    """Nothing of the orders before is still on its way."""
    sent = {one.conn_id: one.sent for one in await built.admin.connections()}
    await built.quiet().wait(sent)


def _intent(built: Stage, number: int) -> OrderIntent:
    account = built.parts[0].account
    return OrderIntent(
        user_id=account.user_id,
        account_id=account.account_id,
        run_id=RUN,
        venue=VENUE,
        symbol=ETH,
        slot=f"buy:{number + BATCH}",
        side=Side.BUY,
        position_side=PositionSide.LONG,
        type=OrderType.LIMIT,
        qty=QTY,
        price=PRICE,
        reference_price=Decimal(3000),
        reason="bench",
        cause=f"seq:{number}",
    )


async def _client(built: Stage) -> Any:
    import ccxt.async_support as ccxt

    keys = await built.admin.open_account(balances={"USDT": "1000000"})
    account = built.parts[0].account
    client = ccxt.okx(
        {
            "apiKey": keys.key,
            "secret": keys.secret,
            "password": keys.passphrase,
            "enableRateLimit": False,
            "urls": {"api": {"rest": account.endpoint_rest, "ws": account.endpoint_ws}},
        }
    )
    await client.load_markets()
    return client
